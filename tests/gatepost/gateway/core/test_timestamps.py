"""Moments are written as AWS writes them."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.timestamps import clf, epoch_ms, iso

MOMENTS = st.floats(0, 4e9)


def test_a_moment_in_every_format() -> None:
    """B-006, B-210: CLF in UTC, whole milliseconds, ISO 8601 with `Z`."""
    assert clf(1_772_701_623.5) == "05/Mar/2026:09:07:03 +0000"
    assert epoch_ms(1_772_701_623.5) == 1_772_701_623_500
    assert iso(1_772_701_623.5) == "2026-03-05T09:07:03.500Z"


@given(moment=MOMENTS)
def test_every_moment_reads_back(moment: float) -> None:
    """Both texts name the moment they were made from."""
    at = datetime.strptime(clf(moment), "%d/%b/%Y:%H:%M:%S %z")
    assert at.timestamp() == epoch_ms(moment) // 1000
    assert round(datetime.fromisoformat(iso(moment)).timestamp() * 1000) == epoch_ms(moment)
