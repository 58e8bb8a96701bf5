"""What people do: they write, press, edit, send files, come and go. Each tells the bot of it."""

from __future__ import annotations

from collections.abc import Sequence

from servers.telegram_model import PNG, Chat, FileKind, Json, Message, Person, Upload
from servers.telegram_text import found_in
from servers.telegram_world import Draft, Press, World, without

_DEFAULTS: dict[FileKind, Upload] = {
    "photo": Upload("photo.png", "image/png", PNG),
    "document": Upload("notes.txt", "text/plain", b"some notes"),
    "audio": Upload("song.mp3", "audio/mpeg", b"a song"),
    "voice": Upload("voice.oga", "audio/ogg", b"a voice"),
    "video": Upload("video.mp4", "video/mp4", b"a video"),
    "animation": Upload("animation.mp4", "video/mp4", b"an animation"),
    "video_note": Upload("note.mp4", "video/mp4", b"a video note"),
    "sticker": Upload("sticker.webp", "image/webp", b"a sticker"),
}
_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)
_GONE = {"private": "kicked", "group": "kicked", "supergroup": "kicked", "channel": "left"}


class People(World):
    """The people's side of the server."""

    def person(
        self,
        id: int,
        name: str,
        username: str | None = None,
        language: str | None = None,
        *,
        is_bot: bool = False,
    ) -> Person:
        """Return a new user."""
        self.people[id] = Person(id, name, username, language, is_bot)
        return self.people[id]

    def private_chat(self, person: Person) -> Chat:
        """Return the person's chat with the bot, which has the person's id."""
        if person.id not in self.chats:
            chat = Chat(person.id, "private", person.name, person.username)
            self.add_chat(chat, [person, self.bot])
        return self.chats[person.id]

    def group(self, id: int, title: str, *people: Person) -> Chat:
        """Return a new basic group; its id is negative."""
        return self._group(Chat(id, "group", title), people)

    def supergroup(
        self,
        id: int,
        title: str,
        *people: Person,
        username: str | None = None,
        is_forum: bool = False,
    ) -> Chat:
        """Return a new supergroup; its id begins with -100."""
        return self._group(Chat(id, "supergroup", title, username, is_forum), people)

    def channel(self, id: int, title: str, username: str | None = None) -> Chat:
        """Return a new channel with the bot as a member; its id begins with -100."""
        return self._group(Chat(id, "channel", title, username), ())

    def topic(self, chat: Chat, name: str) -> int:
        """Open a topic in a forum, or in a private chat, and return its thread id."""
        created = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        message = self.post(chat, None, created)
        in_topic = {"message_thread_id": message.id, "is_topic_message": True}
        message.raw = message.raw | in_topic
        chat.topics[message.id] = message
        return message.id

    def say(
        self,
        person: Person,
        chat: Chat,
        text: str,
        *,
        thread: int | None = None,
        reply_to: Message | None = None,
        entities: Sequence[Json] | None = None,
    ) -> Message:
        """Write a text. Commands, mentions, links and hashtags in it are found, unless given."""
        shown = list(found_in(text) if entities is None else entities)
        content: Json = {"text": text, "entities": shown} if shown else {"text": text}
        return self.tell(person, chat, content, thread=thread, reply_to=reply_to)

    def send(
        self,
        person: Person,
        chat: Chat,
        kind: FileKind,
        data: bytes | None = None,
        *,
        name: str | None = None,
        media_type: str | None = None,
        caption: str = "",
        thread: int | None = None,
        reply_to: Message | None = None,
        album: str | None = None,
    ) -> Message:
        """Send a file."""
        usual = _DEFAULTS[kind]
        sent = usual.data if data is None else data
        upload = Upload(name or usual.name, media_type or usual.media_type, sent)
        content = self.media(kind, self.store(kind, upload))
        if album:
            content["media_group_id"] = album
        if caption:
            content["caption"] = caption
            if shown := found_in(caption):
                content["caption_entities"] = shown
        return self.tell(person, chat, content, thread=thread, reply_to=reply_to, files=(upload,))

    def album(
        self,
        person: Person,
        chat: Chat,
        items: Sequence[tuple[FileKind, bytes | None]],
        *,
        caption: str = "",
        thread: int | None = None,
    ) -> list[Message]:
        """Send several files as one album: a message and an update each, the caption first."""
        group = str(13_000_000_000_000_000 + next(self.numbers))
        return [
            self.send(person, chat, kind, data, caption=words, thread=thread, album=group)
            for (kind, data), words in zip(items, [caption, *[""] * len(items)], strict=False)
        ]

    def contact(self, person: Person, chat: Chat, phone: str, name: str) -> Message:
        """Send somebody's phone number."""
        return self.tell(person, chat, {"contact": {"phone_number": phone, "first_name": name}})

    def location(self, person: Person, chat: Chat, latitude: float, longitude: float) -> Message:
        """Send a place."""
        place = {"latitude": latitude, "longitude": longitude}
        return self.tell(person, chat, {"location": place})

    def edit(self, message: Message, text: str) -> Message:
        """Change a person's own message: its text, or its file's caption."""
        is_text = "text" in message.raw
        key, styles = ("text", "entities") if is_text else ("caption", "caption_entities")
        changed = {**without(message.raw, styles), key: text, "edit_date": self.now()}
        if shown := found_in(text):
            changed[styles] = shown
        self.change(message, changed)
        kind = "edited_channel_post" if message.chat.type == "channel" else "edited_message"
        self.updates.push({kind: message.raw})
        return message

    def react(
        self, person: Person, message: Message, *emoji: str, anonymously: bool = False
    ) -> None:
        """React to a message, in place of one's reactions before; or as the chat itself."""
        old = message.reactions.pop(person.id, [])
        new: list[Json] = [{"type": "emoji", "emoji": chosen} for chosen in emoji if chosen]
        message.reactions[person.id] = new
        changed: Json = {
            "chat": message.chat.raw,
            "message_id": message.id,
            "date": self.now(),
            "old_reaction": old,
            "new_reaction": new,
        }
        who = {"actor_chat": message.chat.raw} if anonymously else {"user": person.raw}
        self.updates.push({"message_reaction": changed | who})

    def stop_draft(self, draft: Draft) -> None:
        """Press what ends a draft. Raises `LookupError` where there is no such button."""
        if not draft.can_stop:
            raise LookupError(f"nothing ends {draft}")
        stopped: Json = {"chat": self.chats[draft.chat].raw, "draft_id": draft.id}
        if draft.thread is not None:
            stopped["message_thread_id"] = draft.thread
        self.updates.push({"stopped_message_generation": stopped})

    def press(self, person: Person, message: Message, button: str) -> Press:
        """Press a button below a message, named by its label or its data."""
        for label, data in message.buttons:
            if data is not None and button in (label, data):
                return self.forge(person, message, data)
        raise LookupError(f"{message.text!r} has no button {button!r} but {message.buttons}")

    def tap(self, person: Person, message: Message, label: str) -> Message:
        """Tap a quick answer that came with a message; in a group that answers the message."""
        for suggestion in message.suggestions:
            if suggestion["text"] == label and "request_contact" in suggestion:
                return self.contact(person, message.chat, "+49301234", person.name)
            if suggestion["text"] == label and "request_location" in suggestion:
                return self.location(person, message.chat, 52.5, 13.4)
            if suggestion["text"] == label:
                answered = None if message.chat.type == "private" else message
                return self.say(
                    person, message.chat, label, thread=message.thread, reply_to=answered
                )
        raise LookupError(f"{message.text!r} suggests {message.suggestions}, not {label!r}")

    def forge(self, person: Person, message: Message, data: str) -> Press:
        """Press what is no button, as a hacked client can; also below a deleted message."""
        shown = message.raw
        if message.deleted:
            shown = {"chat": message.chat.raw, "message_id": message.id, "date": 0}
        query: Json = {
            "id": str(4_000_000_000_000_000_000 + next(self.numbers)),
            "from": person.raw,
            "message": shown,
            "chat_instance": str(-9_000_000_000_000_000_000 + message.chat.id),
            "data": data,
        }
        self.open_presses.add(query["id"])
        return Press(query["id"], self.updates.push({"callback_query": query}))

    def answer_to(self, press: Press) -> str | None:
        """Return what the bot answered to a press: "" if no text, None if nothing yet."""
        return next((answer.text for answer in self.answers if answer.query == press.id), None)

    def join(self, person: Person, chat: Chat) -> Message:
        """Come into a group."""
        chat.members[person.id] = person
        self._tell_status("chat_member", chat, person, "left", "member")
        return self.tell(person, chat, {"new_chat_members": [person.raw]})

    def promote(self, person: Person, chat: Chat) -> None:
        """Make somebody an admin of a group."""
        chat.admins.add(person.id)

    def leave(self, person: Person, chat: Chat) -> Message:
        """Go out of a group."""
        chat.members.pop(person.id, None)
        self._tell_status("chat_member", chat, person, "member", "left")
        return self.tell(person, chat, {"left_chat_member": person.raw})

    def block(self, person: Person) -> None:
        """Block the bot in the private chat."""
        self.close(self.private_chat(person), person)

    def unblock(self, person: Person) -> None:
        """Start the bot again."""
        self.open(self.private_chat(person), person)

    def close(self, chat: Chat, by: Person) -> None:
        """Put the bot out of a chat."""
        chat.closed = True
        self._tell_status("my_chat_member", chat, by, "member", _GONE[chat.type])

    def open(self, chat: Chat, by: Person) -> None:
        """Let the bot in again."""
        chat.closed = False
        self._tell_status("my_chat_member", chat, by, _GONE[chat.type], "member")

    def migrate(self, group: Chat, id: int | None = None, *, quietly: bool = False) -> Chat:
        """Turn a group into a supergroup. `quietly`: the bot learns of it when it sends."""
        new_id = id or int(f"-100{abs(group.id)}")
        chat = self.supergroup(new_id, group.title, *group.members.values())
        group.migrated_to = chat
        old = self.post(group, None, {"migrate_to_chat_id": chat.id})
        new = self.post(chat, None, {"migrate_from_chat_id": group.id})
        if not quietly:
            self.updates.push({"message": old.raw})
            self.updates.push({"message": new.raw})
        return chat

    def push_raw(self, update: Json) -> Json:
        """Queue an update as it is, under the next id if it has none."""
        return self.updates.push(update)

    def redeliver(self, update: Json) -> None:
        """Deliver an update once more under its id, also one that was confirmed."""
        self.updates.push_again(update)

    def _group(self, chat: Chat, people: Sequence[Person]) -> Chat:
        return self.add_chat(chat, [*people, self.bot])

    def tell(
        self,
        person: Person,
        chat: Chat,
        content: Json,
        *,
        thread: int | None = None,
        reply_to: Message | None = None,
        files: tuple[Upload, ...] = (),
    ) -> Message:
        """Post a person's message of any content, and queue the update with it."""
        chat.members.setdefault(person.id, person)
        message = self.post(chat, person, content, thread=thread, reply_to=reply_to, files=files)
        kind = "channel_post" if chat.type == "channel" else "message"
        self.updates.push({kind: message.raw})
        return message

    def _tell_status(self, kind: str, chat: Chat, person: Person, before: str, after: str) -> None:
        who = self.bot if kind == "my_chat_member" else person
        self.updates.push(
            {
                kind: {
                    "chat": chat.raw,
                    "from": person.raw,
                    "date": self.now(),
                    "old_chat_member": member(who, before),
                    "new_chat_member": member(who, after),
                }
            }
        )


def member(person: Person, status: str) -> Json:
    """Return how somebody belongs to a chat."""
    shown: Json = {"status": status, "user": person.raw}
    if status == "administrator":
        return shown | dict.fromkeys(_RIGHTS, False)
    return shown | {"until_date": 0} if status == "kicked" else shown
