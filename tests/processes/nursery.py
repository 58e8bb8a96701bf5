"""Runs Python in forks of a process that has imported what they need: each is there at once.

`nursery.py SOCKET MODULE...` imports modules, then answers lines of JSON on the socket with that
number. {"arguments": [...], "environment": {...}, "folder": path, "terminal": bool} starts a
process, as `python` with these arguments would (a script's path, or `-m` and a module). With it
come four files: its input, output and errors, and one that it keeps open as long as it lives.
`terminal` tells that its input is a terminal, and to be its own. Told is {"pid": n}; and
{"status": n} of a {"pid": n} that has ended.

What a process does at its very end, as Python does it, is not done: threads are not waited for.
"""

import contextlib
import fcntl
import gc
import importlib
import json
import os
import runpy
import socket
import sys
import termios
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

_LONGEST = 1 << 16


def live(order: dict[str, Any], files: Sequence[int]) -> int:
    """Be the process that was ordered, and return its status."""
    for wanted, found in enumerate(files[:3]):
        os.dup2(found, wanted)
    if order["terminal"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.stdin, sys.stdout, sys.stderr = map(_standard, range(3))
    os.chdir(order["folder"])
    if path := order["environment"].get("PYTHONPATH"):
        sys.path[:0] = path.split(os.pathsep)
    what, *sys.argv = order["arguments"]
    try:
        if what == "-m":
            sys.path.insert(0, order["folder"])
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            sys.argv.insert(0, what)
            sys.path.insert(0, str(Path(what).parent))
            runpy.run_path(what, run_name="__main__")
    except SystemExit as ended:
        return _status(ended)
    except BaseException:  # noqa: BLE001 - else this process would go on as the one it came from
        traceback.print_exc()
        return 1
    return 0


def _standard(file: int) -> TextIO:
    """Open standard input, output or errors as Python does at its start."""
    return open(
        file,
        "w" if file else "r",
        buffering=1 if file == 2 or os.isatty(file) else -1,
        encoding=os.environ.get("PYTHONIOENCODING"),
        errors="backslashreplace" if file == 2 else None,
        closefd=False,
    )


def _status(ended: SystemExit) -> int:
    if isinstance(ended.code, str):
        print(ended.code, file=sys.stderr)  # noqa: T201 - as Python does
        return 1
    return ended.code or 0


def serve(orders: socket.socket) -> None:
    """Do what is ordered, until there are no more orders."""
    while True:
        line, files, *_ = socket.recv_fds(orders, _LONGEST, 4)
        if not line:
            return
        order = json.loads(line)
        if "pid" in order:
            _, ended = os.waitpid(order["pid"], 0)
            told = {"status": os.waitstatus_to_exitcode(ended)}
        else:
            told = {"pid": _fork(order, files, orders)}
        orders.sendall(json.dumps(told).encode() + b"\n")


def _fork(order: dict[str, Any], files: Sequence[int], orders: socket.socket) -> int:
    pid = os.fork()
    if not pid:
        orders.close()
        status = live(order, files)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    for file in files:
        os.close(file)
    return pid


if __name__ == "__main__":
    number, *modules = sys.argv[1:]
    for name in modules:
        with contextlib.suppress(ImportError):  # of a library that is not installed
            importlib.import_module(name)
    gc.freeze()  # so that no child looks at all of this when it collects
    serve(socket.socket(fileno=int(number)))
