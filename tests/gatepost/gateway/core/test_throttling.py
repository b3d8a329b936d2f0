"""Token buckets, and whom they are shared by."""

from timeit import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.deployment import ApiKey, LambdaProxy, Route, Throttle, WebSocketApi
from gatepost.gateway.core.settings import GatewaySettings
from gatepost.gateway.core.throttling import Throttles, TokenBucket

NOW = 1_772_701_623.0
DEV = WebSocketApi("a1b2c3d4e5", "chat", "dev", {})
OTHER = WebSocketApi("f6g7h8i9j0", "news", "dev", {})
OPEN = GatewaySettings(account_throttle=None, connect_throttle=None)


def api(throttle: Throttle | None = None, **routes: Throttle | None) -> WebSocketApi:
    """An API whose routes have these throttles."""
    table = {
        key: Route(key, LambdaProxy("f"), throttle=own)
        for key, own in {"$connect": None, **routes}.items()
    }
    return WebSocketApi("a1b2c3d4e5", "chat", "dev", table, throttle=throttle)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    """B-311: it never holds more than the burst."""
    bucket = TokenBucket(Throttle(rate=2, burst=3))
    assert [bucket.take(NOW) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(NOW + 0.5) for _ in range(2)] == [True, False]
    assert [bucket.take(NOW + 60) for _ in range(4)] == [True, True, True, False]


def test_a_bucket_of_nothing_gives_nothing() -> None:
    """B-315: a limit of 0 shuts the route."""
    bucket = TokenBucket(Throttle(rate=0, burst=0))
    assert not bucket.take(NOW)
    assert not bucket.take(NOW + 1e9)


@given(
    st.floats(0, 1000),
    st.integers(0, 100),
    st.lists(st.floats(0, 1), max_size=200),
)
def test_a_bucket_never_gives_more_than_burst_and_rate(
    rate: float, burst: int, pauses: list[float]
) -> None:
    """However the requests come."""
    bucket = TokenBucket(Throttle(rate, burst))
    now = NOW
    given = 0
    for pause in pauses:
        now += pause
        given += bucket.take(now)
    assert given <= burst + rate * (now - NOW) + 1e-3


def test_everything_of_an_account_shares_one_bucket() -> None:
    """B-310, B-224."""
    settings = GatewaySettings(account_throttle=Throttle(1, 3), connect_throttle=None)
    throttles = Throttles(settings, [api()])
    assert throttles.admit_connect(DEV, NOW)
    assert throttles.admit_message(DEV, "echo", NOW)
    assert throttles.admit_call(NOW)
    assert not throttles.admit_connect(DEV, NOW)
    assert not throttles.admit_message(DEV, "echo", NOW)
    assert not throttles.admit_call(NOW)
    assert throttles.admit_call(NOW + 1)


def test_an_account_may_open_500_connections_a_second() -> None:
    """B-057: messages are not counted; the burst is inferred."""
    throttles = Throttles(GatewaySettings(account_throttle=None), [api()])
    assert all(throttles.admit_connect(DEV, NOW) for _ in range(500))
    assert not throttles.admit_connect(DEV, NOW)
    assert throttles.admit_message(DEV, "echo", NOW)
    assert sum(throttles.admit_connect(DEV, NOW + 0.125) for _ in range(99)) == 62


def test_a_stage_has_a_default_for_each_route_and_a_route_its_own() -> None:
    """B-311: `$connect` is a route too, declared or not."""
    stage = api(Throttle(1, 1), slow=None, fast=Throttle(1, 2))
    for declared in (stage, WebSocketApi("a1b2c3d4e5", "chat", "dev", {}, throttle=Throttle(1, 1))):
        throttles = Throttles(OPEN, [declared])
        assert throttles.admit_connect(DEV, NOW)
        assert not throttles.admit_connect(DEV, NOW)
    throttles = Throttles(OPEN, [stage])
    assert [throttles.admit_message(DEV, "slow", NOW) for _ in range(2)] == [True, False]
    assert [throttles.admit_message(DEV, "fast", NOW) for _ in range(3)] == [True, True, False]
    assert throttles.admit_message(OTHER, "slow", NOW)
    assert throttles.admit_call(NOW)


def test_what_a_route_refuses_takes_nothing_from_the_account() -> None:
    """Else one throttled route would starve the others."""
    settings = GatewaySettings(account_throttle=Throttle(1, 2), connect_throttle=None)
    throttles = Throttles(settings, [api(slow=Throttle(0, 0))])
    assert not any(throttles.admit_message(DEV, "slow", NOW) for _ in range(5))
    assert [throttles.admit_call(NOW) for _ in range(3)] == [True, True, False]


def test_a_usage_plan_has_a_bucket_for_each_key() -> None:
    """B-086."""
    throttles = Throttles(OPEN, [])
    one, other = (ApiKey(name, name, Throttle(1, 1)) for name in ("one", "other"))
    assert [throttles.admit_key(one, NOW) for _ in range(2)] == [True, False]
    assert throttles.admit_key(other, NOW)
    assert throttles.admit_key(one, NOW + 1)
    assert all(throttles.admit_key(ApiKey("free", "free"), NOW) for _ in range(10))


@pytest.mark.parametrize("settings", [GatewaySettings(), OPEN])
def test_a_post_pays_next_to_nothing_for_it(settings: GatewaySettings) -> None:
    """A broadcast asks once for each recipient: under 1 us, here with room for a busy machine."""
    throttles = Throttles(settings, [api()])
    times = repeat(lambda: throttles.admit_call(NOW), number=20_000, repeat=5)
    assert min(times) / 20_000 < 5e-6
