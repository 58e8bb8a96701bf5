"""The contract between the engine and a platform.

An adapter turns what a platform says into `Event`s, and rendered parts into calls on the
platform. It keeps no state that matters: what it delivered is in the inbox, what it still has
to send is in the outbox. Rules:

1. `deliver` has returned: the events are durable and may be acknowledged to the platform.
2. `render` is pure. Each part it returns is one call, one outbox row, one idempotency key. What
   the adapter's `capabilities` lack is never in the `Post` it gets (save markup: see there).
3. `perform` makes one call. It returns only when the platform has surely accepted it and
   raises one of the `SendError`s otherwise; anything else it raises counts as ambiguous.
4. `perform` may be called again with the same key after a crash. Where the platform can tell
   whether it was done before, `find` says so.
5. A press is an event whose text is the `data` of the `PostButton` that was pressed, as the
   platform gave it back. The engine checks it; an adapter trusts none.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from chatstate.errors import Rejected
from chatstate.files import Attachment
from chatstate.messages import Command, Event, Message
from chatstate.text import StyledText, Unit

ReceiptStatus = Literal["stored", "duplicate", "refused"]
Verb = Literal["send", "edit", "delete", "typing", "finish"]


class Capabilities(msgspec.Struct, frozen=True, gc=False):
    """What a platform can do. What it cannot, the core writes out in another form.

    - `text_limit`: the length of a message's text, in `text_unit`, as the platform counts it
      after rendering; 0 if there is none.
    - `markup`: it shows bold text, code, links. Without it, render and measure
      `chatstate.markup.plain(post.text)`.
    - `buttons`, and the length of the `data` of one in bytes.
    - `files`, and the size in bytes of one that is sent (`file_bytes`), and of one that is fetched
      (`received_bytes`; 0: the same).
    - `edit`: sent messages can be edited and deleted; `edit_pause` is the seconds between two
      edits of a message while an answer is being written.
    - `typing`: for how many seconds one notice of typing is shown; 0 if there is none.
    - `threads`, `reply_to`, `silent`, `ephemeral`: as in `Message` and `Reply`.
    - `finish`: an event that carries an `origin` and is answered by nothing ends with a "finish".
    - `idempotent_for`: seconds during which a repeated call with the same key has no second
      effect; 0 if the platform knows no such keys.
    """

    text_limit: int = 0
    text_unit: Unit = "codepoints"
    markup: bool = False
    buttons: bool = False
    button_bytes: int = 64
    files: bool = False
    file_bytes: int = 20_000_000
    received_bytes: int = 0
    edit: bool = False
    edit_pause: float = 1.0
    typing: float = 0.0
    threads: bool = False
    reply_to: bool = False
    silent: bool = False
    ephemeral: bool = False
    finish: bool = False
    idempotent_for: float = 0.0


class PostButton(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A button as a platform gets it: what it shows, and what a press gives back.

    `sends` is what a person would type instead.
    """

    label: str
    data: str
    sends: str


class StoredFile(msgspec.Struct, frozen=True, gc=False):
    """A file that waits in the spool to be sent. `path` is where it lies; `size` in bytes."""

    key: str
    name: str
    media_type: str
    size: int
    path: str = ""


class Post(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A reply as a platform gets it: checked, with nothing that the platform lacks.

    `buttons` are rows. `reply_to` is a message's id.
    """

    text: StyledText
    buttons: Sequence[Sequence[PostButton]] = ()
    files: Sequence[StoredFile] = ()
    reply_to: str | None = None
    silent: bool = False
    ephemeral: bool = False


class Part(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One rendered piece of a reply.

    `content` is JSON types only, read by the adapter that made it alone. `files` are those it
    carries, `has_buttons` whether the buttons hang on it.
    """

    content: Mapping[str, Any]
    files: Sequence[StoredFile] = ()
    has_buttons: bool = False


class Action(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One call to make on the platform.

    - `key` is the same whenever this call is repeated, also after a crash.
    - `chat` and `thread` are the platform's ids; `origin` is what the event carried that this
      answers.
    - `verb`: "send" the part; with a `message`, in place of that one, which could not be edited;
      "edit" `message` so that it shows the part; "delete" `message`; show that the bot is "typing";
      "finish" what an event began that gets no answer (a waiting sign). Only what `capabilities`
      tell of is asked for.
    - `number`: which of the calls this is that answer the same event, from 0.
    - `preview`: an answer that is still being written. More previews of the same key follow, and
      at last the answer itself: as an edit of the message that `Sent` named, or, if it named none,
      as a message of its own. Only where messages can be edited. One that fails is not repeated.
    - `begun_at`: for `find` alone: when a call that may have done this was begun, or had failed,
      whichever is known (seconds since 1970). No other was begun before.
    """

    key: str
    chat: str
    thread: str | None = None
    part: Part = Part({})
    origin: str | None = None
    verb: Verb = "send"
    message: str | None = None
    number: int = 0
    preview: bool = False
    begun_at: float | None = None


class Sent(msgspec.Struct, frozen=True, gc=False):
    """The platform has accepted an action, under this id if it gives one.

    A message that can be edited, deleted or pressed has one.
    """

    message_id: str | None = None


class Absent(msgspec.Struct, frozen=True, gc=False):
    """The platform has not done an action; or it has, and doing it again changes nothing."""


class Unknown(msgspec.Struct, frozen=True, gc=False):
    """Nobody can tell whether the platform has done an action."""


Found = Sent | Absent | Unknown


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
    def cursor(self) -> str | None:
        """The last cursor given to `deliver` for this account, in this process or before."""
        ...

    def cursor_of(self, part: str) -> str | None:
        """Return the same for a part of what the account receives: a shard, say."""
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

    def interrupt(self, chat: str, thread: str | None = None) -> bool:
        """End the answer that is being written in a conversation; tell whether there was one.

        What is shown of it stays, and nothing else of its turn is kept. For platforms on which
        people can stop an answer.
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
    """

    name: str
    account: str
    capabilities: Capabilities

    async def run(self, host: Host) -> None:
        """Receive until cancelled, or until there can be nothing more to receive."""
        ...

    def render(self, post: Post) -> Sequence[Part]:
        """Return the parts that show `post` on this platform: its text, its files, or both.

        See `chatstate.markup.pages` for texts longer than one message.
        """
        ...

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
