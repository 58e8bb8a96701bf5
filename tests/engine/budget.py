"""What a turn costs, told without a clock; `budget.json` holds what it may cost.

    PYTHONPATH=tests python -m engine.budget           # the table, beside the budget
    PYTHONPATH=tests python -m engine.budget --write   # what is counted now becomes the budget

1. A run is `PEOPLE` people who say one thing each, all delivered in one call, and again once all
   is answered: `WARM` times to warm up, `COUNTED` times to be counted. Each kind of turn has a bot
   of its own, on a store of its own on disk.
2. Figures are shares of a message, the least of `RUNS` runs: threads make some differ a little.
3. Calls depend a little on the Python that makes them: comprehensions are functions up to 3.11.
   The budget is that of `ORACLE`, where a turn makes the most; it holds on all.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from engine.counting import CountingLoop, Counts, Meter

from chatstate import (
    Button,
    CallNext,
    Chat,
    Event,
    Interface,
    Message,
    PerMember,
    Reply,
    State,
    User,
)
from chatstate.adapter import Action, Adapter, Capabilities, Host, Part, Post, Sent
from chatstate.engine import Engine
from chatstate.stores import open_store

PEOPLE, WARM, COUNTED, RUNS = 100, 2, 2, 3
FILE = Path(__file__).with_name("budget.json")
TOLERANCE = 1.02
WRITE = "PYTHONPATH=tests python -m engine.budget --write"
ORACLE = (3, 11)

Seen = PerMember[list[str]]
Told = Annotated[list[str], State(ttl=3600.0)]


class Crowd(Adapter):
    """A platform that only counts; `data` is what the button of each chat carries."""

    name = "crowd"
    account = "budget"
    capabilities = Capabilities(buttons=True, edit=True)

    def __init__(self) -> None:
        self.sent = 0
        self.data: dict[str, str] = {}
        self.host: asyncio.Future[Host] = asyncio.get_running_loop().create_future()

    async def run(self, host: Host) -> None:
        """Offer the engine to who counts."""
        self.host.set_result(host)
        await asyncio.get_running_loop().create_future()

    def render(self, post: Post) -> Sequence[Part]:
        """Return the reply as one part."""
        data = [button.data for row in post.buttons for button in row]
        return (Part({"text": post.text.text, "data": data}, (), bool(data)),)

    async def perform(self, action: Action) -> Sent:
        """Count."""
        self.sent += 1
        for data in action.part.content["data"]:
            self.data[action.chat] = data
        return Sent(action.key)


# The kinds of turns


def _kept(seen: list[str], message: str) -> str:
    seen[:] = [*seen[-4:], message]
    return "\n".join(seen)


async def _plain(message: str, seen: Seen) -> str:
    return _kept(seen, message)


def _sync(message: str, seen: Seen) -> str:
    return _kept(seen, message)


async def _command(number: int, what: str, seen: Seen) -> str:
    return _kept(seen, f"{number} of {what}")


async def _buttons() -> Reply:
    return Reply("choose", buttons=[Button("one of them", "what it sends")])


async def _ttl(message: str, seen: Told) -> str:
    return _kept(seen, message)


async def _around(call_next: CallNext) -> Any:
    return await call_next()


async def _unicode(message: str, seen: Seen) -> str:
    return f"☂ {_kept(seen, message)}"


async def _generator(message: str, seen: Seen) -> AsyncIterator[str]:
    yield "it begins"
    yield _kept(seen, message)


def _answering(handler: Callable[..., Any]) -> Interface:
    bot = Interface(id="budget")
    bot.on_message(handler)
    return bot


def _with_command() -> Interface:
    bot = Interface(id="budget")
    bot.command(name="add")(_command)
    return bot


def _with_buttons() -> Interface:
    bot = _answering(_plain)
    bot.command(name="buttons")(_buttons)
    return bot


def _with_middleware() -> Interface:
    bot = _answering(_plain)
    bot.middleware(_around)
    return bot


class Kind(NamedTuple):
    """A kind of turn: its bot, and what everybody says, or whether they press a button.

    `apart`: each event is delivered in a call of its own, all of them at once.
    """

    bot: Callable[[], Interface]
    says: str = "something that somebody says"
    presses: bool = False
    apart: bool = False


KINDS: Mapping[str, Kind] = {
    "plain": Kind(lambda: _answering(_plain)),
    "apart": Kind(lambda: _answering(_plain), apart=True),
    "sync": Kind(lambda: _answering(_sync)),
    "command": Kind(_with_command, "/add 3 pints of milk"),
    "press": Kind(_with_buttons, presses=True),
    "ttl": Kind(lambda: _answering(_ttl)),
    "middleware": Kind(_with_middleware),
    "non-ascii": Kind(lambda: _answering(_unicode)),
    "generator": Kind(lambda: _answering(_generator)),
}


# Counting


def count(name: str, within: Counts | None = None) -> Counts:
    """Return what a message of a kind costs at least. A run `within` the budget is enough."""
    least = _share(_run(KINDS[name]))
    for _ in range(RUNS - 1):
        if within is not None and not over(least, within):
            break
        least = Counts(*map(min, least, _share(_run(KINDS[name]))))
    return least


def _share(counts: Counts) -> Counts:
    return Counts(*(round(figure / (PEOPLE * COUNTED), 3) for figure in counts))


def _run(kind: Kind) -> Counts:
    meter = Meter()
    with (
        tempfile.TemporaryDirectory(prefix="chatstate-") as folder,
        meter.watching(),
        asyncio.Runner(debug=False, loop_factory=lambda: CountingLoop(meter)) as runner,
    ):
        return runner.run(_count(kind, meter, Path(folder) / "budget.db"))


async def _count(kind: Kind, meter: Meter, path: Path) -> Counts:
    crowd = Crowd()
    engine = Engine(kind.bot(), [crowd], open_store(f"sqlite:///{path}"))
    await engine.start()
    try:
        host = await crowd.host
        if kind.presses:
            await _deliver(host, [_events("buttons", lambda _: "/buttons")])
        batches = [_calls(kind, crowd, f"{number}") for number in range(WARM + COUNTED)]
        for batch in batches[:WARM]:
            await _deliver(host, batch)
        before = crowd.sent
        meter.start()
        for batch in batches[WARM:]:
            await _deliver(host, batch)
        counts = meter.stop()
        if crowd.sent - before != PEOPLE * COUNTED:
            raise RuntimeError(f"{PEOPLE * COUNTED} messages, {crowd.sent - before} replies")
        if not counts.transactions:
            raise RuntimeError("no transaction was seen: the store is not opened as it was")
        return counts
    finally:
        await engine.stop()


async def _deliver(host: Host, calls: Sequence[Sequence[Event]]) -> None:
    """Deliver events, in so many calls at once, and return when all is sent."""
    if len(calls) == 1:
        delivered = [await host.deliver(calls[0])]
    else:
        delivered = await asyncio.gather(*(host.deliver(events) for events in calls))
    for receipts in delivered:
        for receipt in receipts:
            await receipt.settled()


def _calls(kind: Kind, crowd: Crowd, batch: str) -> list[list[Event]]:
    """Return what everybody says, as it is delivered: in one call, or each in its own."""
    if kind.presses:
        return [_events(batch, lambda chat: crowd.data[chat], "press")]
    events = _events(batch, lambda _: kind.says)
    return [[event] for event in events] if kind.apart else [events]


def _events(batch: str, text: Callable[[str], str], kind: Any = "message") -> list[Event]:
    return [
        Event(
            f"{batch}-{number}",
            Message(text(f"chat-{number}"), User(f"user-{number}"), Chat(f"chat-{number}"), kind),
        )
        for number in range(PEOPLE)
    ]


# The budget


def budget() -> dict[str, Counts]:
    """Return what a message may cost, by kind of turn."""
    return {name: Counts(**figures) for name, figures in json.loads(FILE.read_text()).items()}


def over(counts: Counts, allowed: Counts) -> list[str]:
    """Return the figures that are over what is allowed, as lines."""
    return [
        f"{figure} of a message: {counted}, and the budget is {most}"
        for figure, counted, most in zip(Counts._fields, counts, allowed, strict=True)
        if counted > most * TOLERANCE
    ]


def table(counted: Mapping[str, Counts]) -> str:
    """Return what was counted, a line for each kind, and what its budget is below it."""
    allowed = budget() if FILE.exists() else {}
    lines = [f"{'a message':>12} {''.join(f'{figure:>14}' for figure in Counts._fields)}"]
    for name, counts in counted.items():
        lines.append(_line(name, counts))
        if name in allowed:
            lines.append(_line("budget", allowed[name]))
    return "\n".join(lines)


def _line(name: str, counts: Counts) -> str:
    return f"{name:>12} {''.join(f'{figure:>14.3f}' for figure in counts)}"


def main() -> None:
    """Count, show the table, and write the budget if asked to."""
    parser = argparse.ArgumentParser(description="What a turn costs, told without a clock.")
    parser.add_argument("--write", action="store_true", help="make this the budget")
    given = parser.parse_args()
    if given.write and sys.version_info[:2] != ORACLE:
        parser.error("the budget is counted on Python {}.{}: run this there".format(*ORACLE))
    counted = {name: count(name) for name in KINDS}
    sys.stdout.write(f"{table(counted)}\n")
    if given.write:
        kinds = {name: counts._asdict() for name, counts in counted.items()}
        FILE.write_text(json.dumps(kinds, indent=2) + "\n")


if __name__ == "__main__":
    main()
