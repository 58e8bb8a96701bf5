"""A call of one platform by the platform's own name for it, in place of a reply.

1. It is checked when it is made: what cannot be kept until it is sent, and what the platform's
   adapter refuses, is an error that names it.
2. It keeps nothing that somebody may change later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, TypeAlias, TypeVar, cast

from chatstate.adapter.natives import natives_of
from chatstate.checks import require_text
from chatstate.files import File
from chatstate.messages import Chat, MessageRef, User

T = TypeVar("T")
Step: TypeAlias = str | int
"""A key of a mapping, or a number in a list."""


@dataclass(frozen=True, slots=True, init=False)
class Native:
    """In place of a reply: one call of a platform, owed as every reply is.

    `Native("sendPoll", question="Tea?", options=[...])` is a method of the Bot API;
    `Native("POST /channels/{channel_id}/messages", on="discord", embeds=[...])` a route of
    Discord's. The arguments are what JSON knows, objects of the platform's library that have a
    `to_dict`, and `File`s, which are copied as those of a `Reply` are. Of a `User`, a `Chat` or a
    `MessageRef` it is the id; of what `turn.send` has returned it is that which the message has
    once it is sent. If it never is, or gone, the call is not made.

    - The chat and its thread are filled in where they are not named.
    - `otherwise` is what is answered on other platforms: whatever a handler may return.
    - After a failure that tells not whether the call was made it is held, not repeated, unless
      that does no harm (see `on_ambiguous`). What the platform returns comes to `@bot.on_sent`.

    Raises `TypeError` and `ValueError` for an argument that cannot be sent, and for a method that
    chatstate calls itself (Telegram's `getUpdates`, say).
    """

    method: str
    on: str
    otherwise: Any
    arguments: Mapping[str, Any]

    def __init__(
        self, method: str, /, on: str = "telegram", otherwise: Any = None, **arguments: Any
    ) -> None:
        require_text("a method", method)
        require_text("Native.on", on)
        natives = natives_of(on)
        if natives and (why := natives.refusal(method)):
            raise ValueError(f"Native({method!r}): {why}")
        checked = {name: sendable(value, f"{method}: {name}") for name, value in arguments.items()}
        values = {"method": method, "on": on, "otherwise": otherwise, "arguments": checked}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def files(self) -> list[File]:
        """The files among its arguments, in their order."""
        return [file for _, file in files_in(self.arguments)]

    @property
    def references(self) -> list[MessageRef]:
        """The messages that its arguments name and that have no id yet."""
        return [reference for _, reference in leaves(self.arguments, MessageRef)]


def checked_native(given: Any) -> Mapping[str, Mapping[str, Any]]:
    """Return what a reply adds on each platform, as it is now. Raises `TypeError`, `ValueError`."""
    what = "Reply.native"
    checked = sendable(given, what)
    if not isinstance(checked, dict):
        raise TypeError(f"{what} maps platforms to what is added there: {{'telegram': {{...}}}}")
    for platform, added in cast("dict[str, Any]", checked).items():
        if not isinstance(added, dict):
            raise TypeError(f"{what}.{platform} must be a mapping, not {type(added).__name__}")
        if leaves(added, MessageRef):
            raise TypeError(
                f"{what}.{platform} names a message that has no id yet: use Native(...)"
            )
        if files_in(added):
            raise TypeError(f"{what}.{platform} has a File: files of a Reply are its files=")
    return cast("Mapping[str, Mapping[str, Any]]", checked)


def sendable(value: Any, what: str) -> Any:
    """Return a value as it is now, if it can be kept and sent: what JSON knows, files, references.

    `what` names it. Raises `TypeError` and `ValueError`.
    """
    if value is None or isinstance(value, bool | int | File):
        return value.url or value if isinstance(value, File) else value
    if isinstance(value, str | float):
        return _checked(value, what)
    if isinstance(value, list | tuple):
        items = cast("Sequence[Any]", value)
        return [sendable(item, f"{what}[{n}]") for n, item in enumerate(items)]
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value)
        return {_key(key, what): sendable(item, f"{what}.{key}") for key, item in members.items()}
    if isinstance(value, User | Chat | MessageRef):
        return _id(value, what)
    if not isinstance(value, type) and callable(getattr(value, "to_dict", None)):
        return sendable(value.to_dict(), what)
    remedy = "File(...)" if isinstance(value, bytes | bytearray) else "what JSON knows, or a File"
    raise TypeError(f"{what} is {type(value).__name__}, which cannot be sent; give {remedy}")


def files_in(value: Any) -> list[tuple[Sequence[Step], File]]:
    """Return the files within a value, each with the way that leads to it."""
    return leaves(value, File)


def leaves(value: Any, kind: type[T]) -> list[tuple[Sequence[Step], T]]:
    """Return what is of a kind within a value, each with the way that leads to it."""
    if isinstance(value, kind):
        return [((), value)]
    members: Sequence[tuple[Step, Any]] = ()
    if isinstance(value, Mapping):
        members = list(cast("Mapping[str, Any]", value).items())
    elif isinstance(value, list):
        members = list(enumerate(cast("list[Any]", value)))
    return [((step, *way), leaf) for step, item in members for way, leaf in leaves(item, kind)]


def _checked(value: str | float, what: str) -> str | float:
    if isinstance(value, str):
        require_text(what, value)
    elif not isfinite(value):
        raise ValueError(f"{what} is {value}, which JSON does not know")
    return value


def _id(value: User | Chat | MessageRef, what: str) -> str | MessageRef:
    """Return an id, or what will have one."""
    if value.id or not isinstance(value, MessageRef):
        return value.id
    if not value.sent:
        raise ValueError(f"{what} is a message without an id: the platform has told none")
    return value


def _key(key: Any, what: str) -> str:
    require_text(f"a key of {what}", key)
    return cast("str", key)
