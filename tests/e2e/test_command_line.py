"""What a developer gets wrong is told in one sentence, with exit code 2 and no traceback."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest

GATEPOST = Path(sys.executable).parent / "gatepost"

TABLE_WITHOUT_KEYS = """
service: broken
provider: {name: aws, runtime: python3.13}
functions:
  any: {handler: any.handle, events: [{websocket: $default}]}
resources:
  Resources:
    Rows:
      Type: AWS::DynamoDB::Table
      Properties: {TableName: rows, BillingMode: PAY_PER_REQUEST}
"""


async def gatepost(*arguments: str) -> tuple[int | None, str]:
    """Run the console script to its end; exit code and error output."""
    process = await asyncio.create_subprocess_exec(
        GATEPOST,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, errors.decode()


async def refused(*arguments: str) -> str:
    """The sentence that `gatepost dev` ends with."""
    code, errors = await gatepost("dev", "--port", "0", "--http-port", "0", *arguments)
    assert code == 2, errors
    assert "Traceback" not in errors
    return errors


@pytest.mark.parametrize("flag", ["--port", "--http-port"])
async def test_a_taken_port_is_named_with_the_flag_that_changes_it(flag: str) -> None:
    """The sentence says which port, and how to choose another."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        sentence = await refused(flag, str(port))
    assert f"localhost:{port}" in sentence
    assert f"{flag} 0" in sentence


async def test_a_missing_template_is_named() -> None:
    """The path as given."""
    assert "nowhere/serverless.yml" in await refused("--template", "nowhere/serverless.yml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("service: [unclosed\n", ["serverless.yml:"]),
        ("service: x\nprovider:\n  name: ${nosuch:thing}\n", ["serverless.yml:3", "nosuch"]),
        (TABLE_WITHOUT_KEYS, ["Rows", "KeySchema"]),
    ],
    ids=["yaml", "variable", "table"],
)
async def test_a_broken_template_is_told_with_its_place(
    tmp_path: Path, text: str, expected: list[str]
) -> None:
    """File and line where there is one, and the thing at fault."""
    template = tmp_path / "serverless.yml"
    template.write_text(text)
    sentence = await refused("--template", str(template))
    for part in expected:
        assert part in sentence


async def test_an_interpreter_that_is_none_is_named() -> None:
    """--python wants an executable file."""
    assert "--python /no/python" in await refused("--python", "/no/python")


async def test_an_environment_file_names_its_broken_line(tmp_path: Path) -> None:
    """File, line and what stands there."""
    (tmp_path / "local.env").write_text("GOOD=1\nnot a setting\n")
    sentence = await refused("--env-file", str(tmp_path / "local.env"))
    assert "local.env:2" in sentence
    assert "not a setting" in sentence


async def test_a_dynamodb_that_does_not_answer_is_named() -> None:
    """--dynamodb must lead somewhere."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert url in await refused("--dynamodb", url)


@pytest.mark.parametrize("url", ["localhost:8000", "http://localhost:99999", "ftp://x", "http://"])
async def test_a_dynamodb_that_is_no_url_is_named(url: str) -> None:
    """With an example of one."""
    assert f"{url}: expected a URL such as http://localhost:8000" in await refused(
        "--dynamodb", url
    )


@pytest.mark.parametrize("arguments", [["dev", "--port", "x"], ["dev", "--prot", "1"], ["fly"], []])
async def test_wrong_usage_exits_with_2_and_says_what_is_possible(arguments: list[str]) -> None:
    """One line, which leads to the help."""
    code, errors = await gatepost(*arguments)
    assert code == 2
    assert errors.count("\n") == 1
    assert errors.startswith("gatepost")
    assert "--help" in errors
