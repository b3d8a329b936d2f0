"""From host and path to an API."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.addresses import Address, Addresses, host_name, path_of
from gatepost.gateway.core.connection import Api
from gatepost.gateway.core.deployment import DomainMapping, WebSocketApi
from gatepost.gateway.core.ids import IdSource
from gatepost.gateway.core.routes import RouteSelector

HERE = "localhost:3001"


def api(api_id: str, stage: str) -> Api:
    """An API without routes."""
    deployed = WebSocketApi(api_id, f"api {api_id}", stage, {})
    ids = IdSource(api_id, Random(1))  # noqa: S311 - ids are no secrets
    return Api(
        deployed, ids, RouteSelector("$request.body.action", {}), "us-east-1", "1" * 12, {}, {}
    )


CHAT, NEWS, TEST = api("chat000000", "dev"), api("news000000", "dev"), api("chat000000", "test")
ALL = (CHAT, NEWS, TEST)


@pytest.mark.parametrize(
    ("host", "path", "found"),
    [
        (HERE, "/test", Address(TEST, "", HERE)),
        (HERE, "/test/", Address(TEST, "/", HERE)),
        (HERE, "/%74est/@connections/a%3D", Address(TEST, "/@connections/a%3D", HERE)),
        (HERE, "/chat000000/test/x", Address(TEST, "/x", f"{HERE}/chat000000")),
        (HERE, "/dev", None),
        (HERE, "/chat000000/dev", Address(CHAT, "", f"{HERE}/chat000000")),
        (HERE, "/news000000/dev/x/a", Address(NEWS, "/x/a", f"{HERE}/news000000")),
        (HERE, "/news000000/test", None),
        (HERE, "/news000000", None),
        ("chat000000." + HERE, "/dev", Address(CHAT, "", "chat000000." + HERE)),
        ("NEWS000000.execute-api.us-east-1.amazonaws.com", "/dev/",
         Address(NEWS, "/", "NEWS000000.execute-api.us-east-1.amazonaws.com")),
        ("news000000." + HERE, "/test", None),
        ("chat000000", "/dev", None),
        ("", "/test", Address(TEST, "", "")),
    ],
)  # fmt: skip
def test_an_api_is_found_by_stage_by_id_and_by_host(
    host: str, path: str, found: Address | None
) -> None:
    """B-020, B-021, B-023: and the domain's name leads there with `/{stage}` behind it."""
    assert Addresses(ALL).resolve(host, path) == found


def test_a_stage_alone_is_enough_while_no_other_api_has_it() -> None:
    """`/{stage}`, else `/{api_id}/{stage}`."""
    assert Addresses(ALL).paths == ("/chat000000/dev", "/news000000/dev", "/test")
    assert path_of(CHAT.deployed, [CHAT.deployed, TEST.deployed]) == "/dev"


MAPPED = (
    DomainMapping("ws.example.com", "chat000000", "dev"),
    DomainMapping("ws.example.com", "news000000", "dev", "news"),
    DomainMapping("Keyed.example.com", "chat000000", "test", "$v1"),
)


@pytest.mark.parametrize(
    ("host", "path", "found"),
    [
        ("ws.example.com", "", (CHAT, "")),
        ("WS.example.com:3001", "/", (CHAT, "/")),
        ("ws.example.com", "/@connections/a", (CHAT, "/@connections/a")),
        ("ws.example.com", "/dev/@connections/a", (CHAT, "/dev/@connections/a")),
        ("ws.example.com", "/news", (NEWS, "")),
        ("ws.example.com", "/news/@connections/a", (NEWS, "/@connections/a")),
        ("keyed.example.com", "/%24v1/", (TEST, "/")),
        ("keyed.example.com", "/", None),
        ("keyed.example.com", "/test", None),
        ("other.example.com", "/test", (TEST, "")),
    ],
)
def test_a_custom_domain_has_a_key_or_nothing_in_place_of_the_stage(
    host: str, path: str, found: tuple[Api, str] | None
) -> None:
    """B-325, B-326: `domainName` is the domain as the client wrote it."""
    address = Addresses(ALL, MAPPED).resolve(host, path)
    custom = not host.startswith("other")
    assert address == (found and Address(*found, host, custom))


@pytest.mark.parametrize("key", ["ping", "sping", "a/b", "a b", "ü", "k" * 301])
def test_a_key_that_cant_be_one_is_refused(key: str) -> None:
    """B-026, B-325: two names are reserved, and the characters are limited."""
    with pytest.raises(ValueError, match="can't be a mapping key"):
        Addresses(ALL, [DomainMapping("ws.example.com", "chat000000", "dev", key)])


@pytest.mark.parametrize(
    ("mappings", "problem"),
    [
        ((*MAPPED, MAPPED[0]), "mapped twice"),
        ((*MAPPED, DomainMapping("WS.EXAMPLE.COM", "chat000000", "dev", "news")), "mapped twice"),
        ((DomainMapping("ws.example.com", "gone000000", "dev"),), "no WebSocket API gone000000"),
        ((DomainMapping("ws.example.com", "news000000", "test"),), "with a stage 'test'"),
    ],
)
def test_mappings_that_exclude_each_other_are_refused(
    mappings: tuple[DomainMapping, ...], problem: str
) -> None:
    """At the start, with a sentence."""
    with pytest.raises(ValueError, match=problem):
        Addresses(ALL, mappings)


def test_the_same_api_twice_is_refused() -> None:
    """Nothing could tell the two apart."""
    with pytest.raises(ValueError, match="chat000000, stage 'dev'"):
        Addresses((CHAT, NEWS, CHAT))


@pytest.mark.parametrize(
    ("host", "name"),
    [("[::1]:3001", "::1"), ("[::1]", "::1"), ("A.example.com.:80", "a.example.com"), ("", "")],
)
def test_a_host_is_compared_without_port_and_case(host: str, name: str) -> None:
    """As names are."""
    assert host_name(host) == name


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_the_request_it_leads_somewhere_or_nowhere(host: str, path: str) -> None:
    """No host and no path is an error of ours, and nothing of the path is invented."""
    address = Addresses(ALL, MAPPED).resolve(host, f"/{path}")
    assert address is None or f"/{path}".endswith(address.rest)
