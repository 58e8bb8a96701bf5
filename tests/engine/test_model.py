"""The engine against a plain dict: whatever happens, the two never differ."""

import asyncio
import os
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chatstate import Event, Global, Interface, PerChat, PerMember, PerThread, PerUser
from chatstate.testing import Delivered, FakePlatform, Person, TestClient

FAILED = "Sorry, something went wrong. Nothing was changed."
Lane = tuple[str, str | None]

settings.register_profile("chatstate", max_examples=30)
settings.register_profile("chatstate-long", max_examples=2000)
PROFILE = settings.get_profile(
    "chatstate-long" if os.environ.get("CHATSTATE_LONG") else "chatstate"
)


def make_bot() -> Interface:
    """Return a bot that appends what is said to the state of each scope, and replies with all."""
    bot = Interface(id="model")

    @bot.on_message
    async def remember(
        message: str,
        member: PerMember[list[str]],
        thread: PerThread[list[str]],
        chat: PerChat[list[str]],
        user: PerUser[list[str]],
        everybody: Global[list[str]],
    ) -> str:
        name, pauses, fails = message.split()
        lists = (member, thread, chat, user, everybody)
        for values in lists:
            values.append(name)
            for _ in range(int(pauses)):
                await asyncio.sleep(0)
        if fails == "fails":
            raise RuntimeError(name)
        return "|".join(",".join(values) for values in lists)

    return bot


@dataclass(frozen=True)
class Said:
    """What somebody says: how often its handler pauses, and whether it raises."""

    user: Literal["ann", "ben", "cat"]
    chat: Literal["red", "blue"]
    thread: Literal["a", "b"] | None
    pauses: int
    fails: bool


@dataclass(frozen=True)
class Burst:
    """Messages delivered in one call; what happens to the process then; how often."""

    said: list[Said]
    then: Literal["nothing", "restart", "crash", "crash twice"]
    after: int


@dataclass(frozen=True)
class Again:
    """An event from before, delivered again."""

    which: int


speech = st.builds(
    Said,
    user=st.sampled_from(["ann", "ben", "cat"]),
    chat=st.sampled_from(["red", "blue"]),
    thread=st.sampled_from([None, "a", "b"]),
    pauses=st.integers(0, 3),
    fails=st.integers(0, 7).map(lambda n: n == 0),
)
bursts = st.builds(
    Burst,
    said=st.lists(speech, min_size=1, max_size=6),
    then=st.sampled_from(["nothing", "nothing", "nothing", "restart", "crash", "crash twice"]),
    after=st.integers(0, 30),
)
actions = st.lists(
    bursts | bursts | st.builds(Again, which=st.integers(0, 100)), min_size=1, max_size=12
)


@dataclass
class Reference:
    """What a bot of one thread, one process and no failures would do."""

    values: dict[tuple[Any, ...], list[str]] = field(default_factory=lambda: defaultdict(list))

    def say(self, name: str, said: Said) -> str:
        """Return the reply."""
        if said.fails:
            return FAILED
        keys: list[tuple[Any, ...]] = [
            ("member", said.chat, said.thread, said.user),
            ("thread", said.chat, said.thread),
            ("chat", said.chat),
            ("user", said.user),
            ("global",),
        ]
        for key in keys:
            self.values[key].append(name)
        return "|".join(",".join(self.values[key]) for key in keys)


class Trial:
    """The engine and the reference, side by side."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self._reference = Reference()
        self._events: list[tuple[Said, Event]] = []
        self._seen = 0

    async def again(self, which: int) -> None:
        """Deliver an event again: it changes nothing and is not answered."""
        if self._events:
            _, event = self._events[which % len(self._events)]
            (receipt,) = await self._client.deliver_all([event])
            await receipt.settled()
            assert receipt.status == "duplicate"
            assert len(self._client.platform.delivered) == self._seen

    async def burst(self, burst: Burst) -> None:
        """Deliver messages, disturb the bot, and compare what it replied."""
        events = [self._event(said) for said in burst.said]
        await self._client.deliver_all(events)
        for _ in range(burst.after):
            await asyncio.sleep(0)
        await self._disturb(burst)
        # Delivered again, as a platform may: when these are settled, so are the first ones.
        receipts = await self._client.deliver_all(events)
        assert [receipt.status for receipt in receipts] == ["duplicate"] * len(events)
        await self._all_answered({event.id for event in events})
        self._compare(dict(zip((event.id for event in events), burst.said, strict=True)))

    async def _disturb(self, burst: Burst) -> None:
        if burst.then == "restart":
            await self._client.restart()
        for _ in range({"crash": 1, "crash twice": 2}.get(burst.then, 0)):
            await self._client.crash()
            await self._client.start()

    async def _all_answered(self, events: set[str]) -> None:
        while events - {reply.event for reply in self._new()}:
            await asyncio.sleep(0)

    def _new(self) -> list[Delivered]:
        return self._client.platform.delivered[self._seen :]

    def _event(self, said: Said) -> Event:
        number = len(self._events) + 1
        person: Person = self._client.user(said.user, chat=said.chat, thread=said.thread)
        text = f"{number} {said.pauses} {'fails' if said.fails else 'works'}"
        event = person.event(text, event_id=str(number))
        self._events.append((said, event))
        return event

    def _compare(self, said: dict[str, Said]) -> None:
        """Put the turns in the order in which they took effect, and do the same to the dict."""
        replies = self._new()
        self._seen += len(replies)
        assert sorted(reply.event or "" for reply in replies) == sorted(said), "one reply to each"
        self._check_order(replies, said)
        by_effect = sorted(replies, key=lambda reply: len(reply.text.rpartition("|")[2].split(",")))
        failed = [reply for reply in by_effect if said[reply.event or ""].fails]
        for reply in [*failed, *(reply for reply in by_effect if reply not in failed)]:
            name = reply.event or ""
            assert reply.text == self._reference.say(name, said[name])

    def _check_order(self, replies: list[Delivered], said: dict[str, Said]) -> None:
        """Each conversation is answered in the order in which it was spoken."""
        lanes: dict[Lane, list[int]] = defaultdict(list)
        for reply in replies:
            where = said[reply.event or ""]
            lanes[where.chat, where.thread].append(int(reply.event or ""))
            assert (reply.chat, reply.thread) == (where.chat, where.thread)
        assert all(numbers == sorted(numbers) for numbers in lanes.values())


@given(actions)
@settings(
    PROFILE,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
async def test_the_engine_never_differs_from_a_dict(given: list[Burst | Again]) -> None:
    """Bursts, duplicates, errors, restarts and crashes: state and replies are those of a dict."""
    platform = FakePlatform(idempotent_for=3600)
    async with TestClient(make_bot(), platform=platform) as client:
        trial = Trial(client)
        for action in given:
            if isinstance(action, Again):
                await trial.again(action.which)
            else:
                await trial.burst(action)
