"""The people's side of a Discord: who and what there is, and what people do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from servers import discord_application
from servers.discord_gateway import Gateway
from servers.discord_interactions import MODAL
from servers.discord_payloads import numbered
from servers.discord_platform import Platform
from servers.discord_world import (
    BUTTON,
    FORUM,
    JOINED,
    PLAIN,
    PUBLIC_THREAD,
    REPLY,
    STRING_SELECT,
    TEXT,
    Attachment,
    Channel,
    Guild,
    Interaction,
    Json,
    Message,
    Person,
    World,
)

LABEL = 18
"""The type of a component: a question in a modal."""

Id = int | str
Upload = tuple[str, str, bytes]
"""Name, media type, bytes."""


class People:
    """What a test makes people do; each method returns when the gateway has told of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.gateway = Gateway(world)
        self.platform = Platform(world, self.gateway)

    # Who and what there is.

    def person(self, id: Id, name: str, *, is_bot: bool = False) -> Person:
        return self.world.person(str(id), name, is_bot=is_bot)

    def dm(self, person: Person) -> Channel:
        """Return somebody's private channel with the bot."""
        return self.world.dm(person)

    def guild(self, id: Id, name: str, members: Iterable[Person] = ()) -> Guild:
        guild = self.world.guild(str(id), name)
        guild.members |= {person.id: person for person in members}
        return self.platform.found(guild)

    def channel(
        self, guild: Guild, name: str, *, id: Id | None = None, type: int = TEXT
    ) -> Channel:
        number = self.world.new_id() if id is None else str(id)
        return self.platform.open(Channel(number, type, name, guild))

    def forum(self, guild: Guild, name: str, *, id: Id | None = None) -> Channel:
        return self.channel(guild, name, id=id, type=FORUM)

    def thread(
        self, parent: Channel, person: Person, name: str, *, start: Message | None = None
    ) -> Channel:
        """Open a thread, from a message if one is given: it then has that message's id."""
        number = start.id if start else self.world.new_id()
        thread = Channel(number, PUBLIC_THREAD, name, parent.guild, parent, person)
        return self.platform.open(thread)

    async def forum_post(
        self, forum: Channel, person: Person, title: str, text: str
    ) -> tuple[Channel, Message]:
        """Open a thread in a forum; its first message has the thread's id."""
        thread = self.thread(forum, person, title)
        return thread, await self.say(person, thread, text, id=thread.id)

    # What people do.

    async def say(
        self,
        person: Person,
        channel: Channel,
        text: str = "",
        *,
        reply_to: Message | None = None,
        ping: bool = True,
        mentions: Sequence[Person] = (),
        attachments: Sequence[Upload] = (),
        stickers: Sequence[str] = (),
        id: str | None = None,
        type: int = PLAIN,
        flags: int = 0,
    ) -> Message:
        """Write a message; whom it mentions is read from the text, `mentions` adds to that."""
        named = [*self.world.named(text), *(somebody.id for somebody in mentions)]
        if reply_to and ping:
            named.append(reply_to.author.id)
        _belong(person, channel)
        message = Message(
            id=id or self.world.new_id(),
            channel=channel,
            author=person,
            content=text,
            time=self.world.now(),
            type=REPLY if reply_to else type,
            flags=flags,
            reference=reply_to.id if reply_to else None,
            mentions=tuple(dict.fromkeys(named)),
            mentions_everyone="@everyone" in text or "@here" in text,
            attachments=[Attachment(self.world.new_id(), *file) for file in attachments],
            stickers=list(stickers),
        )
        self.platform.post(message)
        await self.gateway.flushed()
        return message

    async def edit(self, message: Message, text: str) -> None:
        self.platform.edit(message, text)
        await self.gateway.flushed()

    async def unfurl(self, message: Message, url: str = "https://example.com/") -> None:
        """Show a link's preview, as Discord does some time after the message: an update only."""
        message.embeds.append({"type": "link", "url": url, "title": "A page"})
        self.platform.update(message)
        await self.gateway.flushed()

    async def delete(self, message: Message) -> None:
        self.platform.delete(message)
        await self.gateway.flushed()

    async def repeat(self, message: Message) -> None:
        """Have the gateway tell of a message once more."""
        self.platform.repeat(message)
        await self.gateway.flushed()

    async def join(self, guild: Guild, person: Person) -> None:
        self.platform.join(guild, person)
        if guild.lobby:
            await self.say(person, guild.lobby, type=JOINED)
        await self.gateway.flushed()

    async def leave(self, guild: Guild, person: Person) -> None:
        self.platform.leave(guild, person)
        await self.gateway.flushed()

    async def slash(
        self,
        person: Person,
        channel: Channel,
        name: str,
        options: Mapping[str, Any] | None = None,
    ) -> Interaction:
        """Invoke a command as registered; a person as an option's value is a mention.

        Raises `LookupError` where Discord's client would not send it.
        """
        place = channel.guild.id if channel.guild else None
        data = discord_application.invocation(self.world, name, place, dict(options or {}))
        return await self._interact(2, person, channel, data)

    async def begin(
        self,
        person: Person,
        channel: Channel,
        name: str,
        options: Mapping[str, Any],
    ) -> Interaction:
        """Begin to type a command: its last option is being typed. Raises `LookupError`."""
        place = channel.guild.id if channel.guild else None
        typing = list(options)[-1]
        data = discord_application.invocation(self.world, name, place, dict(options), typing=typing)
        return await self._interact(4, person, channel, data)

    async def choose(
        self, person: Person, channel: Channel, title: str, chosen: Person | Message
    ) -> Interaction:
        """Choose what the menu of a message or of a person has. Raises `LookupError`."""
        place = channel.guild.id if channel.guild else None
        target = chosen if isinstance(chosen, Person) else self.platform.told(chosen)
        data = discord_application.choice(self.world, title, place, target)
        return await self._interact(2, person, channel, data)

    async def react(self, person: Person, message: Message, emoji: str) -> None:
        """React to a message; `name:id` is an emoji of a guild's own."""
        _belong(person, message.channel)
        self.platform.react(message, person, emoji)
        await self.gateway.flushed()

    async def unreact(self, person: Person, message: Message, emoji: str) -> None:
        """Take a reaction away."""
        self.platform.unreact(message, person, emoji)
        await self.gateway.flushed()

    async def press(
        self,
        person: Person,
        message: Message,
        label: str | None = None,
        *,
        custom_id: str | None = None,
    ) -> Interaction:
        """Press a button by its label or custom id; `custom_id` alone is sent even if forged.

        Raises `LookupError` if no such button can be pressed.
        """
        if custom_id is None:
            able = [component for component in message.pressable() if component.get("custom_id")]
            able = [component for component in able if not component.get("disabled")]
            found = [
                component
                for component in able
                if label in (component.get("label"), component["custom_id"])
            ]
            if not found:
                raise LookupError(f"no button {label!r}; there are {message.components}")
            custom_id = found[0]["custom_id"]
        data = {"custom_id": custom_id, "component_type": BUTTON, "id": 1}
        return await self._interact(3, person, message.channel, data, message)

    async def select(self, person: Person, message: Message, *labels: str) -> Interaction:
        """Choose options of a message's menu. Raises `LookupError` for what it does not offer.

        So it does for fewer or more than it takes, which Discord's client does not send.
        """
        menu = message.menu or {"options": []}
        values = {option["label"]: option["value"] for option in menu["options"]}
        least, most = menu.get("min_values", 1), menu.get("max_values", 1)
        if not values.keys() >= set(labels) or not least <= len(labels) <= most:
            raise LookupError(f"{labels} cannot be chosen of {menu}")
        chosen = [values[label] for label in labels]
        data = {"custom_id": menu["custom_id"], "component_type": STRING_SELECT, "values": chosen}
        return await self._interact(3, person, message.channel, data, message)

    async def submit(self, modal: Interaction, answers: Mapping[str, str]) -> Interaction:
        """Submit the modal that answers an interaction; `answers` by labels, over what is there.

        Raises `LookupError` if there is none, or one without these questions, or an answer lacks.
        """
        shown = modal_of(modal)
        inputs = {label["label"]: label["component"] for label in shown["components"]}
        written = {label: asked.get("value", "") for label, asked in inputs.items()} | dict(answers)
        if written.keys() != inputs.keys() or not all(written.values()):
            raise LookupError(f"{answers} cannot be submitted to {shown}")
        components = [
            {"type": LABEL, "component": {**_answered(inputs[label]), "value": value}}
            for label, value in written.items()
        ]
        data = {"custom_id": shown["custom_id"], "components": numbered(components)}
        return await self._interact(5, modal.person, modal.channel, data, modal.message)

    def bot_message(
        self, channel: Channel, text: str, buttons: Sequence[tuple[str, str]] = ()
    ) -> Message:
        """Add a message of the bot's that no process of now has sent."""
        row = [
            {"type": BUTTON, "style": 1, "label": label, "custom_id": custom_id}
            for label, custom_id in buttons
        ]
        layout: list[Json] = [{"type": 1, "components": row}] if row else []
        message = Message(
            self.world.new_id(), channel, self.world.bot, text, self.world.now(), layout=layout
        )
        return self.platform.post(message)

    async def _interact(
        self,
        type: int,
        person: Person,
        channel: Channel,
        data: Json,
        message: Message | None = None,
    ) -> Interaction:
        _belong(person, channel)
        made = self.world.interaction(type, person, channel, data, message)
        self.platform.interact(made)
        await self.gateway.flushed()
        return made


def modal_of(interaction: Interaction) -> Json:
    """Return the modal that answers an interaction. Raises `LookupError` if none does."""
    if interaction.response != MODAL or interaction.callback is None:
        raise LookupError(f"{interaction} is not answered with a modal")
    modal: Json = interaction.callback["data"]
    return modal


def _answered(asked: Json) -> Json:
    return {"type": asked["type"], "custom_id": asked["custom_id"]}


def _belong(person: Person, channel: Channel) -> None:
    """Let whoever does something in a guild be its member."""
    if channel.guild:
        channel.guild.members.setdefault(person.id, person)
