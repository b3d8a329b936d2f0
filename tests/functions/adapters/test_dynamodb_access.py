"""What of the environment suffices to reach the table without botocore."""

import pytest

from functions.adapters.credentials import NEEDS_BOTOCORE, Credentials
from functions.adapters.dynamodb_access import Access, read_access
from functions.adapters.endpoint import Endpoint

LAMBDA = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
}
REGIONAL = Access(
    endpoint=Endpoint("dynamodb.eu-west-1.amazonaws.com", 443, is_tls=True),
    credentials=Credentials("eu-west-1", "key", "secret", "token"),
)


def test_what_lambda_sets_suffices() -> None:
    """The regional endpoint, over TLS."""
    assert read_access(LAMBDA) == REGIONAL


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"])
def test_an_endpoint_that_is_given_is_used(name: str) -> None:
    """As botocore does; the service's own variable goes first."""
    access = read_access({"AWS_ENDPOINT_URL": "http://other", **LAMBDA, name: "http://[::1]:8000/"})
    assert access is not None
    assert access.endpoint == Endpoint("::1", 8000, is_tls=False, path="/")


def test_credentials_may_come_without_token() -> None:
    """Those of a user have none."""
    access = read_access({**LAMBDA, "AWS_SESSION_TOKEN": ""})
    assert access is not None
    assert access.credentials.token == ""


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_without_region_or_key_botocore_looks_for_them(name: str) -> None:
    """A profile, a container (SnapStart), an instance may have them."""
    assert read_access({key: value for key, value in LAMBDA.items() if key != name}) is None


@pytest.mark.parametrize("name", NEEDS_BOTOCORE)
def test_settings_that_only_botocore_heeds_are_left_to_it(name: str) -> None:
    """None is passed over in silence."""
    assert read_access({**LAMBDA, name: "true"}) is None


@pytest.mark.parametrize("region", ["cn-north-1", "us-iso-east-1", "eu-isoe-west-1"])
def test_other_partitions_have_other_domains(region: str) -> None:
    """Botocore knows them."""
    assert read_access({**LAMBDA, "AWS_REGION": region}) is None


@pytest.mark.parametrize(
    "endpoint", ["ftp://host", "https://host/a/path", "host:80", "http://host:x"]
)
def test_an_endpoint_of_another_form_is_left_to_botocore(endpoint: str) -> None:
    """It says what is wrong with it, or knows better."""
    assert read_access({**LAMBDA, "AWS_ENDPOINT_URL": endpoint}) is None
