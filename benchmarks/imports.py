"""What `import chatstate` costs, beside a library that is always there."""

from __future__ import annotations

import statistics
import subprocess
import sys

_MODULES = ("asyncio", "chatstate", "chatstate.engine", "telegram.ext")
_CODE = "import time; begun = time.perf_counter(); import {}; print(time.perf_counter() - begun)"


def _seconds(module: str) -> float | None:
    command = [sys.executable, "-c", _CODE.format(module)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    return None if done.returncode else float(done.stdout)


def run(rounds: int = 5) -> None:
    """Measure and print; what is not installed is left out."""
    print("\nimport, in a new process: the middle of the rounds")
    for module in _MODULES:
        times = [seconds for _ in range(rounds) if (seconds := _seconds(module)) is not None]
        if times:
            print(f"{module:20} {statistics.median(times) * 1e3:8.0f} ms")
