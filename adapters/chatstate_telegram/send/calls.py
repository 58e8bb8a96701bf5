"""The calls of the Bot API that show a part: send, edit, delete, react.

1. Each is one request, and returns when Telegram has accepted it. What it raises, `errors` reads.
2. What Telegram cannot read or fetch is sent again in another way: see `files`.
3. An album, a voice note, a video note or a sticker that replaces a message is sent anew, and then
   the message is deleted.
4. A reaction that a chat has not, or to a message that is gone, does no harm: it is told of.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any, cast

from msgspec.structs import replace
from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMedia,
    KeyboardButton,
    LinkPreviewOptions,
    Message,
    MessageEntity,
    ReactionTypeEmoji,
    ReplyKeyboardMarkup,
    ReplyParameters,
)
from telegram.constants import ChatMemberStatus

from chatstate import Rejected
from chatstate.adapter import Action, Part
from chatstate_telegram.client import Refusal
from chatstate_telegram.send.errors import says
from chatstate_telegram.send.extras import extras
from chatstate_telegram.send.files import MEDIA, UPLOAD_SECONDS, opened_file, shown_instead

log = logging.getLogger("chatstate.telegram")

_GENERAL = "1"  # the topic of what is in no topic: to name it is refused
_NEW_ALONE = {"voice", "video_note", "sticker"}
"""What no message can become by an edit."""
_NO_MEMBER = ("user not found", "participant_id_invalid", "member not found")
_NO_REACTION = ("react", "message_id_invalid")
_NO_TEXT = ("there is no text in the message to edit",)


async def send(bot: Bot, action: Action) -> str:
    """Send a part, and return the id of its message: of an album, the first one's."""
    try:
        return await _send(bot, action)
    except Exception as error:  # what is none of these is raised again
        instead = shown_instead(action.part, error)
        if instead is None:
            raise
    return await _send(bot, replace(action, part=instead))


async def edit(bot: Bot, action: Action) -> str:
    """Let a message show a part instead. An album or a voice note takes its place anew."""
    if len(action.part.files) > 1 or _NEW_ALONE.intersection(action.part.content.get("media", ())):
        sent = await send(bot, action)
        with suppress(Refusal):  # the album is there, and the old message may be gone
            await delete(bot, action)
        return sent
    where: dict[str, Any] = {"chat_id": action.chat, "message_id": message_of(action)}
    if action.part.keeps:
        await bot.edit_message_reply_markup(reply_markup=_keyboard(action.part), **where)
    elif action.part.files:
        await _edit_media(bot, action, where)
    else:
        await _edit_text(bot, action, where)
    return str(action.message)


async def delete(bot: Bot, action: Action) -> None:
    """Remove a message."""
    await bot.delete_message(action.chat, message_of(action))


async def react(bot: Bot, action: Action) -> None:
    """Set the bot's reaction to a message."""
    emoji = str(action.part.content["reaction"])
    message = message_of(action)
    try:
        await bot.set_message_reaction(
            action.chat, message, [ReactionTypeEmoji(emoji)] if emoji else []
        )
    except Refusal as error:
        if not says(error, *_NO_REACTION):
            raise
        log.info("message %s takes no %r of the bot's: %s", message, emoji, error.description)


async def typing(bot: Bot, action: Action) -> None:
    """Show that an answer is being written."""
    await bot.send_chat_action(action.chat, "typing", message_thread_id=thread_of(action))


async def is_admin(bot: Bot, chat: str, person: int) -> bool:
    """Tell whether somebody is an admin of a group or a channel; a stranger is none."""
    try:
        member = await bot.get_chat_member(chat, person)
    except Refusal as error:
        if says(error, *_NO_MEMBER):
            return False
        raise
    return member.status in (ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR)


async def _send(bot: Bot, action: Action) -> str:
    part, where = action.part, where_of(action)
    if "shared" in part.content:
        return await _send_shared(bot, part, where)
    if not part.files:
        sent = await bot.send_message(
            text=part.content["text"],
            entities=entities_of(part),
            link_preview_options=_picture(part),
            reply_markup=_keyboard(part) or _suggestions(part),
            api_kwargs=extras("sendMessage", part),
            **where,
        )
        return str(sent.message_id)
    with ExitStack() as opened:
        if len(part.files) > 1:
            return await _send_album(bot, part, where, opened)
        return await _send_file(bot, part, where, opened)


async def _send_shared(bot: Bot, part: Part, where: dict[str, Any]) -> str:
    """Send a place, a contact, a poll or a sticker."""
    kind: str = part.content["shared"]
    calls = {
        "location": bot.send_location,
        "venue": bot.send_venue,
        "contact": bot.send_contact,
        "poll": bot.send_poll,
        "sticker": bot.send_sticker,
    }
    call: Any = calls[kind]
    added = extras(f"send{kind.capitalize()}", part)
    sent: Message = await call(**part.content["arguments"], api_kwargs=added, **where)
    return str(sent.message_id)


