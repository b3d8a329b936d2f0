"""Moto's server with what the AWS provider waits for and moto leaves out.

Run as a program it writes its port and ends with its standard input, like the emulator's own. It
makes functions without looking for Docker, knows AWS's managed policies, and says of a domain that
it is there, as AWS does some minutes after it was asked for.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gatepost.emulator.dynamodb_server import QuietHandler, end_with_parent, one_at_a_time
from tests.conftest import server_process

if TYPE_CHECKING:
    from collections.abc import Iterator

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]
READY = {
    "domainNameStatus": "AVAILABLE",
    "apiGatewayDomainName": "d-1.execute-api.us-east-1.amazonaws.com",
    "hostedZoneId": "Z1UJRXOUMOOFQ8",
}


def with_ready_domains(app: WsgiApp) -> WsgiApp:
    """Say of every configuration of a domain that it is available, and where it leads."""

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI
        path = environ["PATH_INFO"]
        if not path.startswith("/v2/domainnames") or path.endswith("apimappings"):
            return app(environ, start_response)
        answer: list[Any] = []
        body = b"".join(app(environ, lambda *head: answer.append(head)))
        status, headers = answer[0][:2]
        read = json.loads(body or b"{}")
        for configuration in read.get("domainNameConfigurations") or ():
            configuration.update(READY)
        text = json.dumps(read).encode() if read else body
        kept = [each for each in headers if each[0].lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(text)))])
        return [text]

    return serve


def main() -> None:
    """Serve until standard input ends."""
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    from moto.core.config import default_user_config  # noqa: PLC0415 - reads the environment
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415
        DomainDispatcherApplication,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415

    default_user_config["lambda"]["use_docker"] = False
    app = with_ready_domains(one_at_a_time(DomainDispatcherApplication(create_backend_app)))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


@contextmanager
def moto_for_terraform() -> "Iterator[str]":
    """Keep such a server running; give its URL."""
    with server_process("tests.infra.moto_for_terraform") as endpoint:
        yield endpoint


if __name__ == "__main__":
    main()
