"""Tells a CloudFormation template from a serverless.yml, without what reads either."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatepost.gateway.template.yaml_source import Node


def is_cloudformation(root: "Node") -> bool:
    """Whether a tree is a CloudFormation or SAM template, and not a serverless.yml."""
    members = root.value
    if not isinstance(members, dict) or "provider" in members or "service" in members:
        return False
    return bool(members.keys() & {"AWSTemplateFormatVersion", "Resources", "Transform"})
