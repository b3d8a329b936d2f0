"""Credentials and region as Lambda's variables tell them."""

import pytest

from functions.adapters.credentials import (
    NEEDS_BOTOCORE,
    Credentials,
    lambda_session,
    read_credentials,
)

LAMBDA = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
}


def test_what_lambda_sets_suffices() -> None:
    """The region may have either of its names."""
    expected = Credentials("eu-west-1", "key", "secret", "token")
    assert read_credentials(LAMBDA) == expected
    named_otherwise = {**LAMBDA, "AWS_REGION": "", "AWS_DEFAULT_REGION": "eu-west-1"}
    assert read_credentials(named_otherwise) == expected


@pytest.mark.parametrize("name", NEEDS_BOTOCORE)
def test_settings_that_only_botocore_heeds_are_left_to_it(name: str) -> None:
    """There is no session then either."""
    assert read_credentials({**LAMBDA, name: "true"}) is None
    assert lambda_session({**LAMBDA, name: "true"}) is None


async def test_a_sender_gets_from_it_what_botocores_session_would_tell() -> None:
    """Region, roots, and credentials."""
    session = lambda_session({**LAMBDA, "AWS_CA_BUNDLE": "roots.pem"})
    assert session
    assert session.get_config_variable("region") == "eu-west-1"
    assert session.get_config_variable("ca_bundle") == "roots.pem"
    frozen = await (await session.get_credentials()).get_frozen_credentials()
    assert (frozen.access_key, frozen.secret_key, frozen.token) == ("key", "secret", "token")
