"""Where a request leads: from host and path to one API, and what is left of the path.

An API is at `/{stage}` of the gateway's port. When APIs share a stage's name, that name alone leads
to none of them; each API is also at `/{api_id}/{stage}`, and at `/{stage}` of every host whose
first label is its id, as on AWS (B-020, B-021). A custom domain has no stage in its paths (B-325).
It is all that leads to an API whose default endpoint is disabled (B-327).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from gatepost.gateway.core.connection import Api
from gatepost.gateway.core.deployment import DomainMapping, WebSocketApi

_HOSTS_KEPT: Final = 256
_KEY: Final = re.compile(r"[A-Za-z0-9$\-_.+!*'()]{0,300}")
_RESERVED: Final = frozenset({"ping", "sping"})


class Address(NamedTuple):
    """An API and the place within it that a request asks for.

    `rest` is what follows the API's own path, percent-encoded: empty, or from a slash on.
    `domain_name` is what events tell (B-008): `https://{domain_name}/{stage}` leads to the API,
    but not where `custom` says that it is a custom domain (B-326).
    """

    api: Api
    rest: str
    domain_name: str
    custom: bool = False


class _Scope(NamedTuple):
    """What the first segment of a path means at some host.

    `root` is the API of a custom domain without a mapping key.
    """

    apis: dict[str, Api]
    root: Api | None = None
    custom: bool = False


class Addresses:
    """The table of all addresses. Raises ValueError for APIs and domains that exclude each other.

    Those are two APIs with one id and stage, two mappings of one domain and key, a mapping to an
    API that is not there, and a key that can't be one (B-026, B-325).
    """

    __slots__ = ("_by_id", "_domains", "_open", "_scope_at", "_stages", "apis")

    def __init__(self, apis: Iterable[Api], domains: Iterable[DomainMapping] = ()) -> None:
        self.apis = tuple(apis)
        self._stages: dict[tuple[str, str], Api] = {}
        self._by_id: dict[str, _Scope] = {}
        for api in self.apis:
            self._add(api)
        deployed = [api.deployed for api in self.apis]
        self._open = _Scope(
            {
                api.deployed.stage: api
                for api in self.apis
                if api.deployed.default_endpoint
                and path_of(api.deployed, deployed) == f"/{api.deployed.stage}"
            }
        )
        self._domains: dict[str, _Scope] = {}
        for mapping in domains:
            self._map(mapping)
        self._scope_at = lru_cache(_HOSTS_KEPT)(self._scope_of)

    @property
    def paths(self) -> tuple[str, ...]:
        """The path of each API, as the gateway's port has it, at whatever host."""
        deployed = [api.deployed for api in self.apis]
        return tuple(path_of(one, deployed) for one in deployed if one.default_endpoint)

    def resolve(self, host: str, path: str) -> Address | None:
        """Find the API that a path leads to at a host, which is an authority as clients write it.

        None where there is no API (B-023).
        """
        scope = self._scope_at(host)
        first, slash, rest = path.removeprefix("/").partition("/")
        api = scope.apis.get(first) or scope.apis.get(unquote(first))
        if api is not None:
            return Address(api, slash + rest, host, scope.custom)
        if scope.root is not None:
            return Address(scope.root, path, host, custom=True)
        return self._below_id(unquote(first), rest, host) if scope is self._open else None

    def _below_id(self, api_id: str, path: str, host: str) -> Address | None:
        """Resolve `/{api_id}/{stage}`; the id stays part of the domain's name."""
        scope = self._by_id.get(api_id)
        stage, slash, rest = path.partition("/")
        api = None if scope is None else scope.apis.get(unquote(stage))
        return None if api is None else Address(api, slash + rest, f"{host}/{api_id}")

    def _scope_of(self, host: str) -> _Scope:
        name = host_name(host)
        label, dot, _ = name.partition(".")
        return self._domains.get(name) or (self._by_id.get(label) if dot else None) or self._open

    def _add(self, api: Api) -> None:
        deployed = api.deployed
        key = (deployed.api_id, deployed.stage)
        if key in self._stages:
            raise ValueError(
                f"the WebSocket API {deployed.name!r} is there twice: id "
                f"{deployed.api_id}, stage {deployed.stage!r}"
            )
        self._stages[key] = api
        scope = self._by_id.setdefault(deployed.api_id, _Scope({}))
        if deployed.default_endpoint:
            scope.apis[deployed.stage] = api

    def _map(self, mapping: DomainMapping) -> None:
        if not _KEY.fullmatch(mapping.key) or mapping.key in _RESERVED:
            raise ValueError(f"domain {mapping.domain}: {mapping.key!r} can't be a mapping key")
        api = self._stages.get((mapping.api_id, mapping.stage))
        if api is None:
            raise ValueError(
                f"domain {mapping.domain}: there is no WebSocket API {mapping.api_id} "
                f"with a stage {mapping.stage!r}"
            )
        name = mapping.domain.lower()
        scope = self._domains.get(name, _Scope({}, None, custom=True))
        if mapping.key in scope.apis or (not mapping.key and scope.root is not None):
            raise ValueError(f"domain {mapping.domain}: the key {mapping.key!r} is mapped twice")
        if mapping.key:
            self._domains[name] = scope._replace(apis={**scope.apis, mapping.key: api})
        else:
            self._domains[name] = scope._replace(root=api)


def path_of(api: WebSocketApi, apis: Sequence[WebSocketApi]) -> str:
    """Return the path that leads to one of these APIs at the gateway's port."""
    stages = Counter(other.stage for other in apis)
    return f"/{api.stage}" if stages[api.stage] == 1 else f"/{api.api_id}/{api.stage}"


def host_name(host: str) -> str:
    """Return the name or address in an authority, lower case, without port and brackets."""
    name = host.partition("]")[0][1:] if host.startswith("[") else host.partition(":")[0]
    return name.lower().rstrip(".")
