"""A person stops an answer that is being written, where the platform lets them."""

import asyncio
from collections.abc import AsyncIterator

from support import query, texts

from chatstate import Interface, Message, PerMember
from chatstate.adapter import Host
from chatstate.testing import Person, TestClient


class Talking:
    """A bot whose streams wait, once they have shown something."""

    def __init__(self) -> None:
        self.bot = Interface(id="bot")
        self.bot.on_message(self.stream)
        self.bot.command(name="wait")(self.wait)
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()
        self.ended = 0

    async def stream(self, message: Message, seen: PerMember[list[str]]) -> AsyncIterator[str]:
        try:
            seen.append(message.text)
            yield f"{message.text}, upon a time"
            self.begun.set()
            await self.gate.wait()
            yield " ".join(seen)
        finally:
            self.ended += 1

    async def wait(self) -> str:
        self.begun.set()
        await self.gate.wait()
        return "waited"


async def begin(client: TestClient, person: Person, text: str) -> None:
    """Say something, and return once an answer to it is shown."""
    await client.deliver_all([person.event(text)])
    while not client.platform.shown(person.chat.id):
        await client.clock.advance(0.1)


def shown(client: TestClient, person: Person) -> list[str]:
    return [message.text for message in client.platform.shown(person.chat.id)]


async def test_what_was_shown_stays_and_nothing_else() -> None:
    """A sentence closes it; the handler ends, and the conversation goes on."""
    made = Talking()
    async with TestClient(made.bot) as client:
        host: Host = await client.platform.connected()
        alice = client.user("alice")
        await begin(client, alice, "once")
        assert host.interrupt(alice.chat.id)
        while len(shown(client, alice)) < 2:
            await asyncio.sleep(0)
        assert shown(client, alice) == ["once, upon a time", "(interrupted)"]
        assert made.ended == 1
        assert query(client, "SELECT * FROM states") == []
        assert query(client, "SELECT * FROM dead_letters") == []
        made.gate.set()
        assert await texts(alice, "again") == ["again"]


async def test_whether_there_was_one_is_told() -> None:
    """Twice is once; nobody's answer elsewhere is ended."""
    made = Talking()
    async with TestClient(made.bot) as client:
        host = await client.platform.connected()
        alice, bob = client.user("alice"), client.user("bob")
        assert not host.interrupt(alice.chat.id)
        await begin(client, alice, "once")
        await begin(client, bob, "twice")
        assert not host.interrupt(alice.chat.id, "thread")
        assert [host.interrupt(alice.chat.id) for _ in range(2)] == [True, False]
        made.gate.set()
        while shown(client, bob) != ["twice"]:
            await client.clock.advance(0.1)


async def test_what_does_not_stream_is_not_ended() -> None:
    """It is waited for."""
    made = Talking()
    async with TestClient(made.bot) as client:
        host = await client.platform.connected()
        saying = asyncio.create_task(texts(client.user("alice"), "/wait"))
        await made.begun.wait()
        assert not host.interrupt("private-alice")
        made.gate.set()
        assert await saying == ["waited"]
