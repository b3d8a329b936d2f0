"""What a name and a region must look like."""

import pytest

from gatepost.project.choices import Choices, check_demo, check_name, check_region, name_for
from gatepost.project.errors import ProjectError


@pytest.mark.parametrize("name", ["a", "chat", "team-chat-2", "a" * 20])
def test_a_name_that_resources_can_have_is_taken(name: str) -> None:
    """With stage and function it stays within 64 characters."""
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("", "2chat", "-chat", "chat-", "Chat", "team chat", "team_chat", "chät", "a" * 21),
        *("chat\n", "gatepost"),
    ],
)
def test_a_name_that_some_resource_can_not_have_is_refused(name: str) -> None:
    """It is said by name; gatepost would be a project that depends on itself."""
    with pytest.raises(ProjectError, match="name"):
        check_name(name)


@pytest.mark.parametrize(
    "region", ["us-east-1", "eu-central-1", "ap-southeast-5", "us-gov-west-1", "eusc-de-east-1"]
)
def test_a_region_of_every_partition_is_taken(region: str) -> None:
    """By its form: new ones come."""
    assert check_region(region) == region


@pytest.mark.parametrize("region", ["", "europe", "eu-central", "EU-central-1", "eu-central-1a"])
def test_what_is_no_region_is_refused(region: str) -> None:
    """A zone isn't one."""
    with pytest.raises(ProjectError, match="region"):
        check_region(region)


def test_a_demo_that_is_not_there_is_refused_with_those_that_are() -> None:
    """There are few."""
    assert check_demo("none") == "none"
    with pytest.raises(ProjectError, match="there are: chat, none"):
        check_demo("game")


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("chat", "chat"),
        ("Team Chat_2", "team-chat-2"),
        ("2025-chat", "chat"),
        ("a-very-long-name-of-a-project", "a-very-long-name-of"),
        ("日本", ""),
        ("gatepost", ""),
    ],
)
def test_a_folders_name_is_brought_into_form(folder: str, name: str) -> None:
    """Where nothing is left, a name has to be given."""
    assert name_for(folder) == name
    assert not name or check_name(name) == name


def test_choices_can_be_made_again_by_their_flags() -> None:
    """A project's README tells them, for the next version of the template."""
    assert Choices("chat", "eu-west-1", "none", terraform=True).flags == (
        "--name chat --region eu-west-1 --demo none --terraform"
    )
