"""What happens on Discord, whoever does it: a change of the world, and the gateway tells of it."""

from collections.abc import Callable
from dataclasses import dataclass

from servers import discord_payloads as payloads
from servers.discord_gateway import (
    DIRECT_MESSAGES,
    DIRECT_REACTIONS,
    GUILD_MESSAGES,
    GUILD_REACTIONS,
    GUILDS,
    MEMBERS,
    MESSAGE_CONTENT,
    Gateway,
)
from servers.discord_sessions import Session
from servers.discord_world import Channel, Guild, Interaction, Json, Message, Person, World


@dataclass
class Platform:
    """The verbs of the world; `cdn` is the address under which attachments are had."""

    world: World
    gateway: Gateway
    cdn: str = ""

    def told(self, message: Message, *, bare: bool = False) -> Json:
        """Return a message as REST tells it."""
        return payloads.message(self.world, message, self.cdn, bare=bare)

    def post(self, message: Message) -> Message:
        """Add a message and tell of it; one only a person sees is told to nobody else."""
        self.world.add(message)
        if not message.ephemeral:
            self._tell("MESSAGE_CREATE", message)
        self.world.changed()
        return message

    def repeat(self, message: Message) -> None:
        """Tell of a message once more, as if it were new."""
        self._tell("MESSAGE_CREATE", message)

    def edit(self, message: Message, content: str | None) -> None:
        """Change a message's text (None: something else of it has changed) and tell of it."""
        if content is not None:
            message.edits.append(message.content)
            message.content = content
        message.edited = self.world.now()
        self.update(message)

    def update(self, message: Message) -> None:
        """Tell of a change that is nobody's edit, too: links unfurled, thinking ended."""
        if not message.ephemeral:
            self._tell("MESSAGE_UPDATE", message)
        self.world.changed()

    def delete(self, message: Message) -> None:
        message.deleted = True
        place = message.channel.guild
        gone = {"id": message.id, "channel_id": message.channel.id}
        gone |= {"guild_id": place.id} if place else {}
        if not message.ephemeral:
            self.gateway.dispatch("MESSAGE_DELETE", place, _intent(message), lambda _: gone)
        self.world.changed()

    def react(self, message: Message, person: Person, emoji: str) -> None:
        people = message.reactions.setdefault(emoji, [])
        if person.id not in people:
            people.append(person.id)
            self._tell_reaction("MESSAGE_REACTION_ADD", message, person, emoji)

    def unreact(self, message: Message, person: Person, emoji: str) -> None:
        message.reactions[emoji].remove(person.id)
        if not message.reactions[emoji]:
            del message.reactions[emoji]
        self._tell_reaction("MESSAGE_REACTION_REMOVE", message, person, emoji)

    def _tell_reaction(self, event: str, message: Message, person: Person, emoji: str) -> None:
        told = payloads.reaction(message, person, emoji)
        if event.endswith("REMOVE"):
            told = {key: value for key, value in told.items() if key in payloads.REACTION_TAKEN}
        home = message.channel.guild
        intent = GUILD_REACTIONS if home else DIRECT_REACTIONS
        self.gateway.dispatch(event, home, intent, lambda _: told)

    def open(self, channel: Channel) -> Channel:
        """Add a channel or thread and tell of it; a private one is told of by its messages."""
        self.world.channel(channel)
        event = "THREAD_CREATE" if channel.is_thread else "CHANNEL_CREATE"
        if channel.guild:
            told = payloads.channel(channel) | (
                {"newly_created": True} if channel.is_thread else {}
            )
            self.gateway.dispatch(event, channel.guild, GUILDS, lambda _: told)
        return channel

    def found(self, guild: Guild) -> Guild:
        """Tell that the bot is in a guild that is new to it."""
        tell: Callable[[Session], Json] = lambda session: self.gateway.seen(guild, session)  # noqa: E731 - it stands for a function of one line
        self.gateway.dispatch("GUILD_CREATE", guild, GUILDS, tell)
        return guild

    def join(self, guild: Guild, person: Person) -> None:
        guild.members[person.id] = person
        told = payloads.member(person) | {"guild_id": guild.id}
        self.gateway.dispatch("GUILD_MEMBER_ADD", guild, MEMBERS, lambda _: told)

    def leave(self, guild: Guild, person: Person) -> None:
        del guild.members[person.id]
        told = {"guild_id": guild.id, "user": payloads.user(person)}
        self.gateway.dispatch("GUILD_MEMBER_REMOVE", guild, MEMBERS, lambda _: told)

    def interact(self, interaction: Interaction) -> Interaction:
        told = payloads.interaction(self.world, interaction, self.cdn)
        place = interaction.channel.guild
        self.gateway.dispatch("INTERACTION_CREATE", place, 0, lambda _: told)
        return interaction

    def is_bare(self, message: Message) -> bool:
        """Tell whether the bot may see this message's content only with the intent for it."""
        bot = self.world.bot
        return bool(
            message.channel.guild and message.author is not bot and bot.id not in message.mentions
        )

    def _tell(self, event: str, message: Message) -> None:
        def tell(session: Session) -> Json:
            bare = not session.intents & MESSAGE_CONTENT and self.is_bare(message)
            return payloads.gateway_message(self.world, message, self.cdn, bare=bare)

        self.gateway.dispatch(event, message.channel.guild, _intent(message), tell)


def _intent(message: Message) -> int:
    return GUILD_MESSAGES if message.channel.guild else DIRECT_MESSAGES
