"""The methods of the Bot API, by name. What they send is in `telegram_sending`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from servers.telegram_model import ApiError, Json
from servers.telegram_people import member
from servers.telegram_queries import (
    answer_inline_query,
    answer_pre_checkout_query,
    answer_shipping_query,
    refund_star_payment,
)
from servers.telegram_sending import (
    Method,
    chat_named,
    delete_message,
    edit_message_caption,
    edit_message_media,
    edit_message_reply_markup,
    edit_message_text,
    pin_chat_message,
    send_chat_action,
    send_file,
    send_invoice,
    send_media_group,
    send_message,
    send_message_draft,
    send_poll,
    send_rich_message,
    send_shared,
    send_venue,
    set_message_reaction,
)
from servers.telegram_updates import check_secret
from servers.telegram_world import Answer, World, command_key

DOWNLOAD_LIMIT = 20_000_000
_ANSWER_LIMIT = 200
_COMMANDS_LIMIT = 100
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_DESCRIPTION_LIMIT = 256


def get_me(world: World, _: Json) -> Json:
    return world.bot.raw | {
        "can_join_groups": True,
        "can_read_all_group_messages": not world.has_privacy_mode,
        "supports_guest_queries": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
        "has_topics_enabled": any(chat.topics for chat in world.chats.values() if chat.id > 0),
    }


async def get_updates(world: World, params: Json) -> list[Json]:
    world.updates.allow(params.get("allowed_updates"))
    asked = (params.get(key, default) for key, default in _POLL.items())
    return await world.updates.get(*asked)


_POLL = {"offset": 0, "limit": 100, "timeout": 0}


def set_webhook(world: World, params: Json) -> bool:
    if params["url"] and not re.match(r"https?://[^/]", params["url"]):
        raise ApiError(400, "Bad Request: invalid webhook URL specified")
    check_secret(params.get("secret_token"))
    world.updates.allow(params.get("allowed_updates"))
    if params.get("drop_pending_updates"):
        world.updates.drop()
    world.updates.set_webhook(params)
    return True


def delete_webhook(world: World, params: Json) -> bool:
    return set_webhook(world, {**params, "url": ""})


def get_webhook_info(world: World, _: Json) -> Json:
    webhook = world.updates.webhook
    kept = ("max_connections", "allowed_updates", "last_error_date", "last_error_message")
    return {
        "url": webhook.get("url", ""),
        "has_custom_certificate": "certificate" in webhook,
        "pending_update_count": len(world.updates.pending),
        **{key: webhook[key] for key in kept if key in webhook},
    }


def answer_callback_query(world: World, params: Json) -> bool:
    query, text = params["callback_query_id"], params.get("text", "")
    if query not in world.open_presses:
        raise ApiError(
            400,
            "Bad Request: query is too old and response timeout expired or query ID is invalid",
        )
    if len(text) > _ANSWER_LIMIT:
        raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
    world.open_presses.remove(query)
    world.answers.append(Answer(query, text, params.get("show_alert", False)))
    return True


def get_file(world: World, params: Json) -> Json:
    file = world.files.get(params["file_id"])
    if file is None:
        raise ApiError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
    size = len(file.upload.data)
    if size > DOWNLOAD_LIMIT:
        raise ApiError(400, "Bad Request: file is too big")
    return {
        "file_id": file.id,
        "file_unique_id": file.unique_id,
        "file_size": size,
        "file_path": file.path,
    }


def set_my_commands(world: World, params: Json) -> bool:
    commands = params["commands"]
    if len(commands) > _COMMANDS_LIMIT:
        raise ApiError(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not _COMMAND.fullmatch(command["command"]):
            raise ApiError(400, "Bad Request: BOT_COMMAND_INVALID")
        if not 1 <= len(command["description"]) <= _DESCRIPTION_LIMIT:
            raise ApiError(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    world.command_lists[command_key(params)] = commands
    return True


def get_my_commands(world: World, params: Json) -> list[Json]:
    return world.command_lists.get(command_key(params), [])


def delete_my_commands(world: World, params: Json) -> bool:
    world.command_lists.pop(command_key(params), None)
    return True


def get_chat(world: World, params: Json) -> Json:
    kinds = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
    gifts = dict.fromkeys((*kinds, "gifts_from_channels"), True)
    return chat_named(world, params["chat_id"]).raw | {
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": gifts,
    }


def get_chat_member(world: World, params: Json) -> Json:
    chat = chat_named(world, params["chat_id"])
    person = world.people.get(params["user_id"])
    if person is None:
        raise ApiError(400, "Bad Request: user not found")
    is_there = person.id in chat.members and not (chat.closed and person is world.bot)
    status = "administrator" if person.id in chat.admins else "member"
    return member(person, status if is_there else "left")


def ban_chat_member(world: World, params: Json) -> bool:
    chat = chat_named(world, params["chat_id"])
    if world.bot.id not in chat.admins:
        raise ApiError(400, "Bad Request: not enough rights to restrict/unrestrict chat member")
    chat.members.pop(params["user_id"], None)
    return True


def create_invoice_link(world: World, _: Json) -> str:
    return f"https://t.me/$invoice{next(world.numbers)}"


METHODS: Mapping[str, Method] = {
    "answerCallbackQuery": answer_callback_query,
    "answerInlineQuery": answer_inline_query,
    "answerPreCheckoutQuery": answer_pre_checkout_query,
    "answerShippingQuery": answer_shipping_query,
    "banChatMember": ban_chat_member,
    "createInvoiceLink": create_invoice_link,
    "deleteMessage": delete_message,
    "deleteMyCommands": delete_my_commands,
    "deleteWebhook": delete_webhook,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "editMessageText": edit_message_text,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getFile": get_file,
    "getMe": get_me,
    "getMyCommands": get_my_commands,
    "getUpdates": get_updates,
    "getWebhookInfo": get_webhook_info,
    "pinChatMessage": pin_chat_message,
    "refundStarPayment": refund_star_payment,
    "sendAnimation": send_file("animation"),
    "sendAudio": send_file("audio"),
    "sendChatAction": send_chat_action,
    "sendContact": send_shared("contact"),
    "sendDocument": send_file("document"),
    "sendLocation": send_shared("location"),
    "sendInvoice": send_invoice,
    "sendMediaGroup": send_media_group,
    "sendMessage": send_message,
    "sendMessageDraft": send_message_draft,
    "sendPhoto": send_file("photo"),
    "sendPoll": send_poll,
    "sendRichMessage": send_rich_message,
    "sendVenue": send_venue,
    "sendSticker": send_file("sticker"),
    "sendVideo": send_file("video"),
    "sendVideoNote": send_file("video_note"),
    "sendVoice": send_file("voice"),
    "setMessageReaction": set_message_reaction,
    "setMyCommands": set_my_commands,
    "setWebhook": set_webhook,
}


def unsupported(params: Json) -> list[str]:
    """Return what a request asks for that this server does not do, and that would show."""
    wanted: list[Any] = [params, params.get("media"), *_listed(params.get("media"))]
    asked = {key for item in wanted if isinstance(item, dict) for key in item}
    return [f"this server knows no {key}" for key in sorted(asked & _UNSUPPORTED)]


def _listed(media: Any) -> list[Any]:
    return media if isinstance(media, list) else []


_UNSUPPORTED = {"parse_mode", "inline_message_id", "business_connection_id"}
