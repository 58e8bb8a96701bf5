"""The adapters' contract's driver for Discord: the real discord.py against the test server."""

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

import discord
import pytest
from adapters.discord_reader import read
from discord.backoff import ExponentialBackoff
from servers.discord_faults import DOWNLOAD, SEND
from servers.discord_interactions import MODAL
from servers.discord_people import modal_of
from servers.discord_server import BOT_ID, DiscordServer
from servers.discord_world import BUTTON, Channel, Interaction, Message, Person

from chatstate import MessageRef, Native, Sticker
from chatstate.adapter import Adapter, Host, NativeCall
from chatstate.testing import AdapterDriver, Fault, Shown, Speaker
from chatstate.testing.delivered import SentFile
from chatstate_discord import DiscordAdapter, adapter
from chatstate_discord.receive.content import poll_of
from chatstate_discord.receive.intake import Intake

TOKEN = f"{base64.urlsafe_b64encode(BOT_ID.encode()).decode()}.of.tests"
GUILD = 10


@contextlib.contextmanager
def hurried() -> Iterator[None]:
    """Let discord.py wait for nothing but a server."""

    async def at_once(*_: object, **__: object) -> None:
        """Identify without the five seconds that Discord asks for."""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discord.Client, "before_identify_hook", at_once)
        patch.setattr(ExponentialBackoff, "delay", lambda _: 0.02)
        patch.setattr(adapter, "FIRST_PAUSE", 0.02)
        patch.setattr(adapter, "LONGEST_PAUSE", 0.1)
        yield


def addresses(server: DiscordServer) -> dict[str, Any]:
    """Return the options that point an adapter at a server."""
    return {"api": server.api_url, "gateway": server.gateway_url}


@contextlib.asynccontextmanager
async def discord_server() -> AsyncIterator[DiscordServer]:
    """Run a server; fail if it was asked for what is forbidden."""
    async with DiscordServer(TOKEN) as server:
        with hurried():
            yield server
        assert server.violations == [], server.violations


async def cut(server: DiscordServer) -> None:
    """Let nothing reach the server any more."""
    await server.gateway_port.refuse()
    await server.rest_port.refuse()
    await server.gateway.disconnect()
    for connection in list(server.rest_port._runner.server.connections):  # type: ignore[union-attr]  # it runs
        if connection.transport:
            connection.transport.abort()


async def mend(server: DiscordServer) -> None:
    """Let the server be reached again."""
    await server.rest_port.open()
    await server.gateway_port.open()


class Observed(DiscordAdapter):
    """An adapter that tells whether it is at rest: nothing is being read back."""

    def __init__(self, server: DiscordServer) -> None:
        super().__init__(token=TOKEN, groups="all", **addresses(server))
        self.has_ended = False
        self._intake: Intake | None = None

    async def run(self, host: Host) -> None:
        try:
            await super().run(host)
        finally:
            self.has_ended = True

    async def _attend(self, client: discord.Client, intake: Intake, host: Host) -> None:
        self._intake = intake
        await super()._attend(client, intake, host)

    def is_connected(self) -> bool:
        return bool(self._intake and self._intake.is_ready.is_set())

    def is_at_rest(self) -> bool:
        return bool(self._intake and not self._intake._marks._gaps)


