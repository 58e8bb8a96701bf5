"""Who a browser belongs to: a person, in a cookie that is signed.

1. Whoever has a cookie is that person, for `LASTS` seconds; nobody else can make it.
2. It lets in as long as the same lets people in: once there is a password, or another one, whoever
   has it is asked again, and stays who they are.
3. Scripts cannot read it, and no other site's page can have it sent (`SameSite=Strict`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

import msgspec

LASTS = 365 * 24 * 3600
_PERSON_BYTES = 10


class Person(msgspec.Struct, frozen=True):
    """Somebody on the page: by an id, and under which name the bot knows them."""

    id: str
    name: str = ""


class _Signed(msgspec.Struct, frozen=True, array_like=True):
    person: Person
    until: int
    entrance: str


def new_person() -> Person:
    """Return somebody whom nobody has seen before."""
    number = secrets.token_hex(_PERSON_BYTES)
    return Person(number, f"guest-{number[:4]}")


def named_person(name: str) -> Person:
    """Return the person of a name: the same on each device."""
    digest = hashlib.blake2b(name.encode(), digest_size=_PERSON_BYTES).hexdigest()
    return Person(f"n{digest}", name)


class Cookies:
    """Makes and reads the cookies of one page. `secret` is the account's own."""

    def __init__(self, secret: bytes, entrance: str, bot: str) -> None:
        self._key = secret
        self._entrance = self._mac("entrance", entrance)
        self.name = f"chatstate_{hashlib.blake2b(bot.encode(), digest_size=6).hexdigest()}"

    def make(self, person: Person, now: float) -> str:
        """Return the cookie of a person who was let in."""
        signed = msgspec.json.encode(_Signed(person, int(now) + LASTS, self._entrance))
        body = base64.urlsafe_b64encode(signed).decode().rstrip("=")
        return f"{body}.{self._mac('cookie', body)}"

    def person(self, cookie: str, now: float) -> Person | None:
        """Return who is let in with a cookie; None if nobody is."""
        signed = self._read(cookie, now)
        return signed.person if signed and signed.entrance == self._entrance else None

    def known(self, cookie: str, now: float) -> Person | None:
        """Return whose a cookie is, let in or not; None if it is nobody's."""
        signed = self._read(cookie, now)
        return signed.person if signed else None

    def _read(self, cookie: str, now: float) -> _Signed | None:
        body, _, mac = cookie.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac("cookie", body).encode()):
            return None
        try:
            padded = body + "=" * (-len(body) % 4)
            signed = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Signed)
        except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return signed if signed.until > now else None

    def _mac(self, purpose: str, text: str) -> str:
        """Return what proves a text: for one purpose, and no other."""
        told = f"{purpose}\0{text}".encode(errors="replace")
        return hmac.new(self._key, told, hashlib.sha256).hexdigest()
