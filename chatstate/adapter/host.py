"""The engine, as an adapter sees it: where it delivers, and what it may ask.

1. What `deliver` has returned for is durable, and may be acknowledged to the platform.
2. A verb is awaited if it writes, or asks for what is not at hand.
3. See `contract` for what an adapter promises in turn.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Literal, Protocol

import msgspec

from chatstate.adapter.actions import Action, PostForm
from chatstate.adapter.transcript import Transcript
from chatstate.inspection import Inspection, Seen
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

    def time_there(self, seconds: float) -> None:
        """Note what time the platform says it is, in seconds since 1970.

        For whoever watches the bot's health: a clock of this machine that is far off is told.
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

    def sentences(self, language: str | None) -> Mapping[str, str]:
        """Return what the framework says in a language (a BCP 47 tag), by name.

        As the bot's author has them: where a language is not spoken, a wider one, or the default.
        """
        ...

    def inspect(self, *, reveal: bool = False) -> Inspection:
        """Return what an operator sees of the bot's store, for a page of the adapter's own.

        Ids are keyed hashes and texts are hidden, unless the page may `reveal` them: the adapter
        sees to it that nobody but an owner is shown either.
        """
        ...

    def witness(self, told: Callable[[Seen], None]) -> AbstractContextManager[None]:
        """Tell of each turn of the account that runs within the block, once it has run.

        Of one that runs again, again. For a page that shows an owner what happens. What another
        worker runs is not told of.
        """
        ...

    def guest(self, user: str) -> AbstractAsyncContextManager[None]:
        """Keep somebody's states in memory alone until the end of the block; then they are gone.

        Also those of the private chat with them. For people who cannot be known again, as callers
        of tools who do not say who they are: the id is to be one that was nobody's. What is
        everybody's is stored as ever. For adapters whose `capabilities` have `guests`.
        """
        ...

    async def moved(self, old: str, new: str) -> None:
        """Note that the chat `old` is called `new` from now on, and return when that is durable.

        Its conversations, states and replies owed stay its own. To say so twice is harmless.
        """
        ...
