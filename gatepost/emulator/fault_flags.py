"""`--fault NAME=VALUE` of the command line, as Faults."""

from collections.abc import Sequence

from gatepost.emulator.named_values import parse_named_values
from gatepost.gateway.core.faults import NO_FAULTS, Faults


def parse_faults(flags: Sequence[str]) -> Faults:
    """Put the flags together; the last of a name counts, but lists of connections add up.

    Raises UserError with the flag that is at fault, and what would be right.
    """
    return parse_named_values("fault", flags, NO_FAULTS)
