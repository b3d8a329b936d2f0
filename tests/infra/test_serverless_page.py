"""docs/reference/serverless-yml.md names every param and every key that serverless.yml uses."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/serverless-yml.md").read_text(encoding="utf-8")


class Loader(yaml.SafeLoader):
    """Reads tags of CloudFormation as what stands behind them."""


def behind(loader: Loader, _tag: str, node: yaml.Node) -> Any:  # noqa: ANN401 - YAML
    """Give what a tag is put before."""
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    return None


Loader.add_multi_constructor("!", behind)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    """The template as it is written, with no variable resolved."""
    # The loader is a safe one with tags more.
    read = yaml.load((ROOT / "serverless.yml").read_text(encoding="utf-8"), Loader)  # noqa: S506
    assert isinstance(read, dict)
    return read


def named() -> set[str]:
    """Return the words that the page sets as code."""
    return {word for text in re.findall(r"`([^`]+)`", PAGE) for word in re.split(r"[.\s]", text)}


def test_every_param_is_on_the_page(template: dict[str, Any]) -> None:
    """Those without a default are read with `, ` and what stands for them, in infra/*.yml."""
    sources = [ROOT / "serverless.yml", *(ROOT / "infra").glob("*.yml")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(r"\$\{param:(\w+)", text))
    params = template["params"]
    assert params["prod"].keys() <= params["default"].keys()
    assert params["default"].keys() <= used
    assert used - named() == set()


def test_every_key_is_on_the_page(template: dict[str, Any]) -> None:
    """Of the root, provider, logs and functions: whoever adds one looks it up for version 4."""
    keys = set(template) | set(template["provider"])
    for block in template["provider"]["logs"].values():
        keys |= set(block)
    for function in template["functions"].values():
        keys |= set(function)
    assert keys - named() == set()


def test_what_the_page_says_of_numbers_is_so(template: dict[str, Any]) -> None:
    """Rows of several params give their defaults in the same order."""
    defaults = template["params"]["default"]
    for names, values in re.findall(r"^\| (`[^|]+`) \| ([\d., ]+) \|", PAGE, re.MULTILINE):
        params = re.findall(r"`(\w+)`", names)
        assert [str(defaults[name]) for name in params] == values.split(", ")
