"""The functions section."""

import zipfile
from typing import TYPE_CHECKING

import pytest

from gatepost.gateway.template.errors import TemplateError
from gatepost.gateway.template.serverless import read_serverless
from gatepost.gateway.template.values import Values

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gatepost.gateway.template.conftest import Read, Refusal

HEAD = "service: shop\nprovider: {name: aws, runtime: python3.13}\nfunctions:\n"


def test_a_function_has_the_framework_s_defaults(read: "Read", tmp_path: "Path") -> None:
    """6 s and 1024 MB; the name is service, stage and key."""
    function = read(HEAD + "  a: {handler: src/app.main, events: [{websocket: x}]}").functions
    assert set(function) == {"shop-dev-a"}
    only = function["shop-dev-a"]
    assert (only.name, only.handler, only.runtime) == ("shop-dev-a", "src/app.main", "python3.13")
    assert (only.timeout_s, only.memory_mb, only.code_root) == (6, 1024, tmp_path)


def test_a_function_s_own_settings_go_before_the_provider_s(read: "Read", tmp_path: "Path") -> None:
    """Environments are merged, the others replaced."""
    template = """
service: shop
provider:
  name: aws
  runtime: python3.12
  timeout: 10
  memorySize: 512
  environment: {A: provider, B: provider}
functions:
  - a:
      name: mine
      handler: app.main
      module: backend
      runtime: python3.13
      timeout: 20
      memorySize: 256
      environment: {B: own, C: 1}
      events: [{websocket: x}]
  - b:
      handler: app.main
      events: [{websocket: y}]
"""
    functions = read(template).functions
    own, other = functions["mine"], functions["shop-dev-b"]
    assert (own.runtime, own.timeout_s, own.memory_mb) == ("python3.13", 20, 256)
    assert own.environment == {"A": "provider", "B": "own", "C": "1"}
    assert own.code_root == tmp_path / "backend"
    assert (other.runtime, other.timeout_s, other.memory_mb) == ("python3.12", 10, 512)
    assert other.environment == {"A": "provider", "B": "provider"}


def test_a_function_without_route_is_there_for_whoever_invokes_it(read: "Read") -> None:
    """As on Lambda; a layer and a URL of it have no effect, which a notice says."""
    deployment = read(f"""{HEAD}
  worker:
    handler: app.work
    maximumRetryAttempts: 1
    maximumEventAge: 90
    onError: arn:aws:sns:us-east-1:123456789012:failures
    layers: [arn:x]
    url: true
    destinations: {{onFailure: other}}
  hello: {{handler: app.hello, url: false, events: [{{websocket: $connect}}]}}
  nothing:
""")
    asynchronously = {
        name: (one.retry_attempts, one.event_age_s_max, one.dead_letters)
        for name, one in deployment.functions.items()
    }
    assert asynchronously == {
        "shop-dev-worker": (1, 90, True),
        "shop-dev-hello": (2, 21_600, False),
    }
    assert [notice.rpartition("/")[2] for notice in deployment.notices] == [
        "serverless.yml:6: layers of worker have no effect here",
        "serverless.yml:12: destinations of worker have no effect here",
        "serverless.yml:11: url of worker has no effect here",
    ]


ARTIFACT = f"""{HEAD}
  hello: {{handler: app.hello, runtime: python3.13, events: [{{websocket: $connect}}]}}
package: {{artifact: dist/chat.zip}}
"""


def test_an_artifact_is_unpacked_where_the_sources_are_not_in_the_project(
    read: "Read", tmp_path: "Path"
) -> None:
    """A notice says so; with the sources it is them that are run."""
    (tmp_path / "dist").mkdir()
    with zipfile.ZipFile(tmp_path / "dist/chat.zip", "w") as archive:
        archive.writestr("app.py", "def hello(event, context): ...")
    deployment = read(ARTIFACT)
    root = deployment.functions["shop-dev-hello"].code_root
    assert root.parent == tmp_path / ".gatepost/unpacked"
    assert (root / "app.py").is_file()
    (notice,) = deployment.notices
    assert "app.hello is run from chat.zip alone, unpacked to" in notice
    (tmp_path / "app.py").touch()
    deployment = read(ARTIFACT)
    assert deployment.functions["shop-dev-hello"].code_root == tmp_path
    assert deployment.notices == (
        "dist/chat.zip is not unpacked: its handlers are run from the project",
    )


def test_sources_run_beside_artifacts_that_are_there_and_that_are_not(
    read: "Read", tmp_path: "Path"
) -> None:
    """Who has packaged gets one notice for all functions of an archive, who has not gets none."""
    (tmp_path / "app.py").touch()
    template = f"""{HEAD}
  hello: {{handler: app.hello, runtime: python3.13, events: [{{websocket: $connect}}]}}
  more: {{handler: app.more, runtime: python3.13}}
package: {{artifact: dist/chat.zip}}
"""
    assert read(template).notices == ()
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/chat.zip").touch()
    deployment = read(template)
    assert len(deployment.notices) == 1
    assert {each.code_root for each in deployment.functions.values()} == {tmp_path}


