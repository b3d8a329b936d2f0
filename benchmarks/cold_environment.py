"""One cold start in a process of its own, as Lambda makes it: import the handler, then call it.

Run by path, with no packages but those in the folder given, by the interpreter to be measured:

    python3.13 -I -S benchmarks/cold_environment.py FOLDER functions/connect.handler < event.json

It prints JSON: the milliseconds of the import, of the first and of a second call, the first result,
the modules that are loaded then, and the sources that had to be compiled for want of bytecode.
"""

import importlib
import json
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def compiled_sources() -> list[str]:
    """Give a list that grows by each source file that is compiled from now on."""
    compiled: list[str] = []

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if event == "compile" and str(arguments[1]).endswith(".py"):
            compiled.append(str(arguments[1]))

    sys.addaudithook(hear)
    return compiled


def cold_start(name: str, event: "Mapping[str, object]") -> dict[str, object]:
    """Import a handler by its name in a template, call it twice; give what was seen."""
    module, _, attribute = name.rpartition(".")
    begun = time.perf_counter(), time.process_time()
    handler: Callable[..., object] = getattr(
        importlib.import_module(module.replace("/", ".")), attribute
    )
    imported = time.perf_counter()
    result = handler(event, None)
    answered = time.perf_counter(), time.process_time()
    loaded = sorted(sys.modules)
    handler(event, None)
    ended = time.perf_counter()
    return {
        "import_ms": (imported - begun[0]) * 1000,
        "first_ms": (answered[0] - imported) * 1000,
        "total_ms": (answered[0] - begun[0]) * 1000,
        "cpu_ms": (answered[1] - begun[1]) * 1000,
        "second_ms": (ended - answered[0]) * 1000,
        "result": result,
        "modules": loaded,
    }


if __name__ == "__main__":
    compiled = compiled_sources()
    sys.path.insert(0, sys.argv[1])
    seen = cold_start(sys.argv[2], json.load(sys.stdin))
    print(json.dumps({**seen, "compiled": compiled}))
