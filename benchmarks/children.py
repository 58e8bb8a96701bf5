"""Jobs of contestants, each in a process of its own.

1. A contestant that has requirements runs in an environment that has them and nothing else; the
   others in this one.
2. Who cannot take part is `Absent`, with the last line of what was complained of.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.entrants import Entrant
from benchmarks.environments import Absent, output_of, python_with
from benchmarks.job import Job

_ROOT = Path(__file__).parents[1]


def command_for(entrant: Entrant, job: Job) -> Sequence[str]:
    """Return what does a job, to be run in `_ROOT`. Makes the environment, if there is none."""
    if entrant.absent:
        raise Absent(entrant.absent)
    python = [sys.executable]
    if entrant.requirements:
        # -E: no PYTHONPATH leads it to the packages of the environment that chatstate is in
        python = [str(python_with(*entrant.requirements)), "-E"]
    return *python, "-m", "benchmarks.job", entrant.module, json.dumps(job._asdict())


def done(entrant: Entrant, job: Job) -> Any:
    """Have a job done, and return what is told of it."""
    return json.loads(output_of(*command_for(entrant, job), folder=_ROOT).splitlines()[-1])


def begun(entrant: Entrant, job: Job) -> subprocess.Popen[bytes]:
    """Begin a job, whose standard output is read while it lasts."""
    return subprocess.Popen(  # noqa: S603 - our own command
        command_for(entrant, job), cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
