"""`make deploy` and `make destroy`, up to the point where osls does the work.

osls is a script of the test's own that says how it was called; AWS is moto, or a fake.
"""

import io
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.deploy import MISSING, Surroundings, main
from infra.deploying.account import Account, AccountError, Identity, Stack
from tests.infra.test_deploying_needs import project, put_osls

SECRET = "a secret of its own, and as long as it must be"
SAYS_HOW_IT_IS_CALLED = """
const { AWS_ACCESS_KEY_ID, AWS_PROFILE, JWT_SECRET } = process.env;
require("node:fs").writeFileSync("called.json", JSON.stringify({
  arguments: process.argv.slice(2), key: AWS_ACCESS_KEY_ID, profile: AWS_PROFILE ?? null,
  secret: JWT_SECRET ?? null,
}));
process.exit(Number(process.env.OSLS_EXIT ?? 0));
"""

pytestmark = pytest.mark.node


@dataclass(frozen=True, slots=True)
class FakeAccount:
    """An account that says what it is told to."""

    number: str = "123456789012"
    refusal: str = ""
    stacks: Mapping[str, Stack] = field(default_factory=dict)

    def identity(self) -> Identity:
        """Give the credentials that are checked, or refuse."""
        if self.refusal:
            raise AccountError(self.refusal)
        return Identity(self.number, "arn:of:ann", {"AWS_ACCESS_KEY_ID": "checked"})

    def stack(self, name: str) -> Stack | None:
        """Give a stack."""
        return self.stacks.get(name)


@dataclass(frozen=True, slots=True)
class Run:
    """How a command ended, what it said, and how osls was called, if it was."""

    code: int
    out: str
    errors: str
    called: dict[str, object] | None


def run(
    folder: Path,
    *arguments: str,
    account: Account | None = None,
    ask: Callable[[str], str] | None = None,
    **environ: str,
) -> Run:
    """Run the command for a project with an osls that says how it was called."""
    if not (folder / "serverless.yml").exists():
        project(folder)
        put_osls(folder)
        script = folder / "node_modules/osls/bin/serverless.js"
        script.parent.mkdir()
        script.write_text(SAYS_HOW_IT_IS_CALLED, encoding="utf-8")
    out, errors = io.StringIO(), io.StringIO()
    found = account or FakeAccount()
    around = Surroundings(
        folder=folder,
        environ={"PATH": os.environ["PATH"], "JWT_SECRET": SECRET, **environ},
        account=lambda _: found,
        ask=ask,
        out=out,
        errors=errors,
    )
    code = main(arguments, around)
    called = folder / "called.json"
    return Run(
        code,
        out.getvalue(),
        errors.getvalue(),
        json.loads(called.read_text("utf-8")) if called.exists() else None,
    )


def test_osls_deploys_with_what_was_checked(tmp_path: Path) -> None:
    """Stage, region and the very credentials; a profile that might be another's is left out."""
    found = run(tmp_path, "--stage", "dev", AWS_PROFILE="other")
    assert found.code == 0, found.errors
    assert found.called == {
        "arguments": ["deploy", "--stage", "dev", "--region", "eu-central-1"],
        "key": "checked",
        "profile": None,
        "secret": SECRET,
    }
    assert "shop-dev in account 123456789012, region eu-central-1, as arn:of:ann" in found.out
    assert "make smoke URL=wss://" in found.out


def test_the_exit_code_is_that_of_osls(tmp_path: Path) -> None:
    """And nothing is said of trying what is not there."""
    found = run(tmp_path, "--stage", "dev", OSLS_EXIT="3")
    assert found.code == 3
    assert "make smoke" not in found.out


def test_all_that_is_missing_is_said_at_once_and_nothing_is_tried(tmp_path: Path) -> None:
    """One line each."""
    run(tmp_path, "--stage", "dev")
    (tmp_path / "called.json").unlink()
    (tmp_path / "build/functions.zip").unlink()
    (tmp_path / "node_modules/osls/package.json").unlink()
    found = run(
        tmp_path,
        *("--stage", "a b", "--region", "Frankfurt"),
        account=FakeAccount(refusal="credentials: none are found"),
        JWT_SECRET="short",
    )
    assert (found.code, found.called, found.out) == (MISSING, None, "")
    starts = [line.split(":")[1].strip() for line in found.errors.splitlines()]
    assert starts == ["stage", "region", "osls", "archives", "JWT_SECRET", "credentials"]


