"""The port to workers: other invocations, which carry out parts of a broadcast (core/fanout.py)."""

from typing import Protocol

from msgspec import Struct


class Job(Struct, frozen=True, omit_defaults=True):
    """A part of a broadcast: whole shards of a channel, and what their subscribers are to get.

    `payload` is the message's text. `after` is the cursor: in the first of `shards`, everybody up
    to this connection is done. `leave_out` is a connection that is not to get the message. `hop` is
    the number of this worker in a chain that hands the rest of a job on.
    """

    channel: str
    shards: tuple[int, ...]
    payload: str
    after: str | None = None
    leave_out: str | None = None
    hop: int = 1


class NotTaken(Exception):  # noqa: N818 - named for what happened
    """A job was refused, or it is not known whether it was taken; the text says why."""


class Workers(Protocol):
    """Handing jobs over."""

    @property
    def number(self) -> int:
        """Into how many jobs a broadcast is dealt: so many workers share the quota."""
        ...

    async def take(self, job: Job) -> None:
        """Hand one job over within a bounded time; return once it is accepted, not done.

        Raises NotTaken. At most once for each call: it repeats nothing that may have been taken.
        What is accepted may be carried out twice all the same, and may be lost with its worker.
        """
        ...
