"""The platforms of the showcase: what people do there, what they see, and what a kill may cost.

1. Alice talks to the bot in private, and in a hall, where she is an admin; Ben is her friend.
2. `lasting` are the points at which a death loses nothing of what somebody has said; `doing` those
   for what is done otherwise (pressed, chosen), which a platform may tell once and never again.
3. `repeats` tells whether a message of which nobody knows whether it was sent may come twice,
   `prints` whether what was shown stays, whatever is shown in its place.
4. `rehearsal` are the options of a first process, in which nobody says anything.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from adapters.discord_driver import GUILD, TOKEN, DiscordDriver
from adapters.telegram_driver import TelegramDriver
from servers.discord_world import VOICE
from servers.telegram_model import Json
from showcase.terminal import Terminal

from chatstate.testing import AdapterDriver, Shown, Speaker
from chatstate.testing.delivered import SentFile

ALICE, BEN = Speaker("alice"), Speaker("ben")
IN_HALL = Speaker("alice", "hall")
NOTE = SentFile("note.txt", "text/plain", b"hello")
STORED = ("stored", "before commit", "committing", "committed", "begun", "got", "sent")
EVERYWHERE = ("storing", *STORED)


class Stage:
    """One platform, while processes of the bot come and go."""

    name = ""
    rehearsal: Sequence[str] = ()
    lasting: Sequence[str] = EVERYWHERE
    doing: Sequence[str] = EVERYWHERE
    repeats = True
    prints = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def environment(self) -> dict[str, str]:
        """What a process is told besides its options: where the platform and its hall are."""
        raise NotImplementedError

    @property
    def options(self) -> Sequence[str]:
        return ("--groups", "all")

    async def ready(self) -> None:
        """Return when a process is connected."""

    async def rehearsed(self) -> None:
        """Return when a process with the options `rehearsal` has done what these are for."""

    async def left(self) -> None:
        """Return when the platform has seen that no bot is there any more."""

    def texts(self) -> list[str]:
        """Return what is shown to Alice and to Ben, anywhere."""
        raise NotImplementedError

    async def until(self, text: str) -> None:
        """Return when something is shown that holds a text."""
        raise NotImplementedError

    async def say(self, text: str, who: Speaker = ALICE, *, files: Sequence[SentFile] = ()) -> None:
        raise NotImplementedError

    async def command(self, name: str, who: Speaker = ALICE, /, **arguments: str) -> None:
        *values, last = arguments.values() or ("",)
        line = [f'"{value}"' if " " in value else value for value in values]
        await self.say(" ".join([f"/{name}", *line, last]).strip(), who)

    async def answer(self, text: str, below: str) -> None:
        """Say something in answer to what was shown."""
        raise NotImplementedError

    async def press(self, label: str, below: str) -> None:
        raise NotImplementedError

    async def select(self, below: str, *labels: str) -> None:
        for label in labels:
            await self.press(label, below)
        await self.press("Done", below)

    async def tap(self, label: str, below: str) -> None:
        await self.press(label, below)

    async def react(self, emoji: str, below: str) -> None:
        raise NotImplementedError

    async def speak(self) -> None:
        """Send a voice note."""
        raise NotImplementedError

    async def format(self) -> None:
        """Say "under over", the first underlined and the second a spoiler, and an own emoji."""
        raise NotImplementedError

    async def interrupt(self) -> None:
        """End an answer that has no end, where a platform has a button for that."""

    async def offered(self, typed: str) -> str | None:  # noqa: ARG002 - what others take
        """Return what is offered while something is being typed, if anything ever is."""
        return None


class DrivenStage(Stage):
    """A platform that the adapters' contract drives, too."""

    driver: AdapterDriver

    def shown(self, who: Speaker = ALICE) -> Sequence[Shown]:
        return self.driver.shown(who)

    def texts(self) -> list[str]:
        found = [shown for who in (ALICE, IN_HALL, BEN) for shown in self.shown(who)]
        polls = [getattr(shown.shared, "question", "") for shown in found]
        return [f"{shown.text} {poll}" for shown, poll in zip(found, polls, strict=True)]

    def below(self, text: str) -> str:
        """Return the id of the newest message that holds a text."""
        return next(shown.id for shown in reversed(self.shown()) if text in shown.text)

    async def say(self, text: str, who: Speaker = ALICE, *, files: Sequence[SentFile] = ()) -> None:
        await self.driver.say(who, text, files=files)

    async def answer(self, text: str, below: str) -> None:
        await self.driver.say(ALICE, text, reply_to=self.below(below))

    async def press(self, label: str, below: str) -> None:
        await self.driver.press(ALICE, self.below(below), label)

    async def react(self, emoji: str, below: str) -> None:
        await self.driver.react(ALICE, self.below(below), emoji)


