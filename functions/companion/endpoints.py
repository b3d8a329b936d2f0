"""Every endpoint there is. A new one is a function beside this and a line in ENDPOINTS."""

from collections.abc import Sequence
from typing import Final

from functions.companion import health, publishing, reaching, reading
from functions.companion.endpoint import AnyEndpoint, Endpoint
from functions.core import limits

ENDPOINTS: Final[Sequence[AnyEndpoint]] = (
    Endpoint(
        "POST",
        "/v1/publish",
        publishing.Publish,
        publishing.Published,
        publishing.publish,
        permission="publish",
    ),
    Endpoint(
        "POST",
        "/v1/batch",
        publishing.Batch,
        publishing.BatchPublished,
        publishing.publish_batch,
        permission="publish",
        body_bytes_max=limits.BATCH_BYTES_MAX,
    ),
    Endpoint(
        "GET",
        "/v1/history",
        reading.History,
        reading.HistoryPage,
        reading.history_page,
        permission="history",
    ),
    Endpoint(
        "GET",
        "/v1/presence",
        reading.Presence,
        reading.PresencePage,
        reading.presence_page,
        permission="presence",
    ),
    Endpoint(
        "GET", "/v1/stats", reading.Stats, reading.Counts, reading.stats, permission="presence"
    ),
    Endpoint("POST", "/v1/send", reaching.Send, reaching.Sent, reaching.send, permission="send"),
    Endpoint("POST", "/v1/kick", reaching.Kick, reaching.Kicked, reaching.kick, permission="kick"),
    Endpoint("GET", "/v1/health", health.Nothing, health.Healthy, health.health, permission=None),
    Endpoint(
        "GET",
        "/v1/health/parts",
        health.Nothing,
        health.Parts,
        health.parts,
        permission="health",
    ),
)
