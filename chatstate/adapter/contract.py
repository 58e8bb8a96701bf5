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

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Literal, Protocol

import msgspec

from chatstate.adapter.actions import (
    Action,
    Found,
    NativeCall,
    Part,
    Post,
    PostForm,
    Sent,
    Unknown,
)
from chatstate.adapter.capabilities import Capabilities
from chatstate.adapter.findings import Finding
from chatstate.adapter.transcript import Transcript
from chatstate.adapter.updates import Updates
from chatstate.errors import Rejected, ReplyError
from chatstate.files import Attachment
from chatstate.inspection import Inspection
from chatstate.messages import Command, Event, Message

ReceiptStatus = Literal["stored", "duplicate", "refused"]


class About(msgspec.Struct, frozen=True, gc=False):
    """The bot that runs, for people to read. `store` is where its state is: a path, say."""

    id: str
    title: str
    description: str
    store: str


class Receipt(Protocol):
    """What became of one delivered event.

    `duplicate`: it had been delivered before. `refused`: its conversation has too many events
    waiting, or a field of it is not of its type; nothing was stored, and it should be acknowledged
    all the same.
    """

    @property
    def status(self) -> ReceiptStatus: ...

    def settled(self) -> Awaitable[None]:
        """Return when the event's turn is committed and its replies are sent, held or dead."""
        ...


class Host(Protocol):
    """What an adapter may ask of the engine while it runs."""

    @property
    def about(self) -> About:
        """The bot that runs."""
        ...

    @property
    def commands(self) -> Sequence[Command]:
        """The commands the bot answers to, in the order of their registration."""
        ...

    @property
    def kinds(self) -> AbstractSet[str]:
        """The kinds of messages that the bot has a handler for: "reaction" costs a platform's word.

        Updates by their names are among them, as `@bot.on` was given them.
        """
        ...

    @property
    def updates(self) -> AbstractSet[str]:
        """What the bot has handlers for by its name on this platform: "poll_answer"."""
        ...

    @property
    def cursor(self) -> str | None:
        """The last cursor given to `deliver` for this account, in this process or before."""
        ...

    def cursor_of(self, part: str) -> str | None:
        """Return the same for a part of what the account receives: a shard, say."""
        ...

    @property
    def transcript(self) -> Transcript:
        """What the account's pages show, for a platform that keeps no messages itself."""
        ...

    async def assure(self) -> None:
        """Return while this worker surely lives, so that its calls are its own to make.

        To be awaited right before a call that has waited in `perform`, for a limit say. Raises
        `StorageError` if the worker was taken for dead: then the call must not be made.
        """
        ...

    @property
    def peers(self) -> int:
        """How many workers have this account now, this one included: they share its limits."""
        ...

    async def lead(self) -> None:
        """Return once this worker is the one that receives for the account, until it ends.

        Cursors are those of whoever did so before. For an adapter that is run `on_each_worker`.
        """
        ...

    def share(self, parts: Sequence[str], *, evenly: bool = True) -> AsyncGenerator[Sequence[str]]:
        """Yield those parts of what the account receives that this worker is to receive.

        Again whenever that has changed, because other workers came or went; cursors are current
        then. Each part is one worker's at a time: whoever asks for the next has stopped with what
        was left out. Not `evenly`: all that nobody else has.
        """
        ...

    async def pass_on(self, name: str, text: str) -> None:
        """Give a text to the worker that leads; return when that is durable.

        For what comes to any worker and one must see it all, as the posts of a webhook. The same
        name is the same thing once more.
        """
        ...

    def passed(self) -> AsyncGenerator[Mapping[str, str]]:
        """Yield what others have passed on, by its name, whenever there is some.

        It is forgotten when the next is asked for. For the worker that leads.
        """
        ...

    async def remember(self, name: str, text: str | None) -> None:
        """Keep a text of the adapter's own for this account, durably; None forgets it."""
        ...

    async def recall(self, name: str) -> str | None:
        """Return what was remembered under a name, None if nothing was."""
        ...

    def connected(self, name: str) -> None:
        """Note that the platform is reached, where people know the account by `name` (`@a_bot`).

        Whoever has started the bot is told so, once in a process.
        """
        ...

    def lost(self, why: str) -> None:
        """Note that the platform is not reached, or does not reach the bot; and why, in a line.

        For whoever watches the bot's health; `connected` says that it is over.
        """
        ...

    def refusal(self, message: Message) -> str | None:
        """Return what the bot would answer at once to a message it cannot handle; else None.

        For platforms where that is shown to the person alone, before anything is delivered: an
        unknown command, an argument that cannot be read.
        """
        ...

    def deliver(
        self, events: Sequence[Event], cursor: str | None = None, part: str = ""
    ) -> Awaitable[Sequence[Receipt]]:
        """Store events in their order, with the adapter's cursor, and return when durable.

        The cursor is that of a `part` of what the account receives. Gives one receipt per event;
        without events it only stores the cursor. While the store fails this waits for it to
        recover; it raises `StorageError` if that is hopeless, and the events must not be
        acknowledged. Once the bot is told to stop this never returns, until `run` is cancelled;
        `perform` is called meanwhile, so do not deliver where it must pass.
        """
        ...

    async def ask(self, event: Event) -> Sequence[Action] | None:
        """Return what the bot answers at once to an event that is one of the `quick` updates.

        For what must be answered within seconds: an inline query, say. It does not wait for what
        goes on in the conversation, and is stored nowhere; what it answers is to be performed now,
        or never. None: its sender has asked for something newer, so it needs no answer. Empty: it
        is answered by nothing. Cancel this when the time for an answer is over.
        """
        ...

    async def complete(self, event: Event) -> Sequence[str] | None:
        """Return what may be typed, the best first, as an event of the kind "complete" asks.

        For an argument that `completes`. It is handled as by `ask`; what fails offers nothing.
        """
        ...

    def form(self, event: Event) -> Awaitable[PostForm | None] | None:
        """Return the form that an event begins, if it can be asked at once; see `modals`.

        Then the event is not delivered. What is answered comes as the same event with another id,
        and the texts in `Message.answers`, by the labels; what does not fit is asked again. None at
        once if no event of its kind begins one. Who does not get an answer in time delivers the
        event, and the questions are asked one after the other.
        """
        ...

    def interrupt(self, chat: str, thread: str | None = None) -> bool:
        """End the answer that is being written in a conversation; tell whether there was one.

        What is shown of it stays, and nothing else of its turn is kept. For platforms on which
        people can stop an answer.
        """
        ...

    def inspect(self, *, reveal: bool = False) -> Inspection:
        """Return what an operator sees of the bot's store, for a page of the adapter's own.

        Ids are keyed hashes and texts are hidden, unless the page may `reveal` them: the adapter
        sees to it that nobody but an owner is shown either.
        """
        ...

    async def moved(self, old: str, new: str) -> None:
        """Note that the chat `old` is called `new` from now on, and return when that is durable.

        Its conversations, states and replies owed stay its own. To say so twice is harmless.
        """
        ...


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
