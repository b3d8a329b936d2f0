"""Figures in the documentation are those that a benchmark kept."""

from pathlib import Path

from benchmarks.results import table

ROOT = Path(__file__).parent.parent


def test_the_readme_quotes_the_last_kept_comparisons() -> None:
    """Run the benchmarks, then paste their tables."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table("round_trips") in readme
    assert table("broadcast", rows="1,000: ") in readme


def test_the_page_on_delivery_quotes_the_last_kept_costs() -> None:
    """Run the benchmark, then paste its table."""
    page = (ROOT / "docs/explanation/delivery.md").read_text(encoding="utf-8")
    assert table("table_operations") in page


def test_the_how_to_quotes_the_last_kept_figures_of_the_fixture() -> None:
    """Run the benchmark, then paste its table."""
    how_to = (ROOT / "docs/how-to/test-your-handlers.md").read_text(encoding="utf-8")
    assert table("fixture_start") in how_to


def test_the_page_on_packaging_quotes_the_last_kept_figures() -> None:
    """Run the benchmarks, then paste their tables."""
    page = (ROOT / "docs/how-to/package.md").read_text(encoding="utf-8")
    assert table("artifact_sizes") in page
    assert table("cold_start") in page


def test_the_page_on_sending_quotes_the_last_kept_ways_of_posting() -> None:
    """Run the benchmark, then paste its table."""
    page = (ROOT / "docs/explanation/sending.md").read_text(encoding="utf-8")
    assert table("post_to_connection") in page
