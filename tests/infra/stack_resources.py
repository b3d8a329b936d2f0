"""The resources of a CloudFormation template, with what they say of each other resolved.

Ids and ARNs that only a deployment would know are made up; what a template's own names determine is
as it would be. Conditions are decided by the parameters' defaults.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from tests.infra.system_model import Resource

PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "stack",
}
NO_VALUE = object()
ARNS = {
    "AWS::Lambda::Function": ("lambda", "function:", "FunctionName"),
    "AWS::Logs::LogGroup": ("logs", "log-group:", "LogGroupName"),
    "AWS::SQS::Queue": ("sqs", "", "QueueName"),
    "AWS::DynamoDB::Table": ("dynamodb", "table/", "TableName"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "alarm:", "AlarmName"),
    "AWS::SNS::Topic": ("sns", "", "TopicName"),
}
BY_ARN = {"AWS::SNS::Topic"}  # whose Ref is the ARN
BY_NAME = {"AWS::Lambda::Function", "AWS::Logs::LogGroup", "AWS::CloudWatch::Alarm"}


PLAIN: dict[str, Callable[[Any], Any]] = {
    "And": all,
    "Equals": lambda given: given[0] == given[1],
    "Join": lambda given: str(given[0]).join(map(str, given[1])),
    "Not": lambda given: not given[0],
    "Or": any,
    "Select": lambda given: given[1][int(given[0])],
    "Split": lambda given: given[1].split(given[0]),
    "ToJsonString": json.dumps,
}
"""Functions that are carried out on what their arguments come to."""


class Stack:
    """A template whose functions are carried out."""

    def __init__(self, template: dict[str, Any]) -> None:
        self._template = template
        self._resources = template["Resources"]

    def resources(self) -> list[Resource]:
        """Return what is made, without what a condition leaves out; outputs are of kind Output."""
        made = [
            Resource(
                each["Type"],
                self.resolve(each.get("Properties", {})),
                self._ids(name, each["Type"]),
            )
            for name, each in self._resources.items()
            if "Condition" not in each or self.holds(each["Condition"])
        ]
        outputs = [
            Resource("Output", {"Name": name, "Value": self.resolve(each["Value"])}, {})
            for name, each in self._template.get("Outputs", {}).items()
            if "Condition" not in each or self.holds(each["Condition"])
        ]
        return made + outputs

    def holds(self, condition: str) -> bool:
        """Decide a condition of the template."""
        return bool(self.resolve(self._template["Conditions"][condition]))

    def _ids(self, name: str, kind: str) -> dict[str, str]:
        """Return what references to a resource give."""
        ids = {self._reference(name): "id"}
        if kind in ("AWS::IAM::Role", *ARNS):
            arn = self._attribute(name, "Arn")
            ids |= {arn: "arn", arn.removesuffix(":*"): "arn"}
        return ids

    def _own(self, name: str, key: str) -> str:
        return str(self.resolve(self._resources[name].get("Properties", {}).get(key, f"[{name}]")))

    def _reference(self, name: str) -> str:
        kind = self._resources[name]["Type"]
        if kind in BY_ARN:
            return self._attribute(name, "Arn")
        if kind == "AWS::SQS::Queue":
            return (
                f"https://sqs.us-east-1.amazonaws.com/123456789012/{self._own(name, 'QueueName')}"
            )
        return self._own(name, ARNS[kind][2]) if kind in BY_NAME else f"[{name}]"

    def _attribute(self, name: str, attribute: str) -> str:
        kind = self._resources[name]["Type"]
        if attribute in ("Arn", "TopicArn") and kind in ARNS:
            service, path, key = ARNS[kind]
            end = ":*" if kind == "AWS::Logs::LogGroup" else ""
            return f"arn:aws:{service}:us-east-1:123456789012:{path}{self._own(name, key)}{end}"
        if attribute in self._resources[name].get("Properties", {}):
            return self._own(name, attribute)
        return f"[{name}_{attribute.replace('.', '_')}]"

    def resolve(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Carry out the functions in a value."""
        if isinstance(value, list):
            return [found for each in value if (found := self.resolve(each)) is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (function, argument) = next(iter(value.items()))
            if function == "Ref" or function.startswith("Fn::") or function == "Condition":
                return self._call(function.removeprefix("Fn::"), argument)
        resolved = {key: self.resolve(each) for key, each in value.items()}
        return {key: each for key, each in resolved.items() if each is not NO_VALUE}

    def _call(self, function: str, argument: Any) -> Any:  # noqa: ANN401 - JSON
        if function == "Ref":
            return self._parameter_or_id(argument)
        if function == "GetAtt":
            name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
            return self._attribute(name, attribute)
        if function == "If":
            return self.resolve(argument[1] if self.holds(argument[0]) else argument[2])
        if function == "Condition":
            return self.holds(argument)
        if function == "Sub":
            return self._substitute(argument)
        if function not in PLAIN:
            raise NotImplementedError(function)
        return PLAIN[function](self.resolve(argument))

    def _parameter_or_id(self, name: str) -> Any:  # noqa: ANN401 - JSON
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self._template.get("Parameters", {}):
            return self._template["Parameters"][name].get("Default", "")
        return self._reference(name)

    def _substitute(self, argument: Any) -> str:  # noqa: ANN401 - JSON
        text, values = argument if isinstance(argument, list) else (argument, {})

        def stands_for(match: re.Match[str]) -> str:
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in values:
                return str(self.resolve(values[name]))
            if "." in name:
                return self._attribute(*name.split(".", 1))
            return str(self._parameter_or_id(name))

        return re.sub(r"\$\{([^}]+)\}", stands_for, text)


def stack_resources(template: dict[str, Any]) -> list[Resource]:
    """Return the resources of a template, in its own words."""
    return Stack(template).resources()
