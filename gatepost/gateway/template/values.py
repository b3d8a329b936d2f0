"""The values file: what a template asks of an account, given by the developer instead.

Responsible for its form alone; who asks for a value says so when it is missing.
"""

from msgspec import Struct


class Values(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands in for a deployed account.

    `parameters`: template parameters (and Terraform variables) by name. `ssm`: parameters of
    Systems Manager by path. `cf`: outputs of other stacks, `stack.Output`, or
    `eu-west-1:stack.Output` for one region's. `s3`: contents of objects, `bucket/key`.
    `imports`: exported values by export name. `resources`: attributes of resources that are not
    emulated, by logical id (Terraform: by address), with `Ref` for what Ref gives.
    """

    parameters: dict[str, str] = {}
    ssm: dict[str, str] = {}
    cf: dict[str, str] = {}
    s3: dict[str, str] = {}
    imports: dict[str, str] = {}
    resources: dict[str, dict[str, str]] = {}


NO_VALUES = Values()
