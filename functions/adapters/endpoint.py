"""Where a service's endpoint is: an http or https URL, taken apart as botocore does."""

from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct

PORTS: Final = {"http": 80, "https": 443}


class Endpoint(Struct, frozen=True):
    """A URL's parts; `path` is as it was written, empty if there is none."""

    host: str
    port: int
    is_tls: bool
    path: str = ""

    @property
    def authority(self) -> str:
        """Give the host as requests name and sign it: a scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        own = PORTS["https" if self.is_tls else "http"]
        return host if self.port == own else f"{host}:{self.port}"


def read_endpoint(url: str) -> Endpoint:
    """Take a URL apart. Raises ValueError for one of another scheme, or without a host."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is no URL of an http or https endpoint")
    port = parts.port or PORTS[parts.scheme]
    return Endpoint(parts.hostname, port, parts.scheme == "https", parts.path)
