"""What can go wrong before the first word is told apart, and no secret is in any text."""

import socket
import ssl

import pytest
import trustme

from gatepost.smoke.talking import (
    Refused,
    StepFailed,
    Target,
    Waiting,
    open_talker,
    printable,
    status_without_token,
)
from tests.gatepost.smoke.scripted import Server, running


def target(url: str, token: str | None = None) -> Target:
    """A target at an address."""
    return Target(url=url, channel="chat:smoke", token=token)


@pytest.mark.parametrize(
    ("url", "token", "address"),
    [
        ("ws://a/dev", None, "ws://a/dev"),
        ("ws://a/dev", "t&k", "ws://a/dev?token=t%26k"),
        ("ws://a/dev?name=Ann", "t", "ws://a/dev?name=Ann&token=t"),
    ],
)
def test_the_token_goes_into_the_query(url: str, token: str | None, address: str) -> None:
    """Beside what stands there."""
    assert target(url, token).address(with_token=True) == address


def test_what_is_shown_of_an_address_has_no_query_and_no_user() -> None:
    """Either may be a secret."""
    secret = target("wss://user:word@host:1/dev?token=secret#part", "secret")
    assert secret.shown == "wss://host:1/dev"
    assert secret.address(with_token=False) == secret.shown


@pytest.mark.parametrize(("status", "said"), [(401, "authorizer"), (429, "throttled"), (418, "")])
async def test_a_refused_handshake_has_its_status_and_what_it_may_mean(
    status: int, said: str
) -> None:
    """One that is not known is shown too."""
    async with running(Server(token="right", refusal=status)) as server:
        with pytest.raises(Refused, match=f"expected 101, got {status}: .*{said}"):
            await open_talker(target(server.url, "wrong-token"), Waiting())
        assert await status_without_token(target(server.url, "right"), Waiting()) == status


async def test_where_nothing_listens_the_reason_is_told() -> None:
    """The system's own words."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(StepFailed, match="expected a server, got Connection refused"):
            await open_talker(target(f"ws://127.0.0.1:{port}/dev"), Waiting())


async def test_tls_where_there_is_none_is_told() -> None:
    """As with wss:// for a port that speaks plainly."""
    async with running(Server()) as server:
        secure = Target(
            url=server.url.replace("ws:", "wss:"),
            channel="chat:smoke",
            trust=ssl.create_default_context(),
        )
        with pytest.raises(StepFailed, match=r"expected (a TLS connection|a server)"):
            await open_talker(secure, Waiting())


async def test_a_certificate_that_nobody_vouches_for_names_the_option() -> None:
    """Which is how to trust it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with running(Server(tls=context)) as server:
        strict = Target(url=server.url, channel="chat:a", trust=ssl.create_default_context())
        with pytest.raises(StepFailed, match=r"a certificate that is trusted, got .*--ca-bundle"):
            await open_talker(strict, Waiting())
        trusting = ssl.create_default_context()
        authority.configure_trust(trusting)
        known = Target(url=server.url, channel="chat:a", trust=trusting)
        talker = await open_talker(known, Waiting())
        assert await talker.close() == 1000


def test_what_others_say_is_printed_harmlessly_and_shortly() -> None:
    """No control characters, and no more than fits."""
    assert printable("a\x1b[31m\nb") == "a?[31m?b"
    assert len(printable("x" * 1000)) == 303
