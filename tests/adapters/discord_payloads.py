"""What Discord's gateway told a real bot, as JSON; ids, names and tokens were replaced.

The shapes are those of Discord's documentation: "Message", "Interaction", "Guild Member".
"""

from typing import Any

ME = "900"
ALICE: dict[str, Any] = {
    "id": "42",
    "username": "alice",
    "global_name": "Alice",
    "discriminator": "0",
    "avatar": None,
    "public_flags": 0,
}
BOB: dict[str, Any] = ALICE | {"id": "43", "username": "bob", "global_name": "Bob the Great"}
BOT: dict[str, Any] = ALICE | {"id": ME, "username": "bot", "global_name": None, "bot": True}
MEMBER: dict[str, Any] = {
    "nick": "Al",
    "roles": ["77"],
    "joined_at": "2024-05-01T10:00:00.000000+00:00",
    "deaf": False,
    "mute": False,
    "flags": 0,
}
DIRECT: dict[str, Any] = {
    "type": 0,
    "tts": False,
    "timestamp": "2026-03-04T05:06:07.080000+00:00",
    "pinned": False,
    "nonce": "1479000000000000000",
    "mentions": [],
    "mention_roles": [],
    "mention_everyone": False,
    "id": "1479000000000000001",
    "flags": 0,
    "embeds": [],
    "edited_timestamp": None,
    "content": "hello **you**",
    "components": [],
    "channel_type": 1,
    "channel_id": "500",
    "author": ALICE,
    "attachments": [],
}
IN_GUILD: dict[str, Any] = DIRECT | {
    "channel_type": 0,
    "channel_id": "11",
    "guild_id": "10",
    "member": MEMBER,
    "content": f"<@{ME}>, give <@43> <:gold:123> in <#11>",
    "mentions": [BOT, BOB | {"member": MEMBER | {"nick": None}}],
}
ANSWER: dict[str, Any] = IN_GUILD | {
    "type": 19,
    "content": "yes",
    "mentions": [],
    "message_reference": {"type": 0, "message_id": "77", "channel_id": "11", "guild_id": "10"},
    "referenced_message": DIRECT | {"id": "77", "author": BOT, "content": "Sure, <@42>?"},
}
FILES: dict[str, Any] = DIRECT | {
    "content": "",
    "attachments": [
        {
            "id": "600",
            "filename": "cat.png",
            "size": 1234,
            "url": "https://cdn.discordapp.com/attachments/500/600/cat.png?ex=1&is=2&hm=3",
            "proxy_url": "https://media.discordapp.net/attachments/500/600/cat.png",
            "content_type": "image/png",
            "width": 10,
            "height": 10,
        },
        {"id": "601", "filename": "notes", "size": 5, "url": "https://cdn.example/notes"},
    ],
}
EDITED: dict[str, Any] = DIRECT | {
    "content": "hello all",
    "edited_timestamp": "2026-03-04T05:07:00.000000+00:00",
}
UNFURLED: dict[str, Any] = DIRECT | {"embeds": [{"type": "link", "url": "https://example.org"}]}
JOINED: dict[str, Any] = IN_GUILD | {"type": 7, "content": "", "mentions": []}
STICKER: dict[str, Any] = DIRECT | {"content": "", "sticker_items": [{"id": "1", "name": "wave"}]}
THREAD: dict[str, Any] = {
    "id": "12",
    "type": 11,
    "name": "aside",
    "parent_id": "11",
    "guild_id": "10",
}
SLASH: dict[str, Any] = {
    "version": 1,
    "type": 2,
    "token": "a token",
    "member": MEMBER | {"user": ALICE, "permissions": "0"},
    "locale": "de",
    "id": "1479000000000000002",
    "guild_locale": "en-US",
    "guild_id": "10",
    "entitlements": [],
    "data": {
        "type": 1,
        "id": "800",
        "name": "give",
        "options": [
            {"type": 6, "name": "who", "value": "43"},
            {"type": 4, "name": "amount", "value": 3},
            {"type": 5, "name": "gladly", "value": True},
            {"type": 10, "name": "factor", "value": 1.5},
        ],
        "resolved": {"users": {"43": BOB}, "members": {"43": MEMBER}},
    },
    "context": 0,
    "channel_id": "12",
    "channel": THREAD,
    "attachment_size_limit": 10485760,
    "application_id": ME,
    "app_permissions": "0",
}
PRESS: dict[str, Any] = {
    **{key: value for key, value in SLASH.items() if key not in ("member", "guild_id", "data")},
    "type": 3,
    "id": "1479000000000000003",
    "user": ALICE,
    "channel": {"id": "500", "type": 1, "recipients": [ALICE]},
    "channel_id": "500",
    "message": DIRECT | {"id": "78", "author": BOT, "content": "Choose"},
    "data": {"id": 2, "custom_id": "signed data", "component_type": 2},
}
LEFT: dict[str, Any] = {"guild_id": "10", "user": ALICE}
