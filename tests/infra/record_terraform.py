"""Write down what Terraform makes of the module: `python -m tests.infra.record_terraform`.

For machines without Terraform, where the two systems are compared too.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.infra.intended import RECORDED, fingerprint, model_of_plan
from tests.infra.terraform_runs import STAGES, run_once


def main() -> None:
    """Apply the module to moto and write the models of all stages."""
    with tempfile.TemporaryDirectory() as folder:
        run = run_once(Path(folder))
        stages = {stage: model_of_plan(run.applied, stage) for stage in STAGES}
    text = json.dumps({"sources": fingerprint(), "stages": stages}, indent=1, sort_keys=True)
    RECORDED.parent.mkdir(exist_ok=True)
    RECORDED.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(f"{RECORDED}\n")


if __name__ == "__main__":
    main()
