"""The page on cost and its chart show what the model says now."""

import re
from xml.etree import ElementTree as ET

import pytest

from gatepost.cost.counting import Cause
from tests.cost_page import CHART, COLOURS, PAGE, at, chart, written


def test_the_tables_are_up_to_date() -> None:
    """Who changes a price or an assumption runs `make costs`."""
    assert PAGE.read_text(encoding="utf-8") == written(PAGE.read_text(encoding="utf-8"))


def test_the_chart_is_up_to_date() -> None:
    """The same."""
    assert CHART.read_text(encoding="utf-8") == chart()


def test_a_table_that_was_changed_by_hand_is_found() -> None:
    """So that the tests above can fail."""
    page = PAGE.read_text(encoding="utf-8")
    assert written(page.replace("$109.50", "$99.50")) == page
    with pytest.raises(ValueError, match="0 blocks"):
        written(page.replace("<!-- always on", "<!-- all ways on"))


def test_the_chart_is_an_svg_with_a_line_for_each_cause_and_for_the_total() -> None:
    """Well formed, within its frame."""
    drawn = ET.fromstring(chart())  # noqa: S314 - made here
    lines = drawn.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == len(COLOURS) + 1
    for line in lines:
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 < x < 600
            assert 0 < y < 400


def test_the_sentences_say_what_the_model_says() -> None:
    """Figures in running text: where the audience takes over, and what twice the send time adds."""
    page = PAGE.read_text(encoding="utf-8")
    assert "From some 30 recipients on" in page
    assert at(10).dominant is not Cause.AUDIENCE
    assert at(30).dominant is Cause.AUDIENCE
    found = at(1000)
    sends = next(line for line in found.lines if line.item == "GB-seconds: message")
    [percent] = re.findall(r"doubling the time of a send adds ([\d.]+) %", page)
    assert 100 * sends.usd / found.total_usd == pytest.approx(float(percent), abs=0.1)
    messages = next(line for line in found.lines if line.item == "messages out")
    assert messages.usd / dict(found.causes)[Cause.AUDIENCE] > 0.9
