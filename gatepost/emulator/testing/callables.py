"""Functions that stand in the test itself, called as Lambda calls handlers.

Each call has a thread, so that a handler may block (boto3 does) and the gateway goes on. What an
async handler awaits runs in one event loop that all of them share.
"""

import asyncio
import inspect
import json
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, Final

from gatepost.emulator.testing.loop_thread import LoopThread
from gatepost.gateway.core.deployment import INTEGRATION_TIMEOUT_S_MAX, Function
from gatepost.gateway.core.inputs import Failed, Outcome, Returned
from gatepost.gateway.runner import bootstrap
from gatepost.gateway.runner.environment import function_arn, lambda_environment
from gatepost.gateway.runner.invocation import Invocation, not_deployed

Handler = Callable[[Any, Any], Any]
"""`handler(event, context)`, sync or async."""

THREADS_MAX: Final = 64


class CallableInvoker:
    """Runs handlers by name. What one raises is printed, and is the invocation's failure."""

    def __init__(self, handlers: Mapping[str, Handler], functions: Mapping[str, Function]) -> None:
        self._handlers = dict(handlers)
        self._functions = dict(functions)
        self._threads = ThreadPoolExecutor(THREADS_MAX, "gatepost-handler")

    @cached_property
    def _loop(self) -> LoopThread:
        return LoopThread("gatepost-async-handlers")

    async def invoke(self, function: str, event: bytes) -> Outcome:
        """Call the handler; cancelling gives up waiting, no more."""
        if function not in self._handlers:
            return not_deployed(function)
        loop = asyncio.get_running_loop()
        invocation = Invocation(event, loop.create_future(), loop.time())
        return await loop.run_in_executor(self._threads, self._call, function, invocation)

    def close(self) -> None:
        """End the threads; a handler that never returns does not keep the process."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if "_loop" in self.__dict__:
            self._loop.close()

    def _call(self, name: str, invocation: Invocation) -> Outcome:
        function = self._functions[name]
        context = bootstrap.Context(
            bootstrap.Facts.of(lambda_environment(function, address=None)),
            request_id=invocation.request_id,
            arn=function_arn(function, "123456789012"),
            deadline_ms=int((time.time() + INTEGRATION_TIMEOUT_S_MAX) * 1000),
        )
        handler = self._handlers[name]
        try:
            returned, payload = bootstrap.call(
                lambda event, context: self._awaited(handler(event, context)),
                invocation.event,
                context,
            )
        except BaseException as error:  # noqa: BLE001 - pytest.fail, sys.exit
            sys.stderr.write(bootstrap.shown(error))
            return Failed(type(error).__name__, str(error))
        if returned:
            return Returned(payload)
        told = json.loads(payload)
        return Failed(told["errorType"], told["errorMessage"])

    def _awaited(self, result: Any) -> Any:  # noqa: ANN401 - whatever handlers return
        if not inspect.isawaitable(result):
            return result

        async def finish() -> object:
            return await result

        return self._loop.call(finish())
