"""What the bot puts into chats: it sends, edits and deletes messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from servers.telegram_keyboards import check_keyboard, check_suggestions
from servers.telegram_model import ApiError, Chat, FileKind, Json, Message, StoredFile, Upload
from servers.telegram_rich import blocks_of
from servers.telegram_spec import ATTACHED
from servers.telegram_text import CAPTION_LIMIT, TEXT_LIMIT, formatted
from servers.telegram_world import Draft, Typing, World, found, without

Method = Callable[[World, Json], Any]

FILE_LIMIT = 50_000_000
PHOTO_LIMIT = 10_000_000
_ALBUM = (2, 10)
_OPTIONS = (1, 12)
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"BM")
_ACTIONS = frozenset(
    (
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    )
)
_EMOJI = """
❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\u200d🔥 🌚 🌭 💯 🤣 ⚡ 🍌
🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒
💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷\u200d♂ 🤷 🤷\u200d♀ 😡
"""
REACTIONS = frozenset(_EMOJI.split())
"""Those that Telegram has ("ReactionTypeEmoji")."""

_MEDIA = ("photo", "document", "audio", "voice", "video", "animation", "video_note", "sticker")
_CONTENT = (
    "rich_message",
    *("text", "entities", "caption", "caption_entities", "link_preview_options"),
    *_MEDIA,
)
"""What an edit replaces. Not the buttons: an edit that names none takes them away."""


def chat_named(world: World, chat_id: int | str) -> Chat:
    """Return the chat that a request names."""
    chat = world.chats.get(chat_id) if isinstance(chat_id, int) else None
    if isinstance(chat_id, str):
        public = (room for room in world.chats.values() if room.username and room.id < 0)
        chat = next((room for room in public if chat_id == f"@{room.username}"), None)
    if chat is None:
        raise ApiError(400, "Bad Request: chat not found")
    return chat


def open_chat(world: World, params: Json) -> Chat:
    """Return the chat that a request names, if the bot may write there."""
    chat = chat_named(world, params["chat_id"])
    if chat.migrated_to:
        why = "Bad Request: group chat was upgraded to a supergroup chat"
        raise ApiError(400, why, migrate_to_chat_id=chat.migrated_to.id)
    if chat.closed and chat.type == "private":
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    if chat.closed:
        kind = "group" if chat.type == "group" else chat.type
        raise ApiError(403, f"Forbidden: bot was kicked from the {kind} chat")
    return chat


def send_message(world: World, params: Json) -> Json:
    return _post(world, params, _text(params, "text")).raw


def send_file(kind: FileKind) -> Method:
    """Return the method that sends one file of a kind."""

    def send(world: World, params: Json) -> Json:
        file = _file(world, kind, params[kind], params)
        content = {**world.media(kind, file), **_caption(params)}
        return _post(world, params, content, (file.upload,)).raw

    return send


def send_media_group(world: World, params: Json) -> list[Json]:
    media = params["media"]
    if not _ALBUM[0] <= len(media) <= _ALBUM[1]:
        raise ApiError(400, "Bad Request: an album has 2-10 items")
    kinds = {item["type"] for item in media}
    if len(kinds) > 1 and kinds & {"document", "audio"}:
        raise ApiError(400, "Bad Request: documents and audios can't be mixed with other media")
    open_chat(world, params)
    files = [_file(world, item["type"], item["media"], params) for item in media]
    group = {"media_group_id": str(13_000_000_000_000_000 + next(world.numbers))}
    contents = [
        {**world.media(item["type"], file), **_caption(item), **group}
        for item, file in zip(media, files, strict=True)
    ]
    pairs = zip(contents, files, strict=True)
    return [_post(world, params, content, (file.upload,)).raw for content, file in pairs]


def send_poll(world: World, params: Json) -> Json:
    least, most = _OPTIONS
    if not least <= len(params["options"]) <= most:
        raise ApiError(400, "Bad Request: poll must have at least 1 option")
    options = [
        {"persistent_id": str(number), "text": option["text"], "voter_count": 0}
        for number, option in enumerate(params["options"], 1)
    ]
    poll = {
        "id": str(next(world.numbers)),
        "question": params["question"],
        "options": options,
        "total_voter_count": 0,
        "is_closed": params.get("is_closed", False),
        "is_anonymous": params.get("is_anonymous", True),
        "type": params.get("type", "regular"),
        "allows_multiple_answers": params.get("allows_multiple_answers", False),
        "allows_revoting": params.get("allows_revoting", True),
        "members_only": params.get("members_only", False),
    }
    return _post(world, params, {"poll": poll}).raw


def send_shared(kind: str) -> Method:
    """Return the method that sends a place or a contact: its message holds what was given."""

    def send(world: World, params: Json) -> Json:
        return _post(world, params, {kind: _kept_of(params, _SHARED[kind])}).raw

    return send


def send_venue(world: World, params: Json) -> Json:
    place = _kept_of(params, _SHARED["location"])
    venue = {"location": place, "title": params["title"], "address": params["address"]}
    if not (venue["title"] and venue["address"]):
        raise ApiError(400, "Bad Request: VENUE_INVALID")
    return _post(world, params, {"location": place, "venue": venue}).raw


def _kept_of(params: Json, names: Sequence[str]) -> Json:
    return {name: params[name] for name in names if name in params}


_SHARED = {
    "location": ("latitude", "longitude", "horizontal_accuracy", "live_period"),
    "contact": ("phone_number", "first_name", "last_name", "vcard"),
}


def send_invoice(world: World, params: Json) -> Json:
    told = {name: params[name] for name in ("title", "description", "currency")}
    total = sum(price["amount"] for price in params["prices"])
    invoice = {**told, "start_parameter": "", "total_amount": total}
    return _post(world, params, {"invoice": invoice}).raw


def pin_chat_message(world: World, params: Json) -> bool:
    chat = open_chat(world, params)
    world.pinned[chat.id] = found(chat, params["message_id"], "message to pin")
    return True


def set_message_reaction(world: World, params: Json) -> bool:
    chat = open_chat(world, params)
    message = found(chat, params["message_id"], "message to react")
    chosen = params.get("reaction", [])
    if len(chosen) > 1:
        raise ApiError(400, "Bad Request: REACTIONS_TOO_MANY")
    for reaction in chosen:
        if reaction.get("emoji") not in REACTIONS - chat.refused_reactions:
            raise ApiError(400, "Bad Request: REACTION_INVALID")
    message.reactions[world.bot.id] = chosen
    world.changes.tell()
    return True


def send_chat_action(world: World, params: Json) -> bool:
    chat = open_chat(world, params)
    if params["action"] not in _ACTIONS:
        raise ApiError(400, "Bad Request: wrong parameter action in request")
    world.typing.append(Typing(chat.id, _thread(chat, params), params["action"]))
    return True


def send_message_draft(world: World, params: Json) -> bool:
    chat = open_chat(world, params)
    if chat.type != "private":
        raise ApiError(400, "Bad Request: drafts are shown in private chats only")
    if not params["draft_id"]:
        raise ApiError(400, "Bad Request: draft_id must be non-zero")
    text, _ = formatted(params.get("text", ""), params.get("entities", []), TEXT_LIMIT)
    stops = params.get("can_stop", False)
    draft = Draft(chat.id, _thread(chat, params), params["draft_id"], text, stops)
    world.drafts.append(draft)
    world.shown_drafts[draft.chat, draft.thread] = draft
    return True


def send_rich_message(world: World, params: Json) -> Json:
    return _post(world, params, _rich(params)).raw


def _rich(params: Json) -> Json:
    return {"rich_message": {"blocks": blocks_of(params["rich_message"])}}


def edit_message_text(world: World, params: Json) -> Json:
    message = _own(world, params)
    if "rich_message" in params:
        return _show(world, message, params, _rich(params))
    if not message.raw.keys() & {"text", "rich_message"}:
        raise ApiError(400, "Bad Request: there is no text in the message to edit")
    return _show(world, message, params, _text(params, "text"))


def edit_message_caption(world: World, params: Json) -> Json:
    message = _own(world, params)
    if "text" in message.raw:
        raise ApiError(400, "Bad Request: there is no caption in the message to edit")
    return _show(world, message, params, {**_kept(message, _MEDIA), **_caption(params)})


def edit_message_media(world: World, params: Json) -> Json:
    message = _own(world, params)
    kind = params["media"]["type"]
    file = _file(world, kind, params["media"]["media"], params)
    shown = _show(world, message, params, {**world.media(kind, file), **_caption(params["media"])})
    message.files = (file.upload,)
    return shown


def edit_message_reply_markup(world: World, params: Json) -> Json:
    message = _own(world, params)
    return _show(world, message, params, _kept(message, _CONTENT))


def delete_message(world: World, params: Json) -> bool:
    chat = chat_named(world, params["chat_id"])
    message = found(chat, params["message_id"], "message to delete")
    if not message.by_bot and chat.type != "private":
        raise ApiError(400, "Bad Request: message can't be deleted")
    message.deleted = True
    return True


def _post(world: World, params: Json, content: Json, files: tuple[Upload, ...] = ()) -> Message:
    chat = open_chat(world, params)
    thread = _thread(chat, params)
    reply_to = _answered(world, chat, params.get("reply_parameters"))
    markup = params.get("reply_markup")
    content = {**content, **_keyboard(markup)}
    if markup and "keyboard" in markup:
        check_suggestions(chat, markup)
    if "link_preview_options" in params:
        content["link_preview_options"] = params["link_preview_options"]
    message = world.post(chat, world.bot, content, thread=thread, reply_to=reply_to, files=files)
    message.silent = params.get("disable_notification", False)
    message.markup = markup
    return message


def _own(world: World, params: Json) -> Message:
    """Return the bot's own message that a request wants to edit."""
    if params.get("chat_id") is None or params.get("message_id") is None:
        raise ApiError(400, "Bad Request: message identifier is not specified")
    chat = chat_named(world, params["chat_id"])
    message = found(chat, params["message_id"], "message to edit")
    if not message.by_bot or chat.closed or chat.migrated_to:
        raise ApiError(400, "Bad Request: message can't be edited")
    return message


