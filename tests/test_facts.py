"""The page of numbered facts and the code agree on which facts there are."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/gateway-behaviour.md"
CITED = re.compile(r"\bB-\d{3}\b")
FACT = re.compile(r"^\| (B-\d{3}) \|(.*)\|$", re.MULTILINE)
CONFIDENCE = re.compile(r"\| (?:[DOIGM]\b[^|]*|arithmetic) (?=\||$)")

ROWS = FACT.findall(PAGE.read_text(encoding="utf-8"))
FOLDERS = ("functions", "gatepost", "infra", "tests", "docs", "benchmarks", "web")
SOURCES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".md", ".yml", ".js"} and "node_modules" not in path.parts
)


def test_every_fact_has_a_number_of_its_own() -> None:
    """A number names one fact."""
    counted = Counter(number for number, _ in ROWS)
    assert len(counted) > 150
    assert {number: times for number, times in counted.items() if times > 1} == {}


def test_the_readme_counts_the_facts_right() -> None:
    """Its number is that of the page."""
    assert f"[{len(ROWS)} numbered facts]" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_fact_has_a_confidence() -> None:
    """A reader must know whether a fact is documented, observed or guessed."""
    assert [number for number, rest in ROWS if not CONFIDENCE.search(rest)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_cited_fact_is_on_the_page(path: Path) -> None:
    """A citation that leads nowhere misleads."""
    known = {number for number, _ in ROWS}
    assert set(CITED.findall(path.read_text(encoding="utf-8"))) - known == set()
