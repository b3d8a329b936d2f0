"""Every limit and every guess of the gateway, one field each.

A field whose docstring says *guess* pins our choice, not a fact about AWS: nothing should build on
it, and anybody with better evidence changes it here. Bounds keep out what no gateway could work by;
they are checked where settings are read (`--setting`, a trace), not where Python makes them.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gatepost.gateway.core.deployment import Throttle

Ordering = Literal["concurrent", "shuffle", "serial"]
ErrorStatus = Annotated[int, Meta(ge=400, le=599)]
CloseCode = Annotated[int, Meta(ge=1000, le=4999)]
Limit = Annotated[float, Meta(gt=0, le=31_536_000)]  # seconds, a year at most
Wait = Annotated[float, Meta(ge=0, le=86_400)]  # seconds, a day at most
Size = Annotated[int, Meta(ge=1, le=1 << 30)]


class GatewaySettings(Struct, frozen=True, kw_only=True):
    """What can be turned about the gateway; the defaults are AWS's limits.

    Timers: `idle_timeout_s` (B-270) and `lifetime_s` (B-274) end a connection with 1001.

    Sizes: `message_bytes_max` (B-250), `frame_bytes_max` (B-251, outbound fragments too, B-253)
    and `url_chars_max` (B-028). `unread_bytes_max` may wait for a slow reader; then posts to it get
    429 (B-203, the number is ours).

    `compression` answers an offer of permessage-deflate (B-257). Messages are measured as they are
    after decompression, frames as they are on the wire.

    Authorization: `authorizer_result_bytes_max` is the longest result of an authorizer that counts
    (B-076). With `verify_signatures` calls of `@connections`, and `$connect` where the route asks
    for AWS_IAM, must be signed (B-085, B-201); `credentials` are the secret keys by access key,
    `denied_access_keys` those that IAM allows nothing (B-219).

    Throttles: `account_throttle` is shared by handshakes, messages and `@connections` (B-310),
    `connect_throttle` is that of new connections (B-057; its burst is inferred); None sets no
    limit. What templates set for stages, routes and API keys comes on top (B-311).

    Ordering: `ordering` is `concurrent` as on AWS (B-291, B-292); `shuffle` holds each message and
    each delivery of a POST for a random time up to `shuffle_s_max`, so that what relies on an order
    shows; `serial` runs one invocation of a connection at a time, to debug (B-293).

    Contested: `lenient_json` reads names without quotes when it selects a route (B-159).
    `accept_connect_without_status` takes an object without `statusCode` from `$connect` as 200,
    as some report, in place of 502 (B-045).

    Inferred: `opening_window_s` is how long after `$connect` a connection still answers 410 to
    `@connections` (B-221).

    Each of these is a guess, its default as docs/reference/gateway-behaviour.md has it:

    - `extra_path_status` answers an upgrade with more path than the stage (B-024).
    - `plain_get_status` answers a GET without upgrade headers on the socket's path (B-025).
    - `pass_unoffered_subprotocol` lets a function choose a subprotocol that the client did not
      offer (B-052).
    - `rejection_has_ids` puts connectionId and requestId into the body of a refusal that the
      gateway makes itself (B-054).
    - `disconnect_after_rejection` runs `$disconnect` after a `$connect` that refused (B-055).
    - `connect_response` sends the route response of `$connect` as a first frame (B-056).
    - `lost_close_code` is what `$disconnect` says when the transport ended without a close frame
      (B-134).
    - `reserved_routes_selectable` lets a message select `$connect` and `$disconnect` (B-160).
    - `binary_posts` delivers a post that is not UTF-8 as a binary message, in place of 400 (B-207).
    - `refuse_empty_posts` answers an empty post 400, in place of an empty message (B-208).
    - `deleted_close_code` is what a client sees when its connection is deleted (B-212).
    - `foreign_connection_status` answers a well-formed id that was not issued here (B-217).
    - `too_long_message` is the text of 413 (B-223).
    - `ping_resets_idle_timer` lets a client's pings keep its connection open (B-273).
    - `throttled_message` is the text of the frame for a throttled message (B-313).

    What else is a guess has nothing to switch, or a fault of its own (faults.py).
    """

    idle_timeout_s: Limit = 600.0
    lifetime_s: Limit = 7200.0
    message_bytes_max: Size = 131_072
    frame_bytes_max: Size = 32_768
    url_chars_max: Size = 4096
    unread_bytes_max: Size = 1_048_576
    compression: bool = True
    account_throttle: Throttle | None = Throttle(10_000, 5_000)
    connect_throttle: Throttle | None = Throttle(500, 500)
    ordering: Ordering = "concurrent"
    shuffle_s_max: Wait = 0.05
    lenient_json: bool = False
    accept_connect_without_status: bool = False
    opening_window_s: Wait = 0.0
    authorizer_result_bytes_max: Size = 8192
    verify_signatures: bool = False
    credentials: dict[str, str] = field(
        default_factory=lambda: {"local": "local", "testing": "testing"}
    )
    denied_access_keys: tuple[str, ...] = ()
    extra_path_status: Literal[403, 404] = 403
    plain_get_status: ErrorStatus = 426
    pass_unoffered_subprotocol: bool = True
    rejection_has_ids: bool = True
    disconnect_after_rejection: bool = False
    connect_response: bool = False
    lost_close_code: CloseCode = 1006
    reserved_routes_selectable: bool = False
    binary_posts: bool = False
    refuse_empty_posts: bool = False
    deleted_close_code: CloseCode = 1000
    foreign_connection_status: Literal[403, 410] = 403
    too_long_message: str = "Message too long"
    ping_resets_idle_timer: bool = False
    throttled_message: str = "Too Many Requests"
