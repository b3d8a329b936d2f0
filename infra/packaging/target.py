"""What the archives are for: runtime and architecture, as serverless.yml has them.

Not here: which functions use which archive, which serverless.yml says too, to the framework.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from infra.packaging.errors import UsageError

PLATFORMS: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's names of the architectures, and those of wheels."""

_RUNTIME: Final = re.compile(r"python(3\.\d+)")


@dataclass(frozen=True, slots=True)
class Target:
    """A Python version, such as 3.13, and an architecture by Lambda's name."""

    python: str
    architecture: str

    @property
    def platform(self) -> str:
        """Give the platform by uv's name, with the C library that most wheels are made for.

        That of Amazon Linux 2023, under all runtimes from 3.12 on, is newer (2.34).
        """
        return f"{PLATFORMS[self.architecture]}-manylinux_2_28"


class _Loader(yaml.SafeLoader):
    """YAML whose tags (`!Ref`) are nobody's business here."""


_Loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def read_target(template: Path, *, runtime: str | None, architecture: str | None) -> Target:
    """Give what is asked for, else what the template's provider has.

    Raises UsageError when neither says so plainly.
    """
    provider = _provider(template)
    found = _RUNTIME.fullmatch(runtime or _text(provider, "runtime", template))
    if found is None:
        raise UsageError(
            f"the runtime {runtime or provider.get('runtime')} is none of Python; --runtime "
            "python3.13 would be one"
        )
    chosen = architecture or _text(provider, "architecture", template)
    if chosen not in PLATFORMS:
        raise UsageError(
            f"the architecture {chosen} is none of Lambda's: {' or '.join(PLATFORMS)}; "
            "name one with --architecture"
        )
    return Target(found[1], chosen)


def _provider(template: Path) -> Mapping[str, Any]:
    try:
        content = yaml.load(template.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a safe one
    except FileNotFoundError:
        raise UsageError(f"{template} is not there: run this in the project's folder") from None
    except yaml.YAMLError as error:
        raise UsageError(f"{template} is no YAML: {error}") from None
    provider = content.get("provider") if isinstance(content, dict) else None
    return provider if isinstance(provider, dict) else {}


def _text(provider: Mapping[str, Any], key: str, template: Path) -> str:
    value = provider.get(key)
    if not isinstance(value, str) or "${" in value:
        raise UsageError(
            f"provider.{key} of {template.name} is {value!r}, not a plain value; "
            f"give it with --{key}"
        )
    return value
