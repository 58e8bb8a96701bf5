"""Messages over REST: what Discord takes, what it refuses, and how.

After the pages "Message", "Opcodes and Status Codes" (the codes) and "Components".
"""

import mimetypes
from typing import Any

from servers import discord_payloads as payloads
from servers.discord_faults import Call
from servers.discord_gateway import MESSAGE_CONTENT
from servers.discord_platform import Platform
from servers.discord_world import (
    COMPONENTS_V2,
    DM,
    FORUM,
    LOADING,
    PLAIN,
    REPLY,
    SLASH,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    Attachment,
    Channel,
    Json,
    Message,
    Typing,
    nested,
)

LONGEST_TEXT = 2000
LONGEST_LAYOUT = 4000
LONGEST_EMBEDS = 6000
MOST_COMPONENTS = 40
SENDABLE = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
EDITABLE = SUPPRESS_EMBEDS | COMPONENTS_V2


class ApiError(Exception):
    """A request is refused: an HTTP status, and Discord's own code and words."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.body: Json = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors


def invalid(field: str, code: str, message: str) -> ApiError:
    """Return the refusal of one field of a request."""
    errors = {field: {"_errors": [{"code": code, "message": message}]}}
    return ApiError(400, 50035, "Invalid Form Body", errors)


def body_of(call: Call) -> Json:
    return call.body if isinstance(call.body, dict) else {}


class Messages:
    """The routes under `/channels`, and how a body becomes a message."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.world = platform, platform.world

    def channel(self, call: Call) -> Json:
        """GET /channels/{channel_id}."""
        return payloads.channel(self._channel(call))

    def send(self, call: Call) -> Json:
        """POST /channels/{channel_id}/messages."""
        channel, body = self._channel(call), body_of(call)
        self._may_send(channel, call)
        nonce = None if body.get("nonce") is None else str(body["nonce"])
        if nonce and body.get("enforce_nonce") and (known := self._sent_with(nonce)):
            return self.platform.told(known)
        message = self.compose(channel, call, body, nonce=nonce)
        if nonce:
            self.world.nonces[nonce] = message
        return self.platform.told(self.platform.post(message))

    def history(self, call: Call) -> list[Json]:
        """GET /channels/{channel_id}/messages: newest first, whatever was asked for."""
        channel, query = self._channel(call), call.query
        if channel.denies("READ_MESSAGE_HISTORY"):
            return []
        found, limit = self.world.visible(channel), int(query.get("limit", 50))
        if "after" in query:
            found = [message for message in found if int(message.id) > int(query["after"])][:limit]
        elif "around" in query:
            older = [message for message in found if int(message.id) < int(query["around"])]
            newer = found[len(older) :]
            found = older[max(0, len(older) - limit // 2) :] + newer[: limit - limit // 2]
        elif "before" in query:
            found = [message for message in found if int(message.id) < int(query["before"])]
        return [self._told(message) for message in reversed(found[-limit:])]

    def fetch(self, call: Call) -> Json:
        """GET /channels/{channel_id}/messages/{message_id}."""
        return self._told(self._message(call))

    def change(self, call: Call) -> Json:
        """PATCH /channels/{channel_id}/messages/{message_id}."""
        message = self._message(call)
        if message.author is not self.world.bot:
            raise ApiError(403, 50005, "Cannot edit a message authored by another user")
        self.revise(message, call, body_of(call))
        return self.platform.told(message)

    def remove(self, call: Call) -> None:
        """DELETE /channels/{channel_id}/messages/{message_id}."""
        message = self._message(call)
        if message.author is not self.world.bot:
            if message.channel.type == DM:
                raise ApiError(403, 50003, "Cannot execute action on a DM channel")
            if message.channel.denies("MANAGE_MESSAGES"):
                raise ApiError(403, 50013, "Missing Permissions")
        self.platform.delete(message)

    def pin(self, call: Call) -> None:
        """PUT /channels/{channel_id}/messages/pins/{message_id}."""
        self._message(call).pinned = True

    def react(self, call: Call) -> None:
        """PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me."""
        message, emoji = self._message(call), call.path["emoji_name"]
        if emoji.isascii() and ":" not in emoji:
            raise ApiError(400, 10014, "Unknown Emoji")
        if message.channel.denies("ADD_REACTIONS"):
            raise ApiError(403, 50013, "Missing Permissions")
        self.platform.react(message, self.world.bot, emoji)

    def unreact(self, call: Call) -> None:
        """DELETE /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me."""
        message, emoji = self._message(call), call.path["emoji_name"]
        if self.world.bot.id not in message.reactions.get(emoji, ()):
            raise ApiError(404, 10014, "Unknown Emoji")
        self.platform.unreact(message, self.world.bot, emoji)

    def typing(self, call: Call) -> None:
        """POST /channels/{channel_id}/typing."""
        channel = self._channel(call)
        self._may_send(channel, call)
        self.world.typing.append(Typing(channel, self.world.now()))

    def compose(
        self, channel: Channel, call: Call, body: Json, settable: int = SENDABLE, **fields: Any
    ) -> Message:
        """Return the message of the bot that a body asks for, or refuse it.

        `settable` are the flags that it may have; Discord ignores others.
        """
        reference = self._reference(channel, body)
        mentions, everyone = self._mentions(body, reference)
        message = Message(
            id=self.world.new_id(),
            channel=channel,
            author=self.world.bot,
            content=(body.get("content") or "").strip(),
            time=self.world.now(),
            flags=(body.get("flags") or 0) & settable,
            layout=body.get("components") or [],
            poll=body.get("poll"),
            stickers=self._stickers(channel, body),
            embeds=[{"type": "rich"} | embed for embed in body.get("embeds") or ()],
            attachments=self._uploaded(call, body),
            reference=reference.id if reference else None,
            mentions=mentions,
            mentions_everyone=everyone,
        )
        message.type = REPLY if reference else PLAIN
        for name, value in fields.items():
            setattr(message, name, value)
        check(message)
        return message

    def revise(self, message: Message, call: Call, body: Json) -> None:
        """Change a message as a body asks; the first change of one that loads fills it."""
        changed = Message(message.id, message.channel, message.author, message.content, 0.0)
        changed.flags = message.flags & ~LOADING
        if body.get("flags") is not None:
            changed.flags = changed.flags & ~SUPPRESS_EMBEDS | body["flags"] & EDITABLE
        if "content" in body:
            changed.content = (body["content"] or "").strip()
        kept = {str(file["id"]) for file in body.get("attachments") or ()}
        changed.attachments = [
            file for file in message.attachments if "attachments" not in body or file.id in kept
        ] + self._uploaded(call, body)
        changed.layout = body["components"] or [] if "components" in body else message.layout
        changed.embeds = body["embeds"] or [] if "embeds" in body else message.embeds
        check(changed)
        message.attachments, message.layout = changed.attachments, changed.layout
        message.embeds, message.flags, filled = changed.embeds, changed.flags, message.loading
        self.world.attachments |= {file.id: file for file in changed.attachments}
        if filled:
            message.content = changed.content
        self.platform.edit(message, changed.content if "content" in body and not filled else None)

    def _channel(self, call: Call) -> Channel:
        channel = self.world.channels.get(call.path["channel_id"])
        if channel is None:
            raise ApiError(404, 10003, "Unknown Channel")
        if channel.denies("VIEW_CHANNEL"):
            raise ApiError(403, 50001, "Missing Access")
        return channel

    def _message(self, call: Call) -> Message:
        message = self.world.messages.get(call.path["message_id"])
        if message is None or message not in self.world.visible(self._channel(call)):
            raise ApiError(404, 10008, "Unknown Message")
        return message

    def _may_send(self, channel: Channel, call: Call) -> None:
        if channel.recipient and not channel.recipient.takes_messages:
            raise ApiError(403, 50007, "Cannot send messages to this user")
        if channel.type == FORUM:
            raise ApiError(400, 50008, "Cannot send messages in a non-text channel")
        if channel.denies("SEND_MESSAGES") or (call.files and channel.denies("ATTACH_FILES")):
            raise ApiError(403, 50013, "Missing Permissions")

    def _sent_with(self, nonce: str) -> Message | None:
        known = self.world.nonces.get(nonce)
        recent = known and self.world.now() - known.time < self.world.limits.nonce
        return known if recent else None

    def _told(self, message: Message) -> Json:
        # Over REST it is not the session's intents that count but what the application may have.
        forbidden = bool(self.world.disallowed_intents & MESSAGE_CONTENT)
        return self.platform.told(message, bare=forbidden and self.platform.is_bare(message))

    def _reference(self, channel: Channel, body: Json) -> Message | None:
        asked = body.get("message_reference")
        if not asked:
            return None
        target = self.world.messages.get(str(asked["message_id"]))
        if target in self.world.visible(channel):
            if target.type not in (PLAIN, REPLY, SLASH):
                code = "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE"
                raise invalid("message_reference", code, "Cannot reply to a system message")
            return target
        if asked.get("fail_if_not_exists", True):
            raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return None

    def _mentions(self, body: Json, reference: Message | None) -> tuple[tuple[str, ...], bool]:
        """Return whom a message pings: those it names, as far as it is allowed to."""
        text, allowed = body.get("content") or "", body.get("allowed_mentions")
        named = list(self.world.named(text))
        everyone = "@everyone" in text or "@here" in text
        pings_author = True
        if allowed is not None:
            parse, users = allowed.get("parse") or (), map(str, allowed.get("users") or ())
            chosen = set(users)
            named = [who for who in named if "users" in parse or who in chosen]
            everyone = everyone and "everyone" in parse
            pings_author = bool(allowed.get("replied_user"))
        if reference and pings_author and reference.author.id not in named:
            named.append(reference.author.id)
        return tuple(named), everyone

    def _stickers(self, channel: Channel, body: Json) -> list[str]:
        """Return the stickers of a body: a bot may send those of the guild alone."""
        wanted = [str(number) for number in body.get("sticker_ids") or ()]
        if not all(number in self.world.stickers and channel.guild for number in wanted):
            raise ApiError(400, 50081, "Invalid sticker sent")
        return wanted

    def _uploaded(self, call: Call, body: Json) -> list[Attachment]:
        described = {str(file["id"]): file for file in body.get("attachments") or ()}
        made = []
        for field, (name, media_type, content) in call.files.items():
            about = described.get(field.removeprefix("files[").removesuffix("]"), {})
            if len(content) > payloads.UPLOAD_LIMIT:
                raise ApiError(413, 40005, "Request entity too large")
            shown = about.get("filename") or name
            guessed = mimetypes.guess_type(shown)[0] or media_type
            words = about.get("description")
            made.append(Attachment(self.world.new_id(), shown, guessed, content, words))
        return made


def check(message: Message) -> None:
    """Refuse what Discord's document does not rule out but Discord does."""
    if message.flags & COMPONENTS_V2:
        _check_layout(message)
    elif len(message.content) > LONGEST_TEXT:
        words = f"Must be {LONGEST_TEXT} or fewer in length."
        raise invalid("content", "BASE_TYPE_MAX_LENGTH", words)
    elif not any(
        (
            *(message.content, message.attachments, message.embeds, message.layout),
            *(message.poll, message.stickers),
        )
    ):
        raise ApiError(400, 50006, "Cannot send an empty message")
    _check_embeds(message.embeds)
    ids = [
        component["custom_id"] for component in nested(message.layout) if component.get("custom_id")
    ]
    if len(ids) > len(set(ids)):
        code = "COMPONENT_CUSTOM_ID_DUPLICATED"
        raise invalid("components", code, "Component custom id cannot be duplicated")
    if not message.flags & COMPONENTS_V2 and len(message.layout) > 5:
        raise invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")


def _check_embeds(embeds: list[Json]) -> None:
    """Refuse more than "Embed Limits" allow in all; each text by itself is in the document."""
    size = 0
    for embed in embeds:
        texts = [embed.get("title"), embed.get("description")]
        texts += [(embed.get("footer") or {}).get("text")]
        for shown in embed.get("fields") or ():
            if not (shown["name"].strip() and shown["value"].strip()):
                raise invalid("embeds", "BASE_TYPE_REQUIRED", "This field is required")
            texts += [shown["name"], shown["value"]]
        size += sum(len(text or "") for text in texts)
    if size > LONGEST_EMBEDS:
        words = f"Embed size exceeds maximum size of {LONGEST_EMBEDS}"
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", words)


def _check_layout(message: Message) -> None:
    if message.content or message.embeds:
        code = "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"
        words = "The 'content' field cannot be used when using MessageFlags.IS_COMPONENTS_V2"
        raise invalid("content", code, words)
    parts = list(nested(message.layout))
    if not parts:
        raise ApiError(400, 50006, "Cannot send an empty message")
    if len(parts) > MOST_COMPONENTS:
        words = f"The total number of components must not exceed {MOST_COMPONENTS}."
        raise invalid("components", "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED", words)
    if sum(len(part.get("content") or "") for part in parts) > LONGEST_LAYOUT:
        words = f"The total length of displayable text must not exceed {LONGEST_LAYOUT}."
        code = "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED"
        raise invalid("components", code, words)
