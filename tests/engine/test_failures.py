"""Crashes, poison, overload, redelivery, stops."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import FAILED, query, texts

from chatstate import Global, Interface, PerMember, StorageError, StoreLockedError
from chatstate.stores import open_store
from chatstate.stores.sqlite import SQLiteStore
from chatstate.testing import TestClient


class Bot:
    """Keeps what was said; waits for the gate where a message says so."""

    def __init__(self) -> None:
        self.bot = Interface(id="bot")
        self.bot.on_message(self.work)
        self.entered = asyncio.Queue[str]()
        self.gate = asyncio.Event()
        self.poisoned = asyncio.Event()
        self.runs: list[str] = []

    async def work(self, message: str, seen: PerMember[list[str]]) -> str:
        self.runs.append(message)
        seen.append(message)
        if message == "poison":
            self.poisoned.set()
            await asyncio.get_running_loop().create_future()
        if message.startswith("wait"):
            await self.entered.put(message)
            await self.gate.wait()
        return " ".join(seen)


async def test_a_turn_that_runs_at_a_crash_runs_again() -> None:
    """Its event is in the inbox; its effects happen once."""
    made = Bot()
    async with TestClient(made.bot) as client:
        alice = client.user("alice")
        await client.deliver_all([alice.event("wait", event_id="e1")])
        await made.entered.get()
        await client.crash()
        made.gate.set()
        await client.start()
        assert (await client.deliver_all([alice.event("wait", event_id="e1")]))[
            0
        ].status == "duplicate"
        assert await texts(alice, "next") == ["wait next"]
        assert [reply.text for reply in client.platform.delivered] == ["wait", "wait next"]


async def test_a_stop_leaves_what_does_not_finish_and_suspects_nobody() -> None:
    """After the grace, the turn is in the inbox, and runs at the next start with all others."""
    made = Bot()
    async with TestClient(made.bot, grace=0.01) as client:
        await client.deliver_all([client.user(str(n)).event("wait") for n in range(5)])
        for _ in range(5):
            await made.entered.get()
        await client.restart()
        for _ in range(5):
            await made.entered.get()
        made.gate.set()
        assert query(client, "SELECT DISTINCT crashes FROM inbox") == [(0,)]


async def test_a_stop_lets_running_turns_finish_and_sends_what_they_owe() -> None:
    """Within the grace nothing is left over."""
    made = Bot()
    async with TestClient(made.bot) as client:
        await client.deliver_all([client.user("alice").event("wait")])
        await made.entered.get()
        stopping = asyncio.create_task(client.restart())
        await asyncio.sleep(0)
        made.gate.set()
        await stopping
        assert [reply.text for reply in client.platform.delivered] == ["wait"]
        assert made.runs == ["wait"]


async def test_one_poison_message_among_500_running_turns_is_set_aside_alone() -> None:
    """A message that kills the process each time it runs alone is given up; nobody else is."""
    made, people = Bot(), 500

    async with TestClient(made.bot) as client:
        await client.deliver_all([client.user(str(n)).event("wait") for n in range(people)])
        for _ in range(people):
            await made.entered.get()
        await client.deliver_all([client.user("mallory").event("poison")])
        for _ in range(4):
            await made.poisoned.wait()
            made.poisoned.clear()
            await client.crash()
            made.gate.set()
            await client.start()
        assert await texts(client.user("mallory"), "hello") == ["hello"]
        answers = await asyncio.gather(*(client.user(str(n)).say("?") for n in range(people)))
        assert {reply.text for (reply,) in answers} == {"wait ?"}
        letters = query(client, "SELECT error FROM dead_letters")
        assert letters == [("the process crashed 3 times while only this event ran",)]
        assert made.runs.count("poison") == 4


async def test_a_suspect_that_hangs_is_given_up_and_the_others_go_on() -> None:
    """A handler that neither ends nor can be cancelled holds nobody up after a crash."""
    made, ended = Bot(), asyncio.Event()
    bot = Interface(id="bot")

    @bot.on_message(timeout=30)
    async def work(message: str) -> str:
        if message == "hang":
            made.runs.append(message)
            made.poisoned.set()
            while not ended.is_set():
                try:
                    await ended.wait()
                except asyncio.CancelledError:
                    if len(made.runs) == 1:
                        raise
        return message

    async with TestClient(bot, grace=0.01) as client:
        await client.deliver_all([client.user("alice").event("hang")])
        await made.poisoned.wait()
        made.poisoned.clear()
        await client.crash()
        await client.start()
        await made.poisoned.wait()
        others = asyncio.create_task(texts(client.user("bob"), "hi"))
        await client.advance(40)
        assert await others == ["hi"]
        assert await texts(client.user("alice"), "hi") == ["hi"]
        ended.set()


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), asyncio.CancelledError()])
@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
async def test_a_handler_may_raise_anything(error: BaseException, sync: bool) -> None:
    """It fails its own turn; the process, the lane and the others go on."""
    bot = Interface(id="bot")

    def work(message: str) -> str:
        if message == "bad":
            raise error
        return message

    async def async_work(message: str) -> str:
        return work(message)

    bot.on_message(work if sync else async_work)
    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "bad") == [FAILED]
        assert await texts(alice, "good") == ["good"]


async def test_what_was_read_of_a_turn_that_is_not_applied_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If a commit fails, every turn that has seen its values runs again."""
    bot, refused, seen = Interface(id="bot"), list[int](), list[str]()

    @bot.command
    async def write(message: str, shared: Global[list[str]]) -> None:
        shared.append(message)

    @bot.command
    async def read(shared: Global[list[str]], mine: PerMember[list[str]]) -> str:
        seen.append(str(shared))
        mine.append(str(shared))
        return str(mine)

    real = SQLiteStore.commit

    async def commit(store: SQLiteStore, turns: Any) -> Any:
        if not refused:  # the first commit fails, as if somebody else had changed the value
            refused.append(turns[0].seq)
            (change,) = turns[0].changes
            stale = msgspec.structs.replace(change, expected=1)
            turns = [msgspec.structs.replace(turns[0], changes=[stale]), *turns[1:]]
        return await real(store, turns)

    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        monkeypatch.setattr(SQLiteStore, "commit", commit)
        receipts = await client.deliver_all([alice.event("/write x"), bob.event("/read")])
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert (await texts(bob, "/read"))[0] == str([seen[-2], seen[-1]])
        assert len(refused) == 1
        assert len(seen) == 3


