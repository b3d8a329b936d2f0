"""What AWS says of credentials and stacks: asked of moto over the wire, as of AWS."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from infra.deploying.account import AccountError, BotocoreAccount, Stack
from tests.infra.test_deploy import SAYS_HOW_IT_IS_CALLED
from tests.infra.test_deploying_needs import project, put_osls

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
REGION = "eu-central-1"
TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    },
}


@pytest.fixture
def aws(
    moto_endpoint: str, fake_credentials: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> str:
    """An account with credentials for it in the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_endpoint)
    return moto_endpoint


@pytest.fixture
def stack(aws: str, request: pytest.FixtureRequest) -> "Iterator[str]":
    """A deployed stack with a table, by its name; the parameter changes the table."""
    name = f"shop-{uuid.uuid4().hex[:8]}"
    resources = {"Table": request.param} if request.param else {}
    template = {"Resources": resources | {"Queue": {"Type": "AWS::SQS::Queue"}}}
    client = boto3.client("cloudformation", endpoint_url=aws, region_name=REGION)
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    yield name
    client.close()


def changed(policy: str | None = None, **properties: object) -> dict[str, object]:
    """The table with other properties."""
    table: dict[str, object] = {**TABLE, "Properties": {**TABLE["Properties"], **properties}}  # type: ignore[dict-item]
    return table if policy is None else {**table, "DeletionPolicy": policy}


def test_credentials_that_count_have_account_and_name_and_can_be_handed_on(
    aws: str, fake_credentials: dict[str, str]
) -> None:
    """The very same: none of a profile that changes meanwhile. They are in no text."""
    identity = BotocoreAccount(REGION).identity()
    assert identity.account == "123456789012"
    assert identity.arn.startswith("arn:aws:sts::123456789012:")
    assert identity.environment == {
        name: fake_credentials[name]
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    }
    assert "SECRET" not in repr(identity)


def test_without_credentials_it_is_said_how_to_get_some(
    aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is asked of AWS then."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AccountError, match="credentials: none are found: set AWS_PROFILE"):
        BotocoreAccount(REGION).identity()


def test_a_profile_that_is_not_there_is_named(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the pen in AWS_PROFILE."""
    monkeypatch.setenv("AWS_PROFILE", "nobodys")
    with pytest.raises(AccountError, match=r"credentials: .*nobodys"):
        BotocoreAccount(REGION).identity()


def test_an_aws_that_does_not_answer_is_told(
    fake_credentials: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not waited for without end."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(
        AccountError, match=r"credentials: AWS takes none of these: .*127\.0\.0\.1:9"
    ):
        BotocoreAccount(REGION).identity()


@pytest.mark.parametrize(
    ("stack", "kept", "protected"),
    [
        (TABLE, False, False),
        (changed("Retain"), True, False),
        (changed("RetainExceptOnCreate"), True, False),
        (changed("Delete", DeletionProtectionEnabled=True), False, True),
    ],
    indirect=["stack"],
    ids=["plain", "kept", "kept once made", "protected"],
)
def test_what_becomes_of_a_table_is_read_from_template_and_table(
    stack: str, *, kept: bool, protected: bool
) -> None:
    """Its policy in the stack, and its protection as it is now."""
    found = BotocoreAccount(REGION).stack(stack)
    assert found is not None
    assert found.table is not None
    assert (found.is_table_kept, found.is_table_protected) == (kept, protected)


@pytest.mark.parametrize("stack", [None], indirect=True)
def test_a_stack_without_a_table_loses_none(stack: str) -> None:
    """It is there, and that is all."""
    assert BotocoreAccount(REGION).stack(stack) == Stack(
        None, is_table_kept=False, is_table_protected=False
    )


def test_a_stack_that_is_not_there_is_none(aws: str) -> None:
    """No error: it may be in another region."""
    assert BotocoreAccount(REGION).stack("shop-none") is None


@pytest.mark.node
@pytest.mark.parametrize("command", ["deploy", "remove"])
@pytest.mark.parametrize("stack", [TABLE], indirect=True)
def test_the_command_comes_as_far_as_osls(stack: str, command: str, tmp_path: Path) -> None:
    """Started as make does, with the credentials of the environment."""
    project(tmp_path)
    put_osls(tmp_path)
    script = tmp_path / "node_modules/osls/bin/serverless.js"
    script.parent.mkdir()
    script.write_text(SAYS_HOW_IT_IS_CALLED, encoding="utf-8")
    stage = stack.removeprefix("shop-")
    destroying = ["--destroy", "--confirm", stage] if command == "remove" else []
    finished = subprocess.run(
        [sys.executable, "-m", "infra.deploy", "--stage", stage, *destroying],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "JWT_SECRET": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    called = json.loads((tmp_path / "called.json").read_text("utf-8"))
    assert called["arguments"] == [command, "--stage", stage, "--region", REGION]
    assert called["key"] == "testing"
    assert f"{stack} in account 123456789012, region {REGION}" in finished.stdout


def test_make_says_what_is_missing(tmp_path: Path) -> None:
    """`make deploy` without a stage, in this project."""
    finished = subprocess.run(
        [shutil.which("make") or "make", "-o", ".venv/.run", "deploy"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 2
    assert "deploy: stage: '' is not" in finished.stderr
    assert "deploy: credentials: none are found" in finished.stderr
