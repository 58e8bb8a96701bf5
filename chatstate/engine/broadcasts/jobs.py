"""Jobs as they are noted: what they are called by, and what tells one from another."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from chatstate.engine.outbox.addressing import KEPT_SECONDS
from chatstate.engine.outbox.letters import Letter
from chatstate.stores.broadcasts import Audience, NewBroadcast, Recipient

_encode = msgspec.json.Encoder().encode


def job_ref(bot: str, key: str) -> str:
    """Return the reference under which the files of a bot's job lie."""
    return f"b{_hash(_encode([bot, key]))}"


def new_job(
    key: str, letter: Letter, audience: Audience, now: float, listed: Sequence[Recipient] = ()
) -> NewBroadcast:
    """Return a job to be noted, which says a letter to an audience, or to those who are listed.

    Its content is what is said, and to whom, whatever the files are called where they lie.
    """
    content = _hash(_encode([letter.said, audience, listed]))
    text = _encode(letter).decode()
    return NewBroadcast(key, text, content, audience, letter.ref, now + KEPT_SECONDS)


def _hash(told: bytes) -> str:
    return hashlib.blake2b(told, digest_size=16).hexdigest()
