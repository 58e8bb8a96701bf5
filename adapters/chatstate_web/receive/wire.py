"""What is posted by a page, and as which event it comes to the bot. Pure functions.

1. Nothing that is posted is trusted: its form is checked, and what is in it is somebody's words.
2. An event has the id that the page gave it, within its person's: posted again, it is known again.
   That is its origin, too: so each reply says what it answers.
3. A thread is a conversation of its own in the person's private chat; "" is the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from chatstate import Attachment, Chat, Event, Message, MessageRef, Reaction, User
from chatstate.adapter import PageMessage
from chatstate_web.receive.cookies import Person
from chatstate_web.send.parts import Body, PageFile

Short = Annotated[str, msgspec.Meta(max_length=200)]
Words = Annotated[str, msgspec.Meta(max_length=100_000)]
Key = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Thread = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{0,32}$")]
Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,16}$")]


_MOST_DIGITS = 16
"""Of a number that somebody names: stores count further, browsers do not exactly."""


def number_of(text: str) -> int | None:
    """Return a number as somebody names it; None for what is none, or is no message's."""
    return int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else None


class Said(msgspec.Struct, frozen=True):
    """What somebody did on the page.

    - "say" a `text`, in answer to `message` if that is given; "press" a button of it, or "select"
      options, by what they carry; "edit" their own message, or "react" to one with `text`.
    - `label` is what was shown of what they pressed. `answers` are those to a form's questions.
    """

    key: Key
    do: Literal["say", "press", "select", "edit", "react"] = "say"
    thread: Thread = ""
    text: Words = ""
    message: Id = ""
    label: Short = ""
    selected: Annotated[tuple[Words, ...], msgspec.Meta(max_length=100)] = ()
    answers: dict[Short, Words] | None = None

    @property
    def is_written(self) -> bool:
        """Whether it is shown as a message of theirs."""
        return self.do not in ("edit", "react")


read = msgspec.json.Decoder(Said).decode


def body_of(said: Said, files: Sequence[PageFile]) -> Body:
    """Return what is shown of what somebody wrote or pressed."""
    words = said.text if said.do == "say" else said.label
    told = [f"{label}: {answer}" for label, answer in (said.answers or {}).items()]
    is_press = said.do != "say"
    return Body(
        by="you",
        text="\n".join([*([words] if words else ()), *told]),
        files=files,
        reply_to="" if is_press else said.message,
        pressed=said.message if is_press else "",
    )


def event_of(
    said: Said,
    person: Person,
    language: str | None,
    written: PageMessage | None,
    on: tuple[PageMessage, Body] | None,
    files: Sequence[PageFile] = (),
) -> Event:
    """Return what was said as an event.

    `written` is its own message, if it has been written; `on` is the message that it names.
    """
    ref = _reference(*on) if on else None
    message = Message(
        said.text,
        User(person.id, person.name, language),
        Chat(person.id),
        thread=said.thread or None,
        id=str(written.id) if written else None,
        time=datetime.fromtimestamp(written.at, UTC) if written else None,
        attachments=tuple(_attachment(file) for file in files),
        answers=said.answers,
        raw=msgspec.json.decode(msgspec.json.encode(said)),
    )
    done = _done(said, message, ref, on[1] if on else None)
    return Event(f"{person.id} {said.key}", done, origin=said.key)


def _done(said: Said, message: Message, ref: MessageRef | None, on: Body | None) -> Message:
    """Return a message as what was done."""
    replace = msgspec.structs.replace
    if said.do == "press":
        return replace(message, kind="press", pressed=ref)
    if said.do == "select":
        return replace(message, kind="press", pressed=ref, selected=said.selected)
    if said.do == "edit":
        return replace(message, kind="edit", id=said.message)
    if said.do == "react" and ref:
        before = on.reactions.get("you", "") if on else ""
        changed = Reaction(_only(said.text, before), _only(before, said.text), ref)
        return replace(message, text="", kind="reaction", id=said.message, reaction=changed)
    return replace(message, reply_to=ref, quote=ref.text if ref and ref.text else None)


def _only(emoji: str, other: str) -> tuple[str, ...]:
    return (emoji,) if emoji and emoji != other else ()


def _reference(message: PageMessage, body: Body) -> MessageRef:
    sender = User(message.chat) if body.by == "you" else None
    return MessageRef(str(message.id), body.text, sender)


def _attachment(file: PageFile) -> Attachment:
    return Attachment(file.key, file.name, file.type, file.size)
