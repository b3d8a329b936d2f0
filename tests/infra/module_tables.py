"""The tables of the module's README: `python -m tests.infra.module_tables` writes them."""

import re
import sys
from pathlib import Path

MODULE = Path(__file__).parents[2] / "infra/terraform"
README = MODULE / "README.md"
MARKED = re.compile(r"(?<=<!-- tables -->\n).*?(?=<!-- end -->)", re.DOTALL)
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
MANY_LINES = "see variables.tf"


def tables() -> str:
    """Return both tables as the sources have them."""
    rows: dict[str, list[str]] = {"variable": [], "output": []}
    for name in ("variables.tf", "outputs.tf"):
        for kind, word, body in BLOCK.findall((MODULE / name).read_text(encoding="utf-8")):
            description = attribute(body, "description").strip('"').replace("|", "\\|")
            cells = [f"`{word}`", description]
            if kind == "variable":
                cells.append(default(body))
            rows[kind].append(f"| {' | '.join(cells)} |")
    inputs = "\n".join(["| Input | | Default |", "| --- | --- | --- |", *rows["variable"]])
    outputs = "\n".join(["| Output | |", "| --- | --- |", *rows["output"]])
    return f"\n{inputs}\n\n{outputs}\n\n"


def attribute(body: str, name: str) -> str:
    """Return what an attribute of a block is set to, in one line."""
    match = re.search(rf"^  {name} += (.*)$", body, re.MULTILINE)
    return match[1] if match else ""


def default(body: str) -> str:
    """Return the default as the table has it."""
    value = attribute(body, "default")
    if not value:
        return "required"
    return MANY_LINES if value in ("{", "[") else f"`{value}`"


def main() -> None:
    """Write the tables into the README."""
    text = README.read_text(encoding="utf-8")
    README.write_text(MARKED.sub(lambda _: tables(), text), encoding="utf-8")
    sys.stdout.write(f"{README}\n")


if __name__ == "__main__":
    main()
