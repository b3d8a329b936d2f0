"""Calls the backends of HTTP_PROXY integrations.

Responsible for one request and its answer; what either means is the core's.
"""

from typing import TYPE_CHECKING, Final

from gatepost.gateway.core.inputs import HttpAnswered, NotInvocable, Outcome

if TYPE_CHECKING:
    import aiohttp

    from gatepost.gateway.core.commands import CallHttp

ANSWER_BYTES_MAX: Final = 10 * 1024 * 1024
"""Longest body that is read, as API Gateway takes for a payload; a longer one fails the call."""

_ADDED_BY_AIOHTTP: Final = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")


class HttpBackends:
    """Calls backends over connections that are kept; `close` ends them.

    Redirects are not followed: their status is the answer. aiohttp is imported at the first call.
    """

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def call(self, command: "CallHttp") -> Outcome:
        """Send the request; NotInvocable when there is no answer within `command.timeout_s`."""
        import aiohttp  # noqa: PLC0415 - few deployments have such a backend

        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=_ADDED_BY_AIOHTTP
            )
        try:
            async with self._session.request(
                command.method,
                command.url,
                headers=list(command.headers),
                data=command.body or None,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=command.timeout_s),
            ) as response:
                body = await response.content.read(ANSWER_BYTES_MAX + 1)
                while len(body) <= ANSWER_BYTES_MAX and not response.content.at_eof():
                    body += await response.content.read(ANSWER_BYTES_MAX + 1 - len(body))
                headers = tuple(response.headers.items())
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return _no_answer(command, _reason(error))
        if len(body) > ANSWER_BYTES_MAX:
            return _no_answer(command, "the answer is over 10 MiB")
        return HttpAnswered(response.status, headers, body)

    async def close(self) -> None:
        """Let go of every connection. May be called twice."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()


def _no_answer(command: "CallHttp", reason: str) -> NotInvocable:
    """Say what failed; without the query, where a client's token may be."""
    return NotInvocable(f"{command.method} {command.url.partition('?')[0]}: {reason}")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    # The text of other errors may hold the whole URL, or a header's value.
    return str(error) if isinstance(error, OSError) else type(error).__name__
