"""The page on broadcasts to many says what the model says, and the model keeps to its bounds."""

import pytest

from benchmarks import fan_out_model as model
from functions.adapters import management_api_aiobotocore, management_api_http
from functions.core import limits


def test_the_page_has_the_tables_of_the_model() -> None:
    """`python -m benchmarks.fan_out_model` writes them."""
    page = model.PAGE.read_text(encoding="utf-8")
    assert model.filled(page) == page


@pytest.mark.parametrize("quota", model.QUOTAS)
def test_a_hundred_thousand_connections_need_no_function_above_15_s(quota: float) -> None:
    """Whatever the quota: more hops follow then."""
    found = model.plan(100_000, quota=quota)
    assert found.budget_s == limits.FANOUT_BUDGET_S
    assert found.longest_s < 15
    assert found.hops <= limits.FANOUT_HOPS_MAX


@pytest.mark.parametrize("quota", model.QUOTAS)
@pytest.mark.parametrize("audience", model.AUDIENCES)
def test_no_broadcast_is_faster_than_its_share_of_the_quota(audience: int, quota: float) -> None:
    """Nor does any need more hops than there are, with the budget that the page tells."""
    found = model.plan(audience, quota=quota)
    if found.workers:
        assert found.time_s >= audience / (limits.FANOUT_SHARE * quota)
    assert found.hops <= limits.FANOUT_HOPS_MAX


def test_shards_hold_what_a_channel_has_grown_to() -> None:
    """One until a thousand; a doubling adds a thousand to each."""
    known = {1000: 1, 1001: 2, 3000: 2, 3001: 4, 7000: 4, 7001: 8}
    assert {audience: model.shards_of(audience) for audience in known} == known


def test_the_model_knows_the_adapters() -> None:
    """How many sends they have under way."""
    assert model.WIDTHS == {
        "http": management_api_http.WIDTH,
        "aiobotocore": management_api_aiobotocore.WIDTH,
    }
