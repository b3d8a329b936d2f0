"""Requests to HTTP backends: what is sent, what comes back, what counts as no answer."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from msgspec.structs import replace

from gatepost.gateway.core.commands import CallHttp
from gatepost.gateway.core.inputs import HttpAnswered, NotInvocable
from gatepost.gateway.server.http_backend import ANSWER_BYTES_MAX, HttpBackends

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def call(url: str, *, body: bytes = b"", timeout_s: float = 5.0) -> CallHttp:
    """Return the command to call a backend."""
    headers = (("X-Tag", "1"), ("X-Tag", "2"))
    return CallHttp(7, "POST", url, headers, body, "Q0ZkUfPSIAMCJzA=", "echo", timeout_s)


@pytest.fixture
async def backends() -> AsyncIterator[HttpBackends]:
    """What calls backends."""
    backends = HttpBackends()
    yield backends
    await backends.close()
    await backends.close()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Handler], Awaitable[str]]]:
    """Serve HTTP with a handler; give the URL."""
    runners: list[web.ServerRunner] = []

    async def begin(handler: Handler) -> str:
        runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)  # type: ignore[arg-type] # what aiohttp passes is a Request
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}/hook?a=1"

    yield begin
    for runner in runners:
        await runner.cleanup()


async def test_a_request_is_sent_as_the_command_says(
    backends: HttpBackends, serve: Callable[[Handler], Awaitable[str]]
) -> None:
    """Headers repeat, none are added but those that HTTP needs; the answer comes back whole."""
    seen: list[tuple[str, str, list[str], bytes]] = []
    names: set[str] = set()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        names.update(name.lower() for name in request.headers)
        tags = request.headers.getall("X-Tag")
        seen.append((request.method, request.path_qs, tags, await request.read()))
        return web.Response(status=418, body=b"\xff", headers={"X-Answer": "yes"})

    url = await serve(handler)
    outcome = await backends.call(call(url, body=b"hello"))
    assert seen == [("POST", "/hook?a=1", ["1", "2"], b"hello")]
    assert names == {"host", "x-tag", "content-length"}
    assert isinstance(outcome, HttpAnswered)
    assert (outcome.status, outcome.body) == (418, b"\xff")
    assert ("X-Answer", "yes") in outcome.headers


async def test_redirects_and_cookies_are_left_alone(
    backends: HttpBackends, serve: Callable[[Handler], Awaitable[str]]
) -> None:
    """The status of a redirect is the answer; nothing is carried from one call to the next."""
    cookies: list[str | None] = []

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        cookies.append(request.headers.get("Cookie"))
        headers = {"Location": "/elsewhere", "Set-Cookie": "a=b"}
        return web.Response(status=302, headers=headers)

    url = await serve(handler)
    for _ in range(2):
        outcome = await backends.call(call(url))
        assert isinstance(outcome, HttpAnswered)
        assert outcome.status == 302
    assert cookies == [None, None]


async def test_a_backend_that_does_not_listen_gives_no_answer(backends: HttpBackends) -> None:
    """Told with the URL and the reason."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        outcome = await backends.call(call(f"{url}?token=secret"))
    assert isinstance(outcome, NotInvocable)
    assert outcome.message.startswith(f"POST {url}: ")


@pytest.mark.parametrize(
    "url", ["nonsense", "http://?t=secret", "ftp://localhost/?t=secret", "http://local host/"]
)
async def test_a_url_that_is_none_gives_no_answer(backends: HttpBackends, url: str) -> None:
    """A template can hold anything; the query stays out of the live log."""
    outcome = await backends.call(call(url))
    assert isinstance(outcome, NotInvocable)
    assert "secret" not in outcome.message


async def test_a_header_that_cant_be_sent_gives_no_answer(backends: HttpBackends) -> None:
    """Its value comes from a client, who may try to send another header with it."""
    command = replace(call("http://localhost/"), headers=(("X-Tag", "a\r\nX-Evil: secret"),))
    outcome = await backends.call(command)
    assert isinstance(outcome, NotInvocable)
    assert "secret" not in outcome.message


async def test_a_slow_backend_gives_no_answer(
    backends: HttpBackends, serve: Callable[[Handler], Awaitable[str]]
) -> None:
    """B-275: bounded by the integration's timeout, whether the head or the body is late."""
    release = asyncio.Event()

    async def late_head(request: web.BaseRequest) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    async def late_body(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        await release.wait()
        return response

    for handler in (late_head, late_body):
        outcome = await backends.call(call(await serve(handler), timeout_s=0.05))
        assert isinstance(outcome, NotInvocable)
        assert outcome.message.endswith("no answer in time")
    release.set()


async def test_an_answer_without_end_is_not_read(
    backends: HttpBackends, serve: Callable[[Handler], Awaitable[str]]
) -> None:
    """At most 10 MiB are kept."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        chunk = bytes(1024 * 1024)
        for _ in range(ANSWER_BYTES_MAX // len(chunk) + 1):
            await response.write(chunk)
        return response

    outcome = await backends.call(call(await serve(handler)))
    assert isinstance(outcome, NotInvocable)
    assert "over 10 MiB" in outcome.message