def test_a_folder_that_is_no_project_is_said(tmp_path: Path) -> None:
    """Before anything else is looked at."""
    (tmp_path / "serverless.yml").write_text("{}", encoding="utf-8")
    found = run(tmp_path, "--stage", "dev")
    assert (found.code, found.called) == (MISSING, None)
    assert "has no serverless.yml of a service" in found.errors


def test_another_account_than_wanted_is_refused(tmp_path: Path) -> None:
    """So that nobody deploys with yesterday's login."""
    found = run(tmp_path, "--stage", "dev", "--account", "999999999999")
    assert (found.code, found.called) == (MISSING, None)
    assert "these credentials are of 123456789012, and 999999999999 is wanted" in found.errors


def test_without_secret_and_key_set_it_is_noted_that_nobody_is_let_in(tmp_path: Path) -> None:
    """It is no mistake: the stage may be filled later."""
    found = run(tmp_path, "--stage", "dev", JWT_SECRET="")
    assert found.code == 0
    assert "NOTE: neither JWT_SECRET nor JWT_JWKS_URL is set" in found.out


STACK = Stack("shop-dev-Table", is_table_kept=False, is_table_protected=False)
KEPT = Stack("shop-dev-Table", is_table_kept=True, is_table_protected=True)
PROTECTED = Stack("shop-dev-Table", is_table_kept=False, is_table_protected=True)


@pytest.mark.parametrize("way", ["asked", "told"])
def test_a_stage_is_removed_once_that_is_confirmed(tmp_path: Path, way: str) -> None:
    """By typing its name, or by giving it; archives and secrets are not needed for that."""
    account = FakeAccount(stacks={"shop-dev": STACK})
    questions: list[str] = []

    def ask(question: str) -> str:
        questions.append(question)
        return "dev\n"

    confirm = ["--confirm", "dev"] if way == "told" else []
    found = run(
        tmp_path, "--destroy", "--stage", "dev", *confirm, account=account, ask=ask, JWT_SECRET=""
    )
    assert found.code == 0, found.errors
    assert found.called is not None
    assert found.called["arguments"] == ["remove", "--stage", "dev", "--region", "eu-central-1"]
    assert "Its table shop-dev-Table is removed, with all its rows" in found.out
    assert len(questions) == (0 if way == "told" else 1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "nobody can be asked here: add CONFIRM=dev"),
        ("yes", "'yes' is not the stage 'dev'"),
        ("", "'' is not the stage 'dev'"),
    ],
)
def test_a_stage_that_nobody_confirmed_stays(tmp_path: Path, answer: str | None, said: str) -> None:
    """Where nobody can be asked, too."""
    account = FakeAccount(stacks={"shop-dev": STACK})
    ask = None if answer is None else (lambda _: answer)
    found = run(tmp_path, "--destroy", "--stage", "dev", account=account, ask=ask)
    assert (found.code, found.called) == (MISSING, None)
    assert f"confirmation: {said}" in found.errors


def test_a_stage_whose_table_is_protected_stays_whole(tmp_path: Path) -> None:
    """CloudFormation would remove everything else, and then fail."""
    account = FakeAccount(stacks={"shop-dev": PROTECTED})
    found = run(tmp_path, "--destroy", "--stage", "dev", "--confirm", "dev", account=account)
    assert (found.code, found.called) == (MISSING, None)
    assert "table shop-dev-Table: it is protected against deletion" in found.errors
    assert "docs/how-to/remove-everything.md" in found.errors


def test_a_table_that_the_stack_leaves_behind_is_said(tmp_path: Path) -> None:
    """It goes on costing what it holds."""
    account = FakeAccount(stacks={"shop-dev": KEPT})
    found = run(tmp_path, "--destroy", "--stage", "dev", "--confirm", "dev", account=account)
    assert found.code == 0
    assert "Its table shop-dev-Table stays, with its rows" in found.out


def test_a_stage_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Perhaps it is in another region."""
    found = run(tmp_path, "--destroy", "--stage", "dev", "--confirm", "dev")
    assert (found.code, found.called) == (MISSING, None)
    assert "stack shop-dev: there is none in this account and region" in found.errors
