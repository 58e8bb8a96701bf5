"""A platform made for tests, at the adapter's boundary.

1. `delivered` is what was sent, in its order; an edit is one more entry. `shown` is what a chat
   looks like now.
2. A reply arrives in one piece, with text, markup and buttons as far as its capabilities go.
3. Each call takes the next fault, but for notices of typing. What was deleted cannot be edited.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, Self

import msgspec

from chatstate.adapter import (
    Absent,
    Action,
    Adapter,
    Capabilities,
    Found,
    Host,
    NativeCall,
    Part,
    Post,
    Sent,
    Unknown,
)
from chatstate.errors import Ambiguous, Blocked, Gone, Rejected
from chatstate.files import Attachment
from chatstate.markup import plain
from chatstate.testing.delivered import (
    Called,
    Delivered,
    called_of,
    continued,
    delivered_of,
    with_buttons_of,
)
from chatstate.text import StyledText

FULL = Capabilities(
    markup=True,
    buttons=True,
    files=True,
    file_ids=True,
    file_urls=True,
    edit=True,
    reactions=True,
    typing=5.0,
    threads=True,
    reply_to=True,
    silent=True,
    ephemeral=True,
    native=True,
    pings=True,
    link_buttons=True,
    button_styles=True,
    disabled_buttons=True,
    select=True,
    edit_buttons=True,
    suggestions=True,
    shares=True,
    cards=True,
    locations=True,
    contacts=True,
    polls=True,
    stickers=True,
)
"""A platform that lacks nothing."""


class FakePlatform(Adapter):
    """An adapter whose platform is this object: `delivered` is all that was ever sent to it.

    It can do everything, unless other `capabilities` are given (see `without`). With
    `idempotent_for` seconds above 0 it knows keys: a repeated call has no second effect. With
    `finds` it can tell whether a message was sent by a call whose answer was lost. With `modals` it
    asks a form of so many texts at once; see `Person.submit`. `deleted`
    are the ids of messages the bot removed, `reactions` its emoji by message, `typing` the chats it
    was seen typing in, `finished` the ids of events that ended without an answer, `files` what
    `upload` put there. `admins` are the ids of each chat's admins, `strangers` those of people with
    whom it has no private chat, `blocked` those of chats that take nothing. `called` are calls by
    names of its own, of which those that begin with "set" may be repeated, and `results` what they
    return, by that name.
    """

    def __init__(
        self,
        name: str = "test",
        account: str = "bot",
        *,
        idempotent_for: float = 0.0,
        finds: bool = False,
        modals: int = 0,
        capabilities: Capabilities = FULL,
    ) -> None:
        self.name = name
        self.account = account
        self.capabilities = msgspec.structs.replace(
            capabilities,
            idempotent_for=idempotent_for,
            modals=modals or capabilities.modals,
        )
        self.finds = finds
        self.delivered: list[Delivered] = []
        self.deleted: list[str] = []
        self.reactions: dict[str, str] = {}
        self.called: list[Called] = []
        self.results: dict[str, Any] = {}
        self.typing: list[str] = []
        self.finished: list[str | None] = []
        self.files: dict[str, bytes] = {}
        self.admins: dict[str, set[str]] = {}
        self.strangers: set[str] = set()
        self.blocked: set[str] = set()
        self.tries = 0
        self._host: asyncio.Future[Host] | None = None
        self._faults: deque[tuple[Exception, bool]] = deque()
        self._works = asyncio.Event()
        self._works.set()

    @classmethod
    def without(cls, *lacking: str) -> Self:
        """Return a platform that can do everything but these, by their names in `Capabilities`."""
        defaults = Capabilities()
        lacks = {name: getattr(defaults, name) for name in lacking}
        return cls(capabilities=msgspec.structs.replace(FULL, **lacks))

    def fail_next(self, error: Exception, times: int = 1) -> None:
        """Let the next calls have no effect and raise `error`."""
        self._faults.extend([(error, False)] * times)

    def lose_next(self, times: int = 1) -> None:
        """Let the next calls take effect, but lose the answers."""
        self._faults.extend([(Ambiguous("the answer was lost"), True)] * times)

    def stall(self) -> None:
        """Let calls wait until `recover`."""
        self._works.clear()

    def recover(self) -> None:
        """End a `stall`."""
        self._works.set()

    def upload(self, name: str, data: bytes, media_type: str) -> Attachment:
        """Put a file there, as somebody does who attaches it to a message."""
        ref = f"file-{len(self.files) + 1}"
        self.files[ref] = data
        return Attachment(ref, name, media_type, len(data), id=ref)

    def shown(self, chat: str) -> list[Delivered]:
        """Return the messages a chat shows now: as last edited, without those deleted."""
        messages: dict[str, Delivered] = {}
        for delivered in self.delivered:
            if delivered.chat == chat:
                messages[delivered.edits or delivered.id] = delivered
        return [shown for identity, shown in messages.items() if identity not in self.deleted]

    async def connected(self) -> Host:
        """Return the engine, once it runs this adapter."""
        if self._host is None:
            self._host = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._host)

    async def run(self, host: Host) -> None:
        """Offer the engine to the test, until cancelled."""
        loop = asyncio.get_running_loop()
        if self._host is None or self._host.done():
            self._host = loop.create_future()
        host.connected(self.account)
        self._host.set_result(host)
        try:
            await loop.create_future()
        finally:
            self._host = None

    def render(self, post: Post) -> Sequence[Part]:
        """Return the reply as one part."""
        if not self.capabilities.markup:
            post = msgspec.structs.replace(post, text=StyledText(plain(post.text)))
        picture = post.card.picture if post.card else None
        files = (*([picture] if picture else ()), *post.files)
        content = msgspec.to_builtins(msgspec.structs.replace(post, files=()))
        has_buttons = bool(post.buttons or post.select)
        return (Part(content, files, has_buttons=has_buttons, keeps=post.keeps),)

    def native(self, call: NativeCall) -> Part:
        """Return a call as one part."""
        content = {"method": call.method, "arguments": call.arguments}
        return Part(content, call.files, is_repeatable=call.method.startswith("set"))

    async def perform(self, action: Action) -> Sent:
        """Note a call, or do what the test asked for."""
        if action.verb == "typing":
            self.typing.append(action.chat)
            return Sent()
        self.tries += 1
        await self._works.wait()
        if action.chat in self.blocked:
            raise Blocked(f"the bot was blocked in {action.chat}")
        error, takes_effect = self._fault(action)
        sent = self._do(action) if takes_effect else Sent()
        if error:
            raise error
        return sent

    async def find(self, action: Action) -> Found:
        """Tell whether a message was sent, if the platform `finds` any."""
        sent = [known for known in self.delivered if known.key == action.key and not known.edits]
        if sent and self.finds:
            return Sent(sent[0].id)
        return Absent() if self.finds else Unknown()

    async def is_admin(self, chat: str, user: str) -> bool:
        """Tell whether `admins` says so."""
        return user in self.admins.get(chat, ())

    async def private_chat(self, user: str) -> str:
        """Return the chat that `TestClient.user` is in, unless the person is among `strangers`."""
        if user in self.strangers:
            raise Rejected(f"{user} takes no messages from the bot")
        return f"private-{user}"

    async def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Return the bytes of an uploaded file."""
        try:
            data = self.files[attachment.ref]
        except KeyError:
            raise Rejected(f"there is no file {attachment.ref}") from None
        for first in range(0, len(data), 1 << 16):
            yield data[first : first + (1 << 16)]

    def _do(self, action: Action) -> Sent:
        if action.verb == "delete":
            self.deleted.append(str(action.message))
            return Sent()
        if action.verb == "reaction":
            self._react(str(action.message), str(action.part.content["reaction"]))
            return Sent()
        if action.verb == "finish":
            self.finished.append(action.origin)
            return Sent()
        if action.verb == "native":
            self.called.append(called := called_of(action))
            return Sent(f"call-{len(self.called)}", self.results.get(called.method))
        if action.verb == "edit" and action.message in self.deleted:
            raise Gone(f"there is no message {action.message} any more")
        before = [known for known in self.delivered if known.key == action.key]
        if before and self.capabilities.idempotent_for and action.verb == "send":
            return Sent(before[0].id)
        delivered = delivered_of(action, self._new_id(action))
        if action.continues:
            whole = continued(self._last(str(action.message)).styled, delivered.styled)
            delivered = msgspec.structs.replace(delivered, text=whole.text, styled=whole)
        if action.part.keeps:
            delivered = with_buttons_of(delivered, self._last(str(action.message)))
        self.delivered.append(delivered)
        return Sent(delivered.edits or delivered.id)

    def _fault(self, action: Action) -> tuple[Exception | None, bool]:  # noqa: ARG002 - as below
        """Return what a call raises, and whether it takes effect."""
        return self._faults.popleft() if self._faults else (None, True)

    def _new_id(self, action: Action) -> str:  # noqa: ARG002 - others name messages by it
        return f"message-{len(self.delivered) + 1}"

    def _react(self, message: str, emoji: str) -> None:
        self.reactions.pop(message, None)
        if emoji:
            self.reactions[message] = emoji

    def _last(self, message: str) -> Delivered:
        """Return a message as it was shown last."""
        return next(d for d in reversed(self.delivered) if message in (d.id, d.edits))
