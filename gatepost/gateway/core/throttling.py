"""How many requests the gateway takes: token buckets of account, routes and API keys (section 13).

Responsible for counting; what somebody who is refused hears is said where the request is handled.
"""

from collections.abc import Iterable

from gatepost.gateway.core.deployment import CONNECT, ApiKey, Route, Throttle, WebSocketApi
from gatepost.gateway.core.settings import GatewaySettings


class TokenBucket:
    """Holds `burst` tokens at most, and gets `rate` a second. A rate and burst of 0 give none."""

    __slots__ = ("_burst", "_filled_at", "_rate", "_tokens")

    def __init__(self, throttle: Throttle) -> None:
        self._rate = throttle.rate
        self._burst = self._tokens = float(throttle.burst)
        self._filled_at = 0.0

    def take(self, now: float) -> bool:
        """Take one token at `now` (epoch seconds); whether there was one."""
        tokens = self._tokens
        if now > self._filled_at:
            tokens = min(self._burst, tokens + (now - self._filled_at) * self._rate)
            self._filled_at = now
        taken = tokens >= 1.0
        self._tokens = tokens - taken
        return taken


class Throttles:
    """Every bucket of the gateway. What no throttle is set for is always admitted.

    The account's bucket is shared by handshakes, messages and `@connections` (B-310, B-224). A
    stage's default is a bucket for each route that has none of its own (B-311). What a narrower
    bucket refuses takes nothing from the account's.
    """

    def __init__(self, settings: GatewaySettings, apis: Iterable[WebSocketApi]) -> None:
        self._account = _bucket(settings.account_throttle)
        self._connects = _bucket(settings.connect_throttle)
        self._routes = {
            (api.api_id, api.stage, key): TokenBucket(throttle)
            for api in apis
            for key, route in _throttled(api)
            if (throttle := route.throttle or api.throttle) is not None
        }
        self._keys: dict[str, TokenBucket] = {}

    def admit_connect(self, api: WebSocketApi, now: float) -> bool:
        """Whether a handshake may go on to `$connect` (B-057, B-312)."""
        if self._connects is not None and not self._connects.take(now):
            return False
        return self.admit_message(api, CONNECT, now)

    def admit_message(self, api: WebSocketApi, key: str, now: float) -> bool:
        """Whether a message may go on to its route (B-313)."""
        bucket = self._routes.get((api.api_id, api.stage, key)) if self._routes else None
        if bucket is not None and not bucket.take(now):
            return False
        return self.admit_call(now)

    def admit_call(self, now: float) -> bool:
        """Whether the account may make one more call, of `@connections` for instance (B-314)."""
        return self._account is None or self._account.take(now)

    def admit_key(self, key: ApiKey, now: float) -> bool:
        """Whether the usage plan of an API key allows one more handshake (B-086)."""
        if key.throttle is None:
            return True
        bucket = self._keys.get(key.value)
        if bucket is None:
            bucket = self._keys[key.value] = TokenBucket(key.throttle)
        return bucket.take(now)


def _bucket(throttle: Throttle | None) -> TokenBucket | None:
    return None if throttle is None else TokenBucket(throttle)


def _throttled(api: WebSocketApi) -> Iterable[tuple[str, Route]]:
    """Return the routes; `$connect` counts without being declared, if the stage has a default."""
    if CONNECT in api.routes:
        return api.routes.items()
    return (*api.routes.items(), (CONNECT, Route(CONNECT)))
