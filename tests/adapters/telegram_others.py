"""Updates of Telegram's that are neither messages nor presses, and what each is told as."""

from typing import Any

from adapters.telegram_payloads import (
    ALICE,
    CHANNEL,
    DATE,
    GROUP,
    PRIVATE,
    Json,
    alice,
    channel,
    group,
    private,
    said,
    time,
    update,
)
from msgspec.structs import replace

from chatstate import Chat, Event, Message, MessageRef, Reaction, User


def other(
    name: str,
    raw: Json,
    *,
    chat: Chat,
    sender: User,
    origin: str | None = None,
    **more: Any,
) -> Event:
    """Return what an update of another kind is told as."""
    message = Message("", sender, chat, "other", raw=raw, update=f"telegram:{name}")
    return Event("7", replace(message, **more), origin)


NOBODY, NOWHERE = User(""), Chat("")
BY_ALICE = {"from": ALICE}
MEMBER = {"status": "member", "user": ALICE}
MEANT: list[tuple[str, Json, Json]] = [
    (
        "business_connection",
        {"id": "b", "user": ALICE, "user_chat_id": 1001, "date": DATE, "is_enabled": True},
        {"chat": private, "sender": alice, "time": time},
    ),
    (
        "business_message",
        said(PRIVATE, text="hi", business_connection_id="b"),
        {"chat": private, "sender": alice, "time": time, "id": "5"},
    ),
    (
        "deleted_business_messages",
        {"business_connection_id": "b", "chat": PRIVATE, "message_ids": [5]},
        {"chat": private, "sender": NOBODY},
    ),
    (
        "message_reaction",
        {
            "chat": GROUP,
            "message_id": 5,
            "user": ALICE,
            "date": DATE,
            "old_reaction": [],
            "new_reaction": [{"type": "emoji", "emoji": "👍"}],
        },
        {
            "chat": group,
            "sender": alice,
            "time": time,
            "id": "5",
            "kind": "reaction",
            "reaction": Reaction(("👍",), (), MessageRef("5")),
        },
    ),
    (
        "message_reaction_count",
        {"chat": CHANNEL, "message_id": 5, "date": DATE, "reactions": []},
        {"chat": channel, "sender": NOBODY, "time": time, "id": "5"},
    ),
    (
        "inline_query",
        {"id": "9", **BY_ALICE, "query": "tea", "offset": ""},
        {"chat": private, "sender": alice, "origin": "inline_query:9", "text": "tea"},
    ),
    (
        "chosen_inline_result",
        {"result_id": "1", **BY_ALICE, "query": "tea"},
        {"chat": private, "sender": alice, "text": "tea"},
    ),
    (
        "shipping_query",
        {"id": "9", **BY_ALICE, "invoice_payload": "tea", "shipping_address": {}},
        {"chat": private, "sender": alice, "origin": "shipping_query:9"},
    ),
    (
        "pre_checkout_query",
        {"id": "9", **BY_ALICE, "currency": "XTR", "total_amount": 5, "invoice_payload": ""},
        {"chat": private, "sender": alice, "origin": "pre_checkout_query:9"},
    ),
    (
        "purchased_paid_media",
        {**BY_ALICE, "paid_media_payload": "tea"},
        {"chat": private, "sender": alice},
    ),
    (
        "poll",
        {"id": "3", "question": "Tea?", "options": [], "is_closed": True},
        {"chat": NOWHERE, "sender": NOBODY},
    ),
    (
        "poll_answer",
        {"poll_id": "3", "user": ALICE, "option_ids": [0]},
        {"chat": private, "sender": alice},
    ),
    (
        "my_chat_member",
        {"chat": GROUP, **BY_ALICE, "date": DATE, "new_chat_member": MEMBER},
        {"chat": group, "sender": alice, "time": time},
    ),
    (
        "chat_join_request",
        {"chat": GROUP, **BY_ALICE, "user_chat_id": 1001, "date": DATE},
        {"chat": group, "sender": alice, "time": time},
    ),
    (
        "chat_boost",
        {"chat": CHANNEL, "boost": {"source": {"source": "premium", "user": ALICE}}},
        {"chat": channel, "sender": alice},
    ),
    (
        "removed_chat_boost",
        {"chat": CHANNEL, "source": {"source": "giveaway"}},
        {"chat": channel, "sender": NOBODY},
    ),
    (
        "hologram",
        {"depth": 3},
        {"chat": NOWHERE, "sender": NOBODY},
    ),
]
NAMED = {name: (update(raw, name), other(name, raw, **meaning)) for name, raw, meaning in MEANT}
"""Updates that are neither messages nor presses, by their names, and what each is told as."""
REACTED: Json = {
    "chat": GROUP,
    "message_id": 5,
    "actor_chat": GROUP,
    "date": DATE,
    "old_reaction": [{"type": "emoji", "emoji": "👍"}, {"type": "paid"}],
    "new_reaction": [{"type": "custom_emoji", "custom_emoji_id": "53"}, {"type": "paid"}],
}
for name, behind, who in (("nobody", GROUP, NOBODY), ("a channel", CHANNEL, User("-1008", "News"))):
    NAMED[f"message_reaction of {name}"] = (
        update({**REACTED, "actor_chat": behind}, "message_reaction"),
        other(
            "message_reaction",
            {**REACTED, "actor_chat": behind},
            chat=group,
            sender=who,
            time=time,
            id="5",
            kind="reaction",
            reaction=Reaction(("53",), ("👍",), MessageRef("5")),
        ),
    )
NAMED["poll_answer of a channel"] = (
    update({"poll_id": "3", "voter_chat": CHANNEL, "option_ids": [0]}, "poll_answer"),
    other(
        "poll_answer",
        {"poll_id": "3", "voter_chat": CHANNEL, "option_ids": [0]},
        chat=channel,
        sender=User("-1008", "News"),
    ),
)
