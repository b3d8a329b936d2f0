"""Writes the table of docs/reference/permissions.md: which function may do what, and what for.

`make permissions` writes it from the packaged template; tests/e2e/test_rights.py compares, after it
has seen that functions ask for exactly that.
"""

import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tests.infra.conftest import run_osls
from tests.policies import Role, roles
from tests.project_with_outlets import copy_project
from tests.rights import Right

PAGE: Final = Path(__file__).parents[1] / "docs/reference/permissions.md"
STACK: Final = "gatepost-dev"
BEGIN: Final = "<!-- permissions, by make permissions -->\n"
END: Final = "<!-- end -->"

TABLE: Final = "the table"
RESOURCES: Final = (
    (r":table/[\w-]+$", TABLE),
    (r"/POST/@connections/\*$", "`POST` of this API and stage"),
    (r"/DELETE/@connections/\*$", "`DELETE` of this API and stage"),
    (r":function:[\w-]+-fanout$", "the function `fanout`"),
    (r":sqs:.*-dead-letters$", "the queue of dead letters"),
    (r":sqs:", "the queue of hooks"),
    (r":event-bus/", "the bus of hooks"),
    (r":log-group:", "the function's own log group"),
)
REASONS: Final = {
    "dynamodb:BatchGetItem": "how many shards a channel has; which connections of a user in a"
    " channel's presence are still there",
    "dynamodb:BatchWriteItem": "subscriptions of a connection that has ended, or is just ending",
    "dynamodb:ConditionCheckItem": "that a user is not blocked, within the transaction that opens"
    " a connection",
    "dynamodb:DeleteItem": "connections, single subscriptions and presence that end",
    "dynamodb:GetItem": "one connection, one subscription, a channel's position; whether a channel"
    " is occupied",
    "dynamodb:PutItem": "`connect`: the connection; the others: publications and keys by which"
    " repeats are known; `message`: subscriptions; `api`: blocks",
    "dynamodb:Query": "subscribers, subscriptions of a connection, presence, history",
    "dynamodb:UpdateItem": "counts, presence, rates, positions, authorizations",
    "POST": "messages to connections",
    "DELETE": "the end of connections: of those that break a rule, show a token that does not"
    " count, or are kicked",
    "lambda:InvokeFunction": "broadcasts to many are handed over; `fanout` hands on what it has no"
    " time for",
    "events:PutEvents": "hooks that tell a bus, where `infra/events.yml` is included",
    "the queue of hooks": "hooks that tell a queue, where `infra/events.yml` is included",
    "the queue of dead letters": "by Lambda: jobs that failed",
    "logs:CreateLogStream": "by Lambda: logs",
    "logs:PutLogEvents": "by Lambda: logs",
}


def resource_of(right: Right) -> str:
    """Give words for a resource; ValueError for one that the page knows none for."""
    for pattern, words in RESOURCES:
        if re.search(pattern, right.resource):
            return words
    raise ValueError(f"{right.resource}: tests/rights_page.py has no words for it")


def reason_of(right: Right) -> str:
    """Say what a right is for; ValueError where nobody has written it down."""
    words = resource_of(right)
    for known in (right.action, words, words.partition(" ")[0].strip("`")):
        if known in REASONS:
            return REASONS[known]
    raise ValueError(f"{right}: tests/rights_page.py does not say what for")


def rows(found: Mapping[str, Role]) -> Iterator[str]:
    """Give the table: a line for each action and resource, a column for each function."""
    columns = sorted(found)
    lines: dict[tuple[str, str], tuple[str, set[str]]] = {}
    for name, role in found.items():
        for right in role.allowed:
            key = right.action, resource_of(right)
            lines.setdefault(key, (reason_of(right), set()))[1].add(name)
    yield f"| Action | on | {' | '.join(f'`{name}`' for name in columns)} | for |"
    yield f"| --- | --- | {' | '.join(':-:' for _ in columns)} | --- |"
    for (action, resource), (reason, names) in sorted(lines.items()):
        cells = " | ".join("yes" if name in names else "" for name in columns)
        yield f"| `{action}` | {resource} | {cells} | {reason} |"


def written(text: str, found: Mapping[str, Role]) -> str:
    """Give the page with its table written anew; ValueError when it has no place for it."""
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    block = BEGIN + "\n".join(rows(found)) + "\n" + END
    text, places = pattern.subn(lambda _: block, text)
    if places != 1:
        raise ValueError(f"{PAGE}: it has {places} blocks {BEGIN.strip()}")
    return text


def packaged_roles() -> dict[str, Role]:
    """Package a copy of this project with the hooks' outlets; give its roles."""
    with tempfile.TemporaryDirectory() as folder:
        copy_project(Path(folder))
        return roles(run_osls(Path(folder), "--stage", "dev").template, stack=STACK)


if __name__ == "__main__":
    try:
        PAGE.write_text(written(PAGE.read_text("utf-8"), packaged_roles()), encoding="utf-8")
    except ValueError as error:
        sys.exit(str(error))
