"""Which lines of a marked file a project gets."""

import pytest

from gatepost.project.marks import MarkError, resolve

MARKED = """\
first
# <gatepost>
ours
# </gatepost>
  # <demo>
  shown
  # </demo>
# <project>
# name = "@name@"
#\tindented by a tab
# # a comment
# </project>
last
"""


def test_a_project_gets_its_lines_and_none_of_ours() -> None:
    """Lines of a mark that was not chosen are left out, those of a project uncommented."""
    assert resolve(MARKED, frozenset(), {"name": "chat"}) == (
        'first\nname = "chat"\n\tindented by a tab\n# a comment\nlast\n'
    )


def test_lines_of_what_was_chosen_stay() -> None:
    """The marks themselves never do."""
    assert "\n  shown\n" in resolve(MARKED, frozenset({"demo"}), {})


def test_a_file_without_marks_stays_as_it_is() -> None:
    """Also where it ends in no line feed, or in two."""
    for text in ("a\n\n\n", "\n\nb", "", "\r\n# <other>\r\n"):
        assert resolve(text, frozenset(), {}) == text


@pytest.mark.parametrize("comment", ["# <gatepost>", "// <gatepost>", "<!-- <gatepost> -->"])
def test_a_file_that_is_ours_whole_leaves_nothing(comment: str) -> None:
    """In every kind of comment."""
    closed = comment.replace("<gatepost>", "</gatepost>")
    assert resolve(f"{comment}\ntext\n{closed}\n", frozenset(), {}) == ""


def test_blank_lines_around_what_is_left_out_are_not_doubled() -> None:
    """Two between functions stay two, and none begins or ends a file."""
    ours = "# <gatepost>\nours\n# </gatepost>\n"
    assert resolve(f"a\n\n\n{ours}\n\nb\n\n{ours}\nc\n\n{ours}", frozenset(), {}) == (
        "a\n\n\nb\n\nc\n"
    )
    assert resolve(f"{ours}\nb\n", frozenset(), {}) == "b\n"


@pytest.mark.parametrize(
    "text",
    [
        "# <gatepost>\n",
        "# </gatepost>\n",
        "# <gatepost>\n# </demo>\n",
        "# <demo>\n# <gatepost>\n# </gatepost>\n# </demo>\n",
        "# <project>\nname = 1\n# </project>\n",
    ],
)
def test_marks_that_do_not_match_are_refused(text: str) -> None:
    """Rather than to leave out half a file."""
    with pytest.raises(MarkError):
        resolve(text, frozenset({"demo"}), {})
