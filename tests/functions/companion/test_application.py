"""From a request to an endpoint and back, and everything that keeps a request from one."""

from typing import TYPE_CHECKING

import pytest

from functions.companion.application import application
from functions.companion.authentication import Callers, read_keys
from functions.companion.endpoints import ENDPOINTS
from functions.core.ports import Conflict
from tests.functions.companion.conftest import KEY, READER, asking, sha256

if TYPE_CHECKING:
    from functions.companion.endpoint import AnyEndpoint
    from functions.core.context import Services
    from tests.functions.companion.conftest import Answer, Ask

GUARDED = [each for each in ENDPOINTS if each.permission]
PROBLEM = "application/problem+json"


def problem(answer: "Answer") -> tuple[int, int | None]:
    """Give status and code of a problem, which must be one."""
    assert answer.headers["content-type"] == PROBLEM
    assert set(answer.json) >= {"type", "title", "status", "detail"}
    assert answer.json["status"] == answer.status
    return answer.status, answer.json.get("code")


@pytest.mark.parametrize("endpoint", GUARDED, ids=lambda each: each.name)
@pytest.mark.parametrize("key", [None, "another", sha256(KEY), "é"])
async def test_who_has_no_known_key_learns_nothing(
    ask: "Ask", endpoint: "AnyEndpoint", key: str | None
) -> None:
    """401 whatever else is wrong with the request; the digest of a key is no key."""
    answer = await ask(endpoint.method, endpoint.path, b"{", key=key)
    assert problem(answer) == (401, 101)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("endpoint", GUARDED, ids=lambda each: each.name)
async def test_a_key_allows_what_stands_beside_it(ask: "Ask", endpoint: "AnyEndpoint") -> None:
    """403 for everything else."""
    answer = await ask(endpoint.method, endpoint.path, b"{", key=READER)
    allowed = endpoint.permission in {"history", "presence"}
    assert problem(answer) == ((400, 107) if allowed else (403, 103))


async def test_another_scheme_is_no_bearer() -> None:
    """Only RFC 6750's is known; its name is written in any case (RFC 9110, section 11.1)."""
    callers = Callers(read_keys(sha256(KEY)))
    with pytest.raises(Exception, match="101"):
        await callers.require(f"Basic {KEY}", "publish")
    await callers.require(f"bearer {KEY}", "publish")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b"{", "not JSON"),
        (b"\xc3\x28".decode("latin-1").encode(), "not JSON"),
        (b'{"channel":"chat:a","data":' + b"[" * 20_000, "nested too deeply"),
        ({"channel": 1, "data": 1}, "$.channel"),
        ({"channel": "chat:a"}, "data"),
        ({"channel": "chat:a", "data": 1, "kye": "a"}, "kye"),
        ({"channel": "chat:a", "data": 1, "key": ""}, "$.key"),
        ({"channel": "chat", "data": 1}, "channel"),
    ],
    ids=["cut", "no UTF-8", "deep", "type", "missing", "unknown", "empty", "name"],
)
async def test_a_wrong_body_is_a_bad_request(ask: "Ask", body: object, named: str) -> None:
    """400, and the detail names what is wrong."""
    answer = await ask("POST", "/v1/publish", body)
    assert problem(answer) == (400, 107)
    assert named in answer.json["detail"]


async def test_a_wrong_query_is_a_bad_request(ask: "Ask") -> None:
    """Missing, of another type, out of bounds, half a position, unknown."""
    for query in ("", "channel=log:a&limit=x", "channel=log:a&limit=0", "channel=log:a&epoch=e"):
        assert problem(await ask("GET", "/v1/history", query=query)) == (400, 107)
    assert problem(await ask("GET", "/v1/stats", query="channel=chat:a&x=1")) == (400, 107)


async def test_what_is_too_large_is_refused_before_it_is_read(ask: "Ask") -> None:
    """413 for a body over the endpoint's limit, and for data that would not fit a frame."""
    assert problem(await ask("POST", "/v1/publish", b"[" * 32_769)) == (413, 106)
    large = {"channel": "chat:a", "data": "x" * 28_671}
    assert problem(await ask("POST", "/v1/publish", large)) == (413, 106)
    assert problem(await ask("POST", "/v1/batch", b"[" * (1024 * 1024 + 1))) == (413, 106)


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/publish/", "/", "/v1"])
async def test_an_unknown_path_is_a_problem_too(ask: "Ask", path: str) -> None:
    """404 of HTTP: the protocol has no word for it."""
    answer = await ask("GET", path, key=None)
    assert problem(answer) == (404, None)
    assert answer.json["type"] == "about:blank"


async def test_another_method_is_a_problem_too(ask: "Ask") -> None:
    """405, with the methods that there are."""
    answer = await ask("DELETE", "/v1/publish")
    assert problem(answer) == (405, None)
    assert answer.headers["allow"] == "POST"


async def test_a_fault_of_ours_is_logged_and_tells_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """500 with error 100, which is temporary; what was wrong stands in the log."""

    async def fail() -> "Services":
        raise ZeroDivisionError("a secret")

    ask = asking(application(fail, Callers(read_keys(sha256(KEY)))))
    answer = await ask("GET", "/v1/history", query="channel=log:a")
    assert problem(answer) == (500, 100)
    assert answer.headers["retry-after"] == "1"
    assert "a secret" not in answer.text
    assert "a secret" in caplog.text


async def test_a_conflict_that_lasted_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    """429 with error 111, as over a socket."""

    async def fail() -> "Services":
        raise Conflict

    ask = asking(application(fail, Callers(read_keys(sha256(KEY)))))
    answer = await ask("GET", "/v1/history", query="channel=log:a")
    assert problem(answer) == (429, 111)
    assert "endpoint failed" not in caplog.text


async def test_no_key_gets_into_a_log(ask: "Ask", caplog: pytest.LogCaptureFixture) -> None:
    """Neither the right one nor a wrong one."""
    caplog.set_level("DEBUG")
    await ask("POST", "/v1/publish", {"channel": "chat:a", "data": 1})
    await ask("POST", "/v1/publish", {"channel": "chat:a", "data": 1}, key="wrong-key")
    assert "publish" in caplog.text
    assert KEY not in caplog.text
    assert "wrong-key" not in caplog.text
