"""From what a handler answers to the calls that are owed for it.

1. What is rendered is what the outbox keeps: after a crash the same calls are made.
2. Messages that showed a preview become the answer, in their order; those left over are deleted.
3. Of a call by a platform's own name, other platforms get what it has for them, if anything.
4. Long Markdown is parsed and cut in a thread, since that may stop the loop for seconds.
5. What goes to other conversations comes last, and has no part in what is said of the event: its
   origin, its previews, its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from chatstate.adapter import Adapter, Capabilities, Part, Post, StoredFile, Verb
from chatstate.engine.outbox.addressing import Addressed, Addresses, follow, is_elsewhere
from chatstate.engine.outbox.answers import Answer, is_long
from chatstate.engine.outbox.buttons import Buttons
from chatstate.engine.outbox.calls import call_of, chosen
from chatstate.engine.outbox.degrade import degrade, there
from chatstate.engine.outbox.hanging import Hanging
from chatstate.engine.outbox.outbound import new_call, perish
from chatstate.engine.outbox.posts import id_of, post_of, reaction_of, styled
from chatstate.engine.outbox.rendered import Ahead, Rendered, Rendering, finish, owe, preview_for
from chatstate.engine.threads import HandlerThreads
from chatstate.language.sentences import Sentences
from chatstate.mentions import START
from chatstate.replies import AnyReply, Delete, Native, React, Reply
from chatstate.stores.base import Arrival, KeptButton
from chatstate.text import StyledText


class Renderer:
    """Renders answers for the platforms they go to."""

    def __init__(
        self,
        *,
        adapters: Mapping[int, Adapter],
        sentences: Sentences,
        buttons: Buttons,
        threads: HandlerThreads,
        max_messages: int | None,
    ) -> None:
        self._adapters = adapters
        self._sentences = sentences
        self._buttons = buttons
        self._threads = threads
        self._max_messages = max_messages

    def capabilities(self, arrival: Arrival) -> Capabilities:
        """Return what the platform can do that an event came from."""
        return self._adapters[arrival.place.account].capabilities

    def render(
        self,
        arrivals: Sequence[Arrival],
        answer: Answer,
        stored: Sequence[StoredFile] = (),
        previews: Sequence[str] = (),
        ahead: Ahead | None = None,
        addressed: Addresses | None = None,
    ) -> Rendered:
        """Return the calls that `answer` makes, in answer to events: to the last of them.

        `stored` are the files of its replies, in their order, as they lie in the spool. `previews`
        are messages that show some of it already: they become the answer. `ahead` are those of its
        replies that are rendered already, `addressed` is where some of them go.
        """
        arrival = arrivals[-1]
        rendered = Rendered()
        if stored or previews or ahead:
            rendered = Rendered(files=iter(stored), previews=list(previews), ahead=ahead or {})
        elsewhere: Sequence[Addressed] = ()
        if addressed:
            rendered.addressed = addressed
            answer, elsewhere = _apart(answer, arrival, addressed)
        for reply in answer:
            if isinstance(reply, Reply):
                self._reply(arrival, reply, rendered)
            else:
                self._other(arrival, reply, rendered)
        if previews:
            for left in (*rendered.surplus, *(rendered.previews or ())):
                owe(rendered, arrival, Part({}), "delete", left)
        if self._adapters[arrival.place.account].capabilities.finish:
            finish(arrivals, rendered)
        rendered.previews = None
        for address in elsewhere:
            if isinstance(address.reply, Reply):
                self._reply(address.arrival, address.reply, rendered)
            else:
                self._other(address.arrival, address.reply, rendered)
        return rendered

    def for_platform(self, arrival: Arrival, answer: Answer) -> list[AnyReply]:
        """Return an answer without the calls of other platforms: with what is said instead."""
        return chosen(answer, self._adapters[arrival.place.account])

    def for_platforms(
        self, arrival: Arrival, answer: Answer, addressed: dict[int, Addressed]
    ) -> list[AnyReply]:
        """Return the same, for replies that may go to several platforms."""
        said: list[AnyReply] = []
        for reply in answer:
            there = addressed[id(reply)].arrival if id(reply) in addressed else arrival
            found = self.for_platform(there, [reply])
            follow(addressed, reply, found)
            said += found
        return said

    async def render_ahead(
        self,
        arrival: Arrival,
        answer: Answer,
        stored: Sequence[StoredFile] = (),
        ahead: Ahead = MappingProxyType({}),
        addressed: Addresses = MappingProxyType({}),
    ) -> Ahead:
        """Render replies with long Markdown in a thread, since that may take its time.

        Those that are `ahead` already are rendered once.
        """
        if not any(is_long(reply) and id(reply) not in ahead for reply in answer):
            return ahead
        replies = [reply for reply in answer if isinstance(reply, Reply)]
        places = [addressed[id(r)].arrival if id(r) in addressed else arrival for r in replies]
        rendered: Ahead = await self._threads.run(
            lambda: self._all_ahead(list(zip(places, replies, strict=True)), stored, ahead)
        )
        return rendered

    def _all_ahead(
        self,
        replies: Sequence[tuple[Arrival, Reply]],
        stored: Sequence[StoredFile],
        ahead: Ahead,
    ) -> Ahead:
        files = iter(stored)
        return {
            id(reply): ahead.get(id(reply)) or self.parts(there, reply, files)
            for there, reply in replies
        }

    async def preview(self, arrival: Arrival, shown: Sequence[Reply]) -> list[Part]:
        """Return the parts of what can be shown in advance: as many of each as there may be."""
        most = self._max_messages if self.capabilities(arrival).files else None
        ahead = await self.render_ahead(arrival, shown)
        renderings = [
            ahead.get(id(reply)) or self.parts(arrival, reply, iter(())) for reply in shown
        ]
        return [part for parts, _ in renderings for part in parts[:most]]

    async def beyond(self, arrival: Arrival, before: Reply, after: Reply) -> Part | None:
        """Return the part with what `after` says beyond `before`; None if it is another text."""
        if self._max_messages == 1:  # what is shown may be the beginning alone
            return None
        if not is_long(after):
            return self._beyond(arrival, before, after)
        part: Part | None = await self._threads.run(lambda: self._beyond(arrival, before, after))
        return part

    def _beyond(self, arrival: Arrival, before: Reply, after: Reply) -> Part | None:
        old, new = styled(before.text), styled(after.text)
        end = len(old.text)
        if new.cut(0, end) != old or any(span.start < end < span.end for span in new.spans):
            return None  # and half of a style would be another one
        parts = self._adapters[arrival.place.account].render(Post(new.cut(end, len(new.text))))
        return parts[0] if end < len(new.text) and len(parts) == 1 else None

    def _other(self, arrival: Arrival, reply: AnyReply, rendered: Rendered) -> None:
        if isinstance(reply, Delete):
            self._delete(arrival, reply, rendered)
            return
        if isinstance(reply, React):
            self._react(arrival, reply, rendered)
            return
        for said in self.for_platform(arrival, [reply]):  # of `turn.apply` it is not chosen yet
            if isinstance(said, Native):
                self._call(arrival, said, rendered)
            elif isinstance(said, Reply):
                self._reply(arrival, said, rendered)
            else:
                self._other(arrival, said, rendered)

    def _reply(self, arrival: Arrival, reply: Reply, rendered: Rendered) -> None:
        rendering = rendered.ahead.get(id(reply)) if rendered.ahead else None
        parts, kept = rendering or self.parts(arrival, reply, rendered.files)
        takes_place = rendered.addressed or rendered.previews or reply.edit is not None
        if takes_place or kept or reply.best_before is not None:
            self._owe(arrival, reply, parts, kept, rendered)
        else:
            for part in parts:
                owe(rendered, arrival, part)

    def _owe(
        self,
        arrival: Arrival,
        reply: Reply,
        parts: Sequence[Part],
        kept: Sequence[KeptButton],
        rendered: Rendered,
    ) -> None:
        """Owe the parts of a reply that may hang on others, or take the place of what is shown."""
        ref = changes = ""
        if rendered.addressed:
            ref, changes = _refers(reply, rendered.addressed)
        edited = None
        if reply.edit is not None and self.capabilities(arrival).edit:
            edited = id_of(reply.edit)
        else:
            changes = ""
        is_shown, first = bool(rendered.previews), len(rendered.outbound)
        for part in parts:
            if kept and part.has_buttons:
                where = {"conversation": arrival.place.conversation, "part": len(rendered.outbound)}
                on_it = [msgspec.structs.replace(button, **where) for button in kept]
                rendered.buttons = [*rendered.buttons, *on_it]
                kept = ()  # they hang on one message
            if edited is None and rendered.previews:
                suggests = reply.suggestions and self.capabilities(arrival).suggestions
                comes_new = part.files or reply.ephemeral or suggests or reply.shared
                edited = preview_for(rendered, comes_new)
            verb: Verb = "edit" if edited or changes else "send"
            owe(rendered, arrival, part, verb, edited, ref, changes)
            edited, ref, changes = None, "", ""  # what does not fit into a message follows it
        if reply.best_before is not None and not is_shown:
            perish(rendered.outbound[first:], reply.best_before.total_seconds())

    def _delete(self, arrival: Arrival, delete: Delete, rendered: Rendered) -> None:
        if self.capabilities(arrival).edit:
            _, changes = _refers(delete, rendered.addressed or {})
            message = id_of(delete.message)
            owe(rendered, arrival, Part({}), "delete", message, changes=changes)

    def _call(self, arrival: Arrival, native: Native, rendered: Rendered) -> None:
        adapter = self._adapters[arrival.place.account]
        stored = [next(rendered.files) for _ in native.files]
        call = call_of(native, stored, adapter)
        names = [reference.sent for reference in native.references]
        ref, _ = _refers(native, rendered.addressed or {})
        number, part = len(rendered.outbound), adapter.native(call)
        new = new_call(arrival, number, part, call, names, ref)
        rendered.outbound.append(new)

    def _react(self, arrival: Arrival, react: React, rendered: Rendered) -> None:
        """Owe a reaction, or what is written where there can be none."""
        adapter, message = self._adapters[arrival.place.account], arrival.event.message
        wanted = reaction_of(react, message)
        post = degrade(wanted, adapter.capabilities, self._sentences.of(message.sender.language))
        if post.reaction is not None:
            _, changes = _refers(react, rendered.addressed or {})
            part, target = adapter.render(post)[0], wanted.reply_to
            owe(rendered, arrival, part, "reaction", target, changes=changes)
        elif post.text.text:
            for part in adapter.render(post):
                owe(rendered, arrival, part, "send")

    def parts(self, arrival: Arrival, reply: Reply, files: Iterator[StoredFile]) -> Rendering:
        """Return the parts of one reply; `files` are those that lie in the spool for it."""
        adapter = self._adapters[arrival.place.account]
        text = reply.text
        is_bare = not (reply.buttons or reply.files or _is_special(reply))
        if isinstance(text, str) and is_bare and (text.isascii() or START not in text):
            return (adapter.render(Post(StyledText(text))) if text.strip() else ()), ()
        capabilities = adapter.capabilities
        if reply.suggestions:
            capabilities = there(capabilities, arrival.event.message.chat.kind)
        sentences = self._sentences.of(arrival.event.message.sender.language)
        hanging = Hanging()
        if reply.buttons or reply.select or reply.suggestions:
            conversation = arrival.place.conversation
            hanging = self._buttons.hang(conversation, reply, capabilities, sentences)
        post = degrade(post_of(reply, hanging, files, adapter.name), capabilities, sentences)
        shows = post.text.text.strip() or post.files or post.card or post.keeps or post.shared
        return (adapter.render(post) if shows else ()), hanging.kept


def _apart(
    answer: Answer, arrival: Arrival, addressed: Addresses
) -> tuple[Answer, Sequence[Addressed]]:
    """Return what of an answer is said in the conversation of an event, and what elsewhere."""
    found = [addressed.get(id(reply)) for reply in answer]
    there = [address for address in found if address and is_elsewhere(address, arrival)]
    gone = {id(address.reply) for address in there}
    return [reply for reply in answer if id(reply) not in gone], there


def _refers(reply: AnyReply, addressed: Addresses) -> tuple[str, str]:
    """Return the reference to a reply's first message, and that of the message it changes."""
    address = addressed.get(id(reply))
    return (address.ref, address.changes) if address else ("", "")


def _is_special(reply: Reply) -> bool:
    return bool(
        reply.reply_to
        or reply.silent
        or reply.ephemeral
        or reply.card
        or reply.select
        or reply.suggestions
        or reply.native
        or reply.location
        or reply.contact
        or reply.poll
        or reply.sticker
    )
