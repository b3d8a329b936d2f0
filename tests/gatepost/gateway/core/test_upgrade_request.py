"""What functions are shown of an upgrade."""

from gatepost.gateway.core.inputs import Upgrade
from gatepost.gateway.core.upgrade_request import added_headers, offers, read_headers, read_query


def test_header_names_get_their_usual_case_and_the_upgrade_s_own_are_dropped() -> None:
    """B-101, B-103: all values are kept, in order."""
    assert read_headers(
        [
            ("sec-websocket-key", "k"),
            ("CONNECTION", "Upgrade"),
            ("upgrade", "websocket"),
            ("content-length", "0"),
            ("x-a", "1"),
            ("X-A", "2"),
        ]
    ) == {"Sec-WebSocket-Key": ["k"], "X-A": ["1", "2"]}


def test_a_query_is_decoded_with_all_its_values() -> None:
    """B-105: empty ones too."""
    assert read_query("a=1&b=%C3%BC&a=2+3&c=") == {"a": ["1", "2 3"], "b": ["ü"], "c": [""]}
    assert read_query("") == {}


def test_offers_are_listed_over_commas_and_headers() -> None:
    """B-050: blanks around them do not count."""
    assert offers({"Sec-WebSocket-Protocol": ["a, b", "", "c ,"]}) == ("a", "b", "c")
    assert offers({}) == ()


def test_the_gateway_adds_where_the_request_came_from() -> None:
    """B-102, B-027: as it would be on AWS, TLS on 443."""
    upgrade = Upgrade(1, "/dev", "", (), "localhost:3001", "192.0.2.7")
    assert added_headers(upgrade, "Root=1-x") == {
        "X-Amzn-Trace-Id": ["Root=1-x"],
        "X-Forwarded-For": ["192.0.2.7"],
        "X-Forwarded-Port": ["443"],
        "X-Forwarded-Proto": ["https"],
    }
