"""What log records tell beside their text: whose invocation they are of, and metrics.

Lambda's own JSON format writes a record's attributes as fields. A record that carries `metrics` is
then made an event in CloudWatch's embedded metric format, so one line is log and metric in one.
"""

import logging
from collections.abc import Mapping
from typing import Final

LOG_FORMAT_VARIABLE: Final = "AWS_LAMBDA_LOG_FORMAT"
"""Set by Lambda: Text or JSON."""

APPLICATION_VARIABLE: Final = "METRICS_APPLICATION"
"""The value of the metrics' one dimension; without it records carry no metrics to CloudWatch."""

NAMESPACE: Final = "Gatepost"
DIMENSION: Final = "Application"
UNITS: Final = {"BroadcastDuration": "Milliseconds"}
"""Of the metrics that don't count something."""


def show_logs(environ: Mapping[str, str]) -> "RecordFields":
    """Let INFO lines of ours through, and complete what every handler is about to write.

    In a process with several functions the fields are those of the last that called this.
    """
    logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("functions").setLevel(logging.INFO)
    in_json = environ.get(LOG_FORMAT_VARIABLE, "").upper() == "JSON"
    fields = RecordFields(environ.get(APPLICATION_VARIABLE, "") if in_json else "")
    for handler in logging.getLogger().handlers:  # outside Lambda the one of basicConfig
        for earlier in [each for each in handler.filters if isinstance(each, RecordFields)]:
            handler.removeFilter(earlier)
        handler.addFilter(fields)
    return fields


class RecordFields(logging.Filter):
    """Adds to every record where the invocation came from; see `application` for metrics.

    Source of the format: Amazon CloudWatch, "Specification: Embedded metric format".
    """

    def __init__(self, application: str) -> None:
        super().__init__()
        self._application = application
        self._invocation: dict[str, object] = {}

    def begin(self, event: Mapping[str, object]) -> None:
        """Take what an invocation's records tell from its event: the gateway's names, if any."""
        context = event.get("requestContext")
        if not isinstance(context, Mapping):
            context = {}
        found = {
            "connection_id": context.get("connectionId"),
            "route_key": context.get("routeKey"),
            "gateway_request_id": context.get("requestId"),
        }
        self._invocation = {name: value for name, value in found.items() if value is not None}

    def filter(self, record: logging.LogRecord) -> bool:
        """Complete a record; none is held back."""
        record.__dict__.update(self._invocation)
        metrics = record.__dict__.get("metrics")
        if metrics and self._application:
            del record.__dict__["metrics"]
            record.__dict__.update(_embedded(self._application, metrics, record.created))
        return True


def _embedded(
    application: str, metrics: Mapping[str, float], created_s: float
) -> dict[str, object]:
    definitions = [{"Name": name, "Unit": UNITS.get(name, "Count")} for name in metrics]
    directive = {"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": definitions}
    return {
        "_aws": {"Timestamp": int(created_s * 1000), "CloudWatchMetrics": [directive]},
        DIMENSION: application,
        **metrics,
    }
