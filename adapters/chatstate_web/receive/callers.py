"""Who may speak to the bot without a browser: the file that `--keys` names, as TOML.

    [signing.ci]                     # posts events that are signed with this
    secret = "..."
    conversations = ["builds", "builds/*"]
    identities = ["ci"]

    [tokens]                         # call tools
    assistant = "..."

1. What is in the file is named in no error, but for names of callers and fields.
2. A key says for which conversations it is, and as whom: nothing else can be done with it.
3. What is compared is compared in a time that tells nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from pathlib import Path
from typing import Annotated

import msgspec

from chatstate import AdapterError

_ENCODED = "whsec_"
_VERSION = "v1,"
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
Secret = Annotated[str, msgspec.Meta(min_length=16)]


class SigningKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With what events are signed, into which conversations they go, and whose they may be.

    A conversation is CHAT, or CHAT/THREAD; one that ends with * stands for all that begin so. A
    `secret` that begins with "whsec_" is base64, as senders of webhooks write it; else a text.
    """

    secret: Secret
    conversations: tuple[str, ...]
    identities: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.secret.startswith(_ENCODED):
            base64.b64decode(self.secret.removeprefix(_ENCODED), validate=True)

    def signs(self, signatures: str, content: bytes) -> bool:
        """Tell whether one of these, with blanks between them, is this key's of the content."""
        digest = hmac.new(self._bytes, content, hashlib.sha256).digest()
        right = base64.b64encode(digest)
        given = [part.removeprefix(_VERSION) for part in signatures.split()]
        return any([hmac.compare_digest(right, part.encode()) for part in given])  # noqa: C419 - all

    def reaches(self, conversation: str) -> bool:
        """Tell whether it is for a conversation."""
        return any(_covers(pattern, conversation) for pattern in self.conversations)

    @property
    def _bytes(self) -> bytes:
        if self.secret.startswith(_ENCODED):
            return base64.b64decode(self.secret.removeprefix(_ENCODED))
        return self.secret.encode()


class Caller(msgspec.Struct, frozen=True):
    """Who calls tools: the `id` of their chat and themselves, by `name` to the bot."""

    id: str
    name: str


class Callers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All who may, by their names."""

    signing: dict[Name, SigningKey] = {}
    tokens: dict[Name, Secret] = {}

    def who_signed(self, signatures: str, content: bytes) -> tuple[str, SigningKey] | None:
        """Return whose key has signed a content; None if it is nobody's."""
        found = [
            (name, key) for name, key in self.signing.items() if key.signs(signatures, content)
        ]
        return found[0] if found else None

    def who_has(self, token: str) -> Caller | None:
        """Return whose a token is; None if it is nobody's."""
        given = token.encode()
        found = [
            Caller(f"mcp-{name}", name)
            for name, known in self.tokens.items()
            if hmac.compare_digest(known.encode(), given)
        ]
        return found[0] if found else None


def callers_in(path: str) -> Callers:
    """Return those that a file names, nobody for "".

    Raises `AdapterError` if it cannot be read, or says something else.
    """
    if not path:
        return Callers()
    try:
        return msgspec.toml.decode(Path(path).read_bytes(), type=Callers)
    except OSError as error:
        raise AdapterError(f"--keys {path} cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, UnicodeError, binascii.Error) as error:
        raise AdapterError(f"--keys {path}: {error}") from None


def _covers(pattern: str, conversation: str) -> bool:
    if pattern.endswith("*"):
        return conversation.startswith(pattern[:-1])
    return pattern == conversation
