"""Who comes too fast is refused, and who goes on so is shown the door."""

from collections.abc import Awaitable, Callable

import pytest
from msgspec import structs

from functions.core import pacing
from functions.core.context import Context
from functions.core.errors import RATE_LIMIT_IGNORED, ProtocolError
from functions.core.namespaces import Rate
from functions.core.ports import Conflict
from tests.fake_rows import Rows
from tests.fakes import MemoryConnections
from tests.functions.conftest import Clock

RATE = Rate(burst=2, interval_s=60.0)

Require = Callable[[Context], Awaitable[None]]


async def exactly(context: Context) -> None:
    """Take from the bucket beside the connection."""
    await pacing.require_exactly(context, "publish", RATE)


async def roughly(context: Context) -> None:
    """Take from the bucket in memory."""
    pacing.require_roughly(context, "publish", RATE)


async def refusals(require: Require, context: Context, tries: int) -> list[ProtocolError]:
    """Try so often; give what was refused."""
    found = []
    for _ in range(tries):
        try:
            await require(context)
        except ProtocolError as error:
            found.append(error)
    return found


@pytest.mark.parametrize("require", [exactly, roughly])
async def test_over_the_rate_a_request_is_refused(require: Require, context: Context) -> None:
    """111: temporary."""
    [error] = await refusals(require, context, 3)
    assert (error.kind.code, error.kind.temporary, error.closing) == (111, True, None)


@pytest.mark.parametrize("require", [exactly, roughly])
async def test_after_twenty_refusals_the_connection_is_closed(
    require: Require, context: Context
) -> None:
    """3508, with the twenty-first."""
    errors = await refusals(require, context, 2 + 21)
    assert [error.closing for error in errors] == [None] * 20 + [RATE_LIMIT_IGNORED]


@pytest.mark.parametrize("require", [exactly, roughly])
async def test_refusals_are_forgiven(require: Require, context: Context, clock: Clock) -> None:
    """Twenty in a minute are too many, not twenty in a day."""
    await refusals(require, context, 2 + 20)
    clock.now += 59
    errors = await refusals(require, context, 19)
    assert {error.closing for error in errors} == {None}


async def test_a_closed_connection_is_told_to_connect_again(context: Context, rows: Rows) -> None:
    """101."""
    rows.connections.clear()
    with pytest.raises(ProtocolError, match="101"):
        await exactly(context)


async def test_a_conflict_that_lasts_is_temporary(context: Context, rows: Rows) -> None:
    """111, without a refusal being counted."""

    class Contended(MemoryConnections):
        """A Store where others are always faster."""

        async def take(self, *args: object, **kwargs: object) -> bool:
            raise Conflict

    store = structs.replace(context.store, connections=Contended(rows))
    with pytest.raises(ProtocolError, match=r"111 .*try again"):
        await exactly(structs.replace(context, store=store))
