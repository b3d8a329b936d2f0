"""`gatepost smoke`: exit codes, what is refused before anything is tried, and tokens unseen."""

import asyncio
from pathlib import Path

import pytest

from gatepost.emulator.cli import main
from tests.gatepost.smoke.scripted import Server, error, running

TOKEN = "a-token-that-must-not-be-seen"


async def test_a_system_that_works_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    """And one line a step."""
    async with running(Server()) as server:
        assert await asyncio.to_thread(main, ["smoke", server.url]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"{server.url}\n")
    assert shown.endswith("It works.\n")


@pytest.mark.parametrize("given", ["option", "variable"])
async def test_a_token_is_used_and_never_shown(
    given: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not even where the server repeats it."""
    arguments = ["--token", TOKEN] if given == "option" else []
    if given == "variable":
        monkeypatch.setenv("SMOKE_TOKEN", TOKEN)
    answers = {"publish": error(103, f"{TOKEN} may not publish")}
    async with running(Server(token=TOKEN, answers=answers)) as server:
        assert await asyncio.to_thread(main, ["smoke", server.url, *arguments]) == 1
    shown = capsys.readouterr()
    assert TOKEN not in shown.out + shown.err
    assert "error 103 *** may not publish" in shown.out
    assert shown.out.endswith("It does not work: see the step that failed.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["http://localhost/dev"], "URL: it must begin with wss:// or ws://"),
        (["localhost:3001"], "URL: it must begin with wss:// or ws://"),
        (["ws:///dev"], "URL: it must begin with wss:// or ws://"),
        (["ws://[::1/dev"], "URL: it is no address"),
        (["ws://a:99999/dev"], "URL: its port is no number from 0 to 65535"),
        (["ws://a/dev", "--channel", "smoke"], "--channel: 'smoke' is not `namespace:name`"),
        (["ws://a/dev", "--ca-bundle", "x.pem"], "--ca-bundle: a ws:// address shows no"),
        (["wss://a/dev", "--ca-bundle", "x.pem"], "--ca-bundle: x.pem has no certificates"),
    ],
)
def test_what_cant_be_tried_is_refused_with_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence that names what was given."""
    assert main(["smoke", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"gatepost: {said}")


def test_a_bundle_without_certificates_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is there, and is something else."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("nothing", encoding="utf-8")
    assert main(["smoke", "wss://a/dev", "--ca-bundle", str(bundle)]) == 2
    assert f"--ca-bundle: {bundle} has no certificates" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["0", "-1", "301", "soon", "1e2"])
def test_a_time_is_a_number_of_seconds(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """So that every run ends."""
    with pytest.raises(SystemExit) as ended:
        main(["smoke", "ws://a/dev", f"--timeout={value}"])
    assert ended.value.code == 2
    assert "is not a number of seconds up to 300" in capsys.readouterr().err
