"""The events of a serverless.yml's functions, by kind.

Responsible for telling the kinds apart; what each says is read by one module a kind, and for the
kinds that nothing here makes happen there is a notice.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from gatepost.gateway.template.functions import Reading
    from gatepost.gateway.template.view import View

_READ: Final = ("websocket", "httpApi", "http")


@dataclass(frozen=True, slots=True)
class Event:
    """One event that makes a route.

    `view` is the element of the list, whose member under the kind's name says the rest;
    `function` is the view of its function, `key` that function's key.
    """

    key: str
    function: "View"
    view: "View"


@dataclass(frozen=True, slots=True)
class Events:
    """The events that make routes, in the order of the template."""

    websocket: list[Event] = field(default_factory=list)
    http_api: list[Event] = field(default_factory=list)
    rest: list[Event] = field(default_factory=list)


def read_events(reading: "Reading") -> Events:
    """Sort the events of every function. Resolves nothing of events that have no effect here."""
    events = Events()
    lists = dict(zip(_READ, (events.websocket, events.http_api, events.rest), strict=True))
    for key, function in reading.section.views.items():
        given = function.get("events")
        other: set[str] = set()
        for view in given.elements() if given is not None else ():
            kind = next((kind for kind in _READ if view.is_mapping and kind in view), None)
            if kind is not None:
                lists[kind].append(Event(key, function, view))
            elif view.is_mapping:
                other.update(view.keys())
            else:
                other.add(view.text())
        if other:
            reading.notices.append(
                f"{function.place}: {', '.join(sorted(other))} events of {key} have no effect "
                "here; it runs when something else invokes it"
            )
    return events
