"""Buttons: what they carry to the platform, and what a press on one means.

1. What a button carries is signed with the bot's secret, for its conversation: a press that a
   platform or a person made up, or on a button from elsewhere, is refused.
2. It carries what it sends, so that it works for ever and without a row. What is too long for the
   platform is kept under a random reference for 30 days, and valid on its own message only.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

import msgspec

from chatstate.adapter import PostButton
from chatstate.clock import Clock
from chatstate.messages import Message
from chatstate.replies import Button
from chatstate.stores.base import Arrival, KeptButton, Store

_KEPT_SECONDS = 30 * 24 * 3600.0
_SIGNATURE_BYTES = 6
_SIGNED = 8  # characters of base64
_VALUE, _COMMAND, _REFERENCE = "v", "c", "r"


class Press(msgspec.Struct, frozen=True):
    """A press that is genuine: the event as it is meant, and whether it runs a command."""

    arrival: Arrival
    command: bool

    @property
    def message(self) -> Message:
        """What it says."""
        return self.arrival.event.message


class Buttons:
    """Makes what buttons carry, and reads what presses bring."""

    def __init__(self, secret: bytes, store: Store, clock: Clock) -> None:
        self._secret = secret
        self._store = store
        self._clock = clock

    def rows(
        self, conversation: int, rows: Sequence[Sequence[Button]], limit: int
    ) -> tuple[list[list[PostButton]], list[KeptButton]]:
        """Return rows as the platform gets them, of at most `limit` bytes, and what to keep."""
        kept: list[KeptButton] = []
        carried = [
            [PostButton(b.label, self._data(conversation, b, limit, kept), b.sends) for b in row]
            for row in rows
        ]
        return carried, kept

    def _data(self, conversation: int, button: Button, limit: int, kept: list[KeptButton]) -> str:
        is_command = button.command is not None
        kind = _COMMAND if is_command else _VALUE
        if _SIGNED + len(kind) + len(button.sends.encode()) <= limit:
            return self._signed(conversation, kind + button.sends)
        ref = secrets.token_urlsafe(18)
        expires_at = self._clock.time() + _KEPT_SECONDS
        kept.append(KeptButton(ref, 0, button.sends, is_command, expires_at))
        return self._signed(conversation, _REFERENCE + ref)

    def is_kept(self, arrival: Arrival) -> bool:
        """Tell whether what a press means must be looked up in the store."""
        return self._verified(arrival).startswith(_REFERENCE)

    async def read(self, arrival: Arrival) -> Press | None:
        """Return what a press means; None if it is not genuine, or its button is dead."""
        said = self._verified(arrival)
        if not said.startswith(_REFERENCE):
            return _press(arrival, said)
        message = arrival.event.message
        found = await self._store.button(said[1:])
        if found is None or found.conversation != arrival.place.conversation:
            return None
        hangs_on = message.pressed.id if message.pressed else None
        if found.message is not None and found.message != hangs_on:
            return None
        return _press(arrival, (_COMMAND if found.command else _VALUE) + found.sends)

    def read_now(self, arrival: Arrival) -> Press | None:
        """Return the same for a button that carries what it sends; None for any other."""
        said = self._verified(arrival)
        return None if said.startswith(_REFERENCE) else _press(arrival, said)

    def _verified(self, arrival: Arrival) -> str:
        """Return what a press brings without its signature; '' if that is wrong."""
        data = arrival.event.message.text
        signature, said = data[:_SIGNED], data[_SIGNED:]
        expected = self._signature(arrival.place.conversation, said)
        genuine = hmac.compare_digest(signature.encode(errors="replace"), expected.encode())
        return said if genuine else ""

    def _signed(self, conversation: int, said: str) -> str:
        return self._signature(conversation, said) + said

    def _signature(self, conversation: int, said: str) -> str:
        signed = hashlib.blake2b(
            f"{conversation} {said}".encode(errors="replace"),
            key=self._secret,
            digest_size=_SIGNATURE_BYTES,
        )
        return base64.urlsafe_b64encode(signed.digest()).decode()


def _press(arrival: Arrival, said: str) -> Press | None:
    if not said:
        return None
    message = msgspec.structs.replace(arrival.event.message, text=said[1:])
    meant = msgspec.structs.replace(arrival.event, message=message)
    return Press(msgspec.structs.replace(arrival, event=meant), said.startswith(_COMMAND))
