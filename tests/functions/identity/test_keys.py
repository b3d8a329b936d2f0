"""Keys: which ones of a set count, when they are fetched, and over HTTP."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.identity import keys
from functions.identity.keys import KeysUnavailable, PublishedKeys, fetch, read_keys
from tests.signing import key_set, private_key, published

RSA = published(private_key("RS256"), "r")
EC = published(private_key("ES256"), "e")


class Url:
    """A URL and a clock, both in a test's hands; what is raised or given stands in `document`."""

    def __init__(self) -> None:
        self.document: bytes | OSError = key_set(RSA)
        self.fetched = 0
        self.now = 1000.0

    def fetch(self) -> bytes:
        """Count, and answer."""
        self.fetched += 1
        if isinstance(self.document, OSError):
            raise self.document
        return self.document

    def keys(self) -> PublishedKeys:
        """Give the keys that it publishes."""
        return PublishedKeys(self.fetch, clock=lambda: self.now)


def test_a_key_is_for_the_one_algorithm_of_its_kind() -> None:
    """What a token's header says does not matter."""
    found = [(key.key_id, key.algorithm) for key in read_keys(key_set(RSA, EC))]
    assert found == [("r", "RS256"), ("e", "ES256")]


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "s"},
        {**RSA, "use": "enc"},
        {**RSA, "alg": "RS512"},
        {**RSA, "alg": "HS256"},
        {**EC, "crv": "P-384"},
        {**EC, "x": "AAAA"},
        {**RSA, "n": 5},
        {"kty": "RSA"},
        {},
        published(private_key("RS256", bits=1024), "weak"),
    ],
    ids=[
        "secret",
        "encrypts",
        "rs512",
        "hs256",
        "curve",
        "off-curve",
        "n",
        "bare",
        "empty",
        "weak",
    ],
)
def test_another_key_is_passed_over(key: dict[str, Any]) -> None:
    """A set may hold keys for other purposes beside ours; a secret in it is none of ours."""
    assert [found.key_id for found in read_keys(key_set(key, EC))] == ["e"]


def test_a_private_key_that_somebody_published_only_verifies() -> None:
    """Its private part is not read."""
    [key] = read_keys(key_set({**RSA, "d": "AQAB"}))
    assert not hasattr(key.key, "sign")


@given(st.binary(max_size=200) | st.sampled_from([b"[]", b'{"keys": {}}', b'{"keys": [1]}']))
def test_what_is_no_key_set_is_refused(document: bytes) -> None:
    """By one kind of error."""
    with pytest.raises(msgspec.MsgspecError):
        read_keys(document)


async def test_keys_are_fetched_once_for_many_tokens() -> None:
    """An environment keeps them."""
    url = Url()
    published_keys = url.keys()
    for _ in range(5):
        found = await published_keys.find("r")
        assert found is not None
        assert found.key_id == "r"
    assert url.fetched == 1


async def test_an_unknown_key_id_fetches_anew() -> None:
    """That is how a new key gets known, and an old one forgotten."""
    url = Url()
    published_keys = url.keys()
    assert await published_keys.find("e") is None
    url.document = key_set(EC)
    found = await published_keys.find("e")
    assert found is not None
    assert found.algorithm == "ES256"
    assert await published_keys.find("r") is None


async def test_made_up_key_ids_fetch_only_so_often() -> None:
    """Three at once, then one each half minute."""
    url = Url()
    published_keys = url.keys()
    for number in range(50):
        assert await published_keys.find(f"made-up-{number}") is None
    assert url.fetched == 3
    url.now += 30
    for number in range(50):
        await published_keys.find(f"made-up-{number}")
    assert url.fetched == 4
    assert await published_keys.find("r") is not None


async def test_keys_are_fetched_anew_after_an_hour() -> None:
    """A key that was withdrawn stops counting."""
    url = Url()
    published_keys = url.keys()
    assert await published_keys.find("r") is not None
    url.document = key_set(EC)
    url.now += 3600
    assert await published_keys.find("r") is not None
    url.now += 1
    assert await published_keys.find("r") is None


async def test_known_keys_count_for_a_day_while_the_url_is_silent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Connecting goes on; after that nobody can say any more."""
    url = Url()
    published_keys = url.keys()
    assert await published_keys.find("r") is not None
    url.document = TimeoutError("no answer")
    url.now += 24 * 3600
    assert await published_keys.find("r") is not None
    assert "keys can't be fetched: TimeoutError: no answer" in caplog.text
    url.now += 1
    with pytest.raises(KeysUnavailable):
        await published_keys.find("r")


async def test_without_any_answer_nobody_can_say() -> None:
    """It is no fault of the token, and not asked more often for it."""
    url = Url()
    url.document = ConnectionRefusedError()
    published_keys = url.keys()
    for _ in range(10):
        with pytest.raises(KeysUnavailable):
            await published_keys.find("r")
    assert url.fetched == 3


async def test_a_token_without_key_id_is_of_the_only_key() -> None:
    """With several none is tried in turn."""
    url = Url()
    published_keys = url.keys()
    assert await published_keys.find(None) is not None
    url.document = key_set(RSA, EC)
    assert await url.keys().find(None) is None


@pytest.fixture
def serve() -> Iterator[Callable[[int, bytes, dict[str, str]], str]]:
    """Start HTTP servers that give one answer; they end with the test."""
    servers: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(status: int, body: bytes, headers: dict[str, str]) -> str:
        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/keys"

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


Serve = Callable[[int, bytes, dict[str, str]], str]


def test_a_document_is_fetched_whole(serve: Serve) -> None:
    """Up to its bound."""
    document = b"x" * keys.KEYS_BYTES_MAX
    assert fetch(serve(200, document, {})) == document


def test_a_document_beyond_the_bound_is_not_read(serve: Serve) -> None:
    """Memory is bounded."""
    with pytest.raises(OSError, match="more than 65536 bytes"):
        fetch(serve(200, b"x" * (keys.KEYS_BYTES_MAX + 1), {}))


@pytest.mark.parametrize("status", [302, 404, 500])
def test_another_status_is_an_error(serve: Serve, status: int) -> None:
    """A redirect too, wherever it leads."""
    elsewhere = serve(200, b"{}", {})
    with pytest.raises(OSError, match=str(status)):
        fetch(serve(status, b"{}", {"Location": elsewhere}))
