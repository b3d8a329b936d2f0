"""Least privilege, proven: what functions ask AWS for while they run is what their roles allow."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import pytest

from functions.actions.registry import ACTIONS
from functions.companion.endpoints import ENDPOINTS
from tests.conftest import FAKE_CREDENTIALS
from tests.e2e.every_right import ENDPOINTS as ASKED
from tests.e2e.every_right import REQUESTS, STACK, STAGE, Everything, prepare, say_everything
from tests.e2e.recording_proxy import recording
from tests.infra.conftest import run_osls
from tests.policies import Role, roles, too_few, too_many
from tests.rights import ARN, Right

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("rights")]

FUNCTIONS: Final = ("authorizer", "connect", "disconnect", "message", "fanout", "api", "refresh")
SETTLED_WITHIN_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Found:
    """The roles as packaged, and what the same project's functions asked for, by function."""

    roles: dict[str, Role]
    asked: dict[str, set[Right]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, moto_endpoint: str) -> Iterator[Found]:
    """Hold the conversation, once."""
    folder: Path = tmp_path_factory.mktemp("rights")
    with pytest.MonkeyPatch.context() as patched, recording() as recorded:
        for name, value in FAKE_CREDENTIALS.items():
            patched.setenv(name, value)
        prepare(folder)
        packaged = roles(run_osls(folder, "--stage", STAGE).template, stack=STACK)
        system = Everything(folder, recorded, moto_endpoint)
        try:
            asyncio.run(say_everything(system))
            settle(system, packaged)
        finally:
            system.emulator.stop_now()
        yield Found(packaged, {name: system.asked().get(name, set()) for name in packaged})


def settle(system: Everything, packaged: dict[str, Role]) -> None:
    """Wait for workers and disconnects, which nobody waits for; at last for nothing any more."""

    def complete() -> bool:
        asked = system.asked()
        return not any(too_many(role, asked.get(name, ())) for name, role in packaged.items())

    try:
        system.emulator.wait_for(complete, SETTLED_WITHIN_S)
    except AssertionError:  # the tests say what is missing
        return


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_a_function_asks_for_is_allowed(found: Found, function: str) -> None:
    """On exactly these resources: AWS refuses the rest, where a stand-in lets it pass."""
    assert too_few(found.roles[function], found.asked[function]) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_a_function_is_allowed_is_asked_for(found: Found, function: str) -> None:
    """By its code, or by Lambda in its name: logs, and dead letters."""
    assert too_many(found.roles[function], found.asked[function]) == set()


def test_every_function_has_a_role_and_was_watched(found: Found) -> None:
    """None is missing from the lists above; the authorizer asks AWS for nothing."""
    assert set(found.roles) == set(FUNCTIONS)
    assert {name for name in FUNCTIONS if not found.asked[name]} == {"authorizer"}


def test_all_that_clients_and_servers_can_ask_is_asked() -> None:
    """A new action or endpoint has a place in the conversation, or this fails."""
    assert {each["action"] for each in REQUESTS} == set(ACTIONS)
    assert [f"/v1/{path}" for path, _ in ASKED] == [each.path for each in ENDPOINTS]


def test_a_right_that_is_missing_or_left_over_is_found(found: Found) -> None:
    """By action, and by resource: another table, another verb, another stage."""
    role, asked = found.roles["message"], found.asked["message"]
    for right in role.allowed - role.for_lambda:
        assert too_few(replace(role, allowed=role.allowed - {right}), asked), right
    table = ARN.format("dynamodb", f"table/{STACK}-Table")
    for right in (
        Right("dynamodb:Scan", table),
        Right("dynamodb:PutItem", f"{table}/index/any"),
        Right("sqs:SendMessage", ARN.format("sqs", "another")),
    ):
        assert too_many(replace(role, allowed=role.allowed | {right}), asked) == {right}


def test_no_right_has_a_wildcard_but_for_connections_and_log_streams(found: Found) -> None:
    """Nothing is recorded that would show how wide one is."""
    for role in found.roles.values():
        for right in role.allowed:
            plain = right.resource.removesuffix("/@connections/*")
            plain = plain.removesuffix(":*") if right in role.for_lambda else plain
            assert not set("*?") & set(right.action + plain), right
