"""Lines that are written in pieces and arrive whole."""

from __future__ import annotations

import io
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.runner.whole_lines import LINE_CHARS_MAX, WholeLines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from gatepost.gateway.core.deployment import Function
    from gatepost.gateway.runner.in_process import InProcessRunner


@pytest.fixture
def terminal() -> io.StringIO:
    """Give the stream behind."""
    return io.StringIO()


@pytest.fixture
def lines(terminal: io.StringIO) -> WholeLines:
    """Give what stands in for it."""
    return WholeLines(terminal)


def test_a_line_is_passed_on_when_it_ends(lines: WholeLines, terminal: io.StringIO) -> None:
    """And what follows the last line end waits."""
    assert [lines.write(text) for text in ("a", " ", "b")] == [1, 1, 1]
    assert terminal.getvalue() == ""
    lines.writelines(["\n", "c\nd"])
    assert terminal.getvalue() == "a b\nc\n"


def test_threads_do_not_break_each_others_lines(lines: WholeLines, terminal: io.StringIO) -> None:
    """Each has a line of its own."""
    lines.write("mine ")
    other = threading.Thread(target=lambda: (lines.write("others "), lines.write("line\n")))
    other.start()
    other.join()
    lines.write("line\n")
    assert terminal.getvalue() == "others line\nmine line\n"


def test_flush_shows_a_prompt(lines: WholeLines, terminal: io.StringIO) -> None:
    """A debugger's has no line end, and is no part of the next line."""
    lines.write("(Pdb) ")
    lines.flush()
    assert terminal.getvalue() == "(Pdb) "
    lines.end_line()
    assert terminal.getvalue() == "(Pdb) "


def test_a_line_without_end_is_bounded(lines: WholeLines, terminal: io.StringIO) -> None:
    """Nothing is lost, and nothing is kept for ever."""
    text = "begun\n" + "x" * (LINE_CHARS_MAX + 1)
    lines.write(text)
    assert terminal.getvalue() == text


def test_unfinished_lines_of_threads_that_have_ended_are_not_lost(
    lines: WholeLines, terminal: io.StringIO
) -> None:
    """They are ended in the end."""
    other = threading.Thread(target=lines.write, args=["left"])
    other.start()
    other.join()
    lines.write("mine")
    lines.end_all()
    assert sorted(terminal.getvalue().splitlines()) == ["left", "mine"]


def test_the_rest_is_the_streams_own() -> None:
    """`input` asks for the descriptor, to know whether it is on a terminal."""
    with open(1, "w", encoding="latin-1", closefd=False) as stream:
        lines = WholeLines(stream)
        assert lines.fileno() == 1  # type: ignore[operator]
        assert lines.encoding == "latin-1"


class Terminal(io.StringIO):
    """Keeps each write as it came."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        """Take one write."""
        self.writes.append(text)
        return len(text)


async def test_what_a_handler_prints_reaches_the_terminal_in_whole_lines(
    start_in_process: Callable[..., Awaitable[InProcessRunner]],
    function: Callable[..., Function],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """`print` writes in pieces, between which the live log would write; the last line is ended."""
    (tmp_path / "app.py").write_text(
        "import sys\n"
        "def handler(event, context):\n"
        "    print('one', 'line')\n"
        "    print('an', 'error', file=sys.stderr)\n"
        "    print('no end', end='')\n"
    )
    out, err = Terminal(), Terminal()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", out)
        patched.setattr(sys, "stderr", err)
        runner = await start_in_process(function("app.handler", code_root=tmp_path))
        await runner.invoke("app.handler", b"{}")
        assert (out.writes, err.writes) == (["one line\n", "no end\n"], ["an error\n"])
        await runner.close()
        assert (sys.stdout, sys.stderr) == (out, err)
