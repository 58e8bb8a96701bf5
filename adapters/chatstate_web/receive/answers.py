"""What the bot has said in answer to something, for those who look at no page."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatstate.adapter import Transcript
from chatstate_web.send import parts
from chatstate_web.send.parts import PageCard, PageFile


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message that the bot replied."""

    id: str
    text: str
    card: PageCard | None = None
    files: Sequence[PageFile] = ()


async def replies_to(
    transcript: Transcript, chat: str, thread: str, origin: str
) -> Sequence[Answer]:
    """Return what was said there in answer to the event of an origin, in the order of saying it."""
    found = await transcript.read(chat, thread=thread)
    bodies = [(kept.id, parts.body_of(kept.body)) for kept in found if kept.body is not None]
    return [
        Answer(str(number), body.text, body.card, tuple(body.files))
        for number, body in sorted(bodies, key=lambda shown: shown[0])
        if body.by == "bot" and body.origin == origin
    ]
