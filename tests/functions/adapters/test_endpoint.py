"""Where an endpoint is, and how requests name it."""

import pytest

from functions.adapters.endpoint import Endpoint, read_endpoint


@pytest.mark.parametrize(
    ("url", "endpoint", "authority"),
    [
        (
            "https://ws.example.com/dev",
            Endpoint("ws.example.com", 443, is_tls=True, path="/dev"),
            "ws.example.com",
        ),
        (
            "http://ws.example.com:80/",
            Endpoint("ws.example.com", 80, is_tls=False, path="/"),
            "ws.example.com",
        ),
        (
            "http://ws.example.com:443",
            Endpoint("ws.example.com", 443, is_tls=False),
            "ws.example.com:443",
        ),
        (
            "https://WS.example.com:8443",
            Endpoint("ws.example.com", 8443, is_tls=True),
            "ws.example.com:8443",
        ),
        ("http://[::1]:3001", Endpoint("::1", 3001, is_tls=False), "[::1]:3001"),
        ("https://[::1]", Endpoint("::1", 443, is_tls=True), "[::1]"),
    ],
)
def test_a_url_says_where_requests_go_and_what_they_name(
    url: str, endpoint: Endpoint, authority: str
) -> None:
    """A scheme's own port is not named, any other is; an address of IPv6 stands in brackets."""
    assert read_endpoint(url) == endpoint
    assert endpoint.authority == authority


@pytest.mark.parametrize("url", ["ftp://host", "host:80", "https:///path", "", "http://host:x"])
def test_what_is_no_endpoint_is_refused(url: str) -> None:
    """The error names it, but for a port that is none."""
    with pytest.raises(ValueError, match="Port" if url.endswith(":x") else "no URL"):
        read_endpoint(url)
