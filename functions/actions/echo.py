"""`echo`: gives back what it was sent. The action to copy: its request, and what it does."""

from msgspec import Raw, Struct

from functions.core.context import Context


class Echo(Struct, frozen=True):
    """The fields of an `echo` request; another type or a missing field is refused for us."""

    data: Raw


async def echo(context: Context, request: Echo) -> dict[str, object]:
    """Reply with `data` and with who sent it."""
    return {"data": request.data, "user": context.user}
