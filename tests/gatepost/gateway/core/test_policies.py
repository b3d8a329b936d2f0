"""Policies of authorizers."""

from fnmatch import translate
from re import DOTALL, compile  # noqa: A004 - as in the module

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.gateway.core.policies import INVOKE, Policy, Statement

STAGE = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/dev"
ARN = f"{STAGE}/$connect"
MATCHING = [
    ARN,
    "*",
    f"{STAGE}/*",
    "arn:aws:execute-api:*:*:a1b2c3d4e5/*",
    "arn:aws:execute-api:us-east-?:123456789012:*/dev/$conn???",
    [f"{STAGE}/POST/x", ARN],
]
OTHERS = [
    f"{STAGE}/*/*",
    f"{STAGE}/$CONNECT",
    f"{STAGE}/connect",
    f"{STAGE}/$connect/",
    f"{STAGE}/$conn?",
    f"{STAGE}.$connect",
    "arn:aws:execute-api:us-east-1:123456789012:other/*",
    "",
    [],
]


def policy(*statements: dict[str, object]) -> Policy:
    """Read a policy with these statements."""
    return msgspec.convert({"Version": "2012-10-17", "Statement": list(statements)}, Policy)


def allow(resource: object, action: object = INVOKE, effect: str = "Allow") -> dict[str, object]:
    """A statement."""
    return {"Effect": effect, "Action": action, "Resource": resource}


@pytest.mark.parametrize("resource", MATCHING)
def test_a_resource_may_be_a_string_or_a_list_with_wildcards(resource: object) -> None:
    """B-077: `*` is any characters, slashes too; `?` is one."""
    assert policy(allow(resource)).allows(INVOKE, ARN)


@pytest.mark.parametrize("resource", OTHERS)
def test_a_resource_that_does_not_match_allows_nothing(resource: object) -> None:
    """B-077: `{stage}/*/*`, right for REST APIs, wants one more segment."""
    assert not policy(allow(resource)).allows(INVOKE, ARN)


@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        (INVOKE, True),
        ("execute-api:*", True),
        ("*", True),
        ("Execute-API:invoke", True),
        (["execute-api:ManageConnections", INVOKE], True),
        ("execute-api:ManageConnections", False),
        ("execute-api:Invoke2", False),
        ([], False),
    ],
)
def test_an_action_may_be_a_string_or_a_list_in_any_case(action: object, allowed: bool) -> None:  # noqa: FBT001
    """IAM's names of actions have no case."""
    assert policy(allow("*", action)).allows(INVOKE, ARN) is allowed


def test_an_explicit_deny_wins() -> None:
    """B-078: in whatever order."""
    deny = allow(ARN, effect="Deny")
    assert not policy(allow("*"), deny).allows(INVOKE, ARN)
    assert not policy(deny, allow("*")).allows(INVOKE, ARN)
    assert policy(allow("*"), allow("*/other", effect="Deny")).allows(INVOKE, ARN)
    assert not policy().allows(INVOKE, ARN)


def test_a_single_statement_needs_no_list() -> None:
    """As IAM reads it."""
    one = msgspec.convert({"Statement": allow("*")}, Policy)
    assert one.allows(INVOKE, ARN)
    assert one.problem() is None


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ({"Effect": "Allow", "Action": INVOKE}, "needs Effect, Action and Resource"),
        ({"Effect": "Allow", "Resource": "*"}, "needs Effect, Action and Resource"),
        ({"Effect": "Allow", "NotAction": "x", "Resource": "*"}, "NotAction is not emulated"),
        ({"Effect": "Allow", "Action": "*", "NotResource": "x"}, "NotResource is not emulated"),
        ({**allow("*"), "Condition": {}}, "Condition is not emulated"),
    ],
)
def test_what_cant_be_judged_is_told(statement: dict[str, object], problem: str) -> None:
    """Rather than letting everybody in, or nobody without a word."""
    assert problem in str(policy(allow("*"), statement).problem())


@given(st.text("ab/*?", max_size=12), st.text("ab/\n", max_size=12))
def test_wildcards_match_as_a_shell_does(pattern: str, text: str) -> None:
    """The standard library is the oracle, but for brackets."""
    expected = compile(translate(pattern), DOTALL).match(text) is not None
    assert Statement("Allow", "*", pattern).fits("x", text) is expected
