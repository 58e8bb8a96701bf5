"""What the adapters' contract asks of the platform that the adapter under test talks to.

1. A driver plays the people and the platform. Of the adapter it knows how one is made, no more.
2. It is made for one test, and everything it started ends with it.
3. Three methods must be given. Each further one that is not skips the tests that need it, which
   then say so.
"""

# ruff: noqa: ARG002 - what a driver does not override takes what the others take

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, NoReturn, Protocol
from unittest import SkipTest

import msgspec

from chatstate.adapter import Adapter, NativeCall
from chatstate.content import Content
from chatstate.messages import MessageRef
from chatstate.replies import Native
from chatstate.testing.delivered import SentFile
from chatstate.text import SpanKind

Fault = Literal["wait", "refuse", "block", "lose"]


class Speaker(msgspec.Struct, frozen=True):
    """Somebody in a chat: in private with the bot, in the group `chat`, or in a thread of it.

    The names are the contract's. A driver makes what it needs for them on its platform, and takes
    one name for the same person, group or thread each time. `is_bot`: it is another bot.
    """

    user: str = "alice"
    chat: str | None = None
    thread: str | None = None
    is_bot: bool = False


class Shown(msgspec.Struct, frozen=True):
    """A message of the bot's, as a person sees it now.

    - `text` is what can be read: markup that the platform interprets is in `styles` instead (all
      kinds that occur in it). That is None where plain text is shown, whatever was sent.
    - The words of a card are in the `text`, too. `pictures` are the addresses of what is shown of
      the web.
    - `labels` are those of its buttons, `links` the addresses that these open; `options` are those
      of its select, `suggestions` the quick answers that came with it. `files` hang on it.
    - `shared` is the location, contact, poll or sticker that it shows.
    - `reply_to` is what `say` returned for the message that it visibly answers. `edited`: it was
      another text before.
    """

    id: str
    text: str = ""
    styles: AbstractSet[SpanKind] | None = frozenset()
    labels: Sequence[str] = ()
    files: Sequence[SentFile] = ()
    reply_to: str | None = None
    edited: bool = False
    links: Sequence[str] = ()
    options: Sequence[str] = ()
    suggestions: Sequence[str] = ()
    pictures: Sequence[str] = ()
    shared: Content | None = None