def test_an_artifact_that_can_t_be_run_is_refused(refusal: "Refusal", tmp_path: "Path") -> None:
    """If the sources are not there either."""
    assert refusal(ARTIFACT).endswith(
        "package.artifact is dist/chat.zip, which is not there, as app.hello is not"
    )
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/chat.zip").touch()
    assert "is dist/chat.zip, which can't be unpacked: File is not a zip" in refusal(ARTIFACT)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        ("{handler: a.b, environment: {B: !Ref Uploads}}", "refers to Uploads"),
        ("{handler: a.b, environment: {B: '${ssm:/secret}'}}", "it asks AWS"),
        ("{image: x}", "image can't be run here"),
        ("{handler: a.b, runtime: java21}", "has the runtime java21, which can't be run here"),
    ],
)
def test_a_function_that_no_route_needs_is_left_out_with_the_reason(
    read: "Read", function: str, reason: str
) -> None:
    """Its neighbours run all the same."""
    deployment = read(f"""{HEAD}
  other: {function}
  hello: {{handler: app.hello, events: [{{websocket: $connect}}]}}
""")
    assert set(deployment.functions) == {"shop-dev-hello"}
    assert deployment.notices[0].startswith("other is left out: ")
    assert reason in deployment.notices[0]


def test_variables_that_are_set_from_outside_are_not_asked_for(
    read: "Read", tmp_path: "Path"
) -> None:
    """By an environment file: a secret that only AWS knows is in nobody's way then."""
    template = (
        "service: shop\nprovider: {name: aws, runtime: python3.13, environment: "
        "{A: '${ssm:/a}', B: b}}\nfunctions:\n  a: {handler: a.b, events: [{websocket: x}]}\n"
    )
    with pytest.raises(TemplateError):
        read(template)
    read_again = read_serverless(
        tmp_path / "serverless.yml", stage=None, environ={}, overridden={"A"}
    )
    assert read_again.functions["shop-dev-a"].environment == {"B": "b"}


def test_the_values_file_knows_what_is_not_emulated(read: "Read") -> None:
    """Ref and attributes of resources, by logical id, and parameters without default."""
    values = Values(
        parameters={"Size": "9"},
        resources={"Jobs": {"Ref": "https://q", "QueueName": "jobs"}, "Topic": {"TopicName": "t"}},
    )
    template = f"""{HEAD}
  a:
    handler: a.b
    environment:
      {{Q: !Ref Jobs, N: !GetAtt Jobs.QueueName, S: !Ref Size, T: !GetAtt Topic.TopicName}}
    events: [{{websocket: x}}]
resources:
  Parameters: {{Size: {{Type: String}}}}
  Resources: {{Jobs: {{Type: AWS::SQS::Queue}}, Topic: {{Type: AWS::SNS::Topic}}}}
"""
    environment = read(template, values=values).functions["shop-dev-a"].environment
    assert environment == {"Q": "https://q", "N": "jobs", "S": "9", "T": "t"}


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        ("{events: [{websocket: x}]}", "functions.a needs handler"),
        (
            "{handler: app, events: [{websocket: x}]}",
            "functions.a.handler is 'app'; it must be a module and a name: app.handler",
        ),
        (
            "{image: x, events: [{websocket: x}]}",
            "functions.a.image can't be run here: a container image names no handler",
        ),
        (
            "{handler: a.b, timeout: 901, events: [{websocket: x}]}",
            "functions.a.timeout must be a whole number from 1 to 900",
        ),
        (
            "{handler: a.b, environment: {1a: x}, events: [{websocket: x}]}",
            "functions.a.environment.1a can't be the name of an environment variable",
        ),
        ("{handler: a.b, events: {websocket: x}}", "functions.a.events must be a list"),
        (
            "{handler: a.b, maximumRetryAttempts: 3, events: [{websocket: x}]}",
            "functions.a.maximumRetryAttempts must be a whole number from 0 to 2",
        ),
        ("5", "functions.a must be a mapping"),
    ],
)
def test_a_function_that_cannot_be_run_is_refused(
    refusal: "Refusal", function: str, sentence: str
) -> None:
    """File, line and path come first, then what to do."""
    assert refusal(f"{HEAD}  a: {function}\n") == f"serverless.yml:4: {sentence}"


def test_two_functions_of_one_name_are_refused(refusal: "Refusal") -> None:
    """Lambda has one function of a name."""
    refused = refusal(f"""{HEAD}
  a: {{name: same, handler: a.b, events: [{{websocket: x}}]}}
  b: {{name: same, handler: a.b, events: [{{websocket: y}}]}}
""")
    assert refused == "serverless.yml:6: functions.b has the name same, as another function has"


def test_a_function_that_is_listed_twice_is_refused(refusal: "Refusal") -> None:
    """In a list of mappings a key may come again."""
    function = "{handler: a.b, events: [{websocket: x}]}"
    refused = refusal(f"{HEAD}  - a: {function}\n  - a: {function}\n")
    assert refused.startswith("serverless.yml:5: functions.1.a is there twice, first at ")
