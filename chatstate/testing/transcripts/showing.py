"""What a bot has done, in the words of a transcript.

1. What is told depends only on what people see: no ids, no times.
2. An answer that was shown while it was being written is told once, as it is in the end; an edit
   that changes nothing is not told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from chatstate.testing.delivered import Called, Delivered
from chatstate.testing.platform import FakePlatform
from chatstate.testing.transcripts.script import Where

_encode = msgspec.json.Encoder(order="deterministic").encode


class Shown(msgspec.Struct, frozen=True):
    """What a bot has done somewhere: `text` is all of it, behind its verb and a colon."""

    where: Where
    text: str

    def lines(self, here: Where | None) -> Sequence[str]:
        """Return it as lines of a transcript, of what somebody does `here`."""
        if self.where[0] == "=":
            return [self.text]
        verb, _, told = self.text.partition(":")
        head = f"bot{_placed(self.where, here)}{f' {verb}' if verb else ''}"
        first, *more = f"{head}:{told}".rstrip().split("\n")
        return [first, *(f"  {line}" if line.strip() else "" for line in more)]


def _placed(where: Where, here: Where | None) -> str:
    chat, thread = where
    if where == here:
        return ""
    way = "to" if chat.startswith("private-") else "in"
    return f" {way} {chat.removeprefix('private-')}{f'/{thread}' if thread else ''}"


class View:
    """What a platform has been given up to now; `news` is what has come since the last look.

    `said` are messages of people's by their ids: where they are, and what they say.
    """

    def __init__(self, platform: FakePlatform) -> None:
        self._platform = platform
        self.said: dict[str, Shown] = {}
        self._delivered = self._deleted = self._called = 0
        self._reactions: dict[str, str] = {}

    def news(self) -> list[Shown]:
        """Return what a bot has done since this was asked for."""
        platform = self._platform
        shown = [*self._messages(), *self._deletions(), *self._reacted()]
        shown += [_call(called) for called in platform.called[self._called :]]
        self._delivered, self._called = len(platform.delivered), len(platform.called)
        self._deleted = len(platform.deleted)
        self._reactions = dict(platform.reactions)
        return shown

    def _messages(self) -> Iterator[Shown]:
        for number in range(self._delivered, len(self._platform.delivered)):
            message = self._platform.delivered[number]
            before = self._before(message, number)
            if not message.preview and _told(message) not in map(_told, before[-1:]):
                yield Shown(_where(message), f"{'edits' if before else ''}: {_told(message)}")

    def _before(self, message: Delivered, end: int) -> list[Delivered]:
        """Return what a message has been before, once it was no preview."""
        before = self._platform.delivered[:end] if message.edits else ()
        same = [known for known in before if message.edits in (known.id, known.edits)]
        return [known for known in same if not known.preview]

    def _deletions(self) -> Iterator[Shown]:
        before = self._platform.deleted[: self._deleted]
        for message in dict.fromkeys(self._platform.deleted[self._deleted :]):
            if message not in before:
                yield self._about(message, "deletes")

    def _reacted(self) -> Iterator[Shown]:
        now = self._platform.reactions
        for message in {**self._reactions, **now}:
            if now.get(message) != self._reactions.get(message):
                yield self._about(message, "reacts", now.get(message, ""))

    def _about(self, identity: str, verb: str, told: str | None = None) -> Shown:
        """Tell what was done to a message: of the bot's own, or of somebody's."""
        sent = [d for d in self._platform.delivered if identity in (d.id, d.edits)]
        unknown = Shown(("", ""), "")
        found = Shown(_where(sent[-1]), sent[-1].text) if sent else self.said.get(identity, unknown)
        return Shown(found.where, f"{verb}: {found.text if told is None else told}")


def _where(message: Delivered | Called) -> Where:
    return message.chat, message.thread or ""


def _call(called: Called) -> Shown:
    arguments = _encode(called.arguments).decode()
    return Shown(_where(called), f"calls: {called.method} {arguments}")


def _told(message: Delivered) -> str:
    return trimmed("\n".join([message.text, *_below(message)]))


def trimmed(text: str) -> str:
    """Return a text without spaces at the ends of its lines, which nobody sees."""
    return "\n".join(line.rstrip() for line in text.split("\n")).rstrip()


def _below(message: Delivered) -> Iterator[str]:
    """Yield what a message has besides its text, a line each."""
    if card := message.card:
        yield from (f"| {line}" for line in (card.title, *card.text.text.split("\n")) if line)
        yield from (f"| {name}: {value.text}" for name, value in card.fields)
        yield from (f"| {line}" for line in (card.footer, card.url, card.image) if line)
    yield from (f"<{file.name or file.url or file.id}>" for file in message.files)
    if message.shared:
        yield f"| {message.shared.words}"
    for row in message.buttons:
        yield " ".join(f"[{button.label}]" for button in row)
    if message.select:
        yield " ".join(f"[{option.label}]" for option in message.select.options)
    if message.suggestions:
        yield " ".join(f"[{suggestion.label}]" for suggestion in message.suggestions)


def values_told(values: Mapping[str, str]) -> list[Shown]:
    """Return stored values, JSON by whose they are, as a transcript tells them: not our own."""
    told = [(f"= {owner}", text) for owner, text in sorted(values.items())]
    told = [(head, text) for head, text in told if not head.startswith("= chatstate.")]
    return [Shown(("=", head), f"{head}: {text}") for head, text in told]
