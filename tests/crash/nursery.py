"""Runs the command line in forks of a process that has imported all of it: each is there at once.

`nursery.py STDIN STDOUT MODULE...` imports modules, and then reads orders as lines of JSON:
{"arguments": [...], "environment": {...}, "log": path}. Of each it tells {"pid": n}, and
{"status": n} once it has ended. What it runs reads and writes the two file descriptors.
"""

import gc
import importlib
import json
import os
import sys
import traceback
from typing import Any

from chatstate.cli.loops import loop_factory
from chatstate.cli.main import main


def live(order: dict[str, Any], stdin: int, stdout: int) -> int:
    """Be the process that was ordered, and return its status."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for found, wanted in ((stdin, 0), (stdout, 1), (log, 2)):
        os.dup2(found, wanted)
    os.environ.update(order["environment"])
    sys.argv = ["chatstate", *order["arguments"]]
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:  # noqa: BLE001 - else this process would go on as the one it came from
        traceback.print_exc()
        return 1
    return 0


def serve(stdin: int, stdout: int) -> None:
    """Run what is ordered, one process after the other, until there are no more orders."""
    orders, told = os.fdopen(os.dup(0)), os.dup(1)
    for line in orders:
        pid = os.fork()
        if not pid:
            os._exit(live(json.loads(line), stdin, stdout))
        os.write(told, b'{"pid": %d}\n' % pid)
        _, ended = os.waitpid(pid, 0)
        os.write(told, b'{"status": %d}\n' % os.waitstatus_to_exitcode(ended))


if __name__ == "__main__":
    for name in sys.argv[3:]:
        importlib.import_module(name)
    loop_factory()
    gc.freeze()  # so that no child looks at all of this when it collects
    serve(int(sys.argv[1]), int(sys.argv[2]))
