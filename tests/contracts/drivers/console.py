"""Drives the console as somebody does who pipes lines into it and reads what it prints."""

import io
import os
import re
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import SkipTest

from msgspec.structs import replace

from chatstate.adapter import Host
from chatstate.files import type_of
from chatstate.testing import AdapterDriver, Shown, Speaker
from chatstate.testing.delivered import SentFile
from chatstate_console import ConsoleAdapter
from chatstate_console.receive.lines import Place

HEAD = re.compile(r"\[(in reply to|edited|deleted|no reaction to|\S to|in)(?:: ?| )(.*)\]\n")
FILE = re.compile(r"^\[file: (.*), [^,]*\]\n", re.MULTILINE)
ROW = re.compile(r"^\[(?:\d+|-)\] .*\n|^\[choose .*\]\n", re.MULTILINE)
BUTTON = re.compile(r"\[(?:\d+|-)\] (.*?)(?=  \[(?:\d+|-)\] |\n)")


class Printed(io.StringIO):
    """Takes what a console prints, an entry at a time."""

    encoding = "utf-8"

    def __init__(self, driver: "ConsoleDriver") -> None:
        super().__init__()
        self.driver = driver

    def write(self, entry: str) -> int:
        self.driver.printed(entry)
        return len(entry)


class Console(ConsoleAdapter):
    """A console that can tell whether it is still there."""

    has_ended = False

    async def run(self, host: Host) -> None:
        try:
            await super().run(host)
        finally:
            self.has_ended = True


class ConsoleDriver(AdapterDriver):
    """Whoever sits at the console, as several people one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pipes: list[int] = []
        self.messages: dict[Place, dict[str, Shown]] = {}
        self.said: dict[str, str] = {}
        self.numbers: dict[str, int] = {}
        self.reacted: dict[str, str] = {}

    def make_adapter(self) -> ConsoleAdapter:
        self.close_pipes()
        reader, self.writer = os.pipe()
        self.pipes = [self.writer, reader]
        stdout = Printed(self)
        self.console = Console(
            files=self.folder / "kept", groups="all", stdin=reader, stdout=stdout
        )
        return self.console

    async def close(self) -> None:
        self.close_pipes()

    def close_pipes(self) -> None:
        """End the input, and with it the thread that reads it."""
        for descriptor in self.pipes:
            os.close(descriptor)
            for thread in threading.enumerate():
                if thread.name == "chatstate-console":
                    thread.join()
        self.pipes = []

    async def say(
        self,
        who: Speaker,
        text: str,
        *,
        files: Sequence[SentFile] = (),
        reply_to: str | None = None,
    ) -> str:
        if files:
            path = self.folder / files[0].name
            path.write_bytes(files[0].data)
            self.type(who, f':send "{path}" {text}')
        elif reply_to:
            self.type(who, f":reply {text}")
        else:
            self.type(who, f":{text}" if text.startswith(":") else text)
        self.said[text] = f"said-{len(self.said)}"
        return self.said[text]

    def shown(self, who: Speaker) -> Sequence[Shown]:
        return list(self.messages.get(place_of(who), {}).values())

    def mention(self, who: Speaker | None) -> str:
        return f"@{who.user if who else 'contract'}"

    async def edit(self, who: Speaker, message: str, text: str) -> None:  # noqa: ARG002 - the last
        self.type(who, f":edit {text}")

    async def react(self, who: Speaker, message: str, emoji: str) -> None:  # noqa: ARG002 - the newest
        self.type(who, f":react {emoji or '-'}")

    async def press(self, who: Speaker, message: str, label: str) -> None:
        labels = self.messages[place_of(who)][message].labels
        self.type(who, f":press {self.numbers[message]}.{labels.index(label) + 1}")

    async def select(self, who: Speaker, message: str, labels: Sequence[str]) -> None:
        shown = self.messages[place_of(who)][message]
        known = [*shown.labels, *shown.options]
        numbers = [f"{self.numbers[message]}.{known.index(label) + 1}" for label in labels]
        self.type(who, f":press {', '.join(numbers)}")

    def reactions(self, who: Speaker, message: str) -> Sequence[str]:
        texts = {said: text for text, said in self.said.items()}
        texts |= {shown.id: shown.text for shown in self.shown(who)}
        emoji = self.reacted.get(texts[message])
        return [emoji] if emoji else []

    def type(self, who: Speaker, line: str) -> None:
        if who.is_bot:
            raise SkipTest("whoever sits at a console is a person")
        if self.console.has_ended:
            raise SkipTest("nobody can type while the console is not there")
        lines = f":as {who.user}\n:in {place_of(who).title}\n{line}\n"
        os.write(self.writer, lines.encode())

    def printed(self, entry: str) -> None:
        """Note what was printed for one message."""
        heads, rest = heads_of(entry)
        where = place_named(heads["in"]) if "in" in heads else self.console.session.place
        there = self.messages.setdefault(where, {})
        if "deleted" in heads:
            (gone,) = [message.id for message in there.values() if message.text == heads["deleted"]]
            del there[gone]
            return
        for head, text in heads.items():
            if head.endswith(" to") and head != "in reply to":
                self.reacted[text] = head.removesuffix(" to").replace("no reaction", "")
                return
        said = self.console.session._said[-1]
        self.numbers[said.id] = said.number
        shown = message_of(rest)
        options = [option.label for option in said.select.options] if said.select else []
        labels = [button.label for button in said.buttons]
        links = [button.url for button in said.buttons if button.url]
        assert len(shown.labels) == len(labels) + len(options)
        there[said.id] = replace(
            shown,
            labels=labels,
            options=options,
            links=links,
            id=said.id,
            edited="edited" in heads,
            reply_to=self.said.get(heads.get("in reply to", "")),
        )


def heads_of(entry: str) -> tuple[Mapping[str, str], str]:
    """Return the console's own lines above a message, and what follows them."""
    heads: dict[str, str] = {}
    while found := HEAD.match(entry):
        heads[found[1]] = found[2]
        entry = entry[found.end() :]
    return heads, entry


def message_of(entry: str) -> Shown:
    """Return what was printed as a message: its text, then its files, then its buttons."""
    files = [Path(path) for path in FILE.findall(entry)]
    labels = [label for row in ROW.findall(entry) for label in BUTTON.findall(row)]
    text = ROW.sub("", FILE.sub("", entry)).removesuffix("\n")
    kept = [SentFile(path.name, type_of(path.name), path.read_bytes()) for path in files]
    return Shown("", text, None, labels, kept)


def place_of(who: Speaker) -> Place:
    return Place(f"#{who.chat}" if who.chat else who.user, who.thread)


def place_named(title: str) -> Place:
    chat, _, thread = title.partition("/")
    return Place(chat, thread or None)
