"""Watching files."""

import asyncio
from pathlib import Path

import pytest

from gatepost.emulator.reload import Saved, watch


class Saves:
    """A watched folder and the saves that were told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen: asyncio.Queue[Saved] = asyncio.Queue()

    async def next(self) -> Saved:
        """The next save, or a failure after 10 s."""
        return await asyncio.wait_for(self.seen.get(), 10)

    async def save_until_seen(self, path: Path) -> Saved:
        """Save again and again until told: watching begins a moment after its start."""
        for number in range(100):
            path.write_text(f"# {number}\n")
            try:
                return await asyncio.wait_for(self.seen.get(), 0.2)
            except TimeoutError:
                continue
        pytest.fail("no save was told")


async def test_code_counts_packages_of_others_do_not_and_the_template_is_told_apart(
    tmp_path: Path,
) -> None:
    """One save at a time, and none for what no handler is made of."""
    root = tmp_path.resolve()
    for folder in ("functions", "node_modules"):
        (root / folder).mkdir()
    template = root / "serverless.yml"
    saves, stop = Saves(root), asyncio.Event()

    async def on_save(saved: Saved) -> None:
        saves.seen.put_nowait(saved)

    watching = asyncio.create_task(watch(template, root, on_save, stop, on_watching=lambda: None))
    try:
        assert await saves.save_until_seen(root / "functions/connect.py") == "code"
        assert await saves.save_until_seen(root / "shared.py") == "code"
        (root / "made_later").mkdir()
        assert await saves.next() == "code"
        assert await saves.save_until_seen(root / "made_later/handler.py") == "code"
        while not saves.seen.empty():
            saves.seen.get_nowait()
        (root / "node_modules/index.js").write_text("1")
        (root / "functions/notes.txt").write_text("1")
        template.write_text("service: x\n")
        found = await saves.next()
        while found == "code":  # a late echo of the saves above
            found = await saves.next()
        assert found == "template"
    finally:
        stop.set()
        await asyncio.wait_for(watching, 10)


async def test_a_save_right_after_watching_has_begun_is_told(tmp_path: Path) -> None:
    """One at the top, one in a folder, and a folder that is made: each has its own watcher."""
    root = tmp_path.resolve()
    (root / "functions").mkdir()
    saves, stop = Saves(root), asyncio.Event()

    async def on_save(saved: Saved) -> None:
        saves.seen.put_nowait(saved)

    def save() -> None:
        (root / "shared.py").write_text("1")
        (root / "functions/connect.py").write_text("1")
        (root / "made_now").mkdir()

    template = root / "serverless.yml"
    watching = asyncio.create_task(watch(template, root, on_save, stop, on_watching=save))
    try:
        assert [await saves.next() for _ in range(3)] == ["code"] * 3
    finally:
        stop.set()
        await asyncio.wait_for(watching, 10)
