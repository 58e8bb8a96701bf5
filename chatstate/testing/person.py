"""`Person`: somebody in a chat with the bot under test, and what people do there.

1. Each verb is one event of this person in this chat, and returns the replies to it.
2. Its time is the client's clock's, which a test moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from chatstate.adapter import PostForm, being_typed
from chatstate.content import Contact, Location, Poll, Sticker
from chatstate.files import Attachment
from chatstate.messages import Chat, Event, Message, MessageKind, MessageRef, Reaction, User
from chatstate.replies import is_command
from chatstate.testing.delivered import Delivered

if TYPE_CHECKING:
    from chatstate.testing.client import TestClient


class Person:
    """Somebody in a chat, as made by `TestClient.user`. `form` is what they are shown to fill in.

    That is what their last command or press was answered with, on a platform with `modals`.
    """

    def __init__(
        self, client: TestClient, user: User, chat: Chat, thread: str | None = None
    ) -> None:
        self._client = client
        self.user = user
        self.chat = chat
        self.thread = thread
        self.form: PostForm | None = None
        self._began: Event | None = None

    async def say(
        self,
        text: str,
        *,
        kind: MessageKind = "message",
        event_id: str | None = None,
        files: Sequence[Attachment] = (),
        mentions: Sequence[User] = (),
        reply_to: Delivered | None = None,
        raw: dict[str, Any] | None = None,
        location: Location | None = None,
        contact: Contact | None = None,
        poll: Poll | None = None,
        addressed: bool = True,
        sticker: Sticker | None = None,
        raise_errors: bool | None = None,
    ) -> list[Delivered]:
        """Send a message and return the replies to it, once its turn and they are done.

        A given `event_id` that was used before makes it a redelivery. `files` are what
        `client.platform.upload` returned, `mentions` who is named in the text, in its order
        (`bob.user`); `raw` is what a platform would tell of it. With `addressed=False` it is said
        in a group to nobody in particular. Raises as `TestClient.deliver`
        does.
        """
        __tracebackhide__ = True
        event = self.event(text, kind=kind, event_id=event_id)
        answered = MessageRef(reply_to.id, reply_to.text) if reply_to else None
        message = replace(
            event.message,
            attachments=tuple(files),
            mentions=tuple(mentions),
            reply_to=answered,
            quote=(reply_to.text or None) if reply_to else None,
            raw=raw,
            location=location,
            contact=contact,
            poll=poll,
            addressed=addressed,
            sticker=sticker,
        )
        event = replace(event, message=message)
        return await self._deliver(event, raise_errors=raise_errors)

    async def _deliver(self, event: Event, *, raise_errors: bool | None) -> list[Delivered]:
        """Deliver a message or a press; if it begins what is asked at once, show that instead."""
        __tracebackhide__ = True
        begins = event.message.kind == "press" or is_command(event.message.text)
        if begins and self._client.platform.capabilities.modals:
            self.form, self._began = await self._client.form(event), event
            if self.form:
                return []
        return await self._client.deliver(event, raise_errors=raise_errors)

    async def submit(
        self, answers: Mapping[str, str], *, raise_errors: bool | None = None
    ) -> list[Delivered]:
        """Submit the `form` that is shown, with answers by its labels; return the replies.

        What is there already need not be given. Raises `LookupError` if no form is shown, or its
        labels are others, or one has no answer; and as `say` does.
        """
        __tracebackhide__ = True
        return await self._client.deliver(self.submitted(answers), raise_errors=raise_errors)

    def submitted(self, answers: Mapping[str, str]) -> Event:
        """Return what the platform would deliver if this person did so. Raises `LookupError`."""
        if self.form is None or self._began is None:
            raise LookupError(f"{self.user.id} is shown no form")
        filled = {field.label: field.answer for field in self.form.fields} | dict(answers)
        if len(filled) > len(self.form.fields) or not all(filled.values()):
            raise LookupError(f"{dict(answers)} cannot be submitted to {self.form}")
        identity = self._client.new_event_id()
        message = replace(self._began.message, answers=filled)
        return replace(self._began, id=identity, origin=identity, message=message)

    async def press(
        self, label: str, *, on: Delivered | None = None, raise_errors: bool | None = None
    ) -> list[Delivered]:
        """Press the button `label` of the newest message in the chat that has one, or of `on`.

        Raises `LookupError` if nothing there has such a button that does something, and as `say`
        does.
        """
        __tracebackhide__ = True
        shown = [on] if on else self._client.platform.shown(self.chat.id)
        for message in reversed(shown):
            for button in (button for row in message.buttons for button in row):
                if button.label == label and not (button.disabled or button.url):
                    data = button.data
                    return await self.press_data(data, on=message, raise_errors=raise_errors)
        raise LookupError(f"no message in {self.chat.id} has a button {label!r}")

    async def select(
        self, *labels: str, on: Delivered | None = None, raise_errors: bool | None = None
    ) -> list[Delivered]:
        """Choose options of the newest message in the chat that has a select, or of `on`.

        Raises `LookupError` if nothing there has such options, and as `say` does.
        """
        __tracebackhide__ = True
        shown = [on] if on else self._client.platform.shown(self.chat.id)
        for message in reversed(shown):
            data = {o.label: o.data for o in message.select.options} if message.select else {}
            if message.select and data.keys() >= set(labels):
                chosen = tuple(data[label] for label in labels)
                press = self._press(message.select.data, message, chosen)
                return await self._client.deliver(press, raise_errors=raise_errors)
        raise LookupError(f"no message in {self.chat.id} has a select of {', '.join(labels)}")

    async def choose(
        self,
        label: str,
        *,
        shared: str | Location | Contact = "",
        raise_errors: bool | None = None,
    ) -> list[Delivered]:
        """Tap a suggestion of the newest message in the chat that has it.

        What it asks to share is sent as `shared`, or in words if it is a text. Raises as `select`
        does.
        """
        __tracebackhide__ = True
        for message in reversed(self._client.platform.shown(self.chat.id)):
            for suggestion in message.suggestions:
                if suggestion.label == label:
                    given = shared if suggestion.share else label
                    return await self._share(given, raise_errors=raise_errors)
        raise LookupError(f"no message in {self.chat.id} suggests {label!r}")

    async def _share(
        self, given: str | Location | Contact, *, raise_errors: bool | None
    ) -> list[Delivered]:
        __tracebackhide__ = True
        if isinstance(given, str):
            return await self.say(given, raise_errors=raise_errors)
        name = "location" if isinstance(given, Location) else "contact"
        held: dict[str, Any] = {name: given}
        return await self.say(given.words, **held, raise_errors=raise_errors)

    async def press_data(
        self, data: str, *, on: Delivered | None = None, raise_errors: bool | None = None
    ) -> list[Delivered]:
        """Press a button that carries `data`, which may be made up."""
        __tracebackhide__ = True
        return await self._deliver(self._press(data, on), raise_errors=raise_errors)

    def _press(
        self, data: str, on: Delivered | None, selected: tuple[str, ...] | None = None
    ) -> Event:
        event = self.event(data, kind="press")
        pressed = MessageRef(on.edits or on.id, on.text) if on else None
        return replace(event, message=replace(event.message, pressed=pressed, selected=selected))

    async def react(
        self, emoji: str | None, to: Delivered, *, raise_errors: bool | None = None
    ) -> list[Delivered]:
        """React to a message of the bot's, or with None take the reaction away; return the replies.

        An emoji takes the place of the person's one before. Raises as `say` does.
        """
        __tracebackhide__ = True
        message = to.edits or to.id
        before = self._client.reacted.get((self.user.id, message), "")
        if before == (emoji or ""):
            return []  # of which no platform tells
        self._client.reacted[self.user.id, message] = emoji or ""
        added, removed = (emoji,) if emoji else (), (before,) if before else ()
        changed = Reaction(added, removed, MessageRef(message, to.text))
        event = self.event("", kind="reaction")
        event = replace(event, message=replace(event.message, id=message, reaction=changed))
        return await self._client.deliver(event, raise_errors=raise_errors)

    async def does(
        self,
        update: str,
        raw: dict[str, Any] | None = None,
        *,
        event_id: str | None = None,
        raise_errors: bool | None = None,
    ) -> list[Delivered]:
        """Do what a platform tells of by its own name, "telegram:poll_answer"; return the replies.

        `raw` is what it tells. Raises as `say` does.
        """
        __tracebackhide__ = True
        event = self.event("", kind="other", event_id=event_id)
        event = replace(event, message=replace(event.message, update=update, raw=raw))
        return await self._client.deliver(event, raise_errors=raise_errors)

    async def ask(
        self,
        update: str,
        text: str = "",
        raw: dict[str, Any] | None = None,
        *,
        raise_errors: bool | None = None,
    ) -> list[Delivered] | None:
        """Ask for what is answered at once, as by "telegram:inline_query"; return the answers.

        None if something newer that was asked meanwhile takes its place. Raises as `say` does.
        """
        __tracebackhide__ = True
        event = self.event(text, kind="other")
        event = replace(event, message=replace(event.message, update=update, raw=raw))
        return await self._client.ask(event, raise_errors=raise_errors)

    async def complete(self, line: str, *, raise_errors: bool | None = None) -> list[str] | None:
        """Begin to type a command, "/weather Be", and return what is offered for its end.

        None if something newer that was asked meanwhile takes its place. Raises `LookupError` if
        nothing is offered for what stands there, and as `say` does.
        """
        __tracebackhide__ = True
        typing = being_typed(line, self._client.bot.commands)
        if typing is None or not typing.option.completes:
            raise LookupError(f"nothing is offered for the end of {line!r}")
        event = self.event(f"/{typing.command.name}", kind="complete")
        message = replace(event.message, arguments=typing.arguments)
        return await self._client.complete(
            replace(event, message=message), raise_errors=raise_errors
        )

    def event(
        self, text: str, *, kind: MessageKind = "message", event_id: str | None = None
    ) -> Event:
        """Return what the platform would deliver if this person said `text`."""
        identity = event_id or self._client.new_event_id()
        message = Message(
            text,
            self.user,
            self.chat,
            kind,
            self.thread,
            id=identity,
            time=datetime.fromtimestamp(self._client.clock.time(), UTC),
        )
        return Event(identity, message, origin=identity)
