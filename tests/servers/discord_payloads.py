"""How Discord writes things down: the world's objects as JSON, for REST and gateway alike.

The shapes are those of Discord's documentation ("User", "Guild", "Channel", "Message",
"Interaction" objects), with the fields that a client may rely on.
"""

import re
from datetime import UTC, datetime

from servers.discord_world import (
    DM,
    FORUM,
    Attachment,
    Channel,
    Guild,
    Interaction,
    Json,
    Message,
    Person,
    World,
    nested,
)

LONG_AGO = "2020-01-01T00:00:00+00:00"
PERMISSIONS = {
    "ADD_REACTIONS": 1 << 6,
    "VIEW_CHANNEL": 1 << 10,
    "SEND_MESSAGES": 1 << 11,
    "MANAGE_MESSAGES": 1 << 13,
    "EMBED_LINKS": 1 << 14,
    "ATTACH_FILES": 1 << 15,
    "READ_MESSAGE_HISTORY": 1 << 16,
    "MENTION_EVERYONE": 1 << 17,
    "USE_APPLICATION_COMMANDS": 1 << 31,
    "SEND_MESSAGES_IN_THREADS": 1 << 38,
}
EVERYTHING = sum(PERMISSIONS.values())
UPLOAD_LIMIT = 10 * 1024 * 1024
"""Bytes that one file of a bot may have."""


def stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def user(person: Person) -> Json:
    return {
        "id": person.id,
        "username": person.name.lower(),
        "global_name": None if person.is_bot else person.name,
        "discriminator": "0000" if person.is_bot else "0",
        "avatar": None,
        "public_flags": 0,
        "flags": 0,
        "bot": person.is_bot,
        "primary_guild": None,
    }


def me(bot: Person) -> Json:
    """Return the bot as it sees itself."""
    return user(bot) | {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}


def member(person: Person, *, named: bool = True) -> Json:
    """Return a guild's member; in messages it goes without its user, who is the author."""
    return ({"user": user(person)} if named else {}) | {
        "nick": None,
        "avatar": None,
        "banner": None,
        "roles": [],
        "joined_at": LONG_AGO,
        "premium_since": None,
        "communication_disabled_until": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
    }


def channel(place: Channel) -> Json:
    if place.type == DM:
        recipients = [user(place.recipient)] if place.recipient else []
        return {"id": place.id, "type": DM, "flags": 0, "recipients": recipients} | _last(place)
    shared = {"id": place.id, "type": place.type, "name": place.name, "flags": 0} | _last(place)
    if place.guild:
        shared["guild_id"] = place.guild.id
    return shared | (_thread(place) if place.is_thread else _guild_channel(place))


def _last(place: Channel) -> Json:
    return {"last_message_id": place.messages[-1].id if place.messages else None}


def _thread(place: Channel) -> Json:
    assert place.parent
    assert place.owner
    return {
        "parent_id": place.parent.id,
        "owner_id": place.owner.id,
        "message_count": len(place.messages),
        "total_message_sent": len(place.messages),
        "member_count": 1,
        "rate_limit_per_user": 0,
        "thread_metadata": {
            "archived": False,
            "locked": False,
            "auto_archive_duration": 4320,
            "archive_timestamp": LONG_AGO,
            "create_timestamp": LONG_AGO,
        },
    }


def _guild_channel(place: Channel) -> Json:
    denied = sum(PERMISSIONS[name] for name in place.denied)
    overwrite = {"id": place.guild.id if place.guild else "0", "type": 0, "allow": "0"}
    return {
        "position": 0,
        "parent_id": None,
        "topic": None,
        "nsfw": False,
        "permission_overwrites": [overwrite | {"deny": str(denied)}] if denied else [],
    } | ({"available_tags": []} if place.type == FORUM else {})


def guild(home: Guild, members: list[Person]) -> Json:
    """Return what GUILD_CREATE tells of a guild, with the members that the session may see."""
    everyone = {
        "id": home.id,
        "name": "@everyone",
        "permissions": str(EVERYTHING),
        "position": 0,
        "color": 0,
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }
    admin = {"id": home.admin_role, "name": "Admin", "permissions": "8", "position": 1}
    bot = next(who.id for who in home.members.values() if who.is_bot)
    bots = {"id": home.bot_role, "name": "Bot", "managed": True, "tags": {"bot_id": bot}}
    return {
        "id": home.id,
        "name": home.name,
        "owner_id": next((who.id for who in home.members.values() if not who.is_bot), "1"),
        "unavailable": False,
        "large": False,
        "member_count": len(home.members),
        "joined_at": LONG_AGO,
        "preferred_locale": "en-US",
        "system_channel_id": home.lobby.id if home.lobby else None,
        "roles": [everyone, everyone | admin, everyone | bots],
        "channels": [channel(place) for place in home.channels if not place.is_thread],
        "threads": [channel(place) for place in home.channels if place.is_thread],
        "members": [member(person) for person in members],
        **dict.fromkeys(("emojis", "stickers", "features", "presences", "voice_states"), ()),
    }


def attachment(world: World, file: Attachment, place: Channel, cdn: str) -> Json:
    """Return an attachment; its address says until when it is valid."""
    until = int(world.now() + world.limits.attachment)
    address = f"{cdn}/attachments/{place.id}/{file.id}/{file.name}?ex={until:x}"
    return {
        "id": file.id,
        "filename": file.name,
        "size": len(file.content),
        "url": address,
        "proxy_url": address,
        "content_type": file.media_type,
        "flags": 0,
    } | ({"description": file.description} if file.description else {})


