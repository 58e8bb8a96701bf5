"""Texts on their way to PostgreSQL and back, which keeps any character but U+0000.

That may stand in a name or an id all the same. It is written as U+FFFF, which is no character and
stands in no text, and a digit; so is U+FFFF itself.
"""

from __future__ import annotations

import asyncpg

_ESCAPE = "\uffff"
_NUL, _ITSELF = _ESCAPE + "0", _ESCAPE + "1"


async def set_up(connection: asyncpg.Connection) -> None:
    """Let texts be any, on a new connection. In arrays they have to be `kept` before."""
    await connection.set_type_codec(
        "text", schema="pg_catalog", encoder=_encoded, decoder=_decoded, format="binary"
    )


def kept(text: str) -> str:
    """Return a text as it is kept."""
    if "\0" in text or _ESCAPE in text:
        return text.replace(_ESCAPE, _ITSELF).replace("\0", _NUL)
    return text


def _encoded(text: str) -> bytes:
    return kept(text).encode()


def _decoded(written: bytes) -> str:
    text = bytes(written).decode()
    if _ESCAPE in text:
        return text.replace(_NUL, "\0").replace(_ITSELF, _ESCAPE)
    return text
