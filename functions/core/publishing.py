"""Publishing: a payload goes to everybody subscribed, and where history is kept into the log first.

With an idempotency key the steps are: claim the key, take the next position, store publication and
position together, reach the subscribers, mark the key. Whoever repeats a request that died between
two of them completes it.
"""

from typing import Final

from msgspec import UNSET, Raw, Struct, json, structs

from functions.core import limits, protocol
from functions.core.channels import check_name
from functions.core.context import Services
from functions.core.errors import LIMIT_EXCEEDED, TOO_MANY_REQUESTS, ProtocolError
from functions.core.happenings import Happening, tell
from functions.core.log import head_expires_at
from functions.core.namespaces import Namespace, namespace_of
from functions.core.ports import (
    Claim,
    Claimed,
    ClaimLost,
    ClaimOutcome,
    Conflict,
    Entry,
    OffsetTaken,
    Pending,
    Published,
)
from functions.core.protocol import Position
from functions.core.reaching import reach

CLAIM_POLLS: Final = 5
"""So often a key is looked at again within CLAIM_WAIT_S."""

APPEND_ATTEMPTS: Final = 5


class Publish(Struct, frozen=True):
    """What is to be published: `data` is JSON text.

    `sender` is missing when a server publishes. `key` makes a repetition by the same user
    harmless; `leave_out` is a connection that is not to get it.
    """

    channel: str
    data: Raw
    sender: protocol.Sender | None = None
    key: str | None = None
    leave_out: str | None = None

    @property
    def user(self) -> str:
        """Whose keys are told apart: those of servers are one user's without a name."""
        return "" if self.sender is None else self.sender.user


async def publish(services: Services, wanted: Publish) -> Position | None:
    """Publish; give the position where history is kept, once every subscriber has been tried.

    Or, where they are many, once workers have accepted to try them: then the publication counts as
    fanned out, as nobody can tell later whether a worker died.

    Raises ProtocolError: 102, 106 when `data` is too long, 107 for a bad name, 111 when another
    request with the same key is under way; and what Store and reach raise.
    """
    check_name(wanted.channel)
    check_data(wanted.data)
    namespace = namespace_of(services.namespaces, wanted.channel)
    if not namespace.keeps_history:
        await _reach(services, wanted, _payload(services, wanted), fresh=False)
        await _tell(services, wanted, None)
        return None
    try:
        return await _publish_kept(services, namespace, wanted)
    except Conflict:
        raise ProtocolError(TOO_MANY_REQUESTS, "others keep publishing here; try again") from None


async def signal(services: Services, wanted: Publish) -> None:
    """Reach everybody who is subscribed now; nothing is kept. Raises as `publish`."""
    check_name(wanted.channel)
    check_data(wanted.data)
    await _reach(services, wanted, _payload(services, wanted), fresh=False)


def check_data(data: Raw) -> None:
    """Raise ProtocolError 106 for a payload that would not stay within one frame."""
    size_bytes = len(memoryview(data))
    if size_bytes > limits.DATA_BYTES_MAX:
        raise ProtocolError(
            LIMIT_EXCEEDED,
            f"data: it has {size_bytes} bytes; at most {limits.DATA_BYTES_MAX} are taken",
        )


async def _publish_kept(services: Services, namespace: Namespace, wanted: Publish) -> Position:
    claim = None
    if wanted.key is not None:
        claim = Claim(wanted.channel, wanted.user, wanted.key, services.new_id())
        published = await _claim(services, claim)
        if published is not None:
            return await _complete(services, wanted, claim, published)
    try:
        position, payload = await _append(services, namespace, wanted, claim)
    except ClaimLost:
        raise ProtocolError(TOO_MANY_REQUESTS, "another request has this key") from None
    await _reach(services, wanted, payload, fresh=True)
    await _tell(services, wanted, position)
    if claim is not None:
        await services.store.log.mark_fanned(claim)
    return position


async def _claim(services: Services, claim: Claim) -> Published | None:
    """Get hold of a key: None when it is ours, else what was published under it.

    One whose fan-out is not marked is waited for as well: it may only be under way.
    """
    outcome = await _try_claim(services, claim)
    for _ in range(CLAIM_POLLS):
        if isinstance(outcome, Claimed) or (isinstance(outcome, Published) and outcome.fanned):
            break
        await services.sleep(limits.CLAIM_WAIT_S / CLAIM_POLLS)
        outcome = await _try_claim(services, claim)
    if isinstance(outcome, Pending):
        raise ProtocolError(TOO_MANY_REQUESTS, "another request with this key is under way")
    return None if isinstance(outcome, Claimed) else outcome


async def _try_claim(services: Services, claim: Claim) -> ClaimOutcome:
    now = services.clock()
    expires_at = int(now) + limits.KEY_LIFETIME_S
    return await services.store.log.claim(claim, expires_at=expires_at, now=now)


async def _complete(
    services: Services, wanted: Publish, claim: Claim, published: Published
) -> Position:
    """Repeat the fan-out of a publication whose first try may have died in it.

    What that one published counts, whatever this one holds.
    """
    at = published.position
    if not published.fanned:
        entries = await services.store.log.entries(
            wanted.channel, at.epoch, at.offset, at.offset, now=services.clock()
        )
        for entry in entries:
            if entry.payload is not None:
                await _reach(services, wanted, bytes(entry.payload), fresh=True)
                first = json.decode(entry.payload, type=protocol.Publication)
                await _tell(services, structs.replace(wanted, data=first.data), at)
        await services.store.log.mark_fanned(claim)
    return at


async def _append(
    services: Services, namespace: Namespace, wanted: Publish, claim: Claim | None
) -> tuple[Position, bytes]:
    """Store the publication at the next position; where that was closed meanwhile, at another."""
    for _ in range(APPEND_ATTEMPTS):
        now = services.clock()
        position = await services.store.log.next_position(
            wanted.channel,
            new_epoch=services.new_id(),
            expires_at=head_expires_at(namespace, now),
            now=now,
        )
        payload = _payload(services, wanted, position)
        try:
            await services.store.log.append(
                wanted.channel,
                position.epoch,
                Entry(position.offset, Raw(payload), now),
                expires_at=int(now) + namespace.history_age_s,
                claim=claim,
            )
        except OffsetTaken:
            continue
        return position, payload
    raise Conflict


def _payload(services: Services, wanted: Publish, position: Position | None = None) -> bytes:
    return protocol.encode(
        protocol.Publication(
            id=services.new_id(),
            channel=wanted.channel,
            data=wanted.data,
            sender=protocol.present(wanted.sender),
            at=int(services.clock() * 1000),
            epoch=UNSET if position is None else position.epoch,
            offset=UNSET if position is None else position.offset,
        )
    )


async def _reach(services: Services, wanted: Publish, payload: bytes, *, fresh: bool) -> None:
    await reach(services, wanted.channel, payload, leave_out=wanted.leave_out, fresh=fresh)


async def _tell(services: Services, wanted: Publish, position: Position | None) -> None:
    user = None if wanted.sender is None else wanted.sender.user
    at = int(services.clock() * 1000)
    await tell(services, Happening("published", wanted.channel, at, user, wanted.data, position))
