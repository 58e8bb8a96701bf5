"""Runs Python in forks of a process that has imported what they need: each is there at once.

`nursery.py SOCKET MODULE...` imports modules, then answers lines of JSON on the socket with that
number. {"arguments": [...], "environment": {...}, "folder": path} starts a process, as `python`
with these arguments would (a script's path, or `-m` and a module). With it come four files: the
process's input, output and errors, and one that it keeps open as long as it lives. Told is
{"pid": n}; and {"status": n} of a {"pid": n} that has ended.
"""

import gc
import importlib
import json
import os
import runpy
import socket
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_LONGEST = 1 << 16


def live(order: dict[str, Any], files: Sequence[int]) -> int:
    """Be the process that was ordered, and return its status."""
    for wanted, found in enumerate(files[:3]):
        os.dup2(found, wanted)
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
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
        importlib.import_module(name)
    gc.freeze()  # so that no child looks at all of this when it collects
    serve(socket.socket(fileno=int(number)))
