"""What an endpoint is: a row of the table from which routes and their description are made."""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from functions.companion.authentication import Permission
from functions.core import limits
from functions.core.context import Services

Fields = TypeVar("Fields")


class Endpoint(Struct, Generic[Fields], frozen=True):
    """What serves one method of one path.

    `fields` is the type of the body of a POST, and of the query of a GET. What `run` returns, a
    `result`, becomes the body of a 200, and a ProtocolError that it raises a problem (problems.py).
    Where `permission` is None anybody may ask. The first line of `run`'s docstring describes it.
    """

    method: Literal["GET", "POST"]
    path: str
    fields: type[Fields]
    result: type[Struct]
    run: Callable[[Services, Fields], Awaitable[Struct]]
    permission: Permission | None
    body_bytes_max: int = limits.REQUEST_BYTES_MAX

    @property
    def name(self) -> str:
        """The path without `/v1/`: one word, or two with a hyphen."""
        return self.path.removeprefix("/v1/").replace("/", "-")

    @property
    def summary(self) -> str:
        """One sentence on what it does."""
        return (self.run.__doc__ or "").partition("\n")[0].rstrip(".")


AnyEndpoint: TypeAlias = Endpoint[Any]
