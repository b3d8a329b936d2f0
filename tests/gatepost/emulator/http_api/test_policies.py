"""What an IAM policy says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.emulator.http_api.policies import PolicyDocument, Statement, verdict

API = "arn:aws:execute-api:eu-west-1:123456789012:abc"
ARN = f"{API}/dev/GET/pets/1"


def allow(resource: str, action: str = "execute-api:Invoke") -> Statement:
    """A statement that allows."""
    return Statement("Allow", action, resource)


@pytest.mark.parametrize(
    "resource",
    [ARN, "*", f"{API}/*", f"{API}/dev/GET/*", f"{API}/dev/*/pets/?", f"{API}/d*1", f"**{ARN}"],
)
def test_wildcards_reach_over_slashes(resource: str) -> None:
    """A star is any text, a question mark one character."""
    assert verdict(PolicyDocument(allow(resource)), ARN) == "allowed"


@pytest.mark.parametrize(
    "resource", [f"{API}/dev/POST/*", f"{API}/dev/GET/pets/", f"{API}/dev/GET/pets/1?", ARN[:-1]]
)
def test_what_no_statement_allows_is_denied(resource: str) -> None:
    """An empty policy, too."""
    assert verdict(PolicyDocument(allow(resource)), ARN) == "denied"
    assert verdict(PolicyDocument([]), ARN) == "denied"


def test_a_deny_wins_whatever_the_order() -> None:
    """Over any number of statements that allow."""
    deny = Statement("Deny", ["execute-api:*"], [ARN])
    assert verdict(PolicyDocument([allow("*"), deny]), ARN) == "denied explicitly"
    assert verdict(PolicyDocument([deny, allow("*")]), ARN) == "denied explicitly"


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("execute-api:Invoke", "allowed"),
        ("EXECUTE-API:invoke", "allowed"),
        ("execute-api:*", "allowed"),
        ("*", "allowed"),
        ("lambda:Invoke", "denied"),
    ],
)
def test_only_statements_about_invoking_count(action: str, expected: str) -> None:
    """Actions know no case."""
    assert verdict(PolicyDocument(allow("*", action)), ARN) == expected


def test_a_condition_never_allows() -> None:
    """None can be looked at here, so a statement that has one lets nobody in."""
    limited = Statement("Allow", "*", "*", {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    assert verdict(PolicyDocument(limited), ARN) == "denied"


@given(st.text())
def test_a_resource_without_wildcards_means_itself(resource: str) -> None:
    """Signs of regular expressions mean nothing."""
    plain = resource.replace("*", "").replace("?", "")
    assert verdict(PolicyDocument(allow(plain)), plain) == "allowed"
    assert verdict(PolicyDocument(allow(plain)), f"{plain}x") == "denied"
