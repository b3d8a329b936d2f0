"""Keeping secrets out of a trace, without changing what a replay of it does.

A secret becomes `redacted-` and a keyed hash, always the same for the same secret within a trace:
what compares secrets (an API key with the one shown) goes on comparing alike. It is as long as the
secret was, if that was long, so that limits count alike. What was redacted once stays as it is.

Redacted are values of headers that carry credentials, of query parameters that sound like it, of
an authorizer's identity sources, the same in events, API keys, and wherever it stands what has the
form of a JSON Web Token: a client may send one in a message. Of a signed request only the signature
is: who signed is no secret, and the core tells functions. Not redacted is what else clients and
functions wrote: messages, results, an authorizer's context.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote_plus

from msgspec import structs

from gatepost.gateway.core.deployment import Authorizer, Deployment
from gatepost.gateway.core.settings import GatewaySettings

SECRET_HEADERS: Final = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key"),
        *("x-amz-security-token", "x-auth-token", "x-access-token", "x-csrf-token"),
    }
)
_SECRET_PARAMETER: Final = re.compile(
    r"token|secret|passw|auth|jwt|signature|credential|session|api.?key|^(key|code|sig|pwd)$",
    re.IGNORECASE,
)
_SIGNER: Final = "x-amz-credential"
_SIGNATURE: Final = re.compile(r"(?<=Signature=)[\w-]+")
_IDENTITY_SOURCE: Final = re.compile(r"(?:route|method)\.request\.(header|querystring)\.(.+)")
_JWT: Final = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]*")
_REDACTED: Final = re.compile(r"redacted-[0-9a-f]{12}-*")
_EVENT_SECRETS: Final = ('"headers"', '"identity', '"authorizationToken"', '"queryString')
"""An event without any of these holds nothing to redact."""

Json = Any


class Redactor:
    """Redacts for one trace, with a key of its own that is written nowhere."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._headers = set(SECRET_HEADERS)
        self._parameters: set[str] = set()
        self._api_keys: set[str] = set()

    def settings(self, settings: GatewaySettings) -> GatewaySettings:
        """Redact secret access keys."""
        shown = {name: self.secret(value) for name, value in settings.credentials.items()}
        return structs.replace(settings, credentials=shown)

    def deployment(self, deployment: Deployment) -> Deployment:
        """Leave out what the core never reads (environments, HTTP APIs ...), redact API keys.

        What the deployment says about secrets is heeded from now on.
        """
        for api in deployment.apis:
            self._api_keys |= {key.value for key in api.api_keys}
            for route in api.routes.values():
                if isinstance(route.authorization, Authorizer):
                    self._heed(route.authorization.identity_sources)
        return structs.replace(
            deployment,
            root=Path(),
            tables=(),
            http_apis=(),
            notices=(),
            settings={},
            functions={
                name: structs.replace(function, environment={}, code_root=Path())
                for name, function in deployment.functions.items()
            },
            apis=tuple(
                structs.replace(
                    api,
                    api_keys=tuple(
                        structs.replace(key, value=self.secret(key.value)) for key in api.api_keys
                    ),
                )
                for api in deployment.apis
            ),
        )

    def _heed(self, identity_sources: tuple[str, ...]) -> None:
        for source in identity_sources:
            if (found := _IDENTITY_SOURCE.fullmatch(source)) is None:
                continue
            if found[1] == "header":
                self._headers.add(found[2].lower())
            else:
                self._parameters.add(found[2])

    def redact(self, encoded: dict[str, Json]) -> dict[str, Json]:
        """Redact one input or command, as trace.encode gives it."""
        result = dict(encoded)
        if "headers" in result:
            result["headers"] = [
                self._header_pair(name, value) for name, value in result["headers"]
            ]
        if result.get("query"):
            result["query"] = self._query(result["query"])
        if result.get("subprotocol"):
            result["subprotocol"] = self._tokens(result["subprotocol"])
        if "event" in result:
            result["event"] = _in_json(result["event"], _EVENT_SECRETS, self._event)
        if isinstance(outcome := result.get("outcome"), dict) and "payload" in outcome:
            payload = _in_json(
                outcome["payload"], ('"usageIdentifierKey"', "rotocol"), self._function_result
            )
            result["outcome"] = {**outcome, "payload": payload}
        shown: dict[str, Json] = self._tokens_within(result)
        return shown

    def secret(self, value: str) -> str:
        """Give what stands for a secret."""
        if not value or _REDACTED.fullmatch(value):
            return value
        given = value.encode("utf-8", "surrogatepass")
        digest = hmac.new(self._key, given, hashlib.sha256).hexdigest()[:12]
        return f"redacted-{digest}".ljust(len(value), "-")

    def _tokens(self, text: str) -> str:
        return _JWT.sub(lambda found: self.secret(found[0]), text)

    def _tokens_within(self, value: Json) -> Json:
        match value:
            case str():
                return self._tokens(value) if "eyJ" in value else value
            case dict():
                return {name: self._tokens_within(each) for name, each in value.items()}
            case list():
                return [self._tokens_within(each) for each in value]
            case _:
                return value

    def _header_pair(self, name: Json, value: Json) -> list[Json]:
        if isinstance(name, dict):  # bytes
            return [name, {"$": self._header(name["$"], value["$"])}]
        return [name, self._header(name, value)]

    def _header(self, name: str, value: str) -> str:
        if value.startswith("AWS4-"):
            return _SIGNATURE.sub(lambda found: self.secret(found[0]), value)
        is_secret = name.lower() in self._headers or value in self._api_keys
        return self.secret(value) if is_secret else self._tokens(value)

    def _parameter(self, name: str, value: str) -> str:
        if name in self._parameters:
            return self.secret(value)
        is_secret = _SECRET_PARAMETER.search(name) and name.lower() != _SIGNER
        return self.secret(value) if is_secret else self._tokens(value)

    def _query(self, query: str) -> str:
        return "&".join(map(self._query_part, query.split("&")))

    def _query_part(self, part: str) -> str:
        name, equals, raw = part.partition("=")
        value = unquote_plus(raw)
        shown = self._parameter(unquote_plus(name), value)
        return part if shown == value else f"{name}{equals}{quote(shown, safe='')}"

    def _event(self, event: dict[str, Json]) -> dict[str, Json]:
        result = dict(event)
        for key, redact in (
            ("headers", self._header),
            ("multiValueHeaders", self._header),
            ("queryStringParameters", self._parameter),
            ("multiValueQueryStringParameters", self._parameter),
        ):
            if isinstance(values := result.get(key), dict):
                result[key] = {name: _each(redact, name, given) for name, given in values.items()}
        if isinstance(token := result.get("authorizationToken"), str):
            result["authorizationToken"] = self.secret(token)
        if isinstance(source := result.get("identitySource"), list):
            result["identitySource"] = [self.secret(str(value)) for value in source]
        context = result.get("requestContext")
        if isinstance(context, dict) and isinstance(identity := context.get("identity"), dict):
            shown = {
                name: self.secret(value) if name == "apiKey" and isinstance(value, str) else value
                for name, value in identity.items()
            }
            result["requestContext"] = {**context, "identity": shown}
        return result

    def _function_result(self, returned: dict[str, Json]) -> dict[str, Json]:
        result = dict(returned)
        if isinstance(key := result.get("usageIdentifierKey"), str):
            result["usageIdentifierKey"] = self.secret(key)
        for name in ("headers", "multiValueHeaders"):
            if isinstance(headers := result.get(name), dict):
                result[name] = {
                    header: _each(lambda _, value: self._tokens(value), header, given)
                    for header, given in headers.items()
                }
        return result


def _each(redact: Callable[[str, str], str], name: str, given: Json) -> Json:
    """Redact one value, or each of several."""
    if isinstance(given, str):
        return redact(name, given)
    if isinstance(given, list):
        return [redact(name, each) if isinstance(each, str) else each for each in given]
    return given


def _in_json(
    document: Json, only_with: tuple[str, ...], redact: Callable[[dict[str, Json]], dict[str, Json]]
) -> Json:
    """Redact within a JSON object that is written as bytes; what is none stays as it is."""
    text = document["$"]
    if not any(mark in text for mark in only_with):
        return document
    try:
        found = json.loads(text)
    except ValueError:
        return document
    if not isinstance(found, dict):
        return document
    # Written anew even where nothing was secret: a replay finds only what stands for secrets.
    return {"$": json.dumps(redact(found), separators=(",", ":"))}
