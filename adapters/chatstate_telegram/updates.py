"""What Telegram tells of by its own names ("Update" and "Message" in the Bot API's documentation).

1. An update is named by its field: `poll_answer`. What Telegram tells within a message, which has
   neither words nor files, is named by the field of the message: `successful_payment`.
2. Only some updates are asked for by each bot; of the others those that it handles.
3. This needs nothing of python-telegram-bot: `@bot.on` reads it where a bot is made.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from chatstate.adapter import Updates

STOPPED = "stopped_message_generation"
"""What tells that somebody has stopped an answer: the adapter itself ends it."""
MESSAGES = ("message", "channel_post")
EDITS = ("edited_message", "edited_channel_post")

ON_REQUEST = (
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "guest_message",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "managed_bot",
)
"""Those that are asked for if the bot has a handler of that name."""

WITHIN_MESSAGES = (
    "story",
    "paid_media",
    "chat_owner_left",
    "chat_owner_changed",
    "new_chat_title",
    "new_chat_photo",
    "delete_chat_photo",
    "group_chat_created",
    "message_auto_delete_timer_changed",
    "pinned_message",
    "successful_payment",
    "refunded_payment",
    "users_shared",
    "chat_shared",
    "gift",
    "unique_gift",
    "gift_upgrade_sent",
    "connected_website",
    "write_access_allowed",
    "passport_data",
    "proximity_alert_triggered",
    "boost_added",
    "chat_background_set",
    "checklist_tasks_done",
    "checklist_tasks_added",
    "direct_message_price_changed",
    "forum_topic_created",
    "forum_topic_edited",
    "forum_topic_closed",
    "forum_topic_reopened",
    "general_forum_topic_hidden",
    "general_forum_topic_unhidden",
    "giveaway_created",
    "giveaway",
    "giveaway_winners",
    "giveaway_completed",
    "managed_bot_created",
    "paid_message_price_changed",
    "poll_option_added",
    "poll_option_deleted",
    "suggested_post_approved",
    "suggested_post_approval_failed",
    "suggested_post_declined",
    "suggested_post_paid",
    "suggested_post_refunded",
    "video_chat_scheduled",
    "video_chat_started",
    "video_chat_ended",
    "video_chat_participants_invited",
)
"""What a message holds that has neither words nor files."""


WORDS_OR_FILES = (
    *("text", "rich_message", "photo", "video", "video_note", "animation", "audio", "voice"),
    *("document", "live_photo", "sticker", "dice", "location", "venue", "contact"),
    *("checklist", "game", "invoice", "web_app_data"),
)
"""What a message holds that has words or files; a poll is also an update."""


def asked_for(handled: AbstractSet[str], kinds: AbstractSet[str]) -> list[str]:
    """Return the updates to ask Telegram for: those of a bot's handlers, by name and by kind."""
    always = ["message", "edited_message", "channel_post", "edited_channel_post", "callback_query"]
    always.append(STOPPED)
    wanted = {*handled, *(["message_reaction"] if "reaction" in kinds else [])}
    return [*always, *(name for name in ON_REQUEST if name in wanted)]


UPDATES = Updates(
    named=frozenset((*ON_REQUEST, *WITHIN_MESSAGES)),
    portable={
        **dict.fromkeys(MESSAGES, "@bot.on_message"),
        **dict.fromkeys(EDITS, "@bot.on_edit"),
        "callback_query": "@bot.on_message",
        "new_chat_members": "@bot.on_join",
        "left_chat_member": "@bot.on_leave",
        **dict.fromkeys(WORDS_OR_FILES, "@bot.on_message"),
    },
    never={
        **dict.fromkeys(
            ("supergroup_chat_created", "channel_chat_created"),
            'no bot is there when it happens; that it comes there is "telegram:my_chat_member"',
        ),
        **dict.fromkeys(
            ("migrate_to_chat_id", "migrate_from_chat_id"),
            "a group that becomes another takes with it all that is known of it",
        ),
        STOPPED: 'an answer that somebody stops ends, as overlap="interrupt" ends one',
    },
    quick=frozenset({"inline_query"}),
)
