"""Buckets in memory."""

from hypothesis import given
from hypothesis import strategies as st

from functions.core.namespaces import Rate
from functions.core.rates import Buckets

NOW = 1_800_000_000.5
RATE = Rate(burst=3, interval_s=2.0)


def test_a_bucket_empties_and_fills() -> None:
    """Three at once, and one more every two seconds, up to three."""
    buckets = Buckets()

    def take(at: float) -> bool:
        return buckets.take("c=", "signal", RATE, now=at)

    assert [take(NOW) for _ in range(4)] == [True, True, True, False]
    assert [take(NOW + 1.9), take(NOW + 2), take(NOW + 2.1)] == [False, True, False]
    assert [take(NOW + 99) for _ in range(4)] == [True, True, True, False]


def test_buckets_are_told_apart() -> None:
    """By connection and by name."""
    buckets, rate = Buckets(), Rate(burst=1, interval_s=2.0)
    for connection_id, bucket in (("a=", "signal"), ("b=", "signal"), ("a=", "publish")):
        assert buckets.take(connection_id, bucket, rate, now=NOW)
        assert not buckets.take(connection_id, bucket, rate, now=NOW)


def test_the_least_recently_used_are_forgotten() -> None:
    """So that memory stays bounded; whoever still comes is remembered."""
    buckets, rate = Buckets(buckets_max=2), Rate(burst=1, interval_s=60.0)
    for name in ("a=", "b=", "a=", "c="):
        buckets.take(name, "signal", rate, now=NOW)
    assert not buckets.take("a=", "signal", rate, now=NOW)
    assert buckets.take("b=", "signal", rate, now=NOW)


@given(
    st.lists(st.sampled_from([0, 1, 2, 3, 7, 20]), max_size=40),
    st.integers(1, 5),
    st.sampled_from([1.0, 2.0, 8.0]),
)
def test_no_more_pass_than_the_rate_allows(gaps: list[int], burst: int, interval_s: float) -> None:
    """In any stretch of time; judged by a bucket that counts tokens."""
    buckets, rate = Buckets(), Rate(burst, interval_s)
    now, tokens = NOW, float(burst)
    for gap in gaps:
        now += gap
        tokens = min(burst, tokens + gap / interval_s)
        taken = buckets.take("c=", "signal", rate, now=now)
        assert taken is (tokens >= 1)
        tokens -= taken