def _kept(message: Message, keys: Sequence[str]) -> Json:
    return {key: message.raw[key] for key in keys if key in message.raw}


def _show(world: World, message: Message, params: Json, content: Json) -> Json:
    """Replace what a message shows, and its buttons."""
    kept = without(message.raw, *_CONTENT, "reply_markup")
    changed = {**kept, **content, **_keyboard(params.get("reply_markup"))}
    if "link_preview_options" in params:
        changed["link_preview_options"] = params["link_preview_options"]
    if changed == message.raw:
        raise ApiError(
            400,
            "Bad Request: message is not modified: specified new message content and reply "
            "markup are exactly the same as a current content and reply markup of the message",
        )
    world.change(message, {**changed, "edit_date": world.now()})
    return message.raw


def _text(params: Json, key: str) -> Json:
    text = params.get(key, "")
    if not text:
        raise ApiError(400, "Bad Request: message text is empty")
    text, entities = formatted(text, params.get("entities", []), TEXT_LIMIT)
    if not text:
        raise ApiError(400, "Bad Request: text must be non-empty")
    return {"text": text, "entities": entities} if entities else {"text": text}


def _caption(params: Json) -> Json:
    entities = params.get("caption_entities", [])
    text, entities = formatted(params.get("caption", ""), entities, CAPTION_LIMIT)
    shown: Json = {"caption": text} if text else {}
    return {**shown, "caption_entities": entities} if entities else shown


