"""The default stand-in for DynamoDB: moto's server, one request at a time, in a process of its own.

Run with `python -m gatepost.emulator.dynamodb_server`; writes the port that it listens on as its
first line and ends when its standard input does, so that it never outlives the emulator. Other
services that moto knows are answered too: what a handler calls stays on this machine.

Not responsible for tables: gatepost/emulator/tables.py creates them.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
LOOPBACK = "127.0.0.1"


class QuietHandler(WSGIRequestHandler):
    """Keeps connections open (botocore pools them) and writes no access log."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the live log is about the gateway."""


def one_at_a_time(app: WsgiApp) -> WsgiApp:
    """Serve whole requests under one lock.

    moto's transactions copy and restore the table without locking; two at once lose
    acknowledged writes.
    """
    lock = threading.Lock()

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI
        with lock:
            return list(app(environ, start_response))

    return serve


def end_with_parent() -> None:
    """Leave as soon as standard input ends: the parent is gone, however it went."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


def main() -> None:
    """Serve until standard input ends."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]  # moto uses botocore, which a profile of the developer's would upset
    app = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server(LOOPBACK, 0, app, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