class OnTelegram(DrivenStage):
    """The Bot API, which tells everything again, and knows no keys."""

    name = "telegram"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.driver: TelegramDriver = TelegramDriver()

    @property
    def environment(self) -> dict[str, str]:
        server = self.driver.server
        return {
            "CHATSTATE_TELEGRAM_TOKEN": server.token,
            "CHATSTATE_TELEGRAM_API": server.base_url,
            "SHOWCASE_HALL": str(self.driver._place(IN_HALL)[1].id),
            "SHOWCASE_FRIEND": str(self.driver._place(BEN)[1].id),
        }

    async def until(self, text: str) -> None:
        await self.driver.server.wait_for(lambda: any(text in shown for shown in self.texts()))

    async def tap(self, label: str, below: str) -> None:
        await self.driver.tap(ALICE, self.below(below), label)

    @property
    def options(self) -> Sequence[str]:
        return (*super().options, "--rich")

    async def speak(self) -> None:
        person, chat, _ = self.driver._place(ALICE)
        self.driver.server.send(person, chat, "voice")

    async def format(self) -> None:
        person, chat, _ = self.driver._place(ALICE)
        entities: list[Json] = [
            {"offset": 0, "length": 5, "type": "underline"},
            {"offset": 6, "length": 4, "type": "spoiler"},
            {"offset": 11, "length": 2, "type": "custom_emoji", "custom_emoji_id": "5"},
        ]
        self.driver.server.say(person, chat, "under over 🎉", entities=entities)

    async def interrupt(self) -> None:
        await self.command("endless")
        (draft,) = await self.driver.server.wait_for(
            lambda: list(self.driver.server.shown_drafts.values())
        )
        self.driver.server.stop_draft(draft)
        await self.until("(interrupted)")

    async def offered(self, typed: str) -> str | None:
        server = self.driver.server
        query = server.ask_inline(self.driver._person(ALICE), typed)
        await server.wait_for(lambda: query in server.answered)
        (result,) = server.answered[query]["results"]
        text: str = result["input_message_content"]["message_text"]
        return text


