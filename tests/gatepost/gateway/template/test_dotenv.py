"""`.env` files of projects with `useDotenv: true`."""

from pathlib import Path

import pytest

from gatepost.gateway.template.dotenv import parse_dotenv, read_dotenv


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=x", "x"),
        ("export A=x", "x"),
        ("  A = x y  ", "x y"),
        ("A=", ""),
        ("A='x # y'", "x # y"),
        ('A="x\\ny" # comment', "x\ny"),
        ('A="say \\"hi\\""', 'say "hi"'),
        ("A=x # comment", "x"),
        ("A=x#y", "x#y"),
        ("A=x\r", "x"),
    ],
)
def test_a_line_sets_a_variable(line: str, value: str) -> None:
    """Quotes, comments, `export` and spaces as such files have them."""
    assert parse_dotenv(f"# head\n\n{line}\nnot a variable\nB=last\n") == {"A": value, "B": "last"}


def test_the_file_of_the_stage_goes_before_the_common_one(tmp_path: Path) -> None:
    """One file counts: `.env.{stage}`, else `.env`, else none."""
    assert read_dotenv(tmp_path, "dev") == {}
    (tmp_path / ".env").write_text("A=common")
    assert read_dotenv(tmp_path, "dev") == {"A": "common"}
    (tmp_path / ".env.dev").write_text("A=dev")
    assert read_dotenv(tmp_path, "dev") == {"A": "dev"}
    assert read_dotenv(tmp_path, "prod") == {"A": "common"}
