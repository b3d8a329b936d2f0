"""Identity sources of authorizers."""

import pytest

from gatepost.gateway.core.identity_sources import (
    IdentitySourceError,
    missing_source,
    parse_identity_source,
)


def missing(*sources: str) -> str | None:
    """Which of the sources a certain request lacks."""
    return missing_source(
        tuple(map(parse_identity_source, sources)),
        headers={"Authorization": ["Bearer x"], "X-Empty": [""], "X-Two": ["", "x"]},
        query={"token": ["t"], "empty": [""]},
        stage_variables={"key": "v"},
        context={"identity": {"sourceIp": "192.0.2.1"}, "connectionId": "c"},
    )


@pytest.mark.parametrize(
    ("source", "there"),
    [
        ("route.request.header.Authorization", True),
        ("route.request.header.authorization", True),
        ("route.request.header.X-Two", True),
        ("route.request.header.X-Empty", False),
        ("route.request.header.X-None", False),
        ("route.request.querystring.token", True),
        ("route.request.querystring.Token", False),
        ("route.request.querystring.empty", False),
        ("stageVariables.key", True),
        ("stageVariables.none", False),
        ("context.connectionId", True),
        ("context.identity.sourceIp", True),
        ("context.identity.userAgent", False),
        ("context.connectionId.x", False),
    ],
)
def test_a_source_is_there_if_it_has_a_value(source: str, there: bool) -> None:  # noqa: FBT001
    """B-072: an empty value is none."""
    assert missing(source) == (None if there else source)


def test_all_sources_must_be_there() -> None:
    """B-072: the first that is not is named."""
    both = ("route.request.querystring.token", "route.request.header.Authorization")
    assert missing(*both) is None
    assert missing(*both, "context.none", "context.nil") == "context.none"
    assert missing() is None


@pytest.mark.parametrize(
    "text",
    ["", "token", "$request.header.x", "method.request.header.x", "route.request.body.x",
     "route.request.header.", "stageVariables"],
)  # fmt: skip
def test_a_source_that_cant_be_read_is_refused(text: str) -> None:
    """The sentence shows it and what there is; nobody is let in by mistake."""
    with pytest.raises(IdentitySourceError, match=r"use route\.request\.header\.NAME"):
        parse_identity_source(text)
