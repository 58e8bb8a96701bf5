"""What can be told of an answer before it is rendered."""

from __future__ import annotations

from collections.abc import Sequence

from chatstate.messages import MessageRef
from chatstate.replies import AnyReply, Delete, Markdown, Native, React, Reply

Answer = Sequence[AnyReply]
LONG = 2_000
"""How many characters of Markdown stop the event loop for too long."""


def needs_care(answer: Answer, short: int) -> bool:
    """Tell whether something is to be done before an answer is rendered.

    For files there is, for references, for a platform's own calls, and for texts of more than
    `short` characters.
    """
    for reply in answer:
        if isinstance(reply, Reply):
            if reply.files or reply.card or reply.sticker or reply.edit or reply.reply_to:
                return True
            text = reply.text
            if len(text if isinstance(text, str) else text.text) > short:
                return True
        elif isinstance(reply, Native) or isinstance(_named(reply), MessageRef):
            return True
    return False


def _named(reply: Delete | React) -> MessageRef | str | None:
    """Return the message that is deleted, or reacted to."""
    return reply.message if isinstance(reply, Delete) else reply.to


def is_long(reply: AnyReply) -> bool:
    """Tell whether a reply is Markdown that takes its time to be rendered."""
    return (
        isinstance(reply, Reply)
        and isinstance(reply.text, Markdown)
        and len(reply.text.text) > LONG
    )


def in_advance(answer: Answer) -> list[Reply]:
    """Return the texts in `answer`, up to the first reply that cannot be shown in advance."""
    texts: list[Reply] = []
    for reply in answer:
        if isinstance(reply, React):
            continue  # it is no message, and so it is in no message's way
        if not isinstance(reply, Reply) or reply.edit or reply.ephemeral or reply.suggestions:
            break
        said = Reply(reply.text, reply_to=reply.reply_to, silent=reply.silent, native=reply.native)
        texts.append(said)
        if reply.files or reply.card or reply.shared:
            break  # they come in a message of their own, and what follows must be below it
    return texts
