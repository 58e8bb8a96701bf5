"""Several accounts of one bot: beside each other, connected and disconnected while it runs."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from chatstate import (
    AdapterError,
    Chat,
    Event,
    Global,
    Interface,
    LoadError,
    Message,
    PerChat,
    PerMember,
    PerUser,
    StateError,
    User,
)
from chatstate.adapter import Host
from chatstate.bot import engines
from chatstate.engine import Engine
from chatstate.stores.base import Filter
from chatstate.testing import FakeClock, FakePlatform, MemoryData, MemoryStore


def counting() -> Interface:
    """Return a bot that tells what each scope holds, and adds to all."""
    bot = Interface(id="bot")

    @bot.on_message
    def count(
        message: str,
        mine: PerMember[list[str]],
        chat: PerChat[list[str]],
        person: PerUser[list[str]],
        everybody: Global[list[str]],
    ) -> str:
        for said in (mine, chat, person, everybody):
            said.append(message)
        return " ".join(str(len(said)) for said in (mine, chat, person, everybody))

    return bot


class Running:
    """An engine that stays, and its store."""

    def __init__(self, bot: Interface, data: MemoryData, platforms: list[FakePlatform]) -> None:
        self.bot = bot
        self.store = MemoryStore(data)
        self.clock = FakeClock()
        self.engine = Engine(bot, platforms, self.store, stay=True, clock=self.clock)
        self._number = 0

    async def connect(self, platform: FakePlatform, tenant: str = "") -> FakePlatform:
        assert await self.bot.connect(platform, tenant=tenant) == f"test:{platform.account}"
        return platform

    async def say(self, platform: FakePlatform, text: str) -> list[str]:
        """Say something in an account, and return what is answered."""
        before = len(platform.delivered)
        (receipt,) = await (await platform.connected()).deliver([self.event(text)])
        await receipt.settled()
        return [delivered.text for delivered in platform.delivered[before:]]

    def event(self, text: str) -> Event:
        self._number += 1
        return Event(str(self._number), Message(text, User("alice"), Chat("room", "group")))

    async def letters(self) -> list[str]:
        return [entry.error for entry in await self.store.list("dead", Filter())]


def bot_runs(made: Running) -> bool:
    try:
        return bool(engines.engine_of(made.bot, "connect", instead=""))
    except StateError:
        return False


@asynccontextmanager
async def running(
    bot: Interface, *platforms: FakePlatform, data: MemoryData | None = None
) -> AsyncGenerator[Running]:
    made = Running(bot, data or MemoryData(), list(platforms))
    task = asyncio.create_task(made.engine.run())
    for platform in platforms:
        await platform.connected()
    while not bot_runs(made):
        await asyncio.sleep(0)
    yield made
    made.engine.request_stop()
    await task


def account(name: str, **options: Any) -> FakePlatform:
    return FakePlatform(account=name, **options)


async def test_accounts_share_what_is_global_and_nothing_else() -> None:
    """The same ids on two accounts are other people in other chats."""
    shop, news = account("shop"), account("news")
    async with running(counting(), shop, news) as bot:
        assert await bot.say(shop, "a") == ["1 1 1 1"]
        assert await bot.say(news, "b") == ["1 1 1 2"]
        assert await bot.say(shop, "c") == ["2 2 2 3"]


async def test_an_account_can_come_while_the_bot_runs() -> None:
    """It receives and answers as those that were there."""
    shop = account("shop")
    async with running(counting(), shop) as bot:
        await bot.say(shop, "a")
        news = await bot.connect(account("news"))
        assert await bot.say(news, "b") == ["1 1 1 2"]


async def test_no_two_accounts_have_one_name() -> None:
    """Whoever lets go of one means one: a label that is a name of another is refused."""
    shop = account("1")
    shop.label = "shop"
    async with running(counting(), shop) as bot:
        for label in ("shop", "1"):
            other = account("2")
            other.label = label
            with pytest.raises(AdapterError, match="which is a name of account 1"):
                await bot.connect(other)
        await bot.bot.disconnect("test:shop")
        with pytest.raises(StateError, match="no account 'test:1' is connected"):
            await bot.bot.disconnect("test:1")


async def test_tenants_share_nothing() -> None:
    """Nor do two of them what is global; two accounts of one do. The bot's own is apart."""
    own = account("own")
    async with running(counting(), own) as bot:
        acme, more = account("1"), account("2")
        other = account("3")
        await bot.connect(acme, "acme")
        await bot.connect(more, "acme")
        await bot.connect(other, "other")
        answers = [await bot.say(platform, "x") for platform in (own, acme, more, other, own)]
        assert answers == [["1 1 1 1"], ["1 1 1 1"], ["1 1 1 2"], ["1 1 1 1"], ["2 2 2 2"]]


