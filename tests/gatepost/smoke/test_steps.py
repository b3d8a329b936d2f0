"""Each step of a smoke test finds what it is there for, and says what was expected."""

import pytest

from gatepost.smoke.steps import try_all
from gatepost.smoke.talking import Target
from tests.gatepost.smoke.scripted import Answer, Server, error, reply, running

CHANNEL = "chat:smoke"


async def tried(server: Server, *, token: str | None = None, timeout_s: float = 10) -> list[str]:
    """Try a server; give what was said, and after that whether all went well."""
    said: list[str] = []
    async with running(server):
        target = Target(url=server.url, channel=CHANNEL, token=token, timeout_s=timeout_s)
        said.append(f"went well: {await try_all(target, 'mark', said.append)}")
    return said


def names(said: list[str]) -> list[str]:
    """The steps that were tried."""
    return [line.split()[0] for line in said[:-1]]


async def test_a_system_that_works_passes_every_step() -> None:
    """In their order, each with its time; who shows a token sees that others are refused."""
    said = await tried(Server(token="secret"), token="secret")
    assert names(said) == [
        *("connect", "refuse", "ping", "subscribe", "publish", "receive", "recover", "disconnect")
    ]
    assert all(" ms  " in line for line in said[:-1])
    assert said[1].endswith("without a token: 401")
    assert said[-1] == "went well: True"


async def test_without_a_token_nobody_is_tried_to_be_refused() -> None:
    """There is nothing to compare with."""
    assert "refuse" not in names(await tried(Server()))


async def test_a_system_that_lets_in_anybody_is_noted() -> None:
    """It may be meant so: on a developer's machine it is."""
    said = await tried(Server(), token="secret")
    assert said[1].endswith("NOTE: who shows no token is let in too")
    assert said[-1] == "went well: True"


async def test_a_channel_without_history_skips_recovery() -> None:
    """And says so."""
    said = await tried(Server(keeps_history=False))
    assert said[5].endswith("SKIPPED: the channel keeps no history")
    assert said[-1] == "went well: True"


async def test_where_presence_cant_be_asked_a_clean_close_is_enough() -> None:
    """A namespace may offer none."""
    said = await tried(Server(answers={"presenceStats": error(108, "no presence")}))
    assert said[-2].endswith("closed; who is present can't be asked here")
    assert said[-1] == "went well: True"


@pytest.mark.parametrize(
    ("action", "answer", "failed"),
    [
        (
            "ping",
            lambda *_: {"message": "Internal server error", "requestId": "r1="},
            (
                "ping        FAILED: expected a reply to `ping`, got 'Internal server error' of "
                "the gateway itself (request r1=): the function failed or ran out of time, its "
                "log says why"
            ),
        ),
        (
            "ping",
            lambda *_: "pong",
            "ping        FAILED: expected a reply to `ping`, got a frame of another form: ",
        ),
        (
            "subscribe",
            error(103, "permission\x1b denied"),
            "subscribe   FAILED: expected `subscribe` to succeed, got error 103 permission? denied",
        ),
        (
            "subscribe",
            lambda _, request: reply(request, {"channels": []}),
            "subscribe   FAILED: expected a result of `subscribe`, got another form: ",
        ),
        (
            "publish",
            lambda *_: {"type": "closing", "code": 3503, "message": "forced"},
            "publish     FAILED: expected a reply to `publish`, got closing: 3503 forced",
        ),
        (
            "presenceStats",
            error(100, "internal error"),
            "disconnect  FAILED: expected `presenceStats` to succeed, got error 100 internal error",
        ),
    ],
)
async def test_what_goes_another_way_is_named_with_its_step(
    action: str, answer: Answer, failed: str
) -> None:
    """What was expected, and what came; nothing is tried after it."""
    said = await tried(Server(answers={action: answer}))
    assert said[-2].startswith(failed)
    assert said[-1] == "went well: False"


@pytest.mark.parametrize(
    ("server", "failed"),
    [
        (
            Server(answers={"ping": lambda *_: None}),
            "ping        FAILED: expected a reply to `ping` within 0.5 s",
        ),
        (
            Server(delivers=False),
            "receive     FAILED: expected the publication in chat:smoke within 0.5 s",
        ),
        (
            Server(remembers_the_gone=True),
            (
                "disconnect  FAILED: expected $disconnect to take the connection out of the "
                "channel's presence within 0.5 s"
            ),
        ),
    ],
    ids=["no reply", "no publication", "not forgotten"],
)
async def test_what_never_comes_is_waited_for_no_longer_than_is_said(
    server: Server, failed: str
) -> None:
    """The step says what it waited for."""
    said = await tried(server, timeout_s=0.5)
    assert said[-2:] == [failed, "went well: False"]


@pytest.mark.parametrize(
    ("recovery", "got"),
    [
        ({"recovered": False}, "`recovered` False with 0 publications"),
        ({"recovered": True, "publications": []}, "`recovered` True with 0 publications"),
        ({"recovered": True, "publications": [{"data": 1}, {"data": 2}]}, "True with 2"),
    ],
    ids=["lost its place", "lost publications", "others' publications"],
)
async def test_a_recovery_that_is_not_whole_is_a_failure(
    recovery: dict[str, object], got: str
) -> None:
    """Both publications that were missed, as they were sent, and nothing else."""
    said = await tried(Server(recovery=recovery))
    assert said[-2].startswith("recover     FAILED: expected `recovered` with the two publications")
    assert got in said[-2]
    assert said[-1] == "went well: False"


async def test_a_connection_that_ends_on_the_way_is_told_with_its_close_code() -> None:
    """While something else was expected."""
    said = await tried(Server(ends_at="publish"))
    assert said[-2] == "publish     FAILED: expected a reply to `publish`, got a close: 1013 busy"
