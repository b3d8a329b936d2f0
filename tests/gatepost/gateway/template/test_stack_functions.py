"""Functions of a stack."""

from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.stack_functions import function_named

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gatepost.gateway.template.conftest import ReadStack, StackRefusal


def test_what_a_function_is_set_to(read_stack: "ReadStack") -> None:
    """Name, time-out, memory and environment; numbers may be texts."""
    deployment = read_stack(
        "Retry: {Type: AWS::Lambda::EventInvokeConfig, Properties: "
        "{FunctionName: !Ref Hello, Qualifier: $LATEST, MaximumRetryAttempts: 0, "
        "MaximumEventAgeInSeconds: '90'}}",
        function=", FunctionName: hello, Timeout: '20', MemorySize: 512, "
        "DeadLetterConfig: {TargetArn: 'arn:x'}, "
        "Environment: {Variables: {A: 1, B: !Ref AWS::NoValue, C: true}}",
    )
    function = deployment.functions["hello"]
    assert (function.timeout_s, function.memory_mb, function.retry_attempts) == (20, 512, 0)
    assert (function.event_age_s_max, function.dead_letters) == (90, True)
    assert function.environment == {"A": "1", "C": "true"}


def test_functions_that_no_api_leads_to_are_read_too(
    read_stack: "ReadStack", tmp_path: "Path"
) -> None:
    """Others may invoke them; one that can't be run is left out with a notice."""
    deployment = read_stack(
        """
        Worker: {Type: AWS::Lambda::Function, Properties:
          {Code: src, Handler: app.work, Runtime: nodejs20.x}}
        Image: {Type: AWS::Lambda::Function, Properties: {PackageType: Image, Code: {ImageUri: x}}}
        Java: {Type: AWS::Lambda::Function, Properties:
          {Code: src, Handler: a.B, Runtime: java21}}
        Maker: {Type: AWS::Lambda::Function, Properties:
          {Code: src, Handler: a.b, Runtime: nodejs20.x}}
        Made: {Type: Custom::Thing, Properties: {ServiceToken: !GetAtt Maker.Arn}}
        """
    )
    names = [f"{tmp_path.name}-{name}" for name in ("Hello", "Worker")]
    assert list(deployment.functions) == names
    image, java, maker, rest = deployment.notices
    assert "Image is not run here: Resources.Image is a container image" in image
    assert java.endswith("Java is not run here: its runtime is java21")
    assert maker.endswith("Maker serves a custom resource, so it is not run here")
    assert rest == "not emulated: Made (Custom::Thing)"


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (", PackageType: Image", "Resources.Hello is a container image"),
        (", Timeout: 901", "Hello.Properties.Timeout must be a whole number from 1 to 900"),
        (", MemorySize: lots", "MemorySize must be a whole number from 128 to 10240"),
        (", Environment: {Variables: {1A: x}}", "can't be the name of an environment variable"),
        (", Environment: {Variables: [a]}", "Environment.Variables must be a mapping"),
    ],
)
def test_a_function_behind_a_route_that_can_t_be_run_is_refused(
    stack_refusal: "StackRefusal", function: str, sentence: str
) -> None:
    """With resource and property."""
    assert sentence in stack_refusal(function=function)


def test_layers_are_noted(read_stack: "ReadStack") -> None:
    """What they hold must be installed for the interpreter here."""
    notices = read_stack(function=", Layers: [arn:aws:lambda:x]").notices
    assert notices[0].endswith("Hello has Layers, which has no effect here")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("arn:aws:lambda:us-east-1:123456789012:function:f", "f"),
        ("arn:aws:lambda:us-east-1:123456789012:function:f:live", "f"),
        ("arn:aws-cn:lambda:cn-north-1:123456789012:function:f:7", "f"),
        ("f", "f"),
        ("f:live", "f"),
        ("https://example.com", None),
        ("arn:aws:sqs:us-east-1:123456789012:q", None),
        ("", None),
    ],
)
def test_a_function_is_named_by_name_or_arn(text: str, name: str | None) -> None:
    """With or without version or alias."""
    assert function_named(text) == name
