"""Parameters, conditions and mappings of a stack, and which resources it makes."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.values import Values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatepost.gateway.core.deployment import Deployment
    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal

SECTIONS = """
Parameters:
  Color: {Type: String, Default: red}
  Shades: {Type: CommaDelimitedList, Default: 'light, dark'}
  Secret: {Type: String, NoEcho: true}
  Ami: {Type: AWS::SSM::Parameter::Value<String>, Default: /ami/latest}
Conditions:
  IsRed: !Equals [!Ref Color, red]
  IsHere: !Equals [!Ref AWS::Region, us-east-1]
  Both: !And [!Condition IsRed, !Condition IsHere]
  Neither: !Not [!Or [!Condition IsRed, !Condition IsHere]]
  Circle: !Not [!Condition Circle]
  Odd: [a]
Mappings:
  Sizes:
    us-east-1: {Small: 1, List: [a, b]}
"""


def environment(deployment: "Deployment") -> "Mapping[str, str]":
    """Return what the one function of a stack finds."""
    (function,) = deployment.functions.values()
    return function.environment


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("!Ref Color", "red"),
        ("!Select [1, !Ref Shades]", "dark"),
        ("!Join ['+', !Ref Shades]", "light+dark"),
        ("!If [IsRed, a, b]", "a"),
        ("!If [Both, a, b]", "a"),
        ("!If [Neither, a, !Sub '${Color}er']", "reder"),
        ("!FindInMap [Sizes, !Ref AWS::Region, Small]", "1"),
        ("!Select [1, !FindInMap [Sizes, us-east-1, List]]", "b"),
        ("!FindInMap [Sizes, eu-west-1, Small, {DefaultValue: 7}]", "7"),
    ],
)
def test_a_function_has_the_value_it_would_have(
    read_stack: "ReadStack", value: str, text: str
) -> None:
    """Sources: the CloudFormation reference of parameters, conditions and mappings."""
    function = f", Environment: {{Variables: {{X: {value}}}}}"
    assert environment(read_stack(sections=SECTIONS, function=function)) == {"X": text}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("!Ref Secret", "hush"),
        ("!Ref Ami", "ami-1"),
        ("!If [IsRed, a, b]", "b"),
        ("!ImportValue exported", "imported"),
        ("'{{resolve:ssm:/a/b}}!'", "c!"),
        ("'{{resolve:secretsmanager:db:SecretString:password}}'", "pw"),
        ("!Sub '${Bucket}/${Bucket.Arn}'", "files/arn:files"),
    ],
)
def test_the_values_file_stands_in_for_an_account(
    read_stack: "ReadStack", value: str, text: str
) -> None:
    """Parameters go before their defaults; references to AWS have values of their own."""
    values = Values(
        parameters={"Secret": "hush", "Color": "blue"},
        ssm={"/ami/latest": "ami-1", "/a/b": "c"},
        imports={"exported": "imported"},
        secrets={"db:SecretString:password": "pw"},
        resources={"Bucket": {"Ref": "files", "Arn": "arn:files"}},
    )
    function = f", Environment: {{Variables: {{X: {value}}}}}"
    resources = "Bucket: {Type: AWS::S3::Bucket}"
    deployment = read_stack(resources, sections=SECTIONS, function=function, values=values)
    assert environment(deployment) == {"X": text}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("!Ref Secret", "refers to parameter Secret, which has no value: give it under parameters"),
        ("!Ref Ami", "refers to parameter Ami, which has no value: give it under parameters"),
        ("!If [Circle, a, b]", "names condition Circle, which depends on itself"),
        ("!If [Odd, a, b]", "Conditions.Odd is no condition"),
        ("!If [Nope, a, b]", "names condition Nope, which Conditions lacks"),
        ("!FindInMap [Sizes, a, b]", "looks for Sizes.a.b, which Mappings lacks"),
        ("!Ref Gone", "refers to Gone, which condition Neither leaves out"),
        ("!Ref Hello", "has a name that depends on itself"),
        ("{a: b, 'Fn::ForEach::X': c}", "has Fn::ForEach::X: loops are not read here"),
        ("{'Fn::Transform': {Name: AWS::Include}}", "Fn::Transform needs a deployed stack"),
    ],
)
def test_what_has_no_value_here_is_refused(
    stack_refusal: "StackRefusal", value: str, sentence: str
) -> None:
    """By name, and with the way out where there is one."""
    function = f", FunctionName: !Sub ['x${{A}}', {{A: {value}}}]"
    refused = stack_refusal(
        "Gone: {Type: AWS::SQS::Queue, Condition: Neither}", sections=SECTIONS, function=function
    )
    assert sentence in refused


def test_a_resource_whose_condition_is_false_is_not_made(read_stack: "ReadStack") -> None:
    """Neither its table nor a notice about it."""
    deployment = read_stack(
        "Gone: {Type: AWS::DynamoDB::Table, Condition: Neither}", sections=SECTIONS
    )
    assert deployment.tables == ()
    assert deployment.notices == ()


@pytest.mark.parametrize(
    ("sections", "sentence"),
    [
        ("Transform: MyMacro", "Transform has MyMacro, which changes the template in AWS"),
        ("Transform: [{Name: AWS::Include}]", "has a macro with parameters"),
        ("Conditions: {'Fn::ForEach::A': [a, [b], {c: d}]}", "has Fn::ForEach::A: loops"),
        ("Parameters: {A: {Type: String, Default: [b]}}", "Parameters.A.Default must be"),
    ],
)
def test_what_changes_the_template_in_aws_is_refused(
    stack_refusal: "StackRefusal", sections: str, sentence: str
) -> None:
    """What comes out of it can be read."""
    assert sentence in stack_refusal(sections=sections)


def test_two_functions_of_one_name_are_refused(stack_refusal: "StackRefusal") -> None:
    """As CloudFormation would."""
    refused = stack_refusal(
        "Two: {Type: AWS::Lambda::Function, Properties: {FunctionName: same}}",
        function=", FunctionName: same",
    )
    assert refused.endswith("Resources.Two has the name same, as Hello has")
