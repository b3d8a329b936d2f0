"""Tables on the default stand-in."""

import asyncio

import pytest

from gatepost.emulator.errors import UserError
from gatepost.emulator.tables import StandIn, create_tables
from gatepost.gateway.core.deployment import Table

CREATE: dict[str, object] = {
    "TableName": "rows",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


async def test_tables_are_created_with_ttl_and_kept_when_they_exist(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A second run against a lasting endpoint finds its table; no profile of ours is needed."""
    import boto3  # noqa: PLC0415 - slow to import, only here

    monkeypatch.setenv("AWS_PROFILE", "nowhere-configured")
    stand_in = StandIn()
    endpoint = await stand_in.start()
    try:
        table = Table("rows", CREATE, ttl_attribute="expires_at")
        await create_tables([table], endpoint, "us-east-1")
        await create_tables([table], endpoint, "us-east-1")
        monkeypatch.delenv("AWS_PROFILE")
        client = boto3.client(
            "dynamodb",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        found = await asyncio.to_thread(client.describe_time_to_live, TableName="rows")
        client.close()
        assert found["TimeToLiveDescription"]["AttributeName"] == "expires_at"
        broken = Table("broken", {**CREATE, "TableName": "broken", "KeySchema": []})
        with pytest.raises(UserError, match="broken"):
            await create_tables([broken], endpoint, "us-east-1")
    finally:
        await stand_in.stop()
