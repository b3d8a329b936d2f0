"""What AWS says before anything is changed: whose credentials these are, and what a stage holds.

Only reads: sts:GetCallerIdentity, cloudformation:DescribeStacks, GetTemplate and
DescribeStackResource, dynamodb:DescribeTable.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_CONFIG: Final = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})


class AccountError(Exception):
    """AWS can't be asked, or refuses; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the credentials are, and `environment` to hand the very same on to another process."""

    account: str
    arn: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stage: what becomes of its table when it is removed."""

    table: str | None
    is_table_kept: bool
    is_table_protected: bool


class Account(Protocol):
    """What is asked of AWS. Everything raises AccountError."""

    def identity(self) -> Identity:
        """Give who the credentials are."""
        ...

    def stack(self, name: str) -> Stack | None:
        """Give a stack by its name, None where there is none."""
        ...


class BotocoreAccount:
    """The account that botocore finds credentials for: environment, profile, SSO, role."""

    def __init__(self, region: str) -> None:
        self._session = botocore.session.get_session()
        self._region = region

    def identity(self) -> Identity:
        """Ask STS, which needs no permission."""
        try:
            credentials = self._session.get_credentials()
            if credentials is None:
                raise AccountError(
                    "credentials: none are found: set AWS_PROFILE, or log in (`aws sso login`)"
                )
            frozen = credentials.get_frozen_credentials()
            caller = self._client("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise AccountError(f"credentials: AWS takes none of these: {_said(error)}") from error
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        values = (frozen.access_key, frozen.secret_key, frozen.token)
        environment = {name: value for name, value in zip(names, values, strict=True) if value}
        return Identity(caller["Account"], caller["Arn"], environment)

    def stack(self, name: str) -> Stack | None:
        """Ask CloudFormation for the stack and its table's policy, DynamoDB for its protection."""
        formation = self._client("cloudformation")
        try:
            if not _exists(formation, name):
                return None
            body = formation.get_template(StackName=name, TemplateStage="Processed")["TemplateBody"]
            template = json.loads(body) if isinstance(body, str) else body
            tables = {
                logical: resource
                for logical, resource in template["Resources"].items()
                if resource["Type"] == "AWS::DynamoDB::Table"
            }
            if not tables:
                return Stack(None, is_table_kept=False, is_table_protected=False)
            logical, resource = next(iter(tables.items()))
            found = formation.describe_stack_resource(StackName=name, LogicalResourceId=logical)
            table = found["StackResourceDetail"]["PhysicalResourceId"]
            described = self._client("dynamodb").describe_table(TableName=table)["Table"]
        except (BotoCoreError, ClientError) as error:
            raise AccountError(f"stack {name}: it can't be read: {_said(error)}") from error
        return Stack(
            table,
            is_table_kept=str(resource.get("DeletionPolicy", "")).startswith("Retain"),
            is_table_protected=bool(described.get("DeletionProtectionEnabled")),
        )

    def _client(self, service: str) -> Any:  # noqa: ANN401 - botocore has no types
        return self._session.create_client(service, region_name=self._region, config=_CONFIG)


def _exists(formation: Any, name: str) -> bool:  # noqa: ANN401 - as above
    try:
        formation.describe_stacks(StackName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return False
        raise
    return True


def _said(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, ClientError):
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    return str(error)
