"""The cases of the Autobahn suite that are known not to be OK, each with its reason.

A run must deviate in these cases and no others; docs/how-to/autobahn.md shows them as tables.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

FINE: Final = frozenset({"OK", "INFORMATIONAL"})


class Deviation(NamedTuple):
    """Cases that end in the same way, for the same reason.

    `cases` are separated by commas: one (`7.1.5`), a range within a group (`9.4.6-9`), or a whole
    group (`9.1.*`). `behaviour` is as `behaviour_of` tells it. Where `races`, the outcome hangs on
    what is written first, so that such a case may be OK as well.
    """

    cases: str
    behaviour: str
    reason: str
    races: bool = False

    def covers(self, case: str) -> bool:
        """Whether a case is one of these."""
        return any(_matches(pattern, case) for pattern in self.cases.split(", "))


_LIBRARY: Final = (
    Deviation(
        "7.1.5",
        "FAILED 1002",
        "`websockets`' own: a close frame between the fragments of a message is a violation to it",
    ),
    Deviation(
        "3.2-4, 4.1.3-5, 4.2.3-5, 5.15",
        "NON-STRICT",
        "`websockets` closes at once; an echo of the messages before is not awaited",
        races=True,
    ),
    Deviation(
        "6.4.1-4",
        "NON-STRICT",
        "UTF-8 is checked when the message is whole, not with each fragment",
        races=True,
    ),
)
_LIMITS: Final = (
    Deviation(
        "1.1.6-8, 1.2.6-8, 9.1.*, 9.2.*, 9.5.*, 9.6.*",
        "FAILED 1009",
        "a frame over 32 KiB: B-251, B-252",
    ),
    Deviation(
        "9.3.*", "FAILED 1009", "a message over 128 KiB: B-250, B-252; a frame over 32 KiB: B-251"
    ),
    Deviation("9.4.6-9", "FAILED 1009", "a frame over 32 KiB: B-251, B-252"),
    Deviation("1.2.1-5, 9.4.1-5, 9.8.*", "FAILED 1003", "a binary frame: B-256"),
    Deviation(
        "12.2.1-8, 12.2.11-18, 12.3.1-9, 12.3.11-18, 12.5.1-8, 12.5.11-18",
        "FAILED 1003",
        "a binary frame, compressed: B-256",
    ),
    Deviation(
        "12.2.9-10, 12.3.10, 12.5.9-10",
        "FAILED 1009",
        "a binary frame that is over 32 KiB even when it is compressed: B-252 before B-256",
    ),
    Deviation(
        "12.4.10, 12.4.15-18",
        "FAILED 1009",
        "131,072 characters that are more than 128 KiB in UTF-8: B-250, B-252",
    ),
)
DEVIATIONS: Final[Mapping[str, tuple[Deviation, ...]]] = {
    "socket layer": _LIBRARY,
    "gateway": (*_LIBRARY, *_LIMITS),
}


def behaviour_of(result: Mapping[str, object]) -> str:
    """Tell what came of a case, from its entry in wstest's index: the messages, then the close.

    A failure goes with the close code that the server sent.
    """
    seen = [str(result["behavior"]), str(result["behaviorClose"])]
    worst = next((one for one in seen if one not in FINE), seen[0])
    return f"{worst} {result['remoteCloseCode']}" if worst == "FAILED" else worst


def deviating(behaviours: Mapping[str, str]) -> dict[str, str]:
    """Return the cases that are not OK, in the suite's order."""
    return {
        case: behaviours[case]
        for case in sorted(behaviours, key=_order)
        if behaviours[case] not in FINE
    }


def unlisted(behaviours: Mapping[str, str], listed: tuple[Deviation, ...]) -> list[str]:
    """Say where what was seen differs from what is listed; a case that was not run does not."""
    wrong = []
    for case in sorted(behaviours, key=_order):
        known = next((one for one in listed if one.covers(case)), None)
        seen = behaviours[case]
        if known is None:
            expected = "OK"
            agrees = seen in FINE
        else:
            expected = known.behaviour
            agrees = seen == expected or (known.races and seen in FINE)
        if not agrees:
            wrong.append(f"{case} is {seen}, listed as {expected}")
    return wrong


def table(server: str) -> str:
    """Return the list of a server's deviations as a table in Markdown."""
    rows = [
        f"| {one.cases} | {one.behaviour}{' or OK' if one.races else ''} | {one.reason} |"
        for one in DEVIATIONS[server]
    ]
    return "\n".join(["| Cases | What comes out | Why |", "| --- | --- | --- |", *rows])


def _matches(pattern: str, case: str) -> bool:
    group, _, last = pattern.rpartition(".")
    case_group, _, number = case.rpartition(".")
    if group != case_group:
        return False
    first, _, end = last.partition("-")
    return last == "*" or int(first) <= int(number) <= int(end or first)


def _order(case: str) -> tuple[int, ...]:
    return tuple(map(int, case.split(".")))
