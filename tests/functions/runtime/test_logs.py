"""Fields of log records, as Lambda's own formatter writes them."""

import json
import logging
from collections.abc import Iterator, Mapping

import pytest

from functions.runtime import logs

lambda_formats = pytest.importorskip(
    "awslambdaric.lambda_runtime_log_utils", reason="Lambda's runtime client is there for Linux"
)
MESSAGE_EVENT: dict[str, object] = {
    "requestContext": {"connectionId": "abc=", "routeKey": "$default", "requestId": "r-1"},
    "body": "{}",
}
METRICS = {"BroadcastFailed": 2, "BroadcastDuration": 1.5}


@pytest.fixture(autouse=True)
def root_handlers() -> Iterator[None]:
    """Leave the process's log handlers as they were."""
    root = logging.getLogger()
    filters = {handler: list(handler.filters) for handler in root.handlers}
    yield
    for handler, kept in filters.items():
        handler.filters = kept


def line(
    environ: Mapping[str, str], event: Mapping[str, object], extra: Mapping[str, object]
) -> dict[str, object]:
    """Log in an invocation; give the line that Lambda writes of it."""
    fields = logs.show_logs(environ)
    fields.begin(event)
    record = logging.getLogger("functions.core").makeRecord(
        "functions.core", logging.INFO, "x.py", 1, "broadcast %s", ("done",), None, extra=extra
    )
    assert fields.filter(record)
    written: dict[str, object] = json.loads(lambda_formats.JsonFormatter().format(record))
    return written


def test_a_line_tells_the_connection_the_route_and_the_request() -> None:
    """So all of one message, or of one connection, is found by a query."""
    written = line({}, MESSAGE_EVENT, {"channel": "chat:a"})
    assert written["message"] == "broadcast done"
    assert written["connection_id"] == "abc="
    assert written["route_key"] == "$default"
    assert written["gateway_request_id"] == "r-1"
    assert written["channel"] == "chat:a"


def test_a_line_tells_nothing_of_the_invocation_before() -> None:
    """Environments are used again, by events without a connection too."""
    fields = logs.show_logs({})
    fields.begin(MESSAGE_EVENT)
    for event in ({}, {"requestContext": None}, {"requestContext": {"requestId": "r-2"}}):
        fields.begin(event)
        record = logging.makeLogRecord({"msg": "x"})
        fields.filter(record)
        assert not hasattr(record, "connection_id")
        assert not hasattr(record, "route_key")


def test_metrics_are_embedded_in_the_line_where_it_is_json() -> None:
    """CloudWatch makes metrics of them, one dimension each: one line, not two."""
    environ = {logs.LOG_FORMAT_VARIABLE: "JSON", logs.APPLICATION_VARIABLE: "chat-prod"}
    written = line(environ, MESSAGE_EVENT, {"metrics": METRICS})
    directive = written["_aws"]
    assert isinstance(directive, dict)
    assert directive["CloudWatchMetrics"] == [
        {
            "Namespace": "Gatepost",
            "Dimensions": [["Application"]],
            "Metrics": [
                {"Name": "BroadcastFailed", "Unit": "Count"},
                {"Name": "BroadcastDuration", "Unit": "Milliseconds"},
            ],
        }
    ]
    assert directive["Timestamp"] > 1_700_000_000_000  # milliseconds
    assert written["Application"] == "chat-prod"
    assert (written["BroadcastFailed"], written["BroadcastDuration"]) == (2, 1.5)
    assert "metrics" not in written


@pytest.mark.parametrize(
    "environ",
    [
        {logs.LOG_FORMAT_VARIABLE: "Text", logs.APPLICATION_VARIABLE: "chat-prod"},
        {logs.LOG_FORMAT_VARIABLE: "JSON"},
    ],
    ids=["in text", "no application"],
)
def test_no_metrics_are_embedded_elsewhere(environ: dict[str, str]) -> None:
    """In text they would be no event of the format; without a name they are not wanted."""
    assert "_aws" not in line(environ, MESSAGE_EVENT, {"metrics": METRICS})


def test_every_line_of_a_process_is_completed() -> None:
    """Those of other people's modules too, which come to the same handlers."""
    logs.show_logs({})
    fields = logs.show_logs({})
    handlers = logging.getLogger().handlers
    assert handlers
    for handler in handlers:
        assert [each for each in handler.filters if isinstance(each, logs.RecordFields)] == [fields]