async def test_whoever_looks_sees_whose_a_value_is() -> None:
    """By account and tenant, also of what is global."""
    async with running(counting()) as bot:
        await bot.say(await bot.connect(account("1"), "acme"), "x")
        entries = await bot.store.list("states", Filter(tenant="acme"))
        assert [entry.key and entry.key.scope for entry in entries] == [
            "member",
            "chat",
            "user",
            "global",
        ]
        assert {entry.account for entry in entries} == {"1", ""}
        assert not await bot.store.list("states", Filter(tenant="other"))


async def test_an_account_of_another_tenant_is_refused() -> None:
    """And stays whose it was."""
    data = MemoryData()
    async with running(counting(), data=data) as bot:
        await bot.connect(account("1"), "acme")
    async with running(counting(), data=data) as bot:
        with pytest.raises(StateError, match="is of tenant 'acme'"):
            await bot.connect(account("1"), "other")
        await bot.connect(account("1"), "acme")


async def test_an_account_of_a_renamed_bot_is_refused() -> None:
    """With the id to give back. One of a platform that has no accounts may be many bots'."""
    data = MemoryData()
    for bot in (Interface(id="old"), Interface(id="new")):
        async with running(bot, account("local"), data=data):
            pass
    async with running(Interface(id="old"), account("1"), data=data):
        pass
    engine = Engine(Interface(id="new"), [account("1")], MemoryStore(data))
    with pytest.raises(StateError, match="id='old'"):
        await engine.run()


async def test_an_account_cannot_be_connected_twice() -> None:
    """Whether it was there at the start or not; once it is gone it can come back."""
    shop = account("shop")
    async with running(counting(), shop) as bot:
        for _ in range(2):
            with pytest.raises(AdapterError, match="account shop on test is wanted twice"):
                await bot.connect(account("shop"))
        await bot.say(shop, "a")
        await bot.bot.disconnect("test:shop")
        again = await bot.connect(account("shop"))
        assert await bot.say(again, "b") == ["2 2 2 2"]


async def test_a_disconnected_account_is_done_with_what_it_had() -> None:
    """What it delivered is handled, what it owes is sent; what it delivers now is not taken."""
    entered, gate = asyncio.Event(), asyncio.Event()
    bot = Interface(id="bot")

    @bot.on_message
    async def answer(message: str) -> str:
        entered.set()
        await gate.wait()
        return message

    shop = account("shop")
    async with running(bot, shop) as there:
        host = await shop.connected()
        await host.deliver([there.event("a"), there.event("b")])
        await entered.wait()
        gone = asyncio.create_task(there.bot.disconnect("test:shop"))
        await asyncio.sleep(0)
        late = asyncio.ensure_future(host.deliver([there.event("late")]))
        gate.set()
        while not gone.done():
            await there.clock.advance(0.1)
        await gone
        assert [delivered.text for delivered in shop.delivered] == ["a", "b"]
        assert not late.done()
        late.cancel()
        assert not await there.store.list("inbox", Filter())


async def test_what_is_owed_to_an_account_can_be_given_up() -> None:
    """Where its platform is gone, say: dead letters tell why, and can be sent when it is back."""
    shop = account("shop")
    async with running(counting(), shop) as bot:
        shop.stall()
        await (await shop.connected()).deliver([bot.event("a"), bot.event("b")])
        while not shop.tries:
            await asyncio.sleep(0)
        gone = asyncio.create_task(bot.bot.disconnect("test:shop", owed="dead"))
        await asyncio.sleep(0)
        shop.recover()
        while not gone.done():
            await bot.clock.advance(0.1)
        await gone
        assert [delivered.text for delivered in shop.delivered] == ["1 1 1 1"]
        (letter,) = await bot.letters()
        assert "account shop on test was disconnected" in letter


