"""Kill a bot at random moments, as often as you like, and check that nothing is lost or doubled.

`python tests/crash/run.py --kills 200 [--policy repeat|hold] [--seed N]`, on the event loop that
`CHATSTATE_LOOP` names.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from siege import Siege

from chatstate.cli.loops import loop_factory


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--policy", choices=("repeat", "hold"), default="repeat")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="chatstate-crash-") as folder:
        path = Path(folder) / "test.db"
        siege = Siege(path, policy=given.policy, seed=given.seed)
        tell(f"policy {given.policy}, seed {given.seed}")
        try:
            await siege.run(given.kills, tell)
            siege.check()
        except BaseException:  # also Ctrl-C: the worker's log is worth seeing then too
            tell(f"FAILED after {siege.summary()}\n{path.with_suffix('.log').read_text()[-5000:]}")
            raise
        tell(f"nothing lost, nothing doubled: {siege.summary()}")


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(main())
