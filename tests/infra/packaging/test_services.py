"""Which services the functions call."""

from pathlib import Path

import pytest

from infra.packaging.errors import UsageError
from infra.packaging.services import services_in_use

ROOT = Path(__file__).parents[3]


def in_use(folder: Path, source: str, *named: str) -> set[str]:
    """Write a module, and look into it."""
    (folder / "module.py").write_text(source, encoding="utf-8")
    return set(services_in_use(folder, named))


@pytest.mark.parametrize(
    "source",
    [
        "self._session.create_client('s3', config=CONFIG)",
        "boto3.client('s3')",
        "boto3.resource(service_name='s3')",
        "aws_session.client('s3')",
        "boto3.Session().client('s3')",
    ],
)
def test_a_service_is_in_use_whose_client_is_opened(tmp_path: Path, source: str) -> None:
    """By botocore, aiobotocore or boto3, whose own copy in Lambda finds our botocore first."""
    assert in_use(tmp_path, source) == {"s3"}


@pytest.mark.parametrize("source", ["client('s3')", "chat.client('ann')", "open('s3')"])
def test_other_calls_open_no_client(tmp_path: Path, source: str) -> None:
    """Of the same name or of another."""
    assert in_use(tmp_path, source) == set()


def test_a_service_that_is_not_written_out_has_to_be_named(tmp_path: Path) -> None:
    """Nobody would find it missing before it is deployed."""
    with pytest.raises(UsageError, match=r"module\.py, line 1, .*--service"):
        in_use(tmp_path, "session.create_client(name)")
    assert in_use(tmp_path, "session.create_client(name)", "s3", "sns") == {"s3", "sns"}


def test_the_projects_own_are_found() -> None:
    """Each adapter opens its client by its name."""
    found = services_in_use(ROOT / "functions")
    assert {"apigatewaymanagementapi", "dynamodb", "events", "sqs"} <= found
