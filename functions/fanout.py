"""A worker: reaches the subscribers in some shards of a channel too large for one invocation."""

from functools import partial

from functions.core.fanout import carry_out
from functions.core.limits import FANOUT_RESERVE_S
from functions.core.workers import Job
from functions.runtime import events
from functions.runtime.entrypoint import Handler, time_left_s
from functions.runtime.wiring import Environment


async def fanout(environment: Environment, event: events.Event) -> events.Result:
    """Carry out one job, which core/fanout.py or the worker before has handed over."""
    job = events.read(event, Job)
    budget_s = min(environment.fanout.budget_s, time_left_s() - FANOUT_RESERVE_S)
    tally = await carry_out(await environment.services(), job, budget_s=budget_s)
    return {"delivered": tally.delivered, "failed": tally.failed, "gone": len(tally.gone)}


handler = Handler(fanout, partial(Environment, is_worker=True))
"""The Lambda edge: jobs in, tallies out, settings, and what an environment keeps."""
