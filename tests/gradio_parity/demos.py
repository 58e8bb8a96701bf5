"""Gradio's own demos, each run by both sides: `python -m gradio_parity.demos FOLDER`.

FOLDER is the `demo` folder of Gradio's repository. Nothing of it is kept: what is printed is which
demos answer the same, and why others are not compared. `measured.json` has the names of those that
were the same: if one of them is not any more, the status is 1.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import select
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).with_name("measured.json")
AT_ONCE = 4
"""How many demos are compared at a time: mostly they wait."""
PATIENCE = 90.0
"""Seconds for one side of one demo."""


def main(folder: Path, names: list[str]) -> None:
    """Print for each demo what came of it, and how many there are of each."""
    import gradio  # imported once, for all that are forked

    known: dict[str, list[str]] = json.loads(MEASURED.read_text())
    was_same, worse = known.get(gradio.__version__.partition(".")[0], []), list[str]()
    counted: dict[str, Counter[str]] = {}
    found = [
        (shape, path)
        for path in sorted(folder.glob("*/run.py"))
        if (shape := shape_of(path)) and (not names or path.parent.name in names)
    ]
    with multiprocessing.get_context("fork").Pool(AT_ONCE) as pool:
        verdicts = pool.imap(compared, [path for _, path in found])
        for (shape, path), verdict in zip(found, verdicts, strict=True):
            counted.setdefault(shape, Counter())[verdict.partition(":")[0]] += 1
            print(f"{shape:13} {path.parent.name:40} {verdict}", flush=True)
            if verdict.startswith("different") and path.parent.name in was_same:
                worse.append(path.parent.name)
    for shape, counts in counted.items():
        told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
        print(f"{shape}: {told}, of {counts.total()}", flush=True)
    sys.exit(f"not the same any more: {', '.join(worse)}" if worse else None)


def shape_of(path: Path) -> str:
    """Return what a demo is, as far as its text tells; "" if it is none of what is compared."""
    text = path.read_text()
    if "Blocks(" in text or "TabbedInterface(" in text:
        return ""
    return next((name for name in ("ChatInterface", "Interface") if f"gr.{name}(" in text), "")


def compared(path: Path) -> str:
    """Return "same", "different", "by chance" or why a demo cannot be compared."""
    from gradio_parity.sides import are_same, by_chatstate, by_gradio

    def gradios() -> Any:
        return by_gradio(path)

    first = forked(gradios, path)
    if isinstance(first, str):
        return f"not run: {first}"
    ours = forked(lambda: asyncio.run(by_chatstate(path)), path)
    if isinstance(ours, str):
        return f"different: {ours}"
    if all(map(are_same, first, ours)):
        return "same"
    second = forked(gradios, path)
    if first != second:
        return "by chance"
    return f"different: {json.dumps([first, ours])[:1500]}"


def forked(side: Callable[[], Any], path: Path) -> Any:
    """Return what a side answers in a process of its own; a text if that failed."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        os.setpgid(0, 0)
        _answer(side, path, write)
    os.close(write)
    found = _read(read)
    os.close(read)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return json.loads(found) if found else f"nothing for {PATIENCE:g} s"


def _read(pipe: int) -> bytes:
    found = b""
    while select.select([pipe], [], [], PATIENCE)[0]:
        chunk = os.read(pipe, 65536)
        if not chunk:
            return found
        found += chunk
    return b""


def _answer(side: Callable[[], Any], path: Path, pipe: int) -> None:
    """Run a side in the demo's folder, with nothing said elsewhere, and end the process."""
    quiet = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    os.chdir(path.parent)
    try:
        told = side()
    except BaseException as error:  # noqa: BLE001 - told to the parent
        last = traceback.extract_tb(error.__traceback__)[-1]
        told = f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    with os.fdopen(pipe, "w") as out:
        json.dump(told, out)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
