"""Watching a project's files: says when a handler or the template was saved.

Folders that hold no handlers (environments, packages of Node, caches) are not watched. A folder
that is made at the top of the project while the emulator runs is not watched until the next start.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from watchfiles import Change, DefaultFilter, awatch

Saved = Literal["code", "template"]

CODE_SUFFIXES = frozenset({".py"})
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


async def watch(
    template: Path,
    root: Path,
    on_save: Callable[[Saved], Awaitable[None]],
    stop: asyncio.Event,
) -> None:
    """Await `on_save` once for each save, one at a time, until `stop` is set.

    `template` and `root` are resolved paths. A change of the template and of code in one save
    counts as code first, then as template.
    """
    one_at_a_time = asyncio.Lock()

    async def follow(*paths: Path, recursive: bool) -> None:
        async for changes in awatch(
            *paths,
            watch_filter=_CodeOrTemplate(template),
            debounce=DEBOUNCE_MS,
            stop_event=stop,
            recursive=recursive,
            ignore_permission_denied=True,
        ):
            changed = {path for _, path in changes}
            async with one_at_a_time:
                if changed - {str(template)}:
                    await on_save("code")
                if str(template) in changed:
                    await on_save("template")

    async with asyncio.TaskGroup() as watchers:
        # The root itself is not followed into its folders: that would count every ignored one.
        watchers.create_task(follow(*{root, template.parent}, recursive=False))
        if folders := _folders_with_code(root):
            watchers.create_task(follow(*folders, recursive=True))


def _folders_with_code(root: Path) -> list[Path]:
    return [
        entry
        for entry in root.iterdir()
        if entry.is_dir()
        and not entry.name.startswith(".")
        and entry.name not in DefaultFilter.ignore_dirs
    ]