def _file(world: World, kind: FileKind, named: str | Upload, params: Json) -> StoredFile:
    """Return a file that was uploaded, that lies in the web, or that the server has already."""
    if isinstance(named, str) and not named.startswith(ATTACHED):
        return _file_there(world, kind, named)
    upload = named if isinstance(named, Upload) else params[named]
    if not upload.data:
        raise ApiError(400, "Bad Request: file must be non-empty")
    if len(upload.data) > (PHOTO_LIMIT if kind == "photo" else FILE_LIMIT):
        raise ApiError(413, "Request Entity Too Large")
    if kind == "photo" and not upload.data.startswith(_PICTURES):
        raise ApiError(400, "Bad Request: IMAGE_PROCESS_FAILED")
    return world.store(kind, upload)


def _file_there(world: World, kind: FileKind, named: str) -> StoredFile:
    if named.startswith(("http://", "https://")):
        upload = world.web.get(named)
        if upload is None:
            raise ApiError(400, "Bad Request: failed to get HTTP URL content")
        if kind == "photo" and not upload.data.startswith(_PICTURES):
            raise ApiError(400, "Bad Request: wrong type of the web page content")
        return world.store(kind, upload)
    known = world.files.get(named)
    if known is None:
        raise ApiError(400, "Bad Request: wrong file identifier/HTTP URL specified")
    was = known.path.partition("s/")[0]
    if was != kind:
        what = f"can't use file of type {was.capitalize()} as {kind.capitalize()}"
        raise ApiError(400, f"Bad Request: {what}")
    return known


def _thread(chat: Chat, params: Json) -> int | None:
    """Return the topic that a request names; only forums and private chats mind it."""
    thread: int | None = params.get("message_thread_id")
    if thread is None or not (chat.is_forum or chat.type == "private"):
        return None
    if thread not in chat.topics:
        raise ApiError(400, "Bad Request: message thread not found")
    return thread


def _answered(world: World, chat: Chat, reply: Json | None) -> Message | None:
    """Return the message that a request answers."""
    if reply is None:
        return None
    where = chat_named(world, reply["chat_id"]) if "chat_id" in reply else chat
    try:
        return found(where, reply["message_id"], "message to be replied")
    except ApiError:
        if reply.get("allow_sending_without_reply"):
            return None
        raise


def _keyboard(markup: Json | None) -> Json:
    """Return the buttons below a message as it shows them."""
    if not markup or "inline_keyboard" not in markup:
        return {}
    rows = [row for row in markup["inline_keyboard"] if row]
    check_keyboard(rows)
    return {"reply_markup": {"inline_keyboard": rows}} if rows else {}
