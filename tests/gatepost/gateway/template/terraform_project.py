"""Terraform projects for tests: a plan in the form that `terraform show -json` has, and sources."""

import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gatepost.gateway.core.deployment import Deployment
from gatepost.gateway.template.terraform import read_terraform
from gatepost.gateway.template.values import NO_VALUES, Values

if TYPE_CHECKING:
    from collections.abc import Mapping

_ADDRESS = re.compile(r"(?P<data>data\.)?(?P<type>\w+)\.(?P<name>\w+)(\[(?P<key>.*)\])?")


FOR_EACH: Final = "for_each_expression"


class TerraformProject:
    """A plan that grows by `add`; `read` writes and reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.resources: dict[str, dict[str, Any]] = {}
        self.references: dict[str, dict[str, list[str]]] = {}
        self.unknown: dict[str, dict[str, Any]] = {}
        self.tree: dict[str, Any] = {}
        (folder / "app.py").write_text("", encoding="utf-8")

    def add(
        self, address: str, *, unknown: "Mapping[str, Any] | None" = None, **values: object
    ) -> None:
        """Add a resource, or change one.

        A value that begins with `->` is unknown until apply, and says what it refers to.
        """
        known = self.resources.setdefault(address, {})
        lost = self.unknown.setdefault(address, {"id": True, "arn": True})
        for name, value in values.items():
            if isinstance(value, str) and value.startswith("->"):
                self.references.setdefault(address, {})[name] = value[2:].split()
                if name != FOR_EACH:
                    lost[name] = True
            else:
                known[name] = value
        lost.update(unknown or {})

    def add_whole_api(self) -> None:
        """Add an API with one route, its function and a stage."""
        api = "->aws_apigatewayv2_api.socket.id"
        self.add("aws_apigatewayv2_api.socket", name="shop", protocol_type="WEBSOCKET")
        self.add("aws_apigatewayv2_stage.live", name="live", api_id=api)
        self.add_function("hello")
        self.add(
            "aws_apigatewayv2_integration.hello",
            api_id=api,
            integration_type="AWS_PROXY",
            integration_uri="->aws_lambda_function.hello.invoke_arn aws_lambda_function.hello",
        )
        self.add(
            "aws_apigatewayv2_route.connect",
            api_id=api,
            route_key="$connect",
            target="->aws_apigatewayv2_integration.hello.id aws_apigatewayv2_integration.hello",
        )

    def add_function(self, name: str, **values: Any) -> None:  # noqa: ANN401 - as `add` takes
        """Add a function whose handler is in the folder of the plan."""
        given: dict[str, Any] = {
            "function_name": name,
            "handler": "app.main",
            "runtime": "python3.13",
        }
        self.add(f"aws_lambda_function.{name}", **{**given, **values})

    def write(self, source: str = "") -> Path:
        """Write the plan, and the sources beside it if there are any; return the plan's path."""
        parts = {address: _ADDRESS.fullmatch(address) for address in self.resources}
        named = {address: part for address, part in parts.items() if part is not None}
        common = {
            address: {
                "address": address,
                "mode": "data" if part["data"] else "managed",
                "type": part["type"],
                "name": part["name"],
            }
            for address, part in named.items()
        }
        planned = [
            common[address]
            | ({"index": json.loads(part["key"])} if part["key"] else {})
            | {"values": self.resources[address]}
            for address, part in named.items()
        ]
        configured = [
            common[address]
            | {
                "expressions": {
                    name: {"references": listed}
                    for name, listed in self.references.get(address, {}).items()
                    if name != FOR_EACH
                },
                FOR_EACH: {"references": self.references.get(address, {}).get(FOR_EACH, [])},
            }
            for address in named
        ]
        plan = {
            "format_version": "1.2",
            "terraform_version": "1.11.4",
            "planned_values": {"root_module": {"resources": planned}},
            "configuration": {"root_module": {"resources": configured}},
            "resource_changes": [
                {"address": address, "change": {"after_unknown": unknown}}
                for address, unknown in self.unknown.items()
            ],
        } | self.tree
        if source:
            (self.folder / "main.tf").write_text(source, encoding="utf-8")
        path = self.folder / "plan.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        return path

    def read(
        self,
        source: str = "",
        *,
        stage: str | None = None,
        environ: "Mapping[str, str] | None" = None,
        values: Values = NO_VALUES,
        overridden: Collection[str] = (),
    ) -> Deployment:
        """Write and read the plan."""
        return read_terraform(
            self.write(source),
            stage=stage,
            environ=environ or {},
            values=values,
            overridden=overridden,
        )
