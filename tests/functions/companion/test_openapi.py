"""The description: complete, valid, and the page self-contained."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from functions.companion.endpoints import ENDPOINTS
from functions.companion.problems import STATUSES
from functions.core.errors import ERRORS

if TYPE_CHECKING:
    from functions.companion.endpoint import AnyEndpoint
    from tests.functions.companion.conftest import Ask


async def test_the_document_is_valid(ask: "Ask") -> None:
    """OpenAPI 3.1, for anybody."""
    answer = await ask("GET", "/openapi.json", key=None)
    assert answer.headers["content-type"] == "application/json"
    assert [str(error) for error in OpenAPIV31SpecValidator(answer.json).iter_errors()] == []


async def test_no_route_is_missing_from_the_document(ask: "Ask") -> None:
    """Nor is one in it that the table lacks."""
    document = (await ask("GET", "/openapi.json")).json
    described = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    assert described == {(each.method, each.path) for each in ENDPOINTS}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: each.name)
async def test_an_endpoint_is_described_as_it_is(ask: "Ask", endpoint: "AnyEndpoint") -> None:
    """Summary, permission, fields and result."""
    document = (await ask("GET", "/openapi.json")).json
    operation = document["paths"][endpoint.path][endpoint.method.lower()]
    assert len(operation["summary"].split()) >= 4
    assert operation["security"] == ([{"bearer": []}] if endpoint.permission else [])
    assert (f"`{endpoint.permission}`" in operation.get("description", "")) == bool(
        endpoint.permission
    )
    if endpoint.method == "POST":
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        fields = set(document["components"]["schemas"][reference.split("/")[-1]]["properties"])
    else:
        fields = {each["name"] for each in operation.get("parameters", [])}
    assert fields == set(endpoint.fields.__struct_fields__)


async def test_the_page_needs_nothing_from_elsewhere(ask: "Ask") -> None:
    """No script, no style sheet, no image, no font; and it may load none."""
    answer = await ask("GET", "/docs", key=None)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert re.findall(r"""(?:src|href)=["']?([^"'> ]+)""", answer.text) == ["openapi.json"]
    for endpoint in ENDPOINTS:
        assert f"{endpoint.method} {endpoint.path}<" in answer.text


async def test_every_problem_type_leads_to_its_row_on_the_page(ask: "Ask") -> None:
    """A problem's `type` is a link that explains it (RFC 9457, section 3.1.1)."""
    answer = await ask("POST", "/v1/publish", b"{")
    path, _, anchor = answer.json["type"].partition("#")
    text = (await ask("GET", path)).text
    assert anchor == "error-107"
    assert re.findall(r'id="error-(\d+)"', text) == [str(kind.code) for kind in ERRORS]


def test_the_reference_page_has_every_endpoint_field_and_code() -> None:
    """docs/reference/http-api.md, row by row."""
    page = Path(__file__).parents[3] / "docs/reference/http-api.md"
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    requests = {row[0]: row for row in rows if row[0].startswith("`")}
    assert set(requests) == {f"`{each.method} {each.path}`" for each in ENDPOINTS}
    for each in ENDPOINTS:
        _, permission, fields, _ = requests[f"`{each.method} {each.path}`"]
        assert permission == (f"`{each.permission}`" if each.permission else "none")
        named = set(re.findall(r"`(\w+)`", fields))
        assert named == set(each.fields.__struct_fields__)
    codes = {int(row[0]): int(row[1]) for row in rows if row[0].isdigit()}
    assert codes == {kind.code: status.value for kind, status in STATUSES.items()}
