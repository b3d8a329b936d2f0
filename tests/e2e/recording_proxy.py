"""A proxy before all that functions ask AWS for, which keeps who asked for what.

A function is known by its access key: `interpreter` is a program that starts Python for a worker
with the function's name as its key and this proxy as every endpoint. Services are known by what
requests are signed for.
"""

import http.client
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.rights import Asked

INTERPRETER: Final = """\
#!/bin/sh
# Starts a worker's Python so that all it asks AWS for goes through the recording proxy.
export AWS_ACCESS_KEY_ID="$AWS_LAMBDA_FUNCTION_NAME"
stage="${{AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI#http://*/}}"
export AWS_ENDPOINT_URL="{proxy}" AWS_ENDPOINT_URL_DYNAMODB="{proxy}"
export AWS_ENDPOINT_URL_LAMBDA="{proxy}"
export AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI="{proxy}/$stage"
exec "{python}" "$@"
"""
_SIGNED: Final = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/aws4_request")
_OF_THE_LINK: Final = {"connection", "host", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(slots=True)
class Recording:
    """What was asked for, by the full name of the function; `upstreams` are URLs by service."""

    url: str = ""
    upstreams: dict[str, str] = field(default_factory=dict)
    asked: dict[str, list[Asked]] = field(default_factory=dict)

    def note(self, function: str, asked: Asked) -> None:
        """Keep a request."""
        self.asked.setdefault(function, []).append(asked)


@contextmanager
def recording() -> Iterator[Recording]:
    """Run a proxy on a port of the system's choice."""
    kept = Recording()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Proxied, kept))
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def interpreter(path: Path, proxy: str) -> Path:
    """Write the program that starts Python for workers."""
    path.write_text(INTERPRETER.format(proxy=proxy, python=sys.executable), encoding="utf-8")
    path.chmod(0o755)
    return path


class _Proxied(BaseHTTPRequestHandler):
    """One link of a function: each request is kept, sent on, and its answer given back."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body of an answer in one piece: two wait 40 ms for each other

    def __init__(self, kept: Recording, *arguments: object) -> None:
        self._kept = kept
        super().__init__(*arguments)  # type: ignore[arg-type] # what the server gives

    def _pass_on(self) -> None:
        signed = _SIGNED.search(self.headers.get("Authorization", ""))
        function, service = signed.groups() if signed else ("unsigned", "unknown")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        target = self.headers.get("X-Amz-Target", "")
        path = urlsplit(self.path).path
        self._kept.note(function, Asked(service, self.command, path, target, body))
        upstream = urlsplit(self._kept.upstreams[service])
        link = http.client.HTTPConnection(upstream.hostname or "", upstream.port, timeout=90)
        try:
            headers = self._without_the_links(self.headers.items())
            link.request(self.command, self.path, body, headers)
            answer = link.getresponse()
            content = answer.read()
        finally:
            link.close()
        self.send_response_only(answer.status)
        for name, value in self._without_the_links(answer.getheaders()).items():
            self.send_header(name, value)
        if answer.status != http.HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815 - names that the base class looks for

    @staticmethod
    def _without_the_links(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
        return {name: value for name, value in headers if name.lower() not in _OF_THE_LINK}
