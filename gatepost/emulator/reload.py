"""Watching a project's files: says when a handler or the template was saved.

Folders that hold no handlers (environments, packages of Node, caches) are not watched.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from watchfiles import Change, DefaultFilter, awatch

Saved = Literal["code", "template"]

CODE_SUFFIXES = frozenset({".py", ".js", ".mjs", ".cjs"})
"""No .json: functions write such files themselves, and would start anew each time."""

DEBOUNCE_MS = 60
"""An editor writes a file in several steps; they count as one save."""


class _CodeOrTemplate(DefaultFilter):
    """DefaultFilter leaves out .git, .venv, node_modules and caches; this adds: code only."""

    def __init__(self, template: Path) -> None:
        super().__init__()
        self._template = str(template)

    def __call__(self, change: Change, path: str) -> bool:
        wanted = path == self._template or Path(path).suffix in CODE_SUFFIXES
        return wanted and super().__call__(change, path)


class _NewFolder(DefaultFilter):
    """Lets through a folder that was made and may hold code."""

    def __call__(self, change: Change, path: str) -> bool:
        return change is Change.added and _may_hold_code(Path(path))


async def watch(
    template: Path,
    root: Path,
    on_save: Callable[[Saved], Awaitable[None]],
    stop: asyncio.Event,
    *,
    on_watching: Callable[[], None],
) -> None:
    """Await `on_save` once for each save, one at a time, until `stop` is set.

    Calls `on_watching` once: whatever is saved after it is told. `template` and `root` are resolved
    paths. A change of the template and of code in one save counts as code first, then as template;
    a new folder at the top counts as code.
    """
    saves = _Saves(template, on_save, stop)
    async with asyncio.TaskGroup() as watchers:
        # The root itself is not followed into its folders: that would count every ignored one.
        watchers.create_task(saves.follow(*{root, template.parent}, recursive=False))
        if folders := _folders_with_code(root):
            watchers.create_task(saves.follow(*folders, recursive=True))
        watchers.create_task(saves.follow_new_folders(root, watchers))
        await asyncio.sleep(0)  # each runs to its first wait, which is for what it watches already
        on_watching()


class _Saves:
    """Follows files and tells of saves, one at a time."""

    def __init__(
        self, template: Path, on_save: Callable[[Saved], Awaitable[None]], stop: asyncio.Event
    ) -> None:
        self._template = template
        self._on_save = on_save
        self._stop = stop
        self._one_at_a_time = asyncio.Lock()

    async def follow(self, *paths: Path, recursive: bool) -> None:
        """Tell of what is saved in these folders until the end."""
        template = str(self._template)
        async for changes in awatch(
            *paths,
            watch_filter=_CodeOrTemplate(self._template),
            debounce=DEBOUNCE_MS,
            stop_event=self._stop,
            recursive=recursive,
            ignore_permission_denied=True,
        ):
            changed = {path for _, path in changes}
            if changed - {template}:
                await self.tell("code")
            if template in changed:
                await self.tell("template")

    async def follow_new_folders(self, root: Path, watchers: asyncio.TaskGroup) -> None:
        """Tell of folders that are made at the top, and follow them among the `watchers`."""
        new_folders = awatch(
            root, watch_filter=_NewFolder(), stop_event=self._stop, recursive=False
        )
        async for changes in new_folders:
            made = {Path(path) for _, path in changes}
            watchers.create_task(self.follow(*made, recursive=True))
            await self.tell("code")

    async def tell(self, saved: Saved) -> None:
        """Await the callback, after any that runs."""
        async with self._one_at_a_time:
            await self._on_save(saved)


def _folders_with_code(root: Path) -> list[Path]:
    return [entry for entry in root.iterdir() if _may_hold_code(entry)]


def _may_hold_code(entry: Path) -> bool:
    return (
        entry.is_dir()
        and not entry.name.startswith(".")
        and entry.name not in DefaultFilter.ignore_dirs
    )
