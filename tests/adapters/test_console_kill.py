"""kill -9 at the console: what was answered is kept."""

import random
from pathlib import Path

import pytest
from processes.programs import CHATSTATE, run, start


def answered(answer: str) -> list[str]:
    """Return what history-echo says it knows, oldest first."""
    current, _, *previous = answer.strip().splitlines()
    numbered = [line.split(". ", 1)[1] for line in previous]
    return [*reversed(numbered), current.removeprefix("Current message: ")]


@pytest.mark.parametrize("seed", range(3))
def test_every_message_whose_answer_was_printed_is_in_the_state(seed: int, tmp_path: Path) -> None:
    """Killed while lines are fed, and started again on the same file."""
    choose = random.Random(seed)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    command = (*CHATSTATE, "run", "history-echo", "--store", url)
    seen: list[str] = []
    for round_ in range(2):
        with start(*command) as process:  # killed at the end
            process.stdin.write(b"".join(b"%d-%d\n" % (round_, n) for n in range(200)))
            wanted, printed = choose.randrange(10, 100), 0
            while printed < wanted:
                line = process.stdout.readline().decode()
                if line.startswith("Current message: "):
                    seen.append(line.strip().removeprefix("Current message: "))
                    printed += 1
    lines = run(*command, given="last\n").stdout
    kept = answered(lines[lines.index("Current message: last") :])
    assert len(kept) == len(set(kept)), "nothing is doubled"
    assert [text for text in kept if text in set(seen)] == list(dict.fromkeys(seen))
