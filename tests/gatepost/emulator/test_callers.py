"""Who may call the HTTP port's own endpoints."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gatepost.emulator.callers import check_caller


def allowed(listening_on: str = "localhost", **headers: str) -> bool:
    """Whether a request with these headers is let in."""
    try:
        check_caller(make_mocked_request("POST", "/", headers=headers), listening_on)
    except web.HTTPForbidden:
        return False
    return True


@pytest.mark.parametrize("host", ["localhost:3000", "127.0.0.1:3000", "[::1]:3000", "192.168.1.5"])
def test_addresses_and_localhost_are_names_of_this_machine(host: str) -> None:
    """No foreign server can make a browser believe that one of them is its own."""
    assert allowed(Host=host)


def test_a_name_from_elsewhere_is_none() -> None:
    """It may have been made to resolve to this machine; the one that `--host` gave is known."""
    assert not allowed(Host="evil.test:3000")
    assert not allowed(Host="localhost.evil.test")
    assert allowed("laptop.local", Host="laptop.local:3000")


@pytest.mark.parametrize(
    ("origin", "let_in"),
    [
        ("http://localhost:3000", True),
        ("http://localhost:3001", False),
        ("https://localhost:3000", False),
        ("https://evil.test", False),
        ("null", False),
    ],
)
def test_only_pages_of_this_port_call(
    origin: str,
    let_in: bool,  # noqa: FBT001 - a table
) -> None:
    """Browsers say whose page it is; programs say nothing."""
    assert allowed(Host="localhost:3000", Origin=origin) is let_in
