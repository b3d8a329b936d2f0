"""Writes docs/reference/parity.md: each fact about the real gateway, and whether it holds here.

A fact is emulated when a test whose docstring cites its number says so; the tests are the source.
What has no test stands in tests/parity.yml with the reason. `make parity` writes the page;
test_parity.py fails when it is stale.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

ROOT: Final = Path(__file__).parent.parent
FACTS_PAGE: Final = ROOT / "docs/reference/gateway-behaviour.md"
PARITY_PAGE: Final = ROOT / "docs/reference/parity.md"
REASONS: Final = ROOT / "tests/parity.yml"
ELSEWHERE: Final = {"cost", "fixtures", "infra", "test_fan_out_page.py", "test_cost_page.py"}
"""Parts of paths of tests that are not about the gateway: bills, and what is deployed."""

_HEADING: Final = re.compile(
    r"^#{2,3} (?P<title>\d+\.(?:\d+)? .*)$|^\| (?P<fact>B-\d{3}) \|(?P<rest>.*)\|$"
)
_CONFIDENCE: Final = re.compile(r"\| (?P<mark>[DOIGM]\b[^|]*?|arithmetic) (?=\||$)")
_CITED: Final = re.compile(r"\bB-(\d{3})\b(?: to B-(\d{3})\b)?")
_TITLE_CHARS_MAX: Final = 110

Status = Literal["emulated", "simplified", "nothing to emulate", "not emulated"]

HEAD: Final = """\
# Parity with the real gateway

Generated from the tests by `make parity`; don't edit. Each row is a fact of
[gateway-behaviour.md](gateway-behaviour.md), with its confidence there: **D** documented by AWS,
**O** observed on AWS, **M** measured with its SDK, **I** inferred, **G** a guess, which sits behind
a setting. *Emulated* means that the tests named show it. *Simplified* and *not emulated* say why.
*Nothing to emulate* is a fact about accounts, deployments, bills or clients.
"""


class Deviation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a fact is not simply emulated."""

    status: Literal["simplified", "nothing to emulate", "not emulated"]
    why: str


class Fact(msgspec.Struct, frozen=True):
    """One fact of the page: where it stands, what it says in short, how sure it is."""

    number: str
    section: str
    title: str
    confidence: str


class Test(msgspec.Struct, frozen=True):
    """A test that cites facts: its file under tests/, and its name."""

    path: str
    name: str


def read_facts() -> list[Fact]:
    """Return the facts in the order of the page."""
    facts = []
    section = ""
    for line in FACTS_PAGE.read_text(encoding="utf-8").splitlines():
        if (found := _HEADING.match(line)) is None:
            continue
        if found["title"]:
            section = found["title"]
        else:
            marks = _CONFIDENCE.findall(found["rest"])
            text = found["rest"].split(" | ")[0].strip()
            facts.append(Fact(found["fact"], section, _shortened(text), marks[-1] if marks else ""))
    return facts


def read_deviations() -> dict[str, Deviation]:
    """Return the facts that have no test, or are simplified, with the reasons."""
    return msgspec.yaml.decode(REASONS.read_bytes(), type=dict[str, Deviation])


def read_tests() -> dict[str, list[Test]]:
    """Return the tests that cite each fact; those on the wire come first."""
    cited: dict[str, list[Test]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py"), key=_on_the_wire_first):
        if not ELSEWHERE.isdisjoint(path.parts):
            continue
        for name, docstring in _docstrings(path):
            for number in _numbers(docstring):
                test = Test(str(path.relative_to(ROOT / "tests")), name)
                cited.setdefault(number, []).append(test)
    return cited


def status_of(
    fact: Fact, tests: Mapping[str, list[Test]], deviations: Mapping[str, Deviation]
) -> Status:
    """Say how a fact is dealt with here."""
    if fact.number in deviations:
        return deviations[fact.number].status
    return "emulated" if fact.number in tests else "not emulated"


def render() -> str:
    """Return the whole page."""
    facts, tests, deviations = read_facts(), read_tests(), read_deviations()
    counts = dict.fromkeys(("emulated", "simplified", "nothing to emulate", "not emulated"), 0)
    lines: list[str] = []
    section = ""
    for fact in facts:
        status = status_of(fact, tests, deviations)
        counts[status] += 1
        if fact.section != section:
            section = fact.section
            lines += ["", f"## {section}", "", "| Fact | | Confidence | Here | Test or reason |"]
            lines += ["| --- | --- | --- | --- | --- |"]
        proof = _proof(tests.get(fact.number, []), deviations.get(fact.number))
        lines.append(f"| {fact.number} | {fact.title} | {fact.confidence} | {status} | {proof} |")
    summary = ", ".join(f"{count} {status}" for status, count in counts.items())
    return "\n".join([HEAD, f"{len(facts)} facts: {summary}.", *lines, ""])


def _proof(tests: list[Test], deviation: Deviation | None) -> str:
    parts = [] if deviation is None else [deviation.why]
    if tests:
        first = tests[0]
        more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
        parts.append(f"[{_sentence(first.name)}](../../tests/{first.path}){more}")
    return "; ".join(parts)


def _sentence(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def _shortened(text: str) -> str:
    if len(text) <= _TITLE_CHARS_MAX:
        return text
    cut = text[:_TITLE_CHARS_MAX].rsplit(" ", 1)[0].rstrip(",;:(")
    # A code span or emphasis that was cut in two would swallow the rest of the row.
    for mark in ("`", "**"):
        if cut.count(mark) % 2:
            cut = cut.rsplit(mark, 1)[0].rstrip(" ,;:(")
    return f"{cut} …"


def _numbers(docstring: str) -> list[str]:
    """Return the numbers that a docstring cites; `B-100 to B-106` cites all between too."""
    spans = [(int(first), int(last or first)) for first, last in _CITED.findall(docstring)]
    cited = (f"B-{number:03}" for first, last in spans for number in range(first, last + 1))
    return list(dict.fromkeys(cited))


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test_"
        ):
            yield node.name, ast.get_docstring(node) or ""


def _on_the_wire_first(path: Path) -> tuple[bool, str]:
    return "conformance" not in path.parts, str(path)


if __name__ == "__main__":
    PARITY_PAGE.write_text(render(), encoding="utf-8")
