"""Whether table and gateway answer: to everybody yes or no, and which to some."""

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from functions.companion.application import application
from functions.companion.authentication import Callers, read_keys
from functions.core.ports import Failed, Gone, Outcome
from tests.functions.companion.conftest import KEY, asking, sha256

if TYPE_CHECKING:
    from functions.core.context import Services
    from functions.core.ports import Head


class Log:
    """A table that does not answer."""

    async def head(self, channel: str, *, now: float) -> "Head | None":
        """Fail."""
        raise ConnectionError("the table's address")


@pytest.mark.parametrize("table", [True, False])
@pytest.mark.parametrize("gateway", [True, False])
async def test_health_says_whether_all_is_well(
    services: "Services", monkeypatch: pytest.MonkeyPatch, *, table: bool, gateway: bool
) -> None:
    """200 or 503 without a key and without a reason; with one, which part it is."""

    async def close(connection_id: str) -> Outcome:
        return Gone() if gateway else Failed("403")

    monkeypatch.setattr(services.transport, "close", close)
    if not table:
        store = structs.replace(services.store, log=Log())
        services = structs.replace(services, store=store)

    async def give() -> "Services":
        return services

    ask = asking(application(give, Callers(read_keys(sha256(KEY)))))
    answer = await ask("GET", "/v1/health", key=None)
    assert answer.status == (200 if table and gateway else 503)
    assert "address" not in answer.text
    answer = await ask("GET", "/v1/health/parts")
    assert answer.json == {"table": table, "gateway": gateway}
    assert (await ask("GET", "/v1/health/parts", key=None)).status == 401
