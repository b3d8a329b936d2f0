"""`refresh`: a new token for a connection that stays."""

import logging

from msgspec import Struct

from functions.core import refreshing
from functions.core.context import Context
from functions.core.errors import INVALID_TOKEN, TOKEN_EXPIRED, UNAUTHORIZED, ProtocolError
from functions.identity.tokens import KeyUnknown, TokenOver, TokenRefused, Verifier

logger = logging.getLogger(__name__)


class Refresh(Struct, frozen=True):
    """The fields of `refresh`."""

    token: str


async def refresh(verifier: Verifier, context: Context, request: Refresh) -> dict[str, object]:
    """Reply with the moment (epoch seconds) until which the connection is authorized now.

    A token that is over is error 109; one that never counted is 101, and ends the connection (3500)
    unless it may count once its key is known.
    """
    try:
        identity = await verifier.verify(request.token)
    except TokenOver:
        raise ProtocolError(TOKEN_EXPIRED) from None
    except TokenRefused as refused:
        logger.info("refresh refused connection=%s token: %s", context.connection_id, refused)
        closing = None if isinstance(refused, KeyUnknown) else INVALID_TOKEN
        raise ProtocolError(UNAUTHORIZED, "token: not valid", closing=closing) from None
    await refreshing.refresh(context, identity)
    return {"expires_at": identity.authorized_until}
