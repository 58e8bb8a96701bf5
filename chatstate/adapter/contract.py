"""The contract between the engine and a platform.

An adapter turns what a platform says into `Event`s, and rendered parts into calls on the
platform. It keeps no state that matters: what it delivered is in the inbox, what it still has
to send is in the outbox. Rules:

1. `deliver` has returned: the events are durable and may be acknowledged to the platform.
2. `render` is pure. Each part it returns is one call, one outbox row, one idempotency key. What
   the adapter's `capabilities` lack is never in the `Post` it gets (save markup: see there).
3. `perform` makes one call. It returns only when the platform has surely accepted it and
   raises one of the `SendError`s otherwise; anything else it raises counts as ambiguous. To edit a
   message that is there no more raises `Gone`.
4. `perform` may be called again with the same key after a crash. Where the platform can tell
   whether it was done before, `find` says so.
5. A press is an event whose text is the `data` of the `PostButton` that was pressed, as the
   platform gave it back; a choice is one whose text is the `data` of the `PostSelect`, and whose
   `selected` are those of the options. The engine checks it; an adapter trusts none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from chatstate.adapter.actions import (
    Action,
    Found,
    NativeCall,
    Part,
    Post,
    Sent,
    Unknown,
)
from chatstate.adapter.capabilities import Capabilities
from chatstate.adapter.findings import Finding
from chatstate.adapter.host import Host
from chatstate.adapter.updates import Updates
from chatstate.errors import Rejected, ReplyError
from chatstate.files import Attachment


class Adapter(Protocol):
    """A platform. See the module's rules.

    - `name`: the platform's, as `--on` takes it; the same for all accounts on it.
    - `account`: the platform's id of the bot account; known before `run`, the same at each start.
    - `label`: what those who run the bot call the account, as in `--on telegram:shop`; "" for none.
      It is set from outside, and stored nowhere.
    - `on_each_worker`: of several workers that share a store, `run` is called on each, and asks
      `Host.lead` or `Host.share` for what one alone may receive. Else it is called on one at a
      time. `perform` is called on any of them, also where `run` is not.
    - `updates`: what the platform tells of by names of its own; None if nobody has listed that.
      An event of the kind "other" has such a name: "platform:name", in `Message.update`.
    """

    name: str
    account: str
    label: str = ""
    capabilities: Capabilities
    on_each_worker: bool = False
    updates: Updates | None = None

    @property
    def client(self) -> Any:
        """The object of the platform's own library (see `Turn.client`); None if there is none.

        A subclass that has none inherits this.
        """
        return None

    def attach(self, host: Host) -> None:  # noqa: ARG002 - for those who need it
        """Take the host before anything is performed, also where another process receives.

        A subclass that needs no host for what it performs inherits this.
        """
        return

    async def run(self, host: Host) -> None:
        """Receive until cancelled, or until there can be nothing more to receive."""
        ...

    def render(self, post: Post) -> Sequence[Part]:
        """Return the parts that show `post` on this platform: its text, its files, or both.

        See `chatstate.markup.pages` for texts longer than one message.
        """
        ...

    def native(self, call: NativeCall) -> Part:
        """Return the part that makes a call by the platform's own name, for the verb "native".

        Pure, as `render`. The chat and its thread, which `perform` is told, are filled in then
        where the call takes them and names none. Raises `ReplyError` for one that names another
        chat. A subclass whose `capabilities` lack this inherits it.
        """
        raise ReplyError(f"{self.name} takes no calls by names of its own, so not {call.method}")

    async def perform(self, action: Action) -> Sent:
        """Make one call on the platform."""
        ...

    async def find(self, action: Action) -> Found:  # noqa: ARG002 - for those who can tell
        """Tell whether a message was sent by a call whose outcome is unknown.

        Asked before the action is repeated, also by another process. `Absent` is believed only two
        seconds and more after the call had failed: it may have been on its way. What this raises
        is as of `perform`; a question that did not get through is asked again. A subclass that
        cannot know inherits this: then the policy `on_ambiguous` decides.
        """
        return Unknown()

    def open(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """Return a received file's bytes, in pieces. A subclass without files inherits this.

        The iterator raises `Rejected` if the platform has it no more. After `Unreachable`,
        `RetryAfter` and `Ambiguous`, also half way, it is asked for again, from its beginning,
        until the turn's time is over.
        """
        raise Rejected(f"{self.name} knows no files, so there is no {attachment.name}")

    async def is_admin(self, chat: str, user: str) -> bool:  # noqa: ARG002 - for those who know
        """Tell whether somebody is an admin of a group or channel, by the platform's ids.

        Not asked for private chats. A subclass that cannot know inherits this: nobody is. It is
        asked again as `open` is; what else it raises fails the turn that asks.
        """
        return False

    async def examine(self, kinds: AbstractSet[str]) -> Sequence[Finding]:  # noqa: ARG002 - for those who can ask
        """Return how the account is, by asking the platform: for `chatstate doctor`.

        The token, what the platform must be told or allow for the bot's `kinds` (as `Host.kinds`,
        those by this platform's own names without it before them), the clock. Nothing is changed
        there, and it is asked while `run` does not run. What it raises is told as a failure. A
        subclass that has nobody to ask inherits this.
        """
        return ()

    async def private_chat(self, user: str) -> str:
        """Return the platform's id of the private chat with somebody, opened if need be.

        Both by the platform's ids. To ask twice is harmless. Raises `Rejected` if there can be
        none, and else as `perform` does. A subclass whose bots cannot begin one inherits this.
        """
        raise Rejected(f"on {self.name} no bot begins a private chat, so not with {user}")

    async def forget(self, user: str) -> bool:  # noqa: ARG002 - for those who keep something
        """Erase what the adapter keeps of somebody beside the store, by the platform's id.

        Tell whether there was any. Called while the bot runs, maybe several times. A subclass that
        keeps nothing inherits this.
        """
        return False

    async def export(self, user: str) -> Any:  # noqa: ARG002 - for those who keep something
        """Return what the adapter keeps of somebody beside the store, as JSON types; else None."""
        return None
