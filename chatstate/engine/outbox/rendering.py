"""From what a handler answers to the calls that are owed for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from chatstate.adapter import Adapter, Capabilities, Part, Post, PostButton, StoredFile, Verb
from chatstate.engine.outbox.buttons import Presses
from chatstate.engine.outbox.degrade import degrade
from chatstate.engine.outbox.outbound import Outbound, new_outbound
from chatstate.files import File
from chatstate.language.sentences import Sentences, say
from chatstate.messages import FILES_LIMIT, Delete, Markdown, MessageRef, Reply, rows_of
from chatstate.stores.base import Arrival, KeptButton
from chatstate.text import StyledText

Answer = Sequence[Reply | Delete]
_LONGEST_CHARACTER = 4  # of any unit that platforms count in


class Rendered(msgspec.Struct):
    """The calls that an answer makes, in their order, and the buttons to keep for it.

    `files` are those that its replies have, still to come; `previews` the messages that show a
    preview and are not used for it yet, and `surplus` those that cannot be.
    """

    outbound: list[Outbound]
    buttons: list[KeptButton]
    files: Iterator[StoredFile]
    previews: list[str]
    surplus: list[str]


class Renderer:
    """Renders answers for the platforms they go to."""

    def __init__(
        self, adapters: Mapping[int, Adapter], sentences: Sentences, presses: Presses
    ) -> None:
        self._adapters = adapters
        self._sentences = sentences
        self._presses = presses

    def capabilities(self, arrival: Arrival) -> Capabilities:
        """Return what the platform can do that an event came from."""
        return self._adapters[arrival.place.account].capabilities

    def render(
        self,
        arrival: Arrival,
        answer: Answer,
        stored: Sequence[StoredFile] = (),
        previews: Sequence[str] = (),
        also: Sequence[Arrival] = (),
    ) -> Rendered:
        """Return the calls that `answer` makes, in answer to an event.

        `stored` are the files of its replies, in their order, as they lie in the spool. `previews`
        are messages that show some of it already: they become the answer. `also` are earlier
        events that were handled with this one.
        """
        rendered = Rendered([], [], iter(stored), list(previews), [])
        for one in answer:
            if isinstance(one, Delete):
                self._delete(arrival, one, rendered)
            else:
                self._reply(arrival, one, rendered)
        for left in (*rendered.surplus, *rendered.previews):
            _owe(rendered, arrival, Part({}), "delete", left)
        if self.capabilities(arrival).finish:
            _finish(arrival, also, rendered)
        return rendered

    def preview(self, arrival: Arrival, shown: Sequence[Reply]) -> list[Part]:
        """Return the parts of what can be shown in advance."""
        return [part for one in shown for part in self._parts(arrival, one, iter(()))[0]]

    def long_as_files(
        self, arrival: Arrival, answer: list[Reply | Delete], limit: int
    ) -> list[Reply | Delete]:
        """Return `answer` with texts that take more than `limit` messages put into files."""
        if not self.capabilities(arrival).files:
            return answer
        return [self._in_a_file(arrival, one, limit) for one in answer]

    def _in_a_file(self, arrival: Arrival, one: Reply | Delete, limit: int) -> Reply | Delete:
        if isinstance(one, Delete) or len(one.files) >= FILES_LIMIT:
            return one
        text = one.text.text if isinstance(one.text, Markdown) else one.text
        if len(text) * _LONGEST_CHARACTER <= self.capabilities(arrival).text_limit:
            return one
        if len(self._parts(arrival, Reply(one.text), iter(()))[0]) <= limit:
            return one
        markdown = isinstance(one.text, Markdown)
        file = File(text.encode(errors="replace"), "answer.md" if markdown else "answer.txt")
        language = arrival.event.message.sender.language
        note = say(self._sentences.of(language), "in_a_file")
        return msgspec.structs.replace(one, text=note, files=[file, *one.files])

    def _reply(self, arrival: Arrival, reply: Reply, rendered: Rendered) -> None:
        parts, kept = self._parts(arrival, reply, rendered.files)
        edited = _id(reply.edit) if self.capabilities(arrival).edit else None
        for part in parts:
            if kept and part.has_buttons:
                number = len(rendered.outbound)
                rendered.buttons += [msgspec.structs.replace(one, part=number) for one in kept]
                kept = ()  # they hang on one message
            preview = None
            if edited is None and rendered.previews:
                edited = preview = _preview_for(part, reply, rendered)
            verb: Verb = "edit" if edited else "send"
            _owe(rendered, arrival, part, verb, edited, or_send=preview is not None)
            edited = None  # what does not fit into the edited message follows it

    def _delete(self, arrival: Arrival, delete: Delete, rendered: Rendered) -> None:
        if self.capabilities(arrival).edit:
            _owe(rendered, arrival, Part({}), "delete", _id(delete.message))

    def _parts(
        self, arrival: Arrival, reply: Reply, files: Iterator[StoredFile]
    ) -> tuple[Sequence[Part], Sequence[KeptButton]]:
        adapter = self._adapters[arrival.place.account]
        text = reply.text
        if isinstance(text, str) and not (reply.buttons or reply.files or _is_special(reply)):
            return (adapter.render(Post(StyledText(text))) if text.strip() else ()), ()
        capabilities = adapter.capabilities
        rows: Sequence[Sequence[PostButton]] = ()
        kept: Sequence[KeptButton] = ()
        if reply.buttons:
            rows, kept = self._presses.rows(
                arrival.place.conversation, rows_of(reply.buttons), capabilities.button_bytes
            )
        post = Post(
            _styled(text),
            rows,
            [next(files) for _ in reply.files],
            _id(reply.reply_to),
            reply.silent,
            reply.ephemeral,
        )
        language = arrival.event.message.sender.language
        post = degrade(post, capabilities, self._sentences.of(language))
        return (adapter.render(post) if post.text.text.strip() or post.files else ()), kept


def _owe(
    rendered: Rendered,
    arrival: Arrival,
    part: Part,
    verb: Verb,
    message: str | None = None,
    *,
    or_send: bool = False,
) -> None:
    number = len(rendered.outbound)
    new = new_outbound(arrival, number, part, verb, message, or_send=or_send)
    rendered.outbound.append(new)


def _finish(arrival: Arrival, also: Sequence[Arrival], rendered: Rendered) -> None:
    """End what began with an event that gets no answer of its own."""
    bare = [one.event.origin for one in also]
    if all(one.action.verb == "delete" for one in rendered.outbound):
        bare.append(arrival.event.origin)
    for origin in bare:
        if origin is not None:
            event = msgspec.structs.replace(arrival.event, origin=origin)
            _owe(rendered, msgspec.structs.replace(arrival, event=event), Part({}), "finish")


def in_advance(answer: Answer) -> list[Reply]:
    """Return the texts in `answer`, up to the first reply that cannot be shown in advance."""
    texts: list[Reply] = []
    for one in answer:
        if isinstance(one, Delete) or one.edit or one.ephemeral:
            break
        texts.append(Reply(one.text, reply_to=one.reply_to, silent=one.silent))
        if one.files:
            break  # they come in a message of their own, and what follows must be below it
    return texts


def _preview_for(part: Part, reply: Reply, rendered: Rendered) -> str | None:
    """Return the next message that shows a preview, to be edited into `part`.

    None if that cannot be: files, and what one person alone may see, come in new messages. Those
    that are left then stand above it, and so cannot become what follows.
    """
    if not (part.files or reply.ephemeral):
        return rendered.previews.pop(0)
    rendered.surplus += rendered.previews
    rendered.previews.clear()
    return None


def _styled(text: str | Markdown) -> StyledText:
    if isinstance(text, str):
        return StyledText(text)
    from chatstate.markup import parse

    return parse(text.text)


def _id(message: MessageRef | str | None) -> str | None:
    return message.id if isinstance(message, MessageRef) else message


def _is_special(reply: Reply) -> bool:
    return bool(reply.reply_to or reply.silent or reply.ephemeral)
