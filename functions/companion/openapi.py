"""The description of the HTTP API: an OpenAPI 3.1 document, and a page that shows it.

Both are made of the endpoints' own types when they are first asked for. The page needs nothing from
elsewhere, and no script.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from functions.companion.endpoint import AnyEndpoint
from functions.companion.problems import MEDIA_TYPE, STATUSES, Problem

DOCUMENT_PATH: Final = "/openapi.json"
PAGE_PATH: Final = "/docs"

Schema = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/{name}"
_PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def routes(endpoints: Sequence[AnyEndpoint]) -> list[Route]:
    """Give the routes of the document and of the page."""
    kept: dict[str, bytes] = {}

    async def show_document(_request: Request) -> Response:
        if DOCUMENT_PATH not in kept:
            kept[DOCUMENT_PATH] = msgspec.json.encode(document(endpoints))
        return Response(kept[DOCUMENT_PATH], media_type="application/json")

    async def show_page(_request: Request) -> Response:
        if PAGE_PATH not in kept:
            kept[PAGE_PATH] = page(document(endpoints)).encode()
        return HTMLResponse(kept[PAGE_PATH], headers={"Content-Security-Policy": _PAGE_POLICY})

    return [Route(DOCUMENT_PATH, show_document), Route(PAGE_PATH, show_page)]


def document(endpoints: Sequence[AnyEndpoint]) -> Schema:
    """Give the OpenAPI document."""
    types = [Problem, *(each.fields for each in endpoints), *(each.result for each in endpoints)]
    _, schemas = msgspec.json.schema_components(types, ref_template=_REFERENCE)
    queries = {each.fields.__name__ for each in endpoints if each.method == "GET"}
    paths: dict[str, Schema] = {}
    for each in endpoints:
        operation = _operation(each, schemas)
        paths.setdefault(each.path, {})[each.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatepost",
            "version": "1",
            "description": "What servers can do: publish, read, reach users, end connections.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {name: each for name, each in schemas.items() if name not in queries},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def page(described: Schema) -> str:
    """Give the page: every endpoint, then every error with the anchor that problems name."""
    endpoints = "".join(
        _section(method, path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "".join(
        f'<h3 id="{escape(name)}">{escape(name)}</h3>{_listing(schema)}'
        for name, schema in described["components"]["schemas"].items()
    )
    errors = "".join(
        f'<tr id="error-{kind.code}"><td>{status.value}<td>{kind.code}<td>{escape(kind.name)}'
        f"<td>{'yes' if kind.temporary else 'no'}"
        for kind, status in STATUSES.items()
    )
    return _PAGE.format(
        title=escape(described["info"]["title"]),
        description=escape(described["info"]["description"]),
        document=DOCUMENT_PATH.removeprefix("/"),
        endpoints=endpoints,
        errors=errors,
        schemas=schemas,
    )


def _operation(endpoint: AnyEndpoint, schemas: Mapping[str, Schema]) -> Schema:
    operation: Schema = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "responses": {
            "200": _content(endpoint.result, "Success", "application/json"),
            "default": _content(Problem, "Failure", MEDIA_TYPE),
        },
        "security": [{"bearer": []}] if endpoint.permission else [],
    }
    if endpoint.permission:
        operation["description"] = f"Needs the permission `{endpoint.permission}`."
    fields = schemas[endpoint.fields.__name__]
    if endpoint.method == "POST":
        content = {"application/json": {"schema": _reference(endpoint.fields)}}
        operation["requestBody"] = {"required": True, "content": content}
    elif fields["properties"]:
        operation["parameters"] = [
            {"name": name, "in": "query", "required": name in fields["required"], "schema": schema}
            for name, schema in fields["properties"].items()
        ]
    return operation


def _content(body: type, description: str, media_type: str) -> Schema:
    return {"description": description, "content": {media_type: {"schema": _reference(body)}}}


def _reference(body: type) -> Schema:
    return {"$ref": _REFERENCE.format(name=body.__name__)}


def _section(method: str, path: str, operation: Schema) -> str:
    asked = operation.get("requestBody") or operation.get("parameters") or "nothing"
    return (
        f"<h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(operation['summary'])}. {escape(operation.get('description', 'Open to all.'))}"
        f"<details><summary>Request</summary>{_listing(asked)}</details>"
        f"<details><summary>Answer</summary>{_listing(operation['responses']['200'])}</details>"
    )


def _listing(value: object) -> str:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return f"<pre>{escape(text)}</pre>"


_PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}: HTTP API</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: auto; padding: 1rem }}
h2 {{ margin-bottom: 0; font-size: 1.1rem }}
pre {{ overflow-x: auto; padding: .5rem; border: 1px solid #8888 }}
td, th {{ text-align: left; padding: 0 1rem .2rem 0 }}
:root {{ color-scheme: light dark }}
</style>
<h1>{title}: HTTP API</h1>
<p>{description} Every request but those open to all carries <code>Authorization: Bearer</code> and
a key or a token. The same as a document: <a href="{document}">OpenAPI 3.1</a>.
{endpoints}
<h2>Errors</h2>
<p>An answer that is no success is a problem (RFC 9457) with one of these codes.
<table><tr><th>Status<th>Code<th>Name<th>Temporary{errors}</table>
<h2>Types</h2>
{schemas}
</html>
"""
