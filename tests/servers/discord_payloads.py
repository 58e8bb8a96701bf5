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


def channel(one: Channel) -> Json:
    if one.type == DM:
        recipients = [user(one.recipient)] if one.recipient else []
        return {"id": one.id, "type": DM, "flags": 0, "recipients": recipients} | _last(one)
    shared = {"id": one.id, "type": one.type, "name": one.name, "flags": 0} | _last(one)
    if one.guild:
        shared["guild_id"] = one.guild.id
    return shared | (_thread(one) if one.is_thread else _guild_channel(one))


def _last(one: Channel) -> Json:
    return {"last_message_id": one.messages[-1].id if one.messages else None}


def _thread(one: Channel) -> Json:
    assert one.parent
    assert one.owner
    return {
        "parent_id": one.parent.id,
        "owner_id": one.owner.id,
        "message_count": len(one.messages),
        "total_message_sent": len(one.messages),
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


def _guild_channel(one: Channel) -> Json:
    denied = sum(PERMISSIONS[name] for name in one.denied)
    overwrite = {"id": one.guild.id if one.guild else "0", "type": 0, "allow": "0"}
    return {
        "position": 0,
        "parent_id": None,
        "topic": None,
        "nsfw": False,
        "permission_overwrites": [overwrite | {"deny": str(denied)}] if denied else [],
    } | ({"available_tags": []} if one.type == FORUM else {})


def guild(one: Guild, members: list[Person]) -> Json:
    """Return what GUILD_CREATE tells of a guild, with the members that the session may see."""
    everyone = {
        "id": one.id,
        "name": "@everyone",
        "permissions": str(EVERYTHING),
        "position": 0,
        "color": 0,
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }
    admin = {"id": one.admin_role, "name": "Admin", "permissions": "8", "position": 1}
    bot = next(who.id for who in one.members.values() if who.is_bot)
    bots = {"id": one.bot_role, "name": "Bot", "managed": True, "tags": {"bot_id": bot}}
    return {
        "id": one.id,
        "name": one.name,
        "owner_id": next((who.id for who in one.members.values() if not who.is_bot), "1"),
        "unavailable": False,
        "large": False,
        "member_count": len(one.members),
        "joined_at": LONG_AGO,
        "preferred_locale": "en-US",
        "system_channel_id": one.lobby.id if one.lobby else None,
        "roles": [everyone, everyone | admin, everyone | bots],
        "channels": [channel(place) for place in one.channels if not place.is_thread],
        "threads": [channel(place) for place in one.channels if place.is_thread],
        "members": [member(person) for person in members],
        **dict.fromkeys(("emojis", "stickers", "features", "presences", "voice_states"), ()),
    }


def attachment(world: World, one: Attachment, place: Channel, cdn: str) -> Json:
    """Return an attachment; its address says until when it is valid."""
    until = int(world.now() + world.limits.attachment)
    address = f"{cdn}/attachments/{place.id}/{one.id}/{one.name}?ex={until:x}"
    return {
        "id": one.id,
        "filename": one.name,
        "size": len(one.content),
        "url": address,
        "proxy_url": address,
        "content_type": one.media_type,
        "flags": 0,
    } | ({"description": one.description} if one.description else {})


def message(world: World, one: Message, cdn: str, *, bare: bool = False) -> Json:
    """Return a message as REST does; `bare`: without what needs the intent MESSAGE_CONTENT."""
    mentions = [user(world.people[who]) for who in one.mentions]
    files = [attachment(world, file, one.channel, cdn) for file in one.attachments]
    return (
        {
            "id": one.id,
            "channel_id": one.channel.id,
            "type": one.type,
            "author": user(one.author),
            "content": "" if bare else one.content,
            "attachments": [] if bare else files,
            "embeds": [] if bare else one.embeds,
            "components": [] if bare else numbered(one.layout),
            "timestamp": stamp(one.time),
            "edited_timestamp": None if one.edited is None else stamp(one.edited),
            "mentions": mentions,
            "mention_roles": re.findall(r"<@&(\d+)>", one.content),
            "mention_everyone": one.mentions_everyone,
            "flags": one.flags,
            "pinned": False,
            "tts": False,
        }
        | ({} if one.nonce is None else {"nonce": one.nonce})
        | _reference(world, one, cdn)
        | _origin(one)
    )


def numbered(components: list[Json]) -> list[Json]:
    """Return components with the ids that Discord gives to those without, in their order."""
    for number, one in enumerate(nested(components), 1):
        one.setdefault("id", number)
    return components


def _reference(world: World, one: Message, cdn: str) -> Json:
    if one.reference is None:
        return {}
    known: Json = {"type": 0, "message_id": one.reference, "channel_id": one.channel.id}
    if one.channel.guild:
        known["guild_id"] = one.channel.guild.id
    target = world.messages.get(one.reference)
    shown = target and not target.deleted
    # A message told with its answer comes without the one that it answers itself.
    told = message(world, target, cdn) if target and shown else None
    if told:
        told.pop("referenced_message", None)
    return {"message_reference": known, "referenced_message": told}


def _origin(one: Message) -> Json:
    if one.interaction is None:
        return {}
    names = {2: {"name": one.interaction.data.get("name")}, 3: {}}[one.interaction.type]
    pressed = one.interaction.message
    return {
        "application_id": one.author.id,
        "webhook_id": one.author.id,
        "interaction_metadata": {
            "id": one.interaction.id,
            "type": one.interaction.type,
            "user": user(one.interaction.person),
            "authorizing_integration_owners": _owners(one.channel),
            **names,
            **({"interacted_message_id": pressed.id} if pressed else {}),
        },
    }


def _owners(place: Channel) -> Json:
    return {"0": place.guild.id if place.guild else "0"}


def gateway_message(world: World, one: Message, cdn: str, *, bare: bool) -> Json:
    """Return a message as the gateway tells it: with the guild and the author's member."""
    told = message(world, one, cdn, bare=bare)
    place = one.channel.guild
    if place is None:
        return told | {"channel_type": one.channel.type}
    told["mentions"] = [
        user(world.people[who]) | {"member": member(world.people[who], named=False)}
        for who in one.mentions
    ]
    known = {"guild_id": place.id, "channel_type": one.channel.type}
    if one.interaction is None:
        known["member"] = member(one.author, named=False)
    return told | known


def interaction(world: World, one: Interaction, cdn: str) -> Json:
    """Return what INTERACTION_CREATE tells; a message pressed comes whole."""
    place = one.channel.guild
    allowed = EVERYTHING - sum(PERMISSIONS[name] for name in one.channel.denied)
    told: Json = {
        "id": one.id,
        "application_id": world.bot.id,
        "type": one.type,
        "token": one.token,
        "version": 1,
        "data": one.data,
        "channel_id": one.channel.id,
        "channel": channel(one.channel),
        "app_permissions": str(allowed),
        "attachment_size_limit": UPLOAD_LIMIT,
        "authorizing_integration_owners": _owners(one.channel),
        "context": 0 if place else 1,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "locale": "en-US",
    }
    if one.message:
        told["message"] = message(world, one.message, cdn)
    if place is None:
        return told | {"user": user(one.person)}
    return told | {
        "guild_id": place.id,
        "guild": {"id": place.id, "locale": "en-US", "features": []},
        "guild_locale": "en-US",
        "member": member(one.person) | {"permissions": str(EVERYTHING)},
    }