async def test_an_account_stays_if_its_end_is_not_waited_for() -> None:
    """What was delivered meanwhile is taken."""
    shop = account("shop")
    async with running(counting(), shop) as bot:
        shop.stall()
        await (await shop.connected()).deliver([bot.event("a")])
        gone = asyncio.create_task(bot.bot.disconnect("test:shop"))
        await asyncio.sleep(0)
        late = asyncio.ensure_future((await shop.connected()).deliver([bot.event("b")]))
        await asyncio.sleep(0)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        shop.recover()
        (receipt,) = await late
        await receipt.settled()
        assert [delivered.text for delivered in shop.delivered] == ["1 1 1 1", "2 2 2 2"]


async def test_an_account_that_is_not_there_is_told() -> None:
    """With those that are."""
    async with running(counting(), account("shop")) as bot:
        with pytest.raises(StateError, match=r"no account 'test:news'.*there are test:shop"):
            await bot.bot.disconnect("test:news")


async def test_one_accounts_end_is_not_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the account can be connected anew."""

    class Revoked(FakePlatform):
        async def run(self, host: Host) -> None:  # noqa: ARG002 - it ends at once
            raise AdapterError("the token was revoked")

    shop = account("shop")
    async with running(counting(), shop) as bot:
        with caplog.at_level(logging.ERROR):
            await bot.connect(Revoked(account="news"))
            while not caplog.records:
                await asyncio.sleep(0)
        assert "account news on test receives no more" in caplog.text
        assert await bot.say(shop, "a") == ["1 1 1 1"]
        news = await bot.connect(account("news"))
        assert await bot.say(news, "b") == ["1 1 1 2"]


async def test_a_bot_that_does_not_run_connects_nothing() -> None:
    """It says so, before it runs and after."""
    bot = counting()
    for _ in range(2):
        with pytest.raises(StateError, match="bot 'bot' does not run"):
            await bot.connect(account("1"))
        async with running(bot, account("shop")):
            pass


async def test_of_several_engines_the_one_with_the_account_is_meant() -> None:
    """Where that is not known, it is asked for."""
    bot = counting()
    async with running(bot, account("shop")):
        news = account("news")
        engine = Engine(bot, [news], MemoryStore(), stay=True)
        task = asyncio.create_task(engine.run())
        await news.connected()
        with pytest.raises(StateError, match="2 engines run bot 'bot'"):
            await bot.connect(account("1"))
        await bot.disconnect("test:news")
        assert engine.accounts == []
        engine.request_stop()
        await task
        await bot.disconnect("test:shop")


@pytest.mark.parametrize("how", ["itself", "in a task", "in a thread"])
async def test_nothing_is_connected_inside_a_turn(how: str) -> None:
    """A rerun would do it again."""
    bot = Interface(id="bot")
    raised: list[BaseException] = []

    async def attempt(work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except StateError as error:
            raised.append(error)

    @bot.command
    async def itself() -> None:
        await attempt(bot.connect(account("1")))

    @bot.command
    async def task() -> None:
        await asyncio.gather(attempt(bot.disconnect("test:shop")))

    @bot.command
    def thread() -> None:
        asyncio.run(attempt(bot.connect(account("1"))))

    shop = account("shop")
    async with running(bot, shop) as there:
        await there.say(shop, f"/{how.rsplit(maxsplit=1)[-1]}")
    (error,) = raised
    assert "inside a turn" in str(error)


async def test_what_is_owed_is_sent_or_dead() -> None:
    """Nothing else can be wanted, nor connected what is no adapter."""
    async with running(counting(), account("shop")) as there:
        with pytest.raises(ValueError, match='"send" or "dead"'):
            await there.bot.disconnect("test:shop", owed="lost")  # type: ignore[arg-type]  # it is refused
        with pytest.raises(LoadError, match="is no adapter"):
            await there.bot.connect("telegram")  # type: ignore[arg-type]  # it is refused
