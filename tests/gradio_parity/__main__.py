"""`python -m tests.gradio_parity`: the bridge in Gradio 5 and 6, each in an environment of its own.

`--demos FOLDER` compares the demos of Gradio's repository, too: its folder `demo`. `--only 6` runs
one of the two. Environments are made once, in `.gradio-parity/`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = {"5": "gradio>=5.40,<6", "6": "gradio>=6,<7"}


def main() -> None:
    """Run the tests in each version of Gradio; end with status 1 if some failed."""
    options = argparse.ArgumentParser(prog="python -m tests.gradio_parity", description=__doc__)
    options.add_argument("--only", choices=VERSIONS, help="one version of Gradio")
    options.add_argument("--demos", type=Path, help="the folder demo of Gradio's repository")
    given = options.parse_args()
    failed = [
        version
        for version in ([given.only] if given.only else VERSIONS)
        if not passes(version, environment(version), given.demos)
    ]
    sys.exit(f"failed in Gradio {', '.join(failed)}" if failed else None)


def environment(version: str) -> Path:
    """Return the Python of an environment with a version of Gradio, made if it is not there."""
    folder = ROOT / ".gradio-parity" / version
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    wanted = ["-e", f"{ROOT}[test-gradio]", VERSIONS[version]]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    return python


def passes(version: str, python: Path, demos: Path | None) -> bool:
    """Run the tests, and compare the demos; tell whether the tests passed."""
    print(f"Gradio {version}", flush=True)
    ran = subprocess.run(
        [python, "-m", "pytest", "-q", "tests/gradio_parity"], cwd=ROOT, check=False
    )
    status = ran.returncode
    if demos:
        compare = [str(python), "-m", "gradio_parity.demos", str(demos.resolve())]
        status |= subprocess.run(compare, cwd=ROOT / "tests", check=False).returncode
    return status == 0


if __name__ == "__main__":
    main()