class DiscordDriver(AdapterDriver):
    """People on the test server. In guilds the bot listens to all.

    While the bot is there, people wait until it has read back. What it reads back once more is a
    duplicate, which a test that counts receipts would take for something new.
    """

    named = "discord:typing_start"

    def __init__(self) -> None:
        self.server = DiscordServer(TOKEN)
        self.people: dict[str, Person] = {}
        self.channels: dict[tuple[str, str | None], Channel] = {}
        self.said: dict[str, Message] = {}
        self.asked: dict[str, Interaction] = {}
        self._stack = contextlib.AsyncExitStack()
        self._adapter: Observed | None = None
        self._is_cut = False

    def make_adapter(self) -> Adapter:
        self._adapter = Observed(self.server)
        return self._adapter

    def account_name(self) -> str:
        return f"{self.server.bot.name.lower()}#0000"

    async def open(self) -> None:
        await self._stack.enter_async_context(self.server)
        self._stack.enter_context(hurried())
        self.server.guild(GUILD, "Home")

    async def close(self) -> None:
        await self._stack.aclose()
        assert not self.server.violations, self.server.violations

    async def say(
        self,
        who: Speaker,
        text: str,
        *,
        files: Sequence[SentFile] = (),
        reply_to: str | None = None,
    ) -> str:
        person, channel = self._person(who), self._channel(who)
        await self._at_rest()
        message = await self.server.say(
            person,
            channel,
            text,
            reply_to=self.server.world.messages[reply_to] if reply_to else None,
            attachments=[(file.name, file.media_type, file.data) for file in files],
        )
        self.said[message.id] = message
        return message.id

    def shown(self, who: Speaker) -> Sequence[Shown]:
        sent, person = self.server.messages(self._channel(who)), self._person(who)
        seen = [message for message in sent if _is_for(person, message)]
        return [_shown(message) for message in seen if not message.deleted and not message.loading]

    def mention(self, who: Speaker | None) -> str:
        return (self._person(who) if who else self.server.bot).mention

    async def say_formatted(self, who: Speaker) -> str:
        return await self.say(who, "**bold** ||hidden|| __under__")

    async def edit(self, who: Speaker, message: str, text: str) -> None:  # noqa: ARG002 - the contract's
        await self.server.edit(self.said[message], text)

    async def other(self, who: Speaker) -> None:
        await self._at_rest()
        await self.server.say(self._person(who), self._channel(who), type=99)

    async def react(self, who: Speaker, message: str, emoji: str) -> None:
        await self._at_rest()
        reacted, person = self.server.world.messages[message], self._person(who)
        for before in [name for name, who in reacted.reactions.items() if person.id in who]:
            await self.server.unreact(person, reacted, before)
        if emoji:
            await self.server.react(person, reacted, emoji)

    async def send_sticker(self, who: Speaker) -> str:
        self.server.world.stickers["77"] = "wave"
        await self._at_rest()
        await self.server.say(self._person(who), self._channel(who), stickers=["77"])
        return "77"

    async def happen(self, who: Speaker) -> None:
        await self._at_rest()
        person, channel = self._person(who), self._channel(who)
        raw = {"channel_id": channel.id, "user_id": person.id, "timestamp": 1_790_000_000}
        self.server.gateway.dispatch(
            "TYPING_START", None, discord.Intents(dm_typing=True).value, lambda _: raw
        )

    async def press(self, who: Speaker, message: str, label: str) -> None:
        await self._at_rest()
        pressed = self.server.world.messages[message]
        self.asked[who.user] = await self.server.press(self._person(who), pressed, label)

    async def select(self, who: Speaker, message: str, labels: Sequence[str]) -> None:
        await self._at_rest()
        await self.server.select(self._person(who), self.server.world.messages[message], *labels)

    async def command(self, who: Speaker, name: str, arguments: Mapping[str, str]) -> None:
        await self._knows_commands()
        given = name, _typed(arguments)
        asked = await self.server.slash(self._person(who), self._channel(who), *given)
        self.asked[who.user] = asked

    def form(self, who: Speaker) -> Mapping[str, str] | None:
        asked = self.asked.get(who.user)
        if asked is None or asked.response != MODAL:
            return None
        labels = modal_of(asked)["components"]
        return {label["label"]: label["component"].get("value", "") for label in labels}

    async def submit(self, who: Speaker, answers: Mapping[str, str]) -> None:
        await self._at_rest()
        await self.server.submit(self.asked[who.user], answers)

    async def choose(self, who: Speaker, message: str, title: str) -> None:
        await self._knows_commands()
        chosen = self.server.world.messages[message]
        await self.server.choose(self._person(who), self._channel(who), title, chosen)

    async def complete(
        self, who: Speaker, name: str, arguments: Mapping[str, str]
    ) -> Sequence[str]:
        await self._knows_commands()
        person, channel = self._person(who), self._channel(who)
        asked = await self.server.begin(person, channel, name, _typed(arguments))
        callback = await self.server.wait_for(lambda: asked.callback or {})
        return [choice["value"] for choice in callback["data"]["choices"]]

    async def remove(self, who: Speaker, message: str) -> None:  # noqa: ARG002 - ids are unique
        await self.server.delete(self.server.world.messages[message])

    async def forge(self, who: Speaker, message: str, data: str) -> None:
        pressed = self.server.world.messages[message]
        await self.server.press(self._person(who), pressed, custom_id=data)

    def reactions(self, who: Speaker, message: str) -> Sequence[str]:  # noqa: ARG002 - ids are unique
        told = self.server.world.messages[message].reactions
        return [emoji for emoji, people in told.items() if self.server.bot.id in people]

    def typing(self, who: Speaker) -> int:
        channel = self._channel(who)
        return sum(notice.channel is channel for notice in self.server.typing)

    def waiting(self) -> int:
        made = self.server.world.interactions.values()
        return sum(
            press.response is None or bool(press.original and press.original.loading)
            for press in made
        )

    async def redeliver(self, message: str) -> None:
        await self._at_rest()
        await self.server.repeat(self.said[message])

    async def garble(self, who: Speaker) -> None:
        await self._at_rest()
        odd: dict[str, Any] = {"id": "x", "channel_id": self._channel(who).id, "type": []}
        frame = {"op": 0, "t": "MESSAGE_CREATE", "s": None, "d": odd}
        self.server.gateway.send_raw(json.dumps(frame))

    async def echo(self, who: Speaker, text: str) -> None:
        await self._at_rest()
        own = self.server.bot_message(self._channel(who), text)
        own.deleted = True  # it is not shown: it was said only for the adapter to hear

    def fail(self, fault: Fault, seconds: float = 0.0) -> None:
        if fault == "wait":
            self.server.faults.rate_limit(SEND, seconds + 1)  # what is shorter discord.py waits
        elif fault == "refuse":
            self.server.faults.fail(SEND, 403, code=50013, message="Missing Permissions")
        elif fault == "block":
            self.server.faults.fail(
                SEND, 403, code=50007, message="Cannot send messages to this user"
            )
        else:
            self.server.faults.drop(SEND, when="after", reset=True)

    def native(self, text: str) -> Native:
        return Native("POST /channels/{channel_id}/messages", on="discord", content=text)

    def native_deletion(self, message: MessageRef) -> Native:
        route = "DELETE /channels/{channel_id}/messages/{message_id}"
        return Native(route, on="discord", message_id=message)

    def native_elsewhere(self) -> NativeCall:
        return NativeCall("POST /channels/7/messages", {"content": "hi"})

    def withhold(self) -> None:
        self.server.faults.fail(DOWNLOAD, 503)
        self.server.faults.fail(DOWNLOAD, 429)

    async def disconnect(self) -> None:
        self._is_cut = True
        await cut(self.server)

    async def reconnect(self) -> None:
        await mend(self.server)
        self._is_cut = False

    async def promote(self, who: Speaker) -> None:
        self.server.world.guilds[str(GUILD)].admins.add(self._person(who).id)

    async def _knows_commands(self) -> None:
        await self._at_rest()
        await self.server.wait_for(lambda: self.server.commands)

    async def _at_rest(self) -> None:
        await self._until(Observed.is_connected, 3.0)
        await self._until(Observed.is_at_rest, 0.5)  # a test may not let it deliver

    async def _until(self, state: Callable[[Observed], bool], seconds: float) -> None:
        adapter = self._adapter
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while adapter and not (self._is_cut or adapter.has_ended or state(adapter)):
                    await asyncio.sleep(0.002)

    def _person(self, who: Speaker) -> Person:
        name = who.user
        if name not in self.people:
            number = 1000 + len(self.people)
            self.people[name] = self.server.person(number, name.title(), is_bot=who.is_bot)
        return self.people[name]

    def _channel(self, who: Speaker) -> Channel:
        person = self._person(who)
        if who.chat is None:
            return self.server.dm(person)
        room = (who.chat, None)
        if room not in self.channels:
            home = self.server.world.guilds[str(GUILD)]
            self.channels[room] = self.server.channel(home, who.chat)
        if who.thread and (who.chat, who.thread) not in self.channels:
            thread = self.server.thread(self.channels[room], person, who.thread)
            self.channels[who.chat, who.thread] = thread
        return self.channels[who.chat, who.thread]