class AdapterDriver(Protocol):
    """The platform at the other end of the adapter under test, driven by `AdapterContract`.

    It is made for one test: the real client library against a server on loopback, say. Inherit
    from this class and give the first three methods; then those for what the platform has. Each
    that is not given skips the tests that need it, and the reason says so. The bot's messages have
    the ids that the adapter returns in `Sent`.
    """

    # Every platform

    named: str = ""
    """What `happen` lets happen, as `@bot.on` takes it; "" if there is nothing."""

    def make_adapter(self) -> Adapter:
        """Return a new adapter for the same account, as at each start of a process."""
        ...

    async def say(
        self,
        who: Speaker,
        text: str,
        *,
        files: Sequence[SentFile] = (),
        reply_to: str | None = None,
    ) -> str:
        """Let somebody write a message, and return what the other methods know it by.

        The platform gives it to the adapter now, or once the adapter is connected. `reply_to` is
        the id of a message of the bot's. Raise `unittest.SkipTest` for what nobody can do there
        (speak in a group, as a bot, or while the bot is not there).
        """
        ...

    def shown(self, who: Speaker) -> Sequence[Shown]:
        """Return what the bot shows this person in this chat and thread now, oldest first.

        Deleted messages are not among them. What only this person sees is, and so is what the
        platform shows of an answer to a press in another way (a toast, say).
        """
        ...

    async def open(self) -> None:
        """Start the platform, before the first adapter is made."""
        return

    async def close(self) -> None:
        """Stop the platform and everything that was started for it."""
        return

    def account_name(self) -> str:
        """Return what people know the bot's account by, where whoever starts the bot is told."""
        return _skip("the account's name", "account_name")

    # Platforms on which somebody can name others, edit, press, see typing, wait

    def mention(self, who: Speaker | None) -> str:
        """Return what people write to name somebody, or for None the bot, as the platform does it.

        Raise `unittest.SkipTest` if nobody can name the bot.
        """
        return _skip("mentions", "mention")

    async def say_formatted(self, who: Speaker) -> str:
        """Let somebody write "bold hidden under" with each word formatted as it says.

        That is as "bold", "spoiler" and "underline". Returns what `say` returns.
        """
        return _skip("texts that people format", "say_formatted")

    async def edit(self, who: Speaker, message: str, text: str) -> None:
        """Let somebody replace the text of what they said."""
        _skip("edits of people's messages", "edit")

    async def other(self, who: Speaker) -> None:
        """Let somebody do something new in a chat, that has neither words nor files."""
        _skip("what has neither words nor files", "other")

    async def react(self, who: Speaker, message: str, emoji: str) -> None:
        """Let somebody react to a message of the bot's; "" takes the only reaction away."""
        _skip("people's reactions", "react")

    async def send_sticker(self, who: Speaker) -> str:
        """Let somebody send a sticker that the bot may send, too, and return its id."""
        return _skip("stickers", "send_sticker")

    async def happen(self, who: Speaker) -> None:
        """Let somebody do, in private if anywhere, what the platform tells of as `named`."""
        _skip("what has a name of the platform's own", "happen")

    async def press(self, who: Speaker, message: str, label: str) -> None:
        """Let somebody press the button `label` of a message that is shown."""
        _skip("presses", "press")

    async def command(self, who: Speaker, name: str, arguments: Mapping[str, str]) -> None:
        """Let somebody give a command as the platform asks for it, where that is no line.

        A name of several words is that of a command in groups.
        """
        _skip("commands that are no lines", "command")

    async def choose(self, who: Speaker, message: str, title: str) -> None:
        """Let somebody choose an entry in the menu of a message that is shown."""
        _skip("menus of messages", "choose")

    def form(self, who: Speaker) -> Mapping[str, str] | None:
        """Return what somebody is shown to be filled in at once, None if nothing is.

        What is there already, by the labels of the questions.
        """
        return _skip("forms that are asked at once", "form")

    async def submit(self, who: Speaker, answers: Mapping[str, str]) -> None:
        """Let somebody submit that, with these answers by its labels over what is there already."""
        _skip("forms that are asked at once", "submit")

    async def complete(
        self, who: Speaker, name: str, arguments: Mapping[str, str]
    ) -> Sequence[str]:
        """Let somebody begin to give a command; return what is offered for the last argument."""
        return _skip("what may be typed", "complete")

    async def select(self, who: Speaker, message: str, labels: Sequence[str]) -> None:
        """Let somebody choose these options of a message's select, all at once."""
        _skip("selects", "select")

    async def tap(self, who: Speaker, message: str, label: str) -> None:
        """Let somebody tap a suggestion that came with a message."""
        _skip("suggestions", "tap")

    def native(self, text: str) -> Native:
        """Return a call by the platform's own name that shows a text as a new message."""
        return _skip("calls by the platform's own names", "native")

    def native_deletion(self, message: MessageRef) -> Native:
        """Return such a call that deletes a message of the chat."""
        return _skip("calls that delete", "native_deletion")

    def native_elsewhere(self) -> NativeCall:
        """Return such a call that names another chat."""
        return _skip("calls that name a chat", "native_elsewhere")

    async def remove(self, who: Speaker, message: str) -> None:
        """Let somebody delete a message of the bot's, or the platform do so."""
        _skip("deletions", "remove")

    async def forge(self, who: Speaker, message: str, data: str) -> None:
        """Let somebody's manipulated client press a button of a message that carries `data`."""
        _skip("forged presses", "forge")

    def reactions(self, who: Speaker, message: str) -> Sequence[str]:
        """Return the emoji with which the bot reacts to a message now."""
        return _skip("reactions", "reactions")

    def publish(self, address: str, data: bytes) -> None:
        """Let a picture (PNG) lie at an address of the web, where the platform fetches it."""
        _skip("files that lie in the web", "publish")

    def typing(self, who: Speaker) -> int:
        """Return how many notices of typing the chat has got so far."""
        return _skip("notices of typing", "typing")

    def waiting(self) -> int:
        """Return how many presses or commands are still shown as waiting for an answer."""
        return _skip("waiting signs", "waiting")

    # Platforms that something can come between

    async def redeliver(self, message: str) -> None:
        """Give what somebody said to the adapter again, as if it had never been acknowledged."""
        _skip("a second delivery", "redeliver")

    async def garble(self, who: Speaker) -> None:
        """Let the platform give the adapter something in this chat that nobody can read."""
        _skip("what cannot be read", "garble")

    async def echo(self, who: Speaker, text: str) -> None:
        """Give the adapter a message of the bot's own account in this chat, as it gets people's."""
        _skip("messages of the bot's own account", "echo")

    def is_acknowledged(self, message: str) -> bool:
        """Tell whether the adapter has told the platform that it need not deliver this again."""
        return _skip("acknowledgements", "is_acknowledged")

    def fail(self, fault: Fault, seconds: float = 0.0) -> None:
        """Let something happen to the next message that the bot sends.

        - "wait": the platform refuses it for now, and says to wait `seconds`.
        - "refuse": the platform refuses it for good.
        - "block": it does so because the chat takes nothing from the bot any more.
        - "lose": it arrives and is shown, but the answer that says so is lost.
        """
        _skip("faults", "fail")

    def withhold(self) -> None:
        """Let the platform fail to give the next files that the adapter asks for, two times."""
        _skip("files that cannot be had now", "withhold")

    async def disconnect(self) -> None:
        """Cut the adapter off: no call reaches the platform, until `reconnect`."""
        _skip("a lost connection", "disconnect")

    async def reconnect(self) -> None:
        """Let the adapter reach the platform again. What was said meanwhile is delivered."""
        _skip("a lost connection", "reconnect")

    async def move(self, who: Speaker, chat: str, *, told: bool) -> None:
        """Give the group of `who` a new id, as for the group `chat`.

        `told`: the platform tells the adapter by itself. Else the next call that uses the old id
        is refused, and told the new one.
        """
        _skip("groups that get a new id", "move")

    async def promote(self, who: Speaker) -> None:
        """Make somebody an admin of their group."""
        _skip("admins", "promote")


def _skip(what: str, method: str) -> NoReturn:
    raise SkipTest(f"the driver knows nothing of {what}: it has no method `{method}`")
