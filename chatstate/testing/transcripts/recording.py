"""Notes what people do on a platform, for a transcript of it.

1. An adapter is listened to at its boundary: what it delivers, and which labels buttons have that
   it is given. So any adapter can be recorded.
2. What the bot answered is not noted, but found out by playing what was noted.
3. Time is noted where somebody has waited: a bot may have done something by itself.
4. A form that a platform asked at once is noted as if each of its questions had been answered.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from chatstate.adapter import Adapter, Host, Part, Post, Receipt
from chatstate.messages import Event, Message
from chatstate.testing.transcripts.script import Act, Look, Pause, Verb, What, Where, private
from chatstate.testing.transcripts.writing import lines_of

_UNFIT = re.compile(r"[:#\n/]| in | to ")
_A_WHILE = 5.0
_VERBS: dict[str, Any] = {"edit": "edits", "join": "joins", "leave": "leaves"}


class Recorder:
    """Listens to an adapter from now on."""

    def __init__(self, adapter: Adapter, now: Callable[[], float] = time.monotonic) -> None:
        self.adapter = adapter
        self._now = now
        self._at = 0.0
        self._labels: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._languages: dict[str, str | None] = {}
        self._noted: list[What | str] = []
        run, render = adapter.run, adapter.render

        def listening(host: Host) -> Awaitable[None]:
            tapped: Any = _Tapped(host, self._note)
            return run(tapped)

        def seeing(post: Post) -> Sequence[Part]:
            self._see(post)
            return render(post)

        vars(adapter).update(run=listening, render=seeing)

    def lines(self, bot: str) -> list[str]:
        """Return what was noted as a transcript without answers, of the bot of this name."""
        noted = [line for what in self._noted for line in _lines(what)]
        return [f"! bot {bot}", "", *noted, *lines_of(Look())]

    def _see(self, post: Post) -> None:
        for row in post.buttons:
            self._labels.update((button.data, button.label) for button in row)
        if post.select:
            self._labels.update((option.data, option.label) for option in post.select.options)

    def _note(self, events: Sequence[Event]) -> None:
        for event in events:
            seconds, self._at = self._now() - self._at, self._now()
            if self._noted and seconds >= _A_WHILE:
                self._noted.append(Pause(float(round(seconds))))
            self._noted += self._acts(event.message)

    def _acts(self, message: Message) -> Iterator[What | str]:
        """Yield what somebody did, or what cannot be written as such, as a comment."""
        who = self._name(message.sender.id, message.sender.name)
        act = Act(who, self._where(who, message))
        if message.sender.language != self._languages.get(who):
            self._languages[who] = message.sender.language
            yield replace(act, verb="speaks", text=message.sender.language or "")
        if message.kind == "message":
            yield _said(act, message)
        elif message.kind == "press":
            pressed = message.selected or (message.text,)
            if all(data in self._labels for data in pressed):
                yield replace(act, taps=tuple(self._labels[data] for data in pressed))
            else:
                yield f"# {who} pressed what was shown before"
        elif message.kind == "reaction" and message.reaction:
            yield replace(act, verb="reacts", text="".join(message.reaction.added[:1]))
        elif message.kind in _VERBS:
            yield replace(act, verb=_VERBS[message.kind], text=message.text)
        else:
            yield f"# {who}: {message.update or message.kind}"
        answers = list((message.answers or {}).values())
        for answer in answers[message.kind == "press" :]:  # what a button says is the first one
            yield replace(act, text=answer)

    def _where(self, who: str, message: Message) -> Where:
        chat, thread = message.chat, message.thread
        named = self._name(f"thread {thread}", thread) if thread else ""
        if chat.kind == "private":
            return private(who, named)
        return self._name(f"chat {chat.id}", chat.title or chat.id), named

    def _name(self, identity: str, name: str) -> str:
        """Return a name that can stand in a transcript, another one for each id."""
        if identity not in self._names:
            fit = _UNFIT.sub("-", name or identity).strip(" -")
            taken = fit in ("", "bot", *self._names.values())
            self._names[identity] = f"{fit}-{len(self._names)}" if taken else fit
        return self._names[identity]


def _said(act: Act, message: Message) -> Act:
    if place := message.location:
        return replace(act, verb="shares", text=f"{place.latitude},{place.longitude}")
    files = tuple(file.name for file in message.attachments)
    verb: Verb = "replies" if message.reply_to else "says"
    return replace(act, verb=verb, text=message.text, files=files)


class _Tapped:
    """A host whose adapter is listened to."""

    def __init__(self, host: Host, note: Callable[[Sequence[Event]], None]) -> None:
        self._host = host
        self._note = note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def deliver(
        self, events: Sequence[Event], cursor: str | None = None, part: str = ""
    ) -> Awaitable[Sequence[Receipt]]:
        self._note(events)
        return self._host.deliver(events, cursor, part)


def _lines(what: What | str) -> Sequence[str]:
    return [what] if isinstance(what, str) else lines_of(what)
