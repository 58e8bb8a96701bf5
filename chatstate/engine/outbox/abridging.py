"""A reply of more messages than anybody reads: its first one, and the whole of it as a file.

1. Nothing is cut. Where a platform takes no files, or none so large, a reply is all its messages.
2. Texts that surely take fewer messages are not looked at: they cost their turns nothing.
3. What was rendered to count messages is rendered once: it is handed on with the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeGuard

from msgspec.structs import replace

from chatstate.adapter import Adapter
from chatstate.bot.interface import Interface
from chatstate.bot.returns import Answers, FittedReply
from chatstate.engine.outbox.addressing import Addressed, follow
from chatstate.engine.outbox.answers import LONG, is_long
from chatstate.engine.outbox.rendered import Ahead, Rendering
from chatstate.engine.outbox.rendering import Renderer
from chatstate.engine.threads import HandlerThreads
from chatstate.files import File
from chatstate.language.sentences import say
from chatstate.replies import AnyReply, Markdown, Reply
from chatstate.replies.reply import WITH_THE_ONE_BEFORE
from chatstate.stores.base import Arrival

_SPREAD = 16  # a page that is cut is half full at least, and eight units write a character


class Abridger:
    """Abridges the answers of one bot to its `max_messages`, or to none if that is None."""

    def __init__(
        self,
        bot: Interface,
        *,
        adapters: Mapping[int, Adapter],
        renderer: Renderer,
        threads: HandlerThreads,
    ) -> None:
        self._adapters = adapters
        self._renderer = renderer
        self._sentences = bot.sentences
        self._threads = threads
        self._most = bot.max_messages or 0
        self.measure()

    def measure(self) -> None:
        """Look how long messages may be, when there are other accounts than before.

        `shortest` is for how many characters no reply needs to be looked at, wherever it goes.
        """
        every = self._adapters.items()
        limits = {n: a.capabilities.text_limit for n, a in every if a.capabilities.files}
        limits = {n: limit * self._most // _SPREAD for n, limit in limits.items()}
        self._short = {n: limit for n, limit in limits.items() if limit}
        self.shortest = min((LONG, *self._short.values()))

    async def abridge(
        self, arrival: Arrival, answer: Answers, addressed: dict[int, Addressed]
    ) -> tuple[Answers, Ahead]:
        """Return `answer` in as few messages as are wanted, and what was rendered to tell.

        `addressed` is where replies go that do not simply answer; what becomes of these is added.
        """
        doubtful = [
            reply
            for reply in answer
            if self._is_doubtful(
                reply, addressed[id(reply)].arrival if id(reply) in addressed else arrival
            )
        ]
        if not doubtful:
            return answer, {}
        pairs = [(addressed[id(r)].arrival if id(r) in addressed else arrival, r) for r in answer]
        if any(map(is_long, doubtful)):
            found: tuple[Answers, Ahead]
            found = await self._threads.run(lambda: self._abridge(pairs, addressed))
            return found
        return self._abridge(pairs, addressed)

    def _is_doubtful(self, reply: AnyReply, arrival: Arrival) -> TypeGuard[Reply]:
        short = self._short.get(arrival.place.account)
        return short is not None and isinstance(reply, Reply) and len(_source(reply)) > short

    def _abridge(
        self, pairs: Sequence[tuple[Arrival, AnyReply]], addressed: dict[int, Addressed]
    ) -> tuple[Answers, Ahead]:
        said: Answers = []
        ahead: dict[int, Rendering] = {}
        for there, reply in pairs:
            if not self._is_doubtful(reply, there):
                said.append(reply)
                continue
            abridged = self._abridged(there, reply, ahead)
            said += abridged
            follow(addressed, reply, abridged)
        return said, ahead

    def _abridged(self, arrival: Arrival, reply: Reply, ahead: dict[int, Rendering]) -> Answers:
        bare = replace(reply, buttons=(), files=(), card=None, select=None, suggestions=())
        if reply.shared:
            bare = replace(bare, location=None, contact=None, poll=None)
        if reply.sticker:
            bare = replace(bare, sticker=None)
        parts, _ = self._renderer.parts(arrival, bare, iter(()))
        whole = _source(reply).encode(errors="replace")
        largest = self._renderer.capabilities(arrival).file_bytes
        if len(parts) <= self._most or len(whole) > largest:
            if bare == reply:
                ahead[id(reply)] = parts, ()
            return [reply]
        first = replace(bare, text="")  # it has been rendered
        ahead[id(first)] = parts[:1], ()
        return [first, self._rest(arrival, reply, whole)]

    def _rest(self, arrival: Arrival, reply: Reply, whole: bytes) -> Reply:
        """Return what follows the first message: the file, and what hung on the reply."""
        name = "answer.md" if isinstance(reply.text, Markdown) else "answer.txt"
        note = say(self._sentences.of(arrival.event.message.sender.language), "in_a_file")
        return FittedReply(
            note,
            reply.buttons,
            (File(whole, name), *reply.files),
            silent=reply.silent,
            ephemeral=reply.ephemeral,
            card=reply.card,
            select=reply.select,
            suggestions=reply.suggestions,
            native=reply.native,
            location=reply.location,
            contact=reply.contact,
            poll=reply.poll,
            best_before=WITH_THE_ONE_BEFORE if reply.best_before else None,
            sticker=reply.sticker,
        )


def _source(reply: Reply) -> str:
    return reply.text if isinstance(reply.text, str) else reply.text.text
