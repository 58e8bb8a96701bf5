"""`python -m tests.gradio_parity`: the bridge in Gradio 5 and 6, each in an environment of its own.

1. Environments are made once, in `$XDG_CACHE_HOME`, or `~/.cache`, and brought up to date when
   what they are to have is something else.
2. Each runs the tests of this folder. `--demos FOLDER` compares the demos of Gradio's repository,
   too: its folder `demo`; no package of Gradio's has them. `--only 6` runs one of the two.
3. What is printed last is a table of what came of it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = {"5": "gradio>=5.40,<6", "6": "gradio>=6,<7"}


def main() -> None:
    """Run the tests in each version of Gradio; end with status 1 if some failed."""
    options = argparse.ArgumentParser(prog="python -m tests.gradio_parity", description=__doc__)
    options.add_argument("--only", choices=VERSIONS, help="one version of Gradio")
    options.add_argument("--demos", type=Path, help="the folder demo of Gradio's repository")
    given = options.parse_args()
    rows: list[Sequence[str]] = []
    failed: list[str] = []
    for version in [given.only] if given.only else VERSIONS:
        python = environment(version)
        told, is_good = outcomes(python, given.demos)
        rows += [(version_in(python), *row) for row in told]
        failed += [] if is_good else [version]
    print_table([("Gradio", "what", "outcome", "seconds"), *rows])
    sys.exit(f"failed in Gradio {', '.join(failed)}" if failed else None)


def environment(version: str) -> Path:
    """Return the Python of an environment with a version of Gradio, made if it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    has = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = cache / "chatstate-gradio-parity" / f"{version}-python{has}"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    wanted = ["-e", f"{ROOT}[test-gradio]", VERSIONS[version]]
    declared = (ROOT / "pyproject.toml").read_bytes()
    digest = hashlib.sha256(b"%s %s" % (str(wanted).encode(), declared)).hexdigest()
    complete = folder / "complete"
    known = complete.read_text() if complete.exists() else ""
    if not known:
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
    if known != digest:
        print(f"Gradio {version}: installing into {folder}", flush=True)
        pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        subprocess.run([python, *pip, *wanted], check=True)
        complete.write_text(digest)  # only now: what was interrupted is made anew
    return python


def version_in(python: Path) -> str:
    """Return which version of Gradio an environment has."""
    asked = "import importlib.metadata as m; print(m.version('gradio'))"
    return subprocess.check_output([python, "-c", asked], text=True).strip()


def outcomes(python: Path, demos: Path | None) -> tuple[list[Sequence[str]], bool]:
    """Run the tests, and compare the demos; return rows of a table, and whether all is well."""
    tests: list[str | Path] = [python, "-m", "pytest", "-q", "-n", "2", "tests/gradio_parity"]
    status, last, seconds = shown(tests, ROOT)
    rows: list[Sequence[str]] = [("tests", re.sub(r" in [0-9.]+s.*", "", last[-1]), seconds)]
    if demos:
        compare: list[str | Path] = [python, "-m", "gradio_parity.demos", str(demos.resolve())]
        worse, last, seconds = shown(compare, ROOT / "tests")
        counts = [line.partition(": ") for line in last if ", of " in line]
        rows += [(shape, told, seconds) for shape, _, told in counts]
        status = status or worse
    return rows, status == 0


def shown(command: Sequence[str | Path], folder: Path) -> tuple[int, Sequence[str], str]:
    """Run a command and show what it says; return its status, its last lines and its seconds."""
    began = time.perf_counter()
    lines: list[str] = [""]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line.strip())
    return process.returncode, lines[-3:], f"{time.perf_counter() - began:.0f}"


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns, the first of them as their heads."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip(), flush=True)


if __name__ == "__main__":
    main()