class OnDiscord(DrivenStage):
    """Discord, whose gateway tells once, and which knows the nonce of a message."""

    name = "discord"
    rehearsal = ("--guild", str(GUILD))
    doing = STORED
    repeats = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.driver: DiscordDriver = DiscordDriver()

    @property
    def environment(self) -> dict[str, str]:
        server = self.driver.server
        return {
            "CHATSTATE_DISCORD_TOKEN": TOKEN,
            "CHATSTATE_DISCORD_API": server.api_url,
            "CHATSTATE_DISCORD_GATEWAY": server.gateway_url,
            "SHOWCASE_HALL": self.driver._channel(IN_HALL).id,
            "SHOWCASE_FRIEND": self.driver._person(BEN).id,
        }

    async def ready(self) -> None:
        await self.driver.server.wait_until_connected()
        commands = self.driver.server.world.commands
        await self.driver.server.wait_for(lambda: any(commands.values()))

    async def rehearsed(self) -> None:
        commands = self.driver.server.world.commands
        assert (bool(commands[str(GUILD)]), commands[None]) == (True, [])

    async def left(self) -> None:
        await self.driver.server.wait_for(lambda: not self.driver.server.gateway.connected)

    async def until(self, text: str) -> None:
        await self.driver.server.wait_for(lambda: any(text in shown for shown in self.texts()))

    async def command(self, name: str, who: Speaker = ALICE, /, **arguments: str) -> None:
        await self.driver.command(who, name, arguments)

    async def answer(self, text: str, below: str) -> None:
        await self.driver.choose(ALICE, self.below(below), text.removeprefix("/").title())

    async def speak(self) -> None:
        person, channel = self.driver._person(ALICE), self.driver._channel(ALICE)
        spoken = ("voice.ogg", "audio/ogg", b"OggS")
        await self.driver.server.say(person, channel, attachments=[spoken], flags=VOICE)

    async def format(self) -> None:
        await self.say("__under__ ||over|| <:party:123>")

    async def select(self, below: str, *labels: str) -> None:
        await self.driver.select(ALICE, self.below(below), labels)

    async def offered(self, typed: str) -> str | None:
        typed_so_far = {"key": "city", "value": typed}
        (offer,) = await self.driver.complete(ALICE, "config set", typed_so_far)
        return offer


class AtConsole(Stage):
    """A pipe: what was read and not stored is gone, and what is printed stays."""

    name = "console"
    lasting = doing = STORED
    prints = True

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.terminal = Terminal()

    @property
    def environment(self) -> dict[str, str]:
        return {"SHOWCASE_HALL": "#hall", "SHOWCASE_FRIEND": "ben"}

    @property
    def options(self) -> Sequence[str]:
        return (*super().options, "--user", "alice", "--files", str(self.folder / "kept"))

    def texts(self) -> list[str]:
        lines = self.terminal.printed.decode().splitlines()
        return [line for line in lines if not line.startswith("[")]  # but what is told of them

    async def until(self, text: str) -> None:
        async with asyncio.timeout(20):
            while not any(text in line for line in self.texts()):
                self.terminal.news.clear()
                await self.terminal.news.wait()

    async def say(self, text: str, who: Speaker = ALICE, *, files: Sequence[SentFile] = ()) -> None:
        for file in files:
            path = self.folder / file.name
            path.write_bytes(file.data)
            text = f':send "{path}" {text}'
        self._type(text, f"#{who.chat}" if who.chat else who.user)

    async def answer(self, text: str, below: str) -> None:  # noqa: ARG002 - the newest
        self._type(f":reply {text}")

    async def press(self, label: str, below: str) -> None:  # noqa: ARG002 - the newest
        self._type(f":press {label}")

    async def select(self, below: str, *labels: str) -> None:  # noqa: ARG002 - the newest
        self._type(f":press {', '.join(map(self._number, labels))}")

    async def react(self, emoji: str, below: str) -> None:  # noqa: ARG002 - the newest
        self._type(f":react {emoji}")

    def _number(self, label: str) -> str:
        """Return the newest number of what can be pressed."""
        found = re.findall(rf"\[(\d+)\] {label}\b", self.terminal.printed.decode())
        return str(found[-1])

    def _type(self, line: str, place: str = "alice") -> None:
        self.terminal.type(f":in {place}\n{line}\n")


@contextlib.asynccontextmanager
async def opened(stage: Stage) -> AsyncIterator[None]:
    """Run the platform until the end of the block, with Alice as an admin of the hall."""
    if isinstance(stage, AtConsole):
        async with stage.terminal.opened():
            yield
    if not isinstance(stage, DrivenStage):
        return
    await stage.driver.open()
    try:
        await stage.driver.promote(IN_HALL)
        yield
    finally:
        await stage.driver.close()
