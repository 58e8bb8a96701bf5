"""What a turn costs, told without a clock; `budget.json` holds what it may cost.

    PYTHONPATH=tests python -m engine.budget           # the table, beside the budget
    PYTHONPATH=tests python -m engine.budget --write   # what is counted now becomes the budget

1. A run is the `people` of a kind, who say one thing each, all delivered in one call, and again
   once all is answered: `WARM` times to warm up, `COUNTED` times to be counted. Each kind of turn
   has a bot of its own, on a store of its own on disk.
2. Figures are shares of a message, the least of `RUNS` runs: threads make some differ a little.
3. Calls depend a little on the Python that makes them: comprehensions are functions up to 3.11.
   The budget is that of `ORACLE`, where a turn makes the most; it holds on all.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.budget_kinds import CHOOSE, KINDS, PRESS, Kind
from engine.counting import CountingLoop, Counts, Meter, uncounted

from chatstate import Chat, Event, Interface, Message, User
from chatstate.adapter import Action, Adapter, Capabilities, Host, Part, Post, Sent
from chatstate.engine import Engine
from chatstate.messages import MessageKind
from chatstate.stores import open_store

WARM, COUNTED, RUNS = 2, 2, 3
FILE = Path(__file__).with_name("budget.json")
TOLERANCE = 1.02
WRITE = "PYTHONPATH=tests python -m engine.budget --write"
ORACLE = (3, 11)


class Crowd(Adapter):
    """A platform that only counts.

    `texts` is what each chat was told last, `data` what its buttons carry, or its select and the
    options of that.
    """

    name = "crowd"
    account = "budget"
    capabilities = Capabilities(buttons=True, select=True, files=True, edit=True)

    def __init__(self) -> None:
        self.sent = self._owed = 0
        self._is_sent = asyncio.Event()
        self.texts: dict[str, str] = {}
        self.data: dict[str, list[str]] = {}
        self.host: asyncio.Future[Host] = asyncio.get_running_loop().create_future()

    async def run(self, host: Host) -> None:
        """Offer the engine to who counts."""
        self.host.set_result(host)
        await asyncio.get_running_loop().create_future()

    def render(self, post: Post) -> Sequence[Part]:
        """Return the reply as one part."""
        data = [button.data for row in post.buttons for button in row]
        if post.select:
            data = [post.select.data, *(option.data for option in post.select.options)]
        return (Part({"text": post.text.text, "data": data}, post.files, bool(data)),)

    async def perform(self, action: Action) -> Sent:
        """Count."""
        self.sent += 1
        content = action.part.content
        self.texts[action.chat] = content["text"]
        if content["data"]:
            self.data[action.chat] = content["data"]
        if self.sent == self._owed:
            self._is_sent.set()
        return Sent(action.key)

    async def until(self, sent: int) -> None:
        """Return when so many are sent."""
        if self.sent < sent:
            self._owed = sent
            self._is_sent.clear()
            await self._is_sent.wait()


# Counting


def count(name: str, within: Counts | None = None) -> Counts:
    """Return what a message of a kind costs at least. A run `within` the budget is enough."""
    kind = KINDS[name]
    least = _share(kind, _run(kind))
    for _ in range(RUNS - 1):
        if within is not None and not over(least, within):
            break
        least = Counts(*map(min, least, _share(kind, _run(kind))))
    return least


def _share(kind: Kind, counts: Counts) -> Counts:
    return Counts(*(round(figure / (kind.people * COUNTED), 3) for figure in counts))


def _run(kind: Kind) -> Counts:
    meter = Meter()
    with (
        tempfile.TemporaryDirectory(prefix="chatstate-") as folder,
        meter.watching(),
        asyncio.Runner(debug=False, loop_factory=lambda: CountingLoop(meter)) as runner,
    ):
        return runner.run(_count(kind, meter, Path(folder) / "budget.db"))


async def _count(kind: Kind, meter: Meter, path: Path) -> Counts:
    crowd, bot = Crowd(), kind.bot()
    engine = Engine(bot, [crowd], open_store(f"sqlite:///{path}"))
    await engine.start()
    try:
        host = await crowd.host
        if kind.links:
            await _link(kind, host, crowd)
        if kind.before:
            await _deliver(host, [_events("before", kind.before, kind, crowd)])
        batches = iter(range(WARM + COUNTED))
        for number in itertools.islice(batches, WARM):
            await _batch(kind, bot, host, crowd, number)
        before = crowd.sent
        meter.start()
        for number in batches:
            await _batch(kind, bot, host, crowd, number)
        counts = meter.stop()
        if crowd.sent - before != kind.people * COUNTED * kind.replies:
            raise RuntimeError(f"{kind.people * COUNTED} messages, {crowd.sent - before} replies")
        if not counts.transactions:
            raise RuntimeError("no transaction was seen: the store is not opened as it was")
        return counts
    finally:
        await engine.stop()


async def _batch(kind: Kind, bot: Interface, host: Host, crowd: Crowd, number: int) -> None:
    """Let everybody say one thing, or be told one, and return when all is sent."""
    owed = crowd.sent + round(kind.people * kind.replies)
    if kind.is_broadcast:
        await bot.broadcast("what there is to tell", to="private", key=f"{number}")
    else:
        await _deliver(host, _calls(kind, crowd, number))
    if kind.replies > 1 or kind.is_broadcast:  # not all of them answer what was delivered
        await crowd.until(owed)


async def _link(kind: Kind, host: Host, crowd: Crowd) -> None:
    """Let all people be linked, two and two, as both agree to."""
    steps = ((0, "/link", 1), (1, "", 1), (1, PRESS, 1), (0, PRESS, 3))
    for step, (first, says, shown) in enumerate(steps):
        owed = crowd.sent + shown * kind.people // 2
        events = []
        for person in range(first, kind.people, 2):
            asked = says or f"/link {_code(crowd, person - 1)}"
            events.append(_event(f"link-{step}", person, asked, crowd))
        await _deliver(host, [events])
        await crowd.until(owed)  # what some agree to, others are told of in turns of their own


def _code(crowd: Crowd, person: int) -> str:
    return crowd.texts[f"chat-{person}"].rpartition(" ")[2]


async def _deliver(host: Host, calls: Sequence[Sequence[Event]]) -> None:
    """Deliver events, in so many calls at once, and return when all is sent."""
    if len(calls) == 1:
        delivered = [await host.deliver(calls[0])]
    else:
        delivered = await asyncio.gather(*(host.deliver(events) for events in calls))
    for receipts in delivered:
        for receipt in receipts:
            await receipt.settled()


def _calls(kind: Kind, crowd: Crowd, number: int) -> list[list[Event]]:
    """Return what everybody says, as it is delivered: in one call, or each in its own."""
    batch = "again" if kind.is_again else f"{number}"
    events = _events(batch, kind.says[number % len(kind.says)], kind, crowd)
    return [[event] for event in events] if kind.apart else [events]


def _events(batch: str, says: str, kind: Kind, crowd: Crowd) -> list[Event]:
    return [
        _event(batch, person, says, crowd, is_edit=kind.is_edit) for person in range(kind.people)
    ]


@uncounted
def _event(batch: str, person: int, says: str, crowd: Crowd, *, is_edit: bool = False) -> Event:
    """Return what comes if somebody says something, or presses what they were shown last."""
    user, chat = User(f"user-{person}"), Chat(f"chat-{person}")
    what: MessageKind = "edit" if is_edit else "message"
    selected = None
    if says in (PRESS, CHOOSE):
        data = crowd.data[chat.id]
        what, selected = "press", (data[1],) if says == CHOOSE else None
        says = data[0]
    message = Message(says, user, chat, what, selected=selected)
    return Event(f"{batch}-{person}", message)


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
    lines = [f"{'a message':>14} {''.join(f'{figure:>14}' for figure in Counts._fields)}"]
    for name, counts in counted.items():
        lines.append(_line(name, counts))
        if name in allowed:
            lines.append(_line("budget", allowed[name]))
    return "\n".join(lines)


def _line(name: str, counts: Counts) -> str:
    return f"{name:>14} {''.join(f'{figure:>14.3f}' for figure in counts)}"


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
