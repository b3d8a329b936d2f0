"""SAM's functions, tables and Globals."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal

GLOBALS = """
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Runtime: python3.13
    Timeout: 20
    MemorySize: 256
    Environment: {Variables: {A: shared, B: shared}}
"""


def test_globals_are_merged_into_functions(read_stack: "ReadStack", tmp_path: "Path") -> None:
    """Mappings by key; where both say something, the function's own counts."""
    deployment = read_stack(
        """
        F:
          Type: AWS::Serverless::Function
          Properties: {Handler: a.b, Timeout: 5, Environment: {Variables: {B: own, C: own}}}
        """,
        sections=GLOBALS,
    )
    function = deployment.functions[f"{tmp_path.name}-F"]
    assert (function.timeout_s, function.memory_mb) == (5, 256)
    assert function.environment == {"A": "shared", "B": "own", "C": "own"}
    assert deployment.functions[f"{tmp_path.name}-Hello"].environment == {}


def test_an_alias_goes_by_the_function_s_name(read_stack: "ReadStack") -> None:
    """`!Ref F.Alias`, as AutoPublishAlias gives it; and retries of asynchronous invocations."""
    deployment = read_stack(
        """
        F:
          Type: AWS::Serverless::Function
          Properties:
            FunctionName: f
            Handler: a.b
            AutoPublishAlias: live
            EventInvokeConfig: {MaximumRetryAttempts: 1}
        """,
        sections=GLOBALS,
        function=", Environment: {Variables: {X: !Ref F.Alias, Y: !Sub '${F.Alias}'}}",
    )
    arn = "arn:aws:lambda:us-east-1:123456789012:function:f:live"
    hello = next(f for name, f in deployment.functions.items() if name.endswith("Hello"))
    assert hello.environment == {"X": arn, "Y": arn}
    assert deployment.functions["f"].retry_attempts == 1


def test_a_simple_table_has_one_key(read_stack: "ReadStack", tmp_path: "Path") -> None:
    """`id`, a text, where the template names none."""
    deployment = read_stack(
        """
        One: {Type: AWS::Serverless::SimpleTable}
        Two:
          Type: AWS::Serverless::SimpleTable
          Properties: {TableName: two, PrimaryKey: {Name: n, Type: Number}}
        """,
        sections=GLOBALS,
    )
    one, two = deployment.tables
    assert one.name == f"{tmp_path.name}-One"
    assert one.create["AttributeDefinitions"] == [{"AttributeName": "id", "AttributeType": "S"}]
    assert two.create == {
        "TableName": "two",
        "AttributeDefinitions": [{"AttributeName": "n", "AttributeType": "N"}],
        "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }


def test_events_that_are_no_api_s_are_noted(read_stack: "ReadStack") -> None:
    """Nothing sends them here."""
    deployment = read_stack(
        """
        F:
          Type: AWS::Serverless::Function
          Properties:
            Handler: a.b
            Events: {Tick: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}}
        """,
        sections=GLOBALS,
    )
    assert deployment.notices[0].endswith("Schedule events of F are not sent")


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ("PrimaryKey: {Name: n, Type: Map}", "has a Type that is not String, Number or Binary"),
        ("PrimaryKey: [n]", "T.Properties.PrimaryKey must be a mapping"),
    ],
)
def test_a_table_with_a_strange_key_is_refused(
    stack_refusal: "StackRefusal", properties: str, sentence: str
) -> None:
    """With resource and property."""
    table = f"T: {{Type: AWS::Serverless::SimpleTable, Properties: {{{properties}}}}}"
    assert sentence in stack_refusal(table, sections=GLOBALS)
