"""What a project is asked about before it is made, and what an answer must look like."""

import re
from dataclasses import dataclass
from typing import Final

from gatepost.project.errors import ProjectError

NAME_CHARACTERS_MAX: Final = 20
"""Stage and function follow it in names of Lambda and IAM, which have 64 in all."""

DEMOS: Final = ("chat", "none")
DEFAULT_REGION: Final = "us-east-1"
DEFAULT_DEMO: Final = "chat"
DEFAULT_TERRAFORM: Final = False

_NAME = re.compile(r"[a-z](?:[a-z0-9-]*[a-z0-9])?")
_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]+){1,2}-[0-9]{1,2}")


@dataclass(frozen=True, slots=True)
class Choices:
    """The answers. `demo` is one of DEMOS. What is checked by `check_...` is not checked again."""

    name: str
    region: str = DEFAULT_REGION
    demo: str = DEFAULT_DEMO
    terraform: bool = DEFAULT_TERRAFORM

    @property
    def kept(self) -> frozenset[str]:
        """The marks whose lines stay (marks.py)."""
        chosen = {"demo": self.demo != "none", "terraform": self.terraform}
        return frozenset(mark for mark, stays in chosen.items() if stays)

    @property
    def flags(self) -> str:
        """Give the flags that make the same choices."""
        terraform = "--terraform" if self.terraform else "--no-terraform"
        return f"--name {self.name} --region {self.region} --demo {self.demo} {terraform}"


def check_name(name: str) -> str:
    """Give the name back. Raises ProjectError where a resource could not be called so."""
    if not _NAME.fullmatch(name) or len(name) > NAME_CHARACTERS_MAX:
        raise ProjectError(
            f"the name {name!r} must have 1 to {NAME_CHARACTERS_MAX} small letters, digits and "
            "hyphens, begin with a letter and not end with a hyphen: resources are named for it"
        )
    if name == "gatepost":
        raise ProjectError(
            "the name 'gatepost' is that of what the project depends on; take another"
        )
    return name


def check_region(region: str) -> str:
    """Give the region back. Raises ProjectError where it has not the form of a region's name."""
    if not _REGION.fullmatch(region):
        raise ProjectError(f"the region {region!r} must look like eu-central-1")
    return region


def check_demo(demo: str) -> str:
    """Give the demo back. Raises ProjectError where there is none of that name."""
    if demo not in DEMOS:
        raise ProjectError(f"there is no demo {demo!r}; there are: {', '.join(DEMOS)}")
    return demo


def name_for(folder: str) -> str:
    """Make a name of a folder's, as near to it as a name can be; "" where nothing of it is left."""
    plain = re.sub(r"[^a-z0-9]+", "-", folder.lower())
    name = plain.lstrip("-0123456789")[:NAME_CHARACTERS_MAX].rstrip("-")
    return "" if name == "gatepost" else name
