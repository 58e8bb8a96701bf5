"""What Discord tells of by its own names ("Gateway Events" in its documentation, in lower case).

1. What Discord tells within a message, which has neither words nor files, is named by its type:
   `channel_pinned_message`. So is an interaction that is neither a command nor a press.
2. Each event comes with the intents that it needs ("Gateway Intents"), so only what a bot handles
   is asked for. Some are privileged: whoever owns the bot must switch them on.
3. This needs nothing of discord.py: `@bot.on` reads it where a bot is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from chatstate.adapter import Updates

_GUILDS = "guilds"
_MESSAGES = ("guild_messages", "dm_messages")
_REACTIONS = ("guild_reactions", "dm_reactions")
_POLLS = ("guild_polls", "dm_polls")

INTENTS: Mapping[str, tuple[str, ...]] = {
    "application_command_permissions_update": (),
    "auto_moderation_action_execution": ("auto_moderation_execution",),
    **dict.fromkeys(
        (f"auto_moderation_rule_{what}" for what in ("create", "update", "delete")),
        ("auto_moderation_configuration",),
    ),
    **dict.fromkeys((f"channel_{what}" for what in ("create", "update", "delete")), (_GUILDS,)),
    "channel_pins_update": (_GUILDS, "dm_messages"),
    **dict.fromkeys((f"entitlement_{what}" for what in ("create", "update", "delete")), ()),
    "guild_audit_log_entry_create": ("moderation",),
    "guild_ban_add": ("moderation",),
    "guild_ban_remove": ("moderation",),
    "guild_emojis_update": ("expressions",),
    "guild_stickers_update": ("expressions",),
    **dict.fromkeys(
        (f"guild_soundboard_sound_{what}" for what in ("create", "update", "delete")),
        ("expressions",),
    ),
    "guild_integrations_update": ("integrations",),
    "guild_member_update": ("members",),
    **dict.fromkeys((f"guild_role_{what}" for what in ("create", "update", "delete")), (_GUILDS,)),
    **dict.fromkeys(
        (
            f"guild_scheduled_event_{what}"
            for what in ("create", "update", "delete", "user_add", "user_remove")
        ),
        ("guild_scheduled_events",),
    ),
    "guild_update": (_GUILDS,),
    **dict.fromkeys(
        (f"integration_{what}" for what in ("create", "update", "delete")), ("integrations",)
    ),
    "invite_create": ("invites",),
    "invite_delete": ("invites",),
    "message_delete": _MESSAGES,
    "message_delete_bulk": ("guild_messages",),
    "message_poll_vote_add": _POLLS,
    "message_poll_vote_remove": _POLLS,
    "message_reaction_add": _REACTIONS,
    "message_reaction_remove": _REACTIONS,
    "message_reaction_remove_all": _REACTIONS,
    "message_reaction_remove_emoji": _REACTIONS,
    "presence_update": ("presences",),
    **dict.fromkeys(
        (f"stage_instance_{what}" for what in ("create", "update", "delete")), (_GUILDS,)
    ),
    **dict.fromkeys((f"subscription_{what}" for what in ("create", "update", "delete")), ()),
    **dict.fromkeys((f"thread_{what}" for what in ("create", "update", "delete")), (_GUILDS,)),
    "thread_member_update": (_GUILDS,),
    "thread_members_update": (_GUILDS,),
    "typing_start": ("guild_typing", "dm_typing"),
    "user_update": (),
    "voice_channel_effect_send": ("voice_states",),
    "voice_state_update": ("voice_states",),
    "webhooks_update": ("webhooks",),
}
"""The gateway's events, and the intents by discord.py's names that let Discord tell of them."""

REACTIONS = ("message_reaction_add", "message_reaction_remove")
"""Those that `@bot.on_reaction` is told of."""

INTERACTIONS = {
    2: "application_command",
    3: "message_component",
    4: "application_command_autocomplete",
    5: "modal_submit",
}
"""The types of interactions."""

MESSAGES = {
    1: "recipient_add",
    2: "recipient_remove",
    3: "call",
    4: "channel_name_change",
    5: "channel_icon_change",
    6: "channel_pinned_message",
    8: "guild_boost",
    9: "guild_boost_tier_1",
    10: "guild_boost_tier_2",
    11: "guild_boost_tier_3",
    12: "channel_follow_add",
    14: "guild_discovery_disqualified",
    15: "guild_discovery_requalified",
    16: "guild_discovery_grace_period_initial_warning",
    17: "guild_discovery_grace_period_final_warning",
    18: "thread_created",
    21: "thread_starter_message",
    22: "guild_invite_reminder",
    24: "auto_moderation_action",
    25: "role_subscription_purchase",
    26: "interaction_premium_upsell",
    27: "stage_start",
    28: "stage_end",
    29: "stage_speaker",
    31: "stage_topic",
    32: "guild_application_premium_subscription",
    36: "guild_incident_alert_mode_enabled",
    37: "guild_incident_alert_mode_disabled",
    38: "guild_incident_report_raid",
    39: "guild_incident_report_false_alarm",
    44: "purchase_notification",
    46: "poll_result",
}
"""The types of messages that have neither words nor files."""


def handled(updates: AbstractSet[str], kinds: AbstractSet[str]) -> AbstractSet[str]:
    """Return the events that a bot handles: by their names, and by the kind of messages."""
    return {*updates, *(REACTIONS if "reaction" in kinds else ())}


_ADAPTERS = "that is between Discord and the adapter; what is there now is in turn.client"
_NEVER = {
    "modal_submit": "no modal can be opened, since the adapter answers interactions; ask with a "
    "form: several inputs of one function, which are one modal if all are texts",
    **dict.fromkeys(("call", "channel_icon_change"), "it is of groups that no bot can be in"),
    **dict.fromkeys(("ready", "resumed", "guild_create", "guild_delete"), _ADAPTERS),
    **dict.fromkeys(("guild_members_chunk", "voice_server_update", "rate_limited"), _ADAPTERS),
}

UPDATES = Updates(
    named=frozenset((*INTENTS, *MESSAGES.values())) - _NEVER.keys(),
    never=_NEVER,
    portable={
        "message_create": "@bot.on_message",
        "message_update": "@bot.on_edit",
        "guild_member_add": "@bot.on_join",
        "guild_member_remove": "@bot.on_leave",
        "user_join": "@bot.on_join",
        "interaction_create": "@bot.command and @bot.on_message",
        "application_command": "@bot.command",
        "application_command_autocomplete": "Complete(...), of an argument of a command",
        "message_component": "@bot.on_message",
    },
)
