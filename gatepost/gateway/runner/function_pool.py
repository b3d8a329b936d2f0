"""The workers of one function and the queue before them.

It decides who runs what: the most recently used free worker first, first come first served when
none is free, another worker only when the ones there are make no headway. One worker is started
ahead; surplus ones leave after a while. The processes themselves are in worker.py.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from gatepost.gateway.core.inputs import NotInvocable
from gatepost.gateway.runner.invocation import NOBODY, Invocation

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatepost.gateway.core.inputs import Failed, Outcome
    from gatepost.gateway.runner.invocation import Caller
    from gatepost.gateway.runner.options import Limits
    from gatepost.gateway.runner.starts import Starts
    from gatepost.gateway.runner.worker import Keeper, Worker


class FunctionPool:
    """Runs the invocations of one function; a `Keeper` of its workers.

    A worker that fails in its init is not started again by itself. If no other worker serves, its
    failure is the answer to every invocation until `reload` (Lambda would repeat the init with each
    invocation; a developer would wait for it each time, for the same answer). If others serve,
    they go on, and no more are started.
    """

    def __init__(
        self, name: str, start: Callable[[Keeper], Worker], limits: Limits, starts: Starts
    ) -> None:
        self.told: set[str] = set()
        self._name = name
        self._starts = starts
        self._last: Invocation | None = None
        self._next_is_cold = False
        self._start = start
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._queue: deque[Invocation] = deque()
        self._cold_queue: deque[Invocation] = deque()  # for workers that were never used
        self._workers: set[Worker] = set()
        self._leaving: set[Worker] = set()
        self._free: list[Worker] = []
        self._settled = asyncio.Event()
        self._init_failure: Failed | None = None
        self._may_grow = True
        self._closed = False
        self._answered_at = 0.0
        self._grow_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that serve, those starting included."""
        return [worker.pid for worker in self._workers if worker.pid]

    def start_ahead(self) -> None:
        """Start one worker unless there is one."""
        if not self._workers:
            self._start_worker()

    async def settled(self) -> None:
        """Wait until a worker has finished its init, well or badly."""
        await self._settled.wait()

    def submit(self, event: bytes, caller: Caller = NOBODY) -> asyncio.Future[Outcome]:
        """Run an event; the future's cancellation gives up waiting, not the invocation."""
        invocation = Invocation(event, self._loop.create_future(), self._loop.time(), caller)
        invocation.cold, self._next_is_cold = self._next_is_cold, False
        self._last = invocation
        worker = self._free_worker(cold=invocation.cold)
        if worker is not None:
            worker.run(invocation)
        elif self._init_failure is not None:
            invocation.settle(self._init_failure)
        elif self._closed:
            invocation.settle(NotInvocable(f"function '{self._name}': the runner is closed"))
        elif len(self._queue) + len(self._cold_queue) >= self._limits.queue_max:
            text = f"function '{self._name}': {self._limits.queue_max} invocations wait already"
            invocation.settle(NotInvocable(text))
        else:
            (self._cold_queue if invocation.cold else self._queue).append(invocation)
            self._serve_queue()
        return invocation.outcome

    def disturb(self, *, kill: bool, cold: bool) -> None:
        """Misbehave on demand (WorkerRunner.disturb)."""
        self._next_is_cold |= cold
        if kill and self._last is not None:
            self._last.doomed = True
            for worker in self._workers | self._leaving:
                worker.doom(self._last)

    def reload(self) -> None:
        """Replace all workers: busy ones first finish, what is queued goes to new ones."""
        if self._closed:
            return
        for worker in tuple(self._workers):
            self._workers.discard(worker)
            self._leaving.add(worker)
            if not worker.busy:
                worker.stop()
        self._free.clear()
        self._init_failure = None
        self._may_grow = True
        self._settled.clear()
        self.told.clear()
        self._start_worker()
        self._serve_queue()

    async def close(self) -> None:
        """End every worker and wait until they are gone; what is queued is not invoked."""
        self._closed = True
        for timer in (self._grow_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._refuse(NotInvocable(f"function '{self._name}': the runner was closed"))
        self._free.clear()
        self._settled.set()
        leaving = self._workers | self._leaving
        for worker in leaving:
            worker.stop()
        await asyncio.gather(*(worker.gone.wait() for worker in leaving))

    # What workers report (worker.Keeper).

    def urgency(self) -> tuple[bool, float]:
        """Let starts that an invocation waits for come first, then those of functions in use."""
        return bool(self._queue or self._cold_queue), self._last.queued_at if self._last else 0.0

    def worker_free(self, worker: Worker) -> None:
        """Give the worker the oldest queued invocation, or let it wait."""
        if worker in self._leaving:
            worker.stop()
            return
        self._settled.set()
        invocation = self._next_queued(used=worker.used)
        if invocation is not None:
            worker.run(invocation)
            return
        if worker in self._free:  # its runtime has connected anew
            self._free.remove(worker)
        self._free.append(worker)
        if self._cold_queue:
            self._serve_queue()
        self._watch_idle()

    def worker_answered(self) -> None:
        """Take note of headway."""
        self._answered_at = self._loop.time()

    def worker_unusable(self, worker: Worker, *, busy: bool, init_failure: Failed | None) -> None:
        """Replace the worker, or remember why there can be none."""
        self._leaving.add(worker)
        if worker not in self._workers:
            return
        self._workers.discard(worker)
        if worker in self._free:
            self._free.remove(worker)
        if init_failure is None:
            if not self._workers and (busy or self._queue):
                self._start_worker()
            if self._cold_queue:
                self._serve_queue()
        elif any(other.ready for other in self._workers):
            self._may_grow = False
            self._refuse(init_failure, self._cold_queue)
        elif not self._workers:
            self._init_failure = init_failure
            self._settled.set()
            self._refuse(init_failure)

    def worker_missed(self, invocation: Invocation) -> None:
        """Have another worker run it."""
        worker = self._free_worker(cold=invocation.cold)
        if worker is not None:
            worker.run(invocation)
        elif self._closed:
            invocation.settle(NotInvocable(f"function '{self._name}': the runner was closed"))
        else:
            (self._cold_queue if invocation.cold else self._queue).appendleft(invocation)
            self._serve_queue()

    def worker_gone(self, worker: Worker) -> None:
        """Forget the worker."""
        self._leaving.discard(worker)

    def _start_worker(self) -> None:
        if not self._closed:
            self._workers.add(self._start(self))

    def _free_worker(self, *, cold: bool) -> Worker | None:
        for worker in reversed(self._free):
            if worker.waiting and not (cold and worker.used):  # waiting: else it is going away
                self._free.remove(worker)
                return worker
        return None

    def _next_queued(self, *, used: bool) -> Invocation | None:
        for waiting in (self._queue,) if used else (self._cold_queue, self._queue):
            while waiting:
                invocation = waiting.popleft()
                if not invocation.outcome.done():
                    return invocation
        return None

    def _refuse(self, outcome: Outcome, *queues: deque[Invocation]) -> None:
        """Settle what is queued, in these queues or in all."""
        for waiting in queues or (self._queue, self._cold_queue):
            while waiting:
                waiting.popleft().settle(outcome)

    # Growing and shrinking.

    def _serve_queue(self) -> None:
        """See to it that what is queued is run: by workers there are, or new ones."""
        starting = sum(not worker.ready for worker in self._workers)
        for _ in range(len(self._cold_queue) - starting):
            self._make_room()
            self._start_worker()
        self.start_ahead()
        self._starts.review()
        self._watch_headway()

    def _make_room(self) -> None:
        """Let the worker leave that was free for longest, if another one would be too many."""
        if len(self._workers) >= self._limits.workers_max and self._free:
            self._retire(self._free[0])

    def _retire(self, worker: Worker) -> None:
        self._free.remove(worker)
        self._workers.discard(worker)
        self._leaving.add(worker)
        worker.stop()

    def _watch_headway(self) -> None:
        if self._grow_timer is None:
            self._grow_timer = self._loop.call_later(self._limits.grow_after_s, self._grow)

    def _grow(self) -> None:
        self._grow_timer = None
        while self._queue and self._queue[0].outcome.done():
            self._queue.popleft()
        if not self._queue or not self._may_grow:
            return
        since = max(self._queue[0].queued_at, self._answered_at)
        stalled = self._loop.time() - since >= self._limits.grow_after_s
        starting = any(not worker.ready for worker in self._workers)
        if stalled and not starting and len(self._workers) < self._limits.workers_max:
            self._start_worker()
        self._watch_headway()

    def _watch_idle(self) -> None:
        if self._idle_timer is None and len(self._workers) > 1:
            self._idle_timer = self._loop.call_later(self._limits.idle_s, self._shrink)

    def _shrink(self) -> None:
        self._idle_timer = None
        before = self._loop.time() - self._limits.idle_s
        for worker in tuple(self._free):  # the least recently used come first
            if len(self._workers) > 1 and worker.free_since <= before:
                self._retire(worker)
        if self._free:
            self._watch_idle()
