"""Paths into JSON, and which JSON counts."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.json_paths import NotJsonError, find, parse_path, read_json, to_json

BODY = {"a": {"b": [10, {"c d": "deep"}]}, "none": None}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", BODY),
        (".a.b[0]", 10),
        (".a.b[1]['c d']", "deep"),
        ("['a']['b'][0]", 10),
        (".a.b[2]", None),
        (".a.b.c", None),
        (".none", None),
        (".missing.further", None),
    ],
)
def test_a_path_is_followed_as_far_as_it_leads(path: str, found: object) -> None:
    """B-154, B-156: nothing and null are the same."""
    assert find(BODY, parse_path(path)) == found


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{action: "x"}', {"action": "x"}),
        ('{"action":"a", body:"b"}', {"action": "a", "body": "b"}),
        ('{a : [{b-c: "d: e, f: g"}]}', {"a": [{"b-c": "d: e, f: g"}]}),
        (r'{a: "\"b: c"}', {"a": '"b: c'}),
    ],
)
def test_lenient_reading_takes_names_without_quotes(text: str, read: object) -> None:
    """B-159: the text between quotes stays as it is; strict reading takes none of them."""
    assert read_json(text, lenient=True) == read
    with pytest.raises(NotJsonError):
        read_json(text)


@pytest.mark.parametrize("text", ["", "hello", "{", "{a: }", "[" * 5000, '"\ud800"'])
@pytest.mark.parametrize("lenient", [False, True])
def test_what_is_no_json_is_told(text: str, *, lenient: bool) -> None:
    """One error, however it is broken."""
    with pytest.raises(NotJsonError):
        read_json(text, lenient=lenient)


@given(JSON)
def test_json_is_read_alike_strictly_and_leniently(value: object) -> None:
    """Leniency changes nothing about a text that is right."""
    text = json.dumps(value)
    assert read_json(text) == read_json(text, lenient=True) == value
    assert json.loads(to_json(value)) == value


@pytest.mark.parametrize("text", ["a" * 32_768, '\\"' * 16_384], ids=["name", "quotes"])
def test_lenient_reading_takes_no_more_than_linear_time(text: str) -> None:
    """A quarter of the longest message takes milliseconds; from each character on, many seconds."""
    started = time.process_time()
    with pytest.raises(NotJsonError):
        read_json(text, lenient=True)
    assert time.process_time() - started < 1


@given(st.text())
def test_lenient_reading_of_anything_ends(text: str) -> None:
    """With a value or with the one error."""
    try:
        read_json(text, lenient=True)
    except NotJsonError:
        return
