"""A runner of its own process that is killed, and which of its workers outlive it."""

import subprocess
import sys
from pathlib import Path

import psutil

RUNNER = """
import asyncio, sys
from pathlib import Path
from gatepost.gateway.core.deployment import Function
from gatepost.gateway.runner.pool import WorkerRunner

async def main():
    root, runtime, idle = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    functions = {n: Function(n, f"handlers.{n}", runtime, root, timeout_s=600)
                 for n in ("spins", idle)}
    runner = WorkerRunner(functions, python=Path(sys.executable),
                          on_output=lambda output: print(output.line, flush=True))
    await runner.start()
    print("idle", *runner.pids()[idle], flush=True)
    await runner.invoke("spins", b"{}")

asyncio.run(main())
"""


def outliving_workers(
    project: Path, *, runtime: str, idle: str, within_s: float
) -> list[psutil.Process]:
    """Kill a runner whose handler `spins` spins; return its workers that live `within_s` later.

    The handlers lie in `handlers` of the project; `spins` prints its name and process id, `idle`
    is never invoked.
    """
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(project), runtime, idle],
        stdout=subprocess.PIPE,
        text=True,
    ) as runner:
        assert runner.stdout is not None
        pids: dict[str, psutil.Process] = {}
        while len(pids) < 2:
            word, pid = runner.stdout.readline().split()
            pids[word] = psutil.Process(int(pid))
        assert set(pids) == {"idle", "spins"}
        runner.kill()
    _, alive = psutil.wait_procs(list(pids.values()), timeout=within_s)
    return list(alive)