def message(world: World, said: Message, cdn: str, *, bare: bool = False) -> Json:
    """Return a message as REST does; `bare`: without what needs the intent MESSAGE_CONTENT."""
    mentions = [user(world.people[who]) for who in said.mentions]
    files = [attachment(world, file, said.channel, cdn) for file in said.attachments]
    return (
        {
            "id": said.id,
            "channel_id": said.channel.id,
            "type": said.type,
            "author": user(said.author),
            "content": "" if bare else said.content,
            "attachments": [] if bare else files,
            "embeds": [] if bare else said.embeds,
            "components": [] if bare else numbered(said.layout),
            "timestamp": stamp(said.time),
            "edited_timestamp": None if said.edited is None else stamp(said.edited),
            "mentions": mentions,
            "mention_roles": re.findall(r"<@&(\d+)>", said.content),
            "mention_everyone": said.mentions_everyone,
            "flags": said.flags,
            "pinned": said.pinned,
            "tts": False,
        }
        | _reactions(world, said)
        | _stickers(world, said)
        | ({} if said.nonce is None else {"nonce": said.nonce})
        | _reference(world, said, cdn)
        | _origin(said)
    )


def emoji(name: str) -> Json:
    """Return an emoji by its name in a path: a guild's own has an id."""
    known, _, number = name.partition(":")
    return {"id": number or None, "name": known}


def _reactions(world: World, said: Message) -> Json:
    told = [
        {"count": len(people), "me": world.bot.id in people, "emoji": emoji(name)}
        for name, people in said.reactions.items()
    ]
    return {"reactions": told} if told else {}


def _stickers(world: World, said: Message) -> Json:
    shown = [{"id": i, "name": world.stickers[i], "format_type": 1} for i in said.stickers]
    return {"sticker_items": shown} if shown else {}


def numbered(components: list[Json]) -> list[Json]:
    """Return components with the ids that Discord gives to those without, in their order."""
    for number, component in enumerate(nested(components), 1):
        component.setdefault("id", number)
    return components


def _reference(world: World, said: Message, cdn: str) -> Json:
    if said.reference is None:
        return {}
    known: Json = {"type": 0, "message_id": said.reference, "channel_id": said.channel.id}
    if said.channel.guild:
        known["guild_id"] = said.channel.guild.id
    target = world.messages.get(said.reference)
    shown = target and not target.deleted
    # A message told with its answer comes without the one that it answers itself.
    told = message(world, target, cdn) if target and shown else None
    if told:
        told.pop("referenced_message", None)
    return {"message_reference": known, "referenced_message": told}


def _origin(said: Message) -> Json:
    if said.interaction is None:
        return {}
    names = {2: {"name": said.interaction.data.get("name")}, 3: {}, 5: {}}[said.interaction.type]
    pressed = said.interaction.message
    return {
        "application_id": said.author.id,
        "webhook_id": said.author.id,
        "interaction_metadata": {
            "id": said.interaction.id,
            "type": said.interaction.type,
            "user": user(said.interaction.person),
            "authorizing_integration_owners": _owners(said.channel),
            **names,
            **({"interacted_message_id": pressed.id} if pressed else {}),
        },
    }


def _owners(place: Channel) -> Json:
    return {"0": place.guild.id if place.guild else "0"}


def gateway_message(world: World, said: Message, cdn: str, *, bare: bool) -> Json:
    """Return a message as the gateway tells it: with the guild and the author's member."""
    told = message(world, said, cdn, bare=bare)
    place = said.channel.guild
    if place is None:
        return told | {"channel_type": said.channel.type}
    told["mentions"] = [
        user(world.people[who]) | {"member": member(world.people[who], named=False)}
        for who in said.mentions
    ]
    known = {"guild_id": place.id, "channel_type": said.channel.type}
    if said.interaction is None:
        known["member"] = member(said.author, named=False)
    return told | known


def reaction(on: Message, who: Person, name: str) -> Json:
    """Return what MESSAGE_REACTION_ADD tells; in a private chat there is no member."""
    told: Json = {
        "user_id": who.id,
        "channel_id": on.channel.id,
        "message_id": on.id,
        "emoji": emoji(name),
        "message_author_id": on.author.id,
        "burst": False,
        "burst_colors": [],
        "type": 0,
    }
    home = on.channel.guild
    return told | ({"guild_id": home.id, "member": member(who)} if home else {})


REACTION_TAKEN = ("user_id", "channel_id", "message_id", "guild_id", "emoji", "burst", "type")
"""What MESSAGE_REACTION_REMOVE tells of that."""


def interaction(world: World, asked: Interaction, cdn: str) -> Json:
    """Return what INTERACTION_CREATE tells; a message pressed comes whole."""
    place = asked.channel.guild
    allowed = EVERYTHING - sum(PERMISSIONS[name] for name in asked.channel.denied)
    told: Json = {
        "id": asked.id,
        "application_id": world.bot.id,
        "type": asked.type,
        "token": asked.token,
        "version": 1,
        "data": asked.data,
        "channel_id": asked.channel.id,
        "channel": channel(asked.channel),
        "app_permissions": str(allowed),
        "attachment_size_limit": UPLOAD_LIMIT,
        "authorizing_integration_owners": _owners(asked.channel),
        "context": 0 if place else 1,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "locale": "en-US",
    }
    if asked.message:
        told["message"] = message(world, asked.message, cdn)
    if place is None:
        return told | {"user": user(asked.person)}
    return told | {
        "guild_id": place.id,
        "guild": {"id": place.id, "locale": "en-US", "features": []},
        "guild_locale": "en-US",
        "member": member(asked.person) | {"permissions": str(EVERYTHING)},
    }
