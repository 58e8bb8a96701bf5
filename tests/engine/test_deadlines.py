"""Answers that somebody waits for with a deadline: `Event.best_before`."""

import asyncio

from msgspec.structs import replace
from support import parts_of

from chatstate import Interface, RetryAfter, Turn
from chatstate.stores.base import Filter
from chatstate.stores.sqlite.shelves import Shelves
from chatstate.testing import Person, TestClient

CHECK = "test:pre_checkout"
SECONDS = 10.0


def shop() -> Interface:
    """Return a bot that answers many messages, and what a payment waits for."""
    bot = Interface(id="shop")
    bot.on(CHECK)(lambda _: ["ok", "and thanks"])

    @bot.on_message
    def many(message: str) -> list[str]:
        return [f"{message} {number}" for number in range(3)]

    return bot


async def pays(client: TestClient, who: Person) -> asyncio.Future[None]:
    """Let somebody pay, and return what ends when all that is answered is over."""
    event = who.event("", kind="other")
    message = replace(event.message, update=CHECK)
    event = replace(event, message=message, best_before=client.clock.time() + SECONDS)
    (receipt,) = await client.deliver_all([event])
    return asyncio.ensure_future(receipt.settled())


def dead(client: TestClient) -> list[str]:
    """Return the errors of the dead letters."""
    path = client.store_url.removeprefix("sqlite:///")
    return [letter.error for letter in Shelves(path, client.clock.time).list("dead", Filter())]


async def test_it_goes_before_all_that_waits() -> None:
    """But for what is on its way; what else is answered comes in its order."""
    async with TestClient(shop()) as client:
        alice = client.user("alice")
        client.platform.stall()
        said = asyncio.create_task(alice.say("hi"))
        while not client.platform.tries:
            await asyncio.sleep(0)
        paid = [await pays(client, alice) for _ in range(2)]
        while len(await client._store.list("outbox", Filter())) < 3 + 2 * 2:
            await asyncio.sleep(0)
        await parts_of(client).commits.over()  # the engine knows of them, too
        client.platform.recover()
        await asyncio.gather(said, *paid)
        told = [delivered.text for delivered in client.platform.delivered]
        assert told == ["hi 0", "ok", "ok", "hi 1", "hi 2", "and thanks", "and thanks"]


async def test_once_nobody_waits_it_is_not_sent() -> None:
    """However it was kept from it: it is a dead letter, and the line goes on."""
    async with TestClient(shop()) as client:
        alice = client.user("alice")
        client.platform.fail_next(RetryAfter(60.0))
        paid = await pays(client, alice)
        while not paid.done():
            await client.clock.advance(61.0 if client.platform.tries == 1 else 0.0)
            await asyncio.sleep(0)
        assert [delivered.text for delivered in client.platform.delivered] == ["and thanks"]
        await alice.say("hi")  # what has become of it is stored with the next turn
        assert len(dead(client)) == 1
        assert "it was not sent in time" in dead(client)[0]


async def test_so_it_is_after_a_crash() -> None:
    """It may have been sent before, or not: nobody waits for it any more."""
    async with TestClient(shop()) as client:
        alice = client.user("alice")
        client.platform.stall()
        paid = await pays(client, alice)
        while not client.platform.tries:
            await asyncio.sleep(0)
        await client.crash()
        paid.cancel()
        client.platform.recover()
        await client.clock.advance(SECONDS + 1)
        await client.start()
        await alice.say("hi")
        told = [delivered.text for delivered in client.platform.delivered]
        assert told[-4:] == ["and thanks", "hi 0", "hi 1", "hi 2"]
        assert [error for error in dead(client) if "in time" in error]


async def test_nothing_of_it_is_shown_in_advance() -> None:
    """What is sent first is the answer, and there is one alone."""
    bot, sent = Interface(id="shop"), asyncio.Event()

    @bot.on(CHECK)
    async def check(turn: Turn) -> str:
        await turn.send("ok")
        sent.set()
        await turn.clock.sleep(5)
        return "and thanks"

    async with TestClient(bot) as client:
        paid = await pays(client, client.user("alice"))
        await sent.wait()
        for _ in range(5):
            await client.clock.advance(1.0)
        await paid
        shown = [(delivered.text, delivered.preview) for delivered in client.platform.delivered]
        assert shown == [("ok", False), ("and thanks", False)]
