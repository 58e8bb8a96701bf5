"""The signature on what buttons carry: who has not the bot's secret cannot make any up."""

from __future__ import annotations

import base64
import hashlib
import hmac

_SIGNATURE_BYTES = 6
SIGNED = 8
"""How many characters of base64 a signature has."""


class Signature:
    """Signs for one bot. What is signed for a conversation counts in no other."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, conversation: int, said: str) -> str:
        """Return what says this, signed."""
        signed = hashlib.blake2b(
            f"{conversation} {said}".encode(errors="replace"),
            key=self._secret,
            digest_size=_SIGNATURE_BYTES,
        )
        return base64.urlsafe_b64encode(signed.digest()).decode() + said

    def said(self, conversation: int, data: str) -> str:
        """Return what signed data says; '' if nobody signed it for this conversation."""
        said = data[SIGNED:]
        expected = self.sign(conversation, said)
        genuine = hmac.compare_digest(
            data.encode(errors="replace"), expected.encode(errors="replace")
        )
        return said if genuine else ""
