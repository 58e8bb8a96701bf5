"""What leaves a bot, as its guards see it: all that somebody could read of it, piece by piece.

1. Each text that its author, a person or a model gave is a piece, however deep it stands; so are
   the framework's own sentences. Of a file it is the name, not what is in it.
2. It is the whole of one thing: a text is not cut into messages yet.
3. A guard changes pieces, and never how many there are, nor of what kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec
from msgspec.structs import replace

PieceKind = Literal["text", "label", "value", "url", "file", "argument", "place"]
"""What a piece of what leaves is.

- `text`: what is read. `label`: what stands on a button, in a select or a menu. `url`: where
  something leads. `file`: the name of a file.
- `value`: what goes along unread: what a button or an option sends, the type or id of a file.
- `argument`: what stands in a platform's own call, also as a number or a name.
- `place`: the degrees of a location, which cannot be changed.
"""
OutgoingKind = Literal[
    "message", "edit", "preview", "call", "reaction", "form", "choices", "menu", "stored"
]
"""What leaves.

- `message`: something new, whoever says it: an answer, a question, a broadcast, a sentence of the
  framework's. `edit`: in place of what was sent. `preview`: what is being written. `call`: a
  `Native`. `reaction`: an emoji.
- `form`: questions that are asked at once. `choices`: what may be typed next. `menu`: commands,
  what the bot is called and its sentences, once at its start.
- `stored`: what waited in the outbox since before the bot had a guard: the call as it is written
  for the platform. It cannot be changed.
"""


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A text of what leaves, and what it is there."""

    kind: PieceKind
    text: str


class Outgoing(msgspec.Struct, frozen=True):
    """What is about to leave, for an `@bot.egress`.

    `pieces` are all of its texts, in their order. `platform`, `chat` and `thread` tell where it
    goes, by the platform's ids; they are empty while that is not known, and for a menu.
    """

    kind: OutgoingKind
    pieces: tuple[Piece, ...]
    platform: str = ""
    chat: str = ""
    thread: str | None = None

    @property
    def text(self) -> str:
        """What is read, in one text: a line for each piece that is a `text`."""
        return "\n".join(self._of("text"))

    @property
    def labels(self) -> Sequence[str]:
        """What stands on its buttons, in its selects, suggestions and menus."""
        return self._of("label")

    @property
    def urls(self) -> Sequence[str]:
        """The addresses it leads to, or shows a picture from."""
        return self._of("url")

    @property
    def files(self) -> Sequence[str]:
        """The names of its files."""
        return self._of("file")

    @property
    def arguments(self) -> Sequence[str]:
        """What stands in a platform's own call, or is added to one."""
        return self._of("argument")

    @property
    def words(self) -> str:
        """All of its pieces, whatever they are, in one text: a line for each."""
        return "\n".join(piece.text for piece in self.pieces)

    def map(self, change: Callable[[str], str]) -> Outgoing:
        """Return it with each piece as `change` makes it."""
        pieces = [Piece(piece.kind, change(piece.text)) for piece in self.pieces]
        return replace(self, pieces=tuple(pieces))

    def _of(self, kind: PieceKind) -> Sequence[str]:
        return [piece.text for piece in self.pieces if piece.kind == kind]


class Verdict(msgspec.Struct, frozen=True):
    """That a guard has not let something leave as it was: for tests, figures and logs.

    `guard` is the function and where it stands. `outcome`: it was "changed", "stopped", or the
    guard has "failed", by raising or by taking too long, and so it was stopped, too.
    """

    guard: str
    outcome: Literal["changed", "stopped", "failed"]
    out: Outgoing
