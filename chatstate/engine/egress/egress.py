"""`Egress`: lets what leaves one bot pass its guards, before the commit and at the border.

1. What was let pass before the commit is not asked for again when it leaves for the first time: if
   it is in the same words, to the same chat, and owed by one turn. All else is asked for whenever
   it is to leave: what waited in the outbox of an earlier process, and each further try.
2. What is remembered of it is a digest, of so many at most: who is forgotten is asked for again.
3. At the border a change is made in what is rendered anew. If that does not come out as as many
   messages as before, of which some may have left, or if what a button gives back would be another,
   it stays here.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from chatstate.adapter import (
    Action,
    Adapter,
    NativeCall,
    Part,
    Post,
    PostButton,
    PostOption,
    PostSuggestion,
    StoredFile,
)
from chatstate.bot.outgoing import Outgoing, OutgoingKind, Piece
from chatstate.engine.egress.guards import Guards
from chatstate.engine.egress.words import pieces_of, with_pieces
from chatstate.engine.outbox.addressing import Addressed, follow
from chatstate.engine.outbox.answers import is_long
from chatstate.engine.threads import HandlerThreads
from chatstate.errors import EgressError
from chatstate.replies import AnyReply, Native, React, Reply
from chatstate.stores.base import Arrival

T = TypeVar("T")
_REMEMBERED = 5_000
_OF_VERB: Mapping[str, OutgoingKind] = {"edit": "edit", "native": "call", "reaction": "reaction"}


class _Passed(msgspec.Struct):
    """What was let pass: the turn that owes it, once that is known, and which calls were made."""

    turn: str = ""
    calls: set[str] = set()


class _Stored(msgspec.Struct, frozen=True):
    """A call as it is written for a platform, of which nothing else is known."""

    content: Mapping[str, Any]
    files: Sequence[StoredFile]
    read: Sequence[str]


class Egress:
    """Asks the guards of one bot what may leave."""

    def __init__(
        self, guards: Guards, *, adapters: Mapping[int, Adapter], threads: HandlerThreads
    ) -> None:
        self._guards = guards
        self._adapters = adapters
        self._threads = threads
        self._passed: OrderedDict[bytes, _Passed] = OrderedDict()

    @property
    def wants_previews(self) -> bool:
        """Whether what is being written may be shown."""
        return self._guards.want_previews

    # Before the commit

    async def answer(
        self, arrival: Arrival, said: Sequence[AnyReply], addressed: dict[int, Addressed]
    ) -> list[AnyReply]:
        """Return what may be answered. `addressed` is where some of it goes: that follows it.

        Raises `EgressError` if something of it is to stay here.
        """
        kept: list[AnyReply] = []
        for reply in said:
            there = addressed[id(reply)].arrival if id(reply) in addressed else arrival
            guarded = await self.reply(reply, *self._whither(there))
            if guarded is not reply:
                follow(addressed, reply, [guarded])
            kept.append(guarded)
        return kept

    async def reply(
        self, reply: AnyReply, platform: str = "", chat: str = "", thread: str | None = None
    ) -> AnyReply:
        """Return what may leave of one reply. Raises `EgressError`."""
        pieces = pieces_of(reply) if not is_long(reply) else await self._pieces_apart(reply)
        out = Outgoing(_kind(reply), pieces, platform, chat, thread)
        kept = await self._guarded(reply, out)
        if chat:
            passed = out if kept is reply else replace(out, pieces=pieces_of(kept))
            self._remember(passed, _Passed())
        return kept

    async def thing(self, thing: T, kind: OutgoingKind, platform: str = "", chat: str = "") -> T:
        """Return what may leave of anything else that has texts. Raises `EgressError`."""
        return await self._guarded(thing, Outgoing(kind, pieces_of(thing), platform, chat))

    # At the border

    async def action(self, adapter: Adapter, action: Action) -> Action:
        """Return the call that may be made on a platform. Raises `EgressError`."""
        part = action.part
        whole = part.post or part.call or _stored(part)
        if whole is None:
            return action
        bare = replace(action, part=_bare(part))
        out = _out(whole, action, adapter.name)
        if self._was_passed(out, action):
            return bare
        kept = await self._guarded(whole, out)
        if kept is not whole:
            bare = replace(bare, part=_bare(_anew(adapter, part, whole, kept)))
            out = replace(out, pieces=pieces_of(kept))
        self._remember(out, _Passed(_turn_of(action), {action.key}))
        return bare

    # What both do

    async def _guarded(self, thing: T, out: Outgoing) -> T:
        if not out.pieces:
            return thing
        kept = await self._guards.passed(out)
        if kept.pieces == out.pieces:
            return thing
        failure = ""
        try:
            return with_pieces(thing, kept.pieces)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing may leave
            failure = type(error).__name__
        raise EgressError(  # without what was raised, whose text may hold what was stopped
            f"what the egress guards made of a {out.kind} cannot be sent ({failure}), so it stays"
        )

    async def _pieces_apart(self, reply: AnyReply) -> tuple[Piece, ...]:
        pieces: tuple[Piece, ...] = await self._threads.run(lambda: pieces_of(reply))
        return pieces

    def _whither(self, there: Arrival) -> tuple[str, str, str | None]:
        message = there.event.message
        return self._adapters[there.place.account].name, message.chat.id, message.thread

    def _remember(self, out: Outgoing, passed: _Passed) -> None:
        digest = _digest(out)
        self._passed[digest] = passed
        self._passed.move_to_end(digest)
        while len(self._passed) > _REMEMBERED:
            self._passed.popitem(last=False)

    def _was_passed(self, out: Outgoing, action: Action) -> bool:
        """Tell whether a call is the first to make a part of what was let pass; note that it is."""
        passed = self._passed.get(_digest(out))
        if passed is None or action.preview or passed.turn not in ("", _turn_of(action)):
            return False
        if action.key in passed.calls:
            return False
        passed.turn = _turn_of(action)
        passed.calls.add(action.key)
        return True


def _bare(part: Part) -> Part:
    """Return a part as its adapter has made it."""
    return replace(part, post=None, call=None, nth=0)


def _kind(reply: AnyReply) -> OutgoingKind:
    if isinstance(reply, Native):
        return "call"
    if isinstance(reply, Reply):
        return "message" if reply.edit is None else "edit"
    return "reaction" if isinstance(reply, React) else "message"


def _out(whole: Post | NativeCall | _Stored, action: Action, platform: str) -> Outgoing:
    kind: OutgoingKind = "preview" if action.preview else _OF_VERB.get(action.verb, "message")
    if isinstance(whole, _Stored):
        kind = "stored"
    return Outgoing(kind, pieces_of(whole), platform, action.chat, action.thread)


def _stored(part: Part) -> _Stored | None:
    """Return what is known of a part that was rendered before there was a guard."""
    if not (part.content or part.files):
        return None
    written = [piece.text for piece in pieces_of(part.content)]
    read = [text.replace("\\", "") for text in written if "\\" in text]
    return _Stored(part.content, part.files, read)


def _turn_of(action: Action) -> str:
    """Return what the keys of all calls of one turn begin with."""
    return "-".join(action.key.split("-")[:2])


def _digest(out: Outgoing) -> bytes:
    texts = sorted({piece.text for piece in out.pieces})
    told = [out.platform, out.chat, out.thread or "", *texts]
    return hashlib.blake2b(repr(told).encode(), digest_size=16).digest()


def _anew(adapter: Adapter, part: Part, whole: Any, kept: Any) -> Part:
    """Return a part, rendered again from what a guard has made of the whole.

    Raises `EgressError` if it cannot be.
    """
    if isinstance(kept, NativeCall):
        return _with_files(adapter.native(kept), part)
    if isinstance(kept, Post) and _gives_back(kept) == _gives_back(whole):
        before, parts = adapter.render(whole), adapter.render(kept)
        if len(parts) == len(before):
            return _with_files(parts[part.nth], part)
    raise EgressError(
        "the egress guards want to change what is in the outbox, and it cannot be changed there "
        "any more, so it stays"
    )


def _with_files(new: Part, part: Part) -> Part:
    """Return a part with its files where they lie now."""
    there = {file.key: file.path for file in part.files}
    files = [replace(file, path=there.get(file.key, file.path)) for file in new.files]
    return replace(new, files=files) if files else new


def _gives_back(post: Post) -> list[tuple[str, str]]:
    """Return what the buttons and options of a post give back, with what that says."""
    pressed: list[PostButton | PostOption | PostSuggestion] = [
        *(button for row in post.buttons for button in row),
        *(post.select.options if post.select else ()),
        *post.suggestions,
    ]
    return [(button.data, button.sends) for button in pressed if button.data]
