"""Ids, names and route keys as events and URLs show them (section 1)."""

import re
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from gatepost.gateway.template.identities import make_api_id

if TYPE_CHECKING:
    from gatepost.gateway.core.deployment import Deployment
    from tests.conformance.conftest import StartGateway


async def test_a_message_s_id_ends_as_its_connection_s(start: "StartGateway") -> None:
    """B-004: in the same 5 characters; a request's does not."""
    gateway = await start()
    async with gateway.connect() as client:
        for _ in range(3):
            await client.send('{"action": "id"}')
            await client.recv()
    for event in gateway.events_of("MESSAGE"):
        context = event["requestContext"]
        assert context["messageId"][-5:] == context["connectionId"][-5:]
        assert context["messageId"] != context["connectionId"]
        assert context["requestId"][-5:] != context["connectionId"][-5:]


@pytest.mark.parametrize("service", ["chat", "", "größe"])
def test_an_api_s_id_has_10_characters(service: str) -> None:
    """B-005: lower case letters and digits, the same ones each time."""
    api_id = make_api_id(service, "dev", "api")
    assert re.fullmatch("[a-z0-9]{10}", api_id)
    assert api_id == make_api_id(service, "dev", "api") != make_api_id(service, "prod", "api")


@pytest.mark.parametrize("stage", ["A-z_09", "s" * 128])
async def test_a_stage_may_have_any_name_that_aws_allows(start: "StartGateway", stage: str) -> None:
    """B-009: letters, digits, `-` and `_`, up to 128 of them."""

    def named(deployment: "Deployment") -> "Deployment":
        (api,) = deployment.apis
        return structs.replace(deployment, apis=(structs.replace(api, stage=stage),))

    gateway = await start(change=named)
    async with gateway.connect(f"/{stage}"):
        assert gateway.events[0]["requestContext"]["stage"] == stage


@pytest.mark.parametrize("key", ["$other", "$", "$Connect"])
async def test_route_keys_of_one_s_own_begin_with_no_dollar(
    start: "StartGateway", key: str
) -> None:
    """B-010: three are predefined, the rest of the prefix is reserved."""

    async def accept(event: dict[str, Any]) -> object:
        return {"statusCode": 200}

    with pytest.raises(ValueError, match="reserved"):
        await start({"$default": accept, key: accept})
