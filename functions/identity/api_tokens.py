"""Tokens for the HTTP API: what the claim `api` allows (companion/authentication)."""

import logging
from collections.abc import Collection

from functions.core.errors import TOKEN_EXPIRED, UNAUTHORIZED, ProtocolError
from functions.identity.tokens import TokenOver, TokenRefused, Verifier

logger = logging.getLogger(__name__)


class ApiTokens:
    """Tokens of programs. One that was made for a connection has no claim `api`: it allows none."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    async def permissions(self, token: str) -> Collection[str]:
        """Give what a token allows. Raises ProtocolError 101, 109; KeysUnavailable."""
        try:
            claims = await self._verifier.claims(token)
        except TokenOver:
            raise ProtocolError(TOKEN_EXPIRED) from None
        except TokenRefused as refused:
            logger.info("request refused token: %s", refused)
            raise ProtocolError(UNAUTHORIZED, "token: not valid") from None
        return claims.api
