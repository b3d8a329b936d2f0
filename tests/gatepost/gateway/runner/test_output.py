"""Lines out of bytes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gatepost.gateway.runner.output import CUT_MARK, LINE_BYTES_MAX, Lines


@settings(deadline=None)
@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=40)),
    st.data(),
)
def test_lines_do_not_depend_on_how_bytes_arrive(lines: list[str], data: st.DataObject) -> None:
    """Any cut of the stream gives the same lines, characters of several bytes included."""
    stream = "".join(f"{line}\n" for line in lines).encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)), max_size=8)))
    splitter, found = Lines(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += splitter.feed(stream[start:end])
    assert found + splitter.flush() == lines


def test_a_line_too_long_is_cut_once_and_the_next_is_whole() -> None:
    """However it arrives; what is held stays bounded."""
    cut = "x" * LINE_BYTES_MAX + CUT_MARK
    splitter = Lines()
    assert splitter.feed(b"x" * (LINE_BYTES_MAX + 1)) == [cut]
    assert splitter.feed(b"x" * LINE_BYTES_MAX) == []
    assert splitter.feed(b"x\nnext\n") == ["next"]
    assert splitter.feed(b"x" * (LINE_BYTES_MAX + 1) + b"\n") == [cut]
    assert splitter.flush() == []


def test_a_last_line_without_end_is_kept() -> None:
    """A process may die in the middle of a line; Windows line ends are dropped."""
    splitter = Lines()
    assert splitter.feed(b"one\r\ntw") == ["one"]
    assert splitter.flush() == ["tw"]


def test_what_is_no_utf_8_is_shown_as_far_as_it_goes() -> None:
    """Output never fails to be read."""
    assert Lines().feed(b"\xff ok\n") == ["\N{REPLACEMENT CHARACTER} ok"]
