"""Lines that are written in pieces and arrive whole."""

import io
import threading

import pytest

from gatepost.gateway.runner.whole_lines import LINE_CHARS_MAX, WholeLines


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