def _typed(arguments: Mapping[str, str]) -> dict[str, int | str]:
    """Return arguments as Discord's client asks for them: a whole number as one."""
    return {name: int(text) if text.isdecimal() else text for name, text in arguments.items()}


def _is_for(person: Person, message: Message) -> bool:
    asked = message.interaction
    return not message.ephemeral or asked is None or asked.person is person


def _shown(message: Message) -> Shown:
    words = [message.content, *(line for embed in message.embeds for line in _lines(embed))]
    read_words = [read(line) for line in words if line]
    buttons = [c for c in message.pressable() if c["type"] == BUTTON]
    return Shown(
        message.id,
        "\n".join(text for text, _ in read_words),
        frozenset(style for _, styles in read_words for style in styles),
        [str(button["label"]) for button in buttons],
        [SentFile(name, kind, data) for name, kind, data in message.files],
        message.reference,
        bool(message.edits),
        [button["url"] for button in buttons if "url" in button],
        [option["label"] for option in message.menu["options"]] if message.menu else (),
        pictures=[
            embed["image"]["url"]
            for embed in message.embeds
            if embed.get("image") and not embed["image"]["url"].startswith("attachment:")
        ],
        shared=poll_of({"poll": message.poll})
        or next((Sticker(number, name="wave") for number in message.stickers), None),
    )


def _lines(embed: dict[str, Any]) -> Iterator[str]:
    """Yield what is read of an embed, but for the small print in Discord's Markdown."""
    yield from (embed.get(name) or "" for name in ("title", "description"))
    for field in embed.get("fields") or ():
        yield f"{field['name']}\n{field['value']}"
    footer = (embed.get("footer") or {}).get("text", "")  # which has no markup
    yield re.sub(r"([*_`~|\\])", r"\\\1", footer)
