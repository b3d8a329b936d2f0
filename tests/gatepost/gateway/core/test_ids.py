"""Ids have the shape of AWS's, never repeat, and show where they were made."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.ids import IdSource, is_well_formed, trace_id

SHAPE = re.compile(r"^[A-Za-z0-9_-]{14}[AEIMQUYcgkosw048]=$")
NOW = 1_772_701_623.412
API_IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=10, max_size=10)
MOMENTS = st.floats(0, 4e9)


def source(api_id: str, seed: int) -> IdSource:
    """Return the ids of one run."""
    return IdSource(api_id, Random(seed))  # noqa: S311 - ids are no secrets


@given(seed=st.integers(), api_id=API_IDS, now=MOMENTS)
def test_every_id_has_the_shape_of_awss(seed: int, api_id: str, now: float) -> None:
    """B-001, B-002: 15 URL-safe base64 characters and one `=`, whatever the kind."""
    ids = source(api_id, seed)
    for made in (ids.connection_id(now), ids.request_id(now), ids.message_id(now)):
        assert SHAPE.fullmatch(made)
        assert is_well_formed(made)


@pytest.mark.parametrize("seed", range(5))
def test_ten_thousand_ids_of_one_moment_differ(seed: int) -> None:
    """Three random bytes would collide here; stepping through them does not."""
    ids = source("a1b2c3d4e5", seed)
    made = {ids.connection_id(NOW) for _ in range(5_000)}
    made |= {ids.request_id(NOW) for _ in range(5_000)}
    assert len(made) == 10_000


def test_a_message_id_ends_like_the_connection_id() -> None:
    """B-004: the same last five characters."""
    ids = source("a1b2c3d4e5", 1)
    assert ids.message_id(NOW)[-5:] == ids.connection_id(NOW)[-5:]
    assert ids.request_id(NOW)[-5:] != ids.connection_id(NOW)[-5:]


def test_an_id_of_an_earlier_run_is_recognised() -> None:
    """B-217: what was issued answers 410, after a restart with another seed too."""
    earlier = source("a1b2c3d4e5", 1).connection_id(NOW)
    assert source("a1b2c3d4e5", 2).issued(earlier)


def test_an_id_of_another_api_and_a_request_id_are_not_recognised() -> None:
    """B-217: well formed, but never a connection of this API."""
    ids = source("a1b2c3d4e5", 1)
    assert not ids.issued(source("f6g7h8i9j0", 1).connection_id(NOW))
    assert not ids.issued(ids.request_id(NOW))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "test-connection-123",
        "non-existing-id",
        "L0SM9cOFvHcCIhw",
        "L0SM9cOFvHcCIhB=",
        "L0SM9cOFvHcCIhw=\n",
        "L0SM9cOFvHcCI/w=",
        "L0SM9cOFvHcCIhw==",
    ],
)
def test_other_texts_are_malformed(text: str) -> None:
    """B-001, B-216: the 15th character carries only four bits; nothing may follow."""
    assert not is_well_formed(text)


@given(seed=st.integers(), now=MOMENTS)
def test_a_trace_id_has_the_time_and_24_hex_digits(seed: int, now: float) -> None:
    """B-102."""
    trace = trace_id(now, Random(seed))  # noqa: S311 - no secret
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", trace)
    assert int(trace[7:15], 16) == int(now)