async def _send_album(bot: Bot, part: Part, where: dict[str, Any], opened: ExitStack) -> str:
    media = [
        MEDIA[kind](opened_file(file, opened, attach=True), filename=file.name)
        for kind, file in zip(part.content["media"], part.files, strict=True)
    ]
    sent = await bot.send_media_group(
        media=cast("Any", media),  # the library's union cannot be told of a list that is mixed
        caption=part.content["text"] or None,
        caption_entities=entities_of(part),
        read_timeout=UPLOAD_SECONDS,
        api_kwargs=extras("sendMediaGroup", part),
        **where,
    )
    return str(sent[0].message_id)


async def _send_file(bot: Bot, part: Part, where: dict[str, Any], opened: ExitStack) -> str:
    kind: str = part.content["media"][0]
    calls = {
        "photo": bot.send_photo,
        "video": bot.send_video,
        "audio": bot.send_audio,
        "voice": bot.send_voice,
        "document": bot.send_document,
        "animation": bot.send_animation,
        "video_note": bot.send_video_note,
        "sticker": bot.send_sticker,
    }
    call: Any = calls[kind]
    caption: dict[str, Any] = {}
    if part.content["text"]:
        caption = {"caption": part.content["text"], "caption_entities": entities_of(part)}
    method = "send" + "".join(word.capitalize() for word in kind.split("_"))
    sent: Message = await call(
        **{kind: opened_file(part.files[0], opened)},
        **caption,
        reply_markup=_keyboard(part) or _suggestions(part),
        read_timeout=UPLOAD_SECONDS,
        api_kwargs=extras(method, part),
        **where,
    )
    return str(sent.message_id)


async def _edit_text(bot: Bot, action: Action, where: dict[str, Any]) -> None:
    part = action.part
    keyboard = _keyboard(part)
    try:
        await bot.edit_message_text(
            part.content["text"],
            entities=entities_of(part),
            link_preview_options=_picture(part),
            reply_markup=keyboard,
            api_kwargs=extras("editMessageText", part),
            **where,
        )
    except Exception as error:  # what is none of these is raised again
        if not says(error, *_NO_TEXT):
            raise
        await bot.edit_message_caption(
            caption=part.content["text"],
            caption_entities=entities_of(part),
            reply_markup=keyboard,
            api_kwargs=extras("editMessageCaption", part),
            **where,
        )


async def _edit_media(bot: Bot, action: Action, where: dict[str, Any]) -> None:
    part = action.part
    with ExitStack() as opened:
        file = part.files[0]
        media: InputMedia = MEDIA[part.content["media"][0]](
            opened_file(file, opened, attach=True),
            filename=file.name,
            caption=part.content["text"] or None,
            caption_entities=entities_of(part),
        )
        await bot.edit_message_media(
            media,
            reply_markup=_keyboard(part),
            read_timeout=UPLOAD_SECONDS,
            api_kwargs=extras("editMessageMedia", part),
            **where,
        )


def where_of(action: Action) -> dict[str, Any]:
    """Return where a message goes: its chat, its topic, what it answers."""
    where: dict[str, Any] = {
        "chat_id": action.chat,
        "disable_notification": bool(action.part.content.get("silent")),
    }
    thread = thread_of(action)
    if thread is not None:
        where["message_thread_id"] = thread
    reply_to = action.part.content.get("reply_to")
    if reply_to is not None and str(reply_to).isdecimal():
        where["reply_parameters"] = ReplyParameters(int(reply_to), allow_sending_without_reply=True)
    return where


def message_of(action: Action) -> int:
    """Return the number of the message to change; the answer to a press has none."""
    if action.message is None or not action.message.isdecimal():
        raise Rejected(f"{action.message!r} is no message that can be edited or deleted")
    return int(action.message)


def thread_of(action: Action) -> int | None:
    """Return the topic to name, if there is one."""
    return int(action.thread) if action.thread not in (None, _GENERAL) else None


def entities_of(part: Part) -> list[MessageEntity] | None:
    """Return the entities of a text, if it has any."""
    found: Sequence[dict[str, Any]] = part.content.get("entities", ())
    return [MessageEntity(**entity) for entity in found] or None


def _keyboard(part: Part) -> InlineKeyboardMarkup | None:
    rows: Sequence[Sequence[dict[str, Any]]] = part.content.get("buttons", ())
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(**button) for button in row] for row in rows]
    )


def _suggestions(part: Part) -> ReplyKeyboardMarkup | None:
    """Return quick answers; in a group they are for whom the message answers."""
    rows: Sequence[Sequence[dict[str, Any]]] = part.content.get("suggestions", ())
    if not rows:
        return None
    return ReplyKeyboardMarkup(
        [[KeyboardButton(**button) for button in row] for row in rows],
        resize_keyboard=True,
        one_time_keyboard=True,
        selective="reply_to" in part.content,
    )


def _picture(part: Part) -> LinkPreviewOptions | None:
    address = part.content.get("picture")
    if address is None:
        return None
    return LinkPreviewOptions(url=address, prefer_large_media=True, show_above_text=True)
