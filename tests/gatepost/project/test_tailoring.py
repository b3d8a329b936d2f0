"""The values that a project has of its own."""

import json

import pytest

from gatepost.project.choices import Choices
from gatepost.project.tailoring import TailoringError, tailored

CHOICES = Choices("chat", "eu-west-1", "chat", terraform=True)


def test_the_service_and_its_region_are_the_projects() -> None:
    """What the emulator reads under `custom.gatepost` keeps its name."""
    text = b"service: gatepost\nregion: ${opt:region, 'us-east-1'}\ncustom:\n  gatepost: {}\n"
    assert tailored("serverless.yml", text, CHOICES) == (
        b"service: chat\nregion: ${opt:region, 'eu-west-1'}\ncustom:\n  gatepost: {}\n"
    )


def test_the_example_of_the_terraform_module_names_the_project() -> None:
    """The module is called with the name; its sources stay as they were tested."""
    path = "infra/terraform/example/main.tf"
    text = b'module "gatepost" {\n  source = "../"\n\n}\n  default     = "us-east-1"\n'
    made = tailored(path, text, CHOICES).decode()
    assert '  source = "../"\n  name   = "chat"\n' in made
    assert '"eu-west-1"' in made
    assert tailored("infra/terraform/variables.tf", text, CHOICES) == text


@pytest.mark.parametrize("path", ["serverless.yml", "infra/terraform/example/main.tf"])
def test_a_value_that_is_not_there_any_more_is_a_defect(path: str) -> None:
    """Nobody gets a project that is called as the template."""
    with pytest.raises(TailoringError, match=path):
        tailored(path, b"service: other\n", CHOICES)


def test_npms_package_is_the_projects_own() -> None:
    """Its license is not ours to say."""
    package = {"name": "gatepost", "license": "MIT", "description": "x", "devDependencies": {}}
    lock = {"name": "gatepost", "packages": {"": {"name": "gatepost", "license": "MIT"}, "a": {}}}
    made = json.loads(tailored("package.json", json.dumps(package).encode(), CHOICES))
    assert made["name"] == "chat"
    assert "license" not in made
    locked = json.loads(tailored("package-lock.json", json.dumps(lock).encode(), CHOICES))
    assert locked == {"name": "chat", "packages": {"": {"name": "chat"}, "a": {}}}


def test_pages_and_policies_name_the_stacks_of_the_project() -> None:
    """Commands can be copied, and rights end at the right names; the tool keeps its name."""
    text = b"stack/gatepost-dev/* arn:aws:sqs:us-east-1:1:gatepost-prod `gatepost dev`"
    assert tailored("docs/how-to/ci/policy.json", text, CHOICES) == (
        b"stack/chat-dev/* arn:aws:sqs:eu-west-1:1:chat-prod `gatepost dev`"
    )


def test_what_is_no_text_stays_as_it_is() -> None:
    """An image, say."""
    assert tailored("web/demo/a.png", b"\xff\x00Gatepost", CHOICES) == b"\xff\x00Gatepost"
