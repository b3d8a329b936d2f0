"""Least privilege, proven: what functions ask AWS for while they run is what their roles allow."""

import asyncio
from typing import TYPE_CHECKING

import pytest

from functions.actions.registry import ACTIONS
from functions.companion.endpoints import ENDPOINTS
from tests.e2e import every_right
from tests.e2e.every_right import REQUESTS, STACK, STAGE, Everything, prepare, say_everything
from tests.e2e.recording_proxy import recording
from tests.infra.conftest import run_osls
from tests.policies import Role, roles, too_few, too_many
from tests.rights_page import PAGE, written

if TYPE_CHECKING:
    from pathlib import Path

SETTLED_WITHIN_S = 30.0


@pytest.mark.node
async def test_functions_ask_aws_for_all_that_their_roles_allow_and_nothing_else(
    tmp_path: "Path", moto_endpoint: str, fake_credentials: dict[str, str]
) -> None:
    """On exactly these resources; the page has the same. One conversation, as it takes a while."""
    prepare(tmp_path)
    template = (await asyncio.to_thread(run_osls, tmp_path, "--stage", STAGE)).template
    allowed = roles(template, stack=STACK)
    with recording() as recorded:
        system = await asyncio.to_thread(Everything, tmp_path, recorded, moto_endpoint)
        try:
            await say_everything(system)
            await asyncio.to_thread(settle, system, allowed)
        finally:
            await system.emulator.stop()
    asked = system.asked()
    assert set(asked) == set(allowed) - {"authorizer"}
    refused = {name: too_few(allowed[name], rights) for name, rights in asked.items()}
    assert refused == {name: set() for name in asked}
    assert left_over(system, allowed) == {}
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page, allowed), "make permissions"


def left_over(system: Everything, allowed: dict[str, Role]) -> dict[str, object]:
    """Give what nobody has asked for yet, of functions with such rights."""
    asked = system.asked()
    found = {name: too_many(role, asked.get(name, ())) for name, role in allowed.items()}
    return {name: rights for name, rights in found.items() if rights}


def settle(system: Everything, allowed: dict[str, Role]) -> None:
    """Wait for workers and disconnects, which go on after the last reply."""
    try:
        system.emulator.wait_for(lambda: not left_over(system, allowed), SETTLED_WITHIN_S)
    except AssertionError:
        return  # the test says what is left over


def test_all_that_clients_and_servers_can_ask_has_a_place_in_the_conversation() -> None:
    """A right that only a new action or endpoint needs would be missed otherwise."""
    assert {each["action"] for each in REQUESTS} == set(ACTIONS)
    paths = [f"/v1/{path}" for path, _ in every_right.ENDPOINTS]
    assert paths == [each.path for each in ENDPOINTS]
