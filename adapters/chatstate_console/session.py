"""One run of the console: who speaks and where, and what was said so far.

1. Ids are of this run alone: nothing of another run is taken for a duplicate.
2. The newest 200 messages are remembered, for what refers to them; of those with buttons the
   newest 20 are kept for the next run.
3. What a line asks for and is not there is a `Misread`, whose text says what is.
"""

from __future__ import annotations

import contextlib
import uuid
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from chatstate import Attachment, Event, Message, MessageRef, Reaction, User
from chatstate.adapter import Post, PostButton, PostOption, PostSelect, Typing
from chatstate.markup import joined, written
from chatstate_console.receive.choosing import Misread, data_of, several
from chatstate_console.receive.downloads import attachment
from chatstate_console.receive.groups import Groups, heard
from chatstate_console.receive.lines import Do, Place, Say, mentions, path_and_text, place, wanted

_REMEMBERED = 200
_SAVED = 20
_TEXT_SAVED = 40


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message of this run. `by` is who said it, "" being the bot.

    `number` counts a place's messages that had buttons.
    """

    id: str
    place: Place
    text: str
    by: str = ""
    buttons: Sequence[PostButton] = ()
    number: int = 0
    select: PostSelect | None = None

    @property
    def choices(self) -> Sequence[PostButton | PostOption]:
        """What can be pressed, in the order of its numbers."""
        return [*self.buttons, *(self.select.options if self.select else ())]

    @property
    def ref(self) -> MessageRef:
        """The message, as an event names it."""
        return MessageRef(self.id, self.text, User(self.by, self.by) if self.by else None)


class Session:
    """Turns what was typed into events, and remembers the newest messages for what refers to them.

    `names` and `places` are those one has been; `bot` is the bot's name, once it runs. Raises
    `ValueError` if nobody speaks, or nowhere.
    """

    def __init__(self, user: str, chat: str, groups: Groups = "addressed") -> None:
        if not user or not chat:
            raise ValueError("user and chat must not be empty")
        self.user = user
        self.bot = ""
        self._groups: Groups = groups
        self.place = place(chat)
        self.names = dict.fromkeys([user])
        self.places = dict.fromkeys([self.place.title])
        self._run = uuid.uuid4().hex  # ids of this run are none of another's
        self._ids = 0
        self._numbers: Counter[Place] = Counter()
        self._said: deque[Said] = deque(maxlen=_REMEMBERED)
        self._reactions: dict[tuple[str, str], str] = {}
        self._does: Mapping[str, Callable[[str], Event | None]] = {
            "as": self._become,
            "in": self._go,
            "press": self._press,
            "reply": self._reply,
            "react": self._react,
            "edit": self._edit,
            "send": self._send,
            "join": lambda _: self._event(replace(self._message(""), kind="join")),
            "leave": lambda _: self._event(replace(self._message(""), kind="leave")),
        }

    def event(self, meaning: Say | Do) -> Event | None:
        """Return the event that a line makes, if it makes one; `:as` and `:in` are done here.

        Raises `Misread`.
        """
        if isinstance(meaning, Say):
            return self._say(meaning.text)
        does = self._does.get(meaning.word)
        return does(meaning.argument) if does else None

    def typing(self, typing: Typing) -> Event:
        """Return the event that asks how a line goes on."""
        message = self._message(f"/{typing.command.name}")
        return self._event(replace(message, kind="complete", arguments=typing.arguments))

    # What the bot says

    def sent(self, where: Place, post: Post) -> Said:
        """Note a message of the bot's."""
        return self._note(self._new_id(), where, post)

    def edited(self, identity: str, where: Place, post: Post) -> tuple[Said | None, Said]:
        """Note what a message of the bot's says now; return it as it was, if known, and as it is.

        It counts as the newest from now on, since it is printed below all others.
        """
        before = self.deleted(identity)
        return before, self._note(identity, where, post, before.number if before else 0)

    def deleted(self, identity: str) -> Said | None:
        """Forget a message; return it, if it is known."""
        found = self.find(identity)
        if found:
            self._said.remove(found)
        return found

    def find(self, identity: str | None) -> Said | None:
        """Return a message of this run by its id, if it is remembered."""
        return next((said for said in self._said if said.id == identity), None)

    def with_buttons(self, number: int = 0) -> Said | None:
        """Return this place's message `number` that has buttons, or the newest for 0."""
        for said in reversed(self._said):
            if said.place == self.place and said.choices and number in (0, said.number):
                return said
        return None

    # What a later run goes on with

    def saved(self) -> str:
        """Return the newest messages with buttons, which can be pressed after a restart, too."""
        newest = [said for said in self._said if said.choices][-_SAVED:]
        brief = [replace(said, text=said.text[:_TEXT_SAVED]) for said in newest]
        return msgspec.json.encode(brief).decode()

    def restore(self, saved: str) -> None:
        """Remember what was `saved`; what is not of this form is none."""
        with contextlib.suppress(msgspec.DecodeError):
            for said in reversed(msgspec.json.decode(saved, type=list[Said])):
                self._said.appendleft(said)
                self._numbers[said.place] = max(self._numbers[said.place], said.number)

    def _note(self, identity: str, where: Place, post: Post, number: int = 0) -> Said:
        buttons = [button for row in post.buttons for button in row]
        if (buttons or post.select) and not number:
            self._numbers[where] += 1
            number = self._numbers[where]
        shown = joined([post.text, written(post.card)], "\n") if post.card else post.text
        said = Said(identity, where, shown.text, "", buttons, number, post.select)
        self._said.append(said)
        return said

    def go_on(self, user: str, where: Place) -> None:
        """Let somebody speak who spoke before, where that was."""
        self._become(user)
        self.place = where
        self.places[where.title] = None

    # What people do

    def _become(self, name: str) -> None:
        self.user = name
        self.names[name] = None

    def _go(self, name: str) -> None:
        try:
            self.place = place(name)
        except ValueError as error:
            raise Misread(str(error)) from error
        self.places[self.place.title] = None

    def _say(
        self, text: str, *, reply_to: MessageRef | None = None, files: Sequence[Attachment] = ()
    ) -> Event:
        answers = reply_to is not None
        addressed = self._is_addressed(text, answers=answers)
        text = self._heard(text, answers=answers)
        identity = self._new_id()
        self._said.append(Said(identity, self.place, text, self.user))
        message = self._message(text)
        message = replace(
            message,
            id=identity,
            reply_to=reply_to,
            quote=(reply_to.text or None) if reply_to else None,
            attachments=tuple(files),
            addressed=addressed,
        )
        return Event(identity, message, origin=identity)

    def _heard(self, text: str, *, answers: bool = False) -> str:
        """Return what is said to the bot. Raises `Misread` if in a group that is for others."""
        if self.place.as_chat.kind == "private":
            return text
        to_bot = heard(text, self.bot, self._groups, answers=answers)
        if to_bot is None:
            raise Misread(
                f"not heard: in a group the bot hears commands, :reply, and what names @{self.bot}"
                "; --groups all lets it hear everything"
            )
        return to_bot

    def _is_addressed(self, text: str, *, answers: bool) -> bool:
        """Tell whether it would be heard by a bot that does not hear all."""
        if self.place.as_chat.kind == "private":
            return True
        return heard(text, self.bot, "addressed", answers=answers) is not None

    def _reply(self, text: str) -> Event:
        return self._say(text, reply_to=self._last("", "the bot has said nothing here").ref)

    def _react(self, emoji: str) -> Event:
        said = self._last("", "the bot has said nothing here")
        now, before = emoji.strip("-"), self._reactions.get((self.user, said.id), "")
        if now == before:
            raise Misread(f"{self.user} has {'reacted so already' if now else 'not reacted to it'}")
        self._reactions[self.user, said.id] = now
        added, removed = (now,) if now else (), (before,) if before else ()
        message = replace(self._message(""), kind="reaction", id=said.id)
        return self._event(replace(message, reaction=Reaction(added, removed, said.ref)))

    def _edit(self, text: str) -> Event:
        before = self._last(self.user, f"{self.user} has said nothing here")
        text = self._heard(text)
        self._said[self._said.index(before)] = replace(before, text=text)
        message = self._message(text)
        return self._event(replace(message, kind="edit", id=before.id))

    def _press(self, argument: str) -> Event:
        said, pressed = self._pressed(argument)
        text, selected = data_of(said.select, pressed)
        message = self._message(text)
        return self._event(replace(message, kind="press", pressed=said.ref, selected=selected))

    def _pressed(self, argument: str) -> tuple[Said, list[PostButton | PostOption]]:
        numbers = several(argument)
        if not numbers:
            said, choice = self._button(argument)
            return said, [choice]
        found = [self._button(number) for number in numbers]
        return found[0][0], [choice for _, choice in found]

    def _button(self, argument: str) -> tuple[Said, PostButton | PostOption]:
        which = wanted(argument)
        newest = self.with_buttons()
        labelled = newest and _labelled(newest, which.label)
        if newest and labelled and (which.message or not which.number):  # a label may be 1.5
            return newest, labelled
        said = self.with_buttons(which.message)
        if said is None:
            number = f" {which.message}" if which.message else ""
            raise Misread(f"there is no message{number} with buttons here")
        if 1 <= which.number <= len(said.choices):
            return said, said.choices[which.number - 1]
        there = "  ".join(f"[{n}] {choice.label}" for n, choice in enumerate(said.choices, 1))
        raise Misread(f"there is no button {which.label}; there are {there}")

    def _send(self, argument: str) -> Event:
        path, text = path_and_text(argument)
        try:
            return self._say(text, files=[attachment(path)])
        except OSError as error:
            raise Misread(f"{path} cannot be sent: {error.strerror}") from error

    def _last(self, by: str, otherwise: str) -> Said:
        for said in reversed(self._said):
            if said.place == self.place and said.by == by:
                return said
        raise Misread(otherwise)

    def _message(self, text: str) -> Message:
        return Message(
            text,
            User(self.user, self.user),
            self.place.as_chat,
            thread=self.place.thread,
            mentions=tuple(mentions(text)),
            time=datetime.now(UTC),
        )

    def _event(self, message: Message) -> Event:
        identity = self._new_id()
        return Event(identity, message, origin=identity)

    def _new_id(self) -> str:
        self._ids += 1
        return f"{self._run}-{self._ids}"


def _labelled(said: Said, label: str) -> PostButton | PostOption | None:
    same = (button for button in said.choices if button.label.casefold() == label.casefold())
    return next(same, None)
