"""How a runner is set: what bounds its workers, and what rarely differs from its default."""

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a function's workers.

    A worker costs some 60 MB and half a second of CPU. So a burst of quick invocations waits for
    the workers there are; another one is started only when an invocation has waited and no worker
    has answered anything for `grow_after_s`. Beyond one, workers free for `idle_s` leave.
    """

    workers_max: int = 8
    queue_max: int = 10_000
    grow_after_s: float = 0.25
    idle_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Options:
    """What rarely differs from its default.

    `account_id` stands in the function ARN that a handler's context shows. `init_s` is Lambda's
    limit for an init; here the function's timeout is added to it, in place of Lambda's second
    init within the first invocation. A worker that takes longer counts as failed. `node` runs Node
    functions. `reports` has each invocation end with Lambda's REPORT line, which reads the worker's
    memory (some 20 us). `starts_at_once` bounds the inits that run while nobody waits for them:
    each costs a core.
    """

    limits: Limits = field(default_factory=Limits)
    account_id: str = "123456789012"
    init_s: float = 10.0
    node: Path = Path("node")
    reports: bool = False
    starts_at_once: int = os.cpu_count() or 1
