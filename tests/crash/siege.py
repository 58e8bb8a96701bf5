"""Messages without end to a bot that is killed at random moments, and what must be true then."""

import asyncio
import contextlib
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

from killing import FAILED, Lane, Platform, Said, Worker, rows, values, worker

LANES: Sequence[Lane] = (
    ("red", None),
    ("red", "a"),
    ("red", "b"),
    ("blue", None),
    ("green", None),
    ("green", "a"),
)
USERS = ("ann", "ben", "cat")
MOST_UNANSWERED = 100


def first_word(text: str) -> str:
    return text.partition(" ")[0]


class Siege:
    """Messages without end to a bot that is killed `kills` times, and what came of it."""

    def __init__(self, path: Path, *, policy: str, seed: int) -> None:
        self.path = path
        self.policy = policy
        self.random = random.Random(seed)
        self.platform = Platform()
        self.kills = 0
        self.stops = 0
        self.redelivered = 0
        self.is_careful = False

    async def run(self, kills: int, tell: Callable[[str], None] = lambda _: None) -> None:
        """Kill it that often; then let it finish, and stop it."""
        while self.kills < kills:
            async with self._worker() as life:
                await self._live(life)
            if self.kills % 20 == 0:
                tell(self.summary())
        async with self._worker() as life:
            life.deliver(*self.platform.unacknowledged)
            await self._finish()
            assert await life.stop() == 0

    def summary(self) -> str:
        platform = self.platform
        return (
            f"{self.kills} kills, {self.stops} stops, {len(platform.said)} messages, "
            f"{self.redelivered} redelivered, {len(platform.sent)} sends, "
            f"{len(platform.sent) - len(platform.effects())} repeated sends"
        )

    def _worker(self) -> AbstractAsyncContextManager[Worker]:
        return worker(self.platform, self.path, policy=self.policy, pause=self._pause)

    def _pause(self) -> float:
        """Answer at once, mostly."""
        return self.random.choice((0.0, 0.0, 0.001, 0.03))

    async def _live(self, life: Worker) -> None:
        """Talk to it until a random moment, and end it."""
        talking = asyncio.create_task(self._talk(life))
        try:
            if self.random.random() < 0.15:  # while it starts and recovers, perhaps
                await asyncio.sleep(self.random.random() * 0.6)
            else:
                enough = self.platform.lines + self.random.randint(1, 150)
                await self.platform.until(lambda: self.platform.lines >= enough)
                await asyncio.sleep(self.random.random() * 0.005)
        finally:
            talking.cancel()
            await asyncio.wait([talking])
        after_a_kill = self.is_careful  # a run that takes care: what it does not do is tried too
        if self.random.random() < (0.6 if after_a_kill else 0.1) and life.ready.is_set():
            self.is_careful = False
            self.stops += 1
            assert await life.stop() == 0
        else:
            self.is_careful = True
            self.kills += 1
            await life.kill()

    async def _talk(self, life: Worker) -> None:
        again = self.platform.unacknowledged
        known = [said for said in self.platform.said.values() if said not in again]
        again += self.random.sample(known, min(len(known), 10))
        self.redelivered += len(again)
        life.deliver(*again)
        while True:
            if len(self.platform.said) - len(self.platform.heard_of) < MOST_UNANSWERED:
                life.deliver(*(self._say() for _ in range(self.random.randint(1, 8))))
            await asyncio.sleep(0.002)

    def _say(self) -> Said:
        number = len(self.platform.said) + 1
        parts = self.random.randint(1, 3)
        text = f"{number} {parts} {self.random.randint(0, 3)}"
        who, where = self.random.choice(USERS), self.random.choice(LANES)
        return self.platform.say(Said(number, who, where, text, parts))

    async def _finish(self) -> None:
        """Wait until everything is answered, or is a dead letter."""
        everything = set(self.platform.said)
        while everything - self.platform.answered() - self._dead():
            self.platform.arrived.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.platform.arrived.wait(), 1)

    def _dead(self) -> set[int]:
        """Return the numbers of what has a dead letter: for each, the platform's id."""
        found = rows(
            self.path,
            "SELECT CASE kind WHEN 'event' THEN json_extract(body, '$.id') "
            "ELSE json_extract(body, '$.origin') END FROM dead_letters",
        )
        return {int(row[0]) for row in found}

    # What must be true in the end

    def check(self) -> None:
        """Assert every promise, on what the platform saw and what is on disk."""
        self._check_that_nothing_is_left()
        lost = self._check_that_only_poison_is_set_aside()
        self._check_states(lost)
        self._check_what_replies_said(lost)
        self._check_keys()
        self._check_order(lost)

    def _check_that_nothing_is_left(self) -> None:
        assert rows(self.path, "SELECT count(*) FROM inbox WHERE done_at IS NULL") == [(0,)]
        assert rows(self.path, "SELECT count(*) FROM outbox") == [(0,)]
        assert rows(self.path, "SELECT count(*) FROM notes") == [(0,)]
        assert not self.platform.unacknowledged

    def _check_that_only_poison_is_set_aside(self) -> set[int]:
        """Return what was set aside: it ran alone at three kills, so it is blamed for them."""
        found = rows(self.path, "SELECT kind, error, json_extract(body, '$.id') FROM dead_letters")
        for kind, error, _ in found:
            if kind == "event":
                assert error == "the process crashed 3 times while only this event ran"
            elif self.policy == "hold":
                assert error == "held: it may have been sent before a crash"
            else:
                assert error == "the process crashed 3 times while only this was sent"
        return {int(number) for kind, _, number in found if kind == "event"}

    def _check_states(self, lost: set[int]) -> None:
        """Every message is in each state it belongs to, once; in order where it is ordered."""
        expected: dict[str, dict[tuple[Any, ...], list[int]]] = {
            scope: defaultdict(list) for scope in ("member", "thread", "chat", "user", "global")
        }
        for said in self.platform.said.values():
            if said.number in lost:
                continue
            chat, thread = said.lane
            expected["member"][chat, thread, said.user].append(said.number)
            expected["thread"][chat, thread, None].append(said.number)
            expected["chat"][chat, None, None].append(said.number)
            expected["user"][None, None, said.user].append(said.number)
            expected["global"][None, None, None].append(said.number)
        for scope, wanted in expected.items():
            found = values(self.path, scope)
            if scope in ("chat", "user", "global"):
                for key, numbers in found.items():
                    self._check_lanes_in(numbers)
                    found[key] = sorted(numbers)
            assert found == wanted, f"the values of scope {scope}"

    def _check_lanes_in(self, numbers: list[int]) -> None:
        """In a shared value, what was said in one conversation is in its order."""
        by_lane: dict[Lane, list[int]] = defaultdict(list)
        for number in numbers:
            by_lane[self.platform.said[number].lane].append(number)
        assert all(ordered == sorted(ordered) for ordered in by_lane.values())

    def _check_what_replies_said(self, lost: set[int]) -> None:
        """Whatever a reply told of the state is so in the state."""
        states = {scope: values(self.path, scope) for scope in ("member", "thread", "chat", "user")}
        everybody = values(self.path, "global")[None, None, None]
        for sent in self.platform.sent:
            said = self.platform.said[sent.number]
            if sent.number in lost:
                assert sent.text == FAILED
                continue
            chat, thread = said.lane
            lists = [
                states["member"][chat, thread, said.user],
                states["thread"][chat, thread, None],
                states["chat"][chat, None, None],
                states["user"][None, None, said.user],
                everybody,
            ]
            sizes = [int(word) for word in sent.text.split()[1:]]
            assert [values[size - 1] for values, size in zip(lists, sizes, strict=True)] == [
                sent.number
            ] * 5

    def _check_keys(self) -> None:
        """Each key means one call, made once in each life, and once at all if it is held."""
        calls: dict[str, set[Any]] = defaultdict(set)
        uses: Counter[Any] = Counter()
        for sent in self.platform.sent:
            calls[sent.key].add((sent.text, sent.lane, sent.number))
            uses[sent.key, sent.life if self.policy == "repeat" else 0] += 1
        assert [key for key, meant in calls.items() if len(meant) > 1] == []
        assert [use for use, times in uses.items() if times > 1] == []

    def _check_order(self, lost: set[int]) -> None:
        """With keys honoured, each conversation shows every reply once, in order."""
        wanted: dict[Lane, list[tuple[int, str]]] = defaultdict(list)
        for said in self.platform.said.values():
            parts = [first_word(FAILED)] if said.number in lost else []
            parts = parts or [f"{said.number}.{part}" for part in range(said.parts)]
            wanted[said.lane] += [(said.number, part) for part in parts]
        shown: dict[Lane, list[tuple[int, str]]] = defaultdict(list)
        for sent in self.platform.effects():
            shown[sent.lane].append((sent.number, first_word(sent.text)))
        given_up = self._given_up()
        for lane, replies in wanted.items():
            unseen = [reply for reply in replies if reply not in shown[lane]]
            assert set(unseen) <= given_up
            assert shown[lane] == [reply for reply in replies if reply not in unseen]

    def _given_up(self) -> set[tuple[int, str]]:
        found = rows(
            self.path,
            "SELECT json_extract(body, '$.origin'), json_extract(body, '$.part.content.text') "
            "FROM dead_letters WHERE kind = 'reply'",
        )
        return {(int(number), first_word(text)) for number, text in found}