async def test_a_redelivery_is_known_for_48_hours_after_it_was_handled() -> None:
    """Then its id is forgotten, and the inbox does not grow for ever."""
    made = Bot()
    async with TestClient(made.bot) as client:
        alice = client.user("alice")
        await alice.say("a", event_id="e1")
        await client.advance(47 * 3600)
        assert await alice.say("a", event_id="e1") == []
        await client.advance(2 * 3600)
        while query(client, "SELECT count(*) FROM inbox") != [(0,)]:
            await client.advance(60)
        assert await texts(alice, "a") == ["a a"]


async def test_the_text_of_what_is_done_is_erased() -> None:
    """Only ids stay of a handled event, and nothing of a sent reply."""
    made = Bot()
    async with TestClient(made.bot) as client:
        await client.user("alice").say("secret")
        await client.restart()
        assert query(client, "SELECT body FROM inbox") == [(None,)]
        assert query(client, "SELECT count(*) FROM outbox") == [(0,)]


async def test_too_many_waiting_events_are_refused_with_one_reply_per_episode() -> None:
    """A flooder fills neither memory nor disk; others are served; then all is well again."""
    made = Bot()
    async with TestClient(made.bot, store_options={"waiting_limit": 3}) as client:
        alice = client.user("alice")
        events = [alice.event(f"wait {n}", event_id=f"e{n}") for n in range(10)]
        receipts = await client.deliver_all(events)
        assert [receipt.status for receipt in receipts] == ["stored"] * 3 + ["refused"] * 7
        assert (await client.deliver_all(events[:1]))[0].status == "duplicate"
        assert await texts(client.user("bob"), "hi") == ["hi"]
        busy = [reply.text for reply in client.platform.delivered if reply.chat == "private-alice"]
        assert busy == ["Too many messages are waiting here. Please send this again later."]
        made.gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert await texts(alice, "x") == ["wait 0 wait 1 wait 2 x"]


async def test_the_oldest_waiting_event_is_dropped_if_that_is_the_policy() -> None:
    """The one at its turn stays; the newest are kept."""
    made = Bot()
    options = {"waiting_limit": 3, "overflow": "drop_oldest"}
    async with TestClient(made.bot, store_options=options) as client:
        alice = client.user("alice")
        (first,) = await client.deliver_all([alice.event("wait")])
        await made.entered.get()
        rest = await client.deliver_all([alice.event(str(n)) for n in range(6)])
        made.gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in [first, *rest]))
        assert await texts(alice, "x") == ["wait 4 5 x"]


async def test_a_long_queue_of_one_conversation_keeps_its_order() -> None:
    """More events than a lane holds in memory are read from the inbox in order."""
    made = Bot()
    async with TestClient(made.bot) as client:
        alice = client.user("alice")
        first = await client.deliver_all([alice.event("wait")])
        await made.entered.get()
        rest = [
            receipt
            for n in range(0, 200, 10)
            for receipt in await client.deliver_all([alice.event(str(n + k)) for k in range(10)])
        ]
        made.gate.set()
        await asyncio.gather(*(receipt.settled() for receipt in [*first, *rest]))
        assert made.runs == ["wait", *map(str, range(200))]


async def test_a_retried_dead_letter_runs_while_the_bot_does() -> None:
    """What failed can be handled again once the cause is mended."""
    broken = True
    bot = Interface(id="bot")

    @bot.on_message
    async def work(message: str, seen: PerMember[list[str]]) -> str:
        seen.append(message)
        if message == "bad" and broken:
            raise RuntimeError("broken")
        return " ".join(seen)

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "bad") == [FAILED]
        await alice.say("good")
        broken = False
        query(client, "INSERT INTO requests (verb, letter, asked_at) VALUES ('retry', 1, 0)")
        await client.advance(2)
        while len(client.platform.delivered) < 3:
            await asyncio.sleep(0)
        assert client.platform.delivered[-1].text == "good bad"
        assert query(client, "SELECT count(*) FROM dead_letters") == [(0,)]
        assert query(client, "SELECT count(*) FROM requests") == [(0,)]


async def test_a_second_process_is_told_who_has_the_store(tmp_path: Path) -> None:
    """The error names the bot and the process."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(Bot().bot, store=url):
        with pytest.raises(StoreLockedError, match=r"a\.db is in use by bot 'bot', process \d+ on"):
            await open_store(url).open("other")


async def test_a_store_that_breaks_stops_the_engine_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged file is not written to any further; the error says what and where."""
    made, path = Bot(), tmp_path / "a.db"
    client = TestClient(made.bot, store=f"sqlite:///{path}")
    with caplog.at_level(logging.CRITICAL), pytest.raises(StorageError, match=r"a\.db"):
        async with client:
            for n in range(50):
                await client.user(str(n)).say("x" * 2000)
            await client.restart()
            with path.open("r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * (path.stat().st_size - 4096))
            for n in range(50):
                await client.user(str(n)).say("x")
