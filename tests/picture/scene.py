"""One bot in four places: what each of them shows of the same conversation.

The adapters are the real ones. On the other end are a pseudo-terminal, a browser's requests, and
the servers that Telegram and Discord are tested against.
"""

import asyncio
import contextlib
import functools
import tempfile
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from adapters.discord_driver import DiscordDriver
from adapters.telegram_driver import TelegramDriver
from adapters.terminal import Terminal
from contracts.drivers.web import WebDriver

from chatstate import Button, Interface, Markdown, PerUser, Reply
from chatstate.adapter import Adapter
from chatstate.engine import Engine
from chatstate.stores.sqlite import SQLiteStore
from chatstate.testing import AdapterDriver, Shown, Speaker
from chatstate_console import ConsoleAdapter

TEAS = ["Mint", "Sencha", "Assam"]
ALICE = Speaker("alice")
LEAVING = "Ctrl-D leaves, :help says more."
PATIENCE = 45.0

bot = Interface(id="teaclub", description="Orders tea.")


@bot.command
def menu() -> Reply:
    """Show what there is."""
    return Reply(Markdown("**What would you like?**"), buttons=[Button(tea) for tea in TEAS])


@bot.on_message
def order(message: str, ordered: PerUser[list[str]]) -> Markdown:
    """Take an order."""
    ordered.append(message)
    return Markdown(f"**One {message}, coming up.**\nThat makes {len(ordered)}.")


class Said(NamedTuple):
    """What somebody has said: alice, or the bot with its buttons. `bold`: its first line is."""

    by: str
    text: str
    buttons: Sequence[str] = ()
    bold: bool = False


class Cell(NamedTuple):
    """Letters of a row of a terminal that look alike."""

    text: str
    colour: str
    bold: bool


async def conversation(driver: AdapterDriver) -> list[Said]:
    """Return what a platform shows when alice asks for the menu, and presses twice."""
    await driver.open()
    try:
        async with running(driver.make_adapter()):
            await driver.say(ALICE, "/menu")
            (asked,) = await shown(driver, 1)
            said = [Said("alice", "/menu"), told(asked)]
            for count, tea in enumerate(("Mint", "Assam"), 2):
                await driver.press(ALICE, asked.id, tea)
                said.append(told((await shown(driver, count))[-1]))
            return said
    finally:
        await driver.close()


async def console() -> list[list[Cell]]:
    """Return the rows that a terminal shows of the same, below the welcome."""
    terminal = Terminal(columns=46, rows=24)
    try:
        with terminal.open() as stdout:
            adapter = ConsoleAdapter(stdin=terminal.slave, stdout=stdout, user="alice", history="-")
            async with running(adapter):
                for line, rows in (("/menu", 3), (":press Mint", 5), (":press Assam", 8)):
                    await terminal.until(lambda: terminal.typed == "alice@console> ")
                    await terminal.enter(line)
                    await terminal.until(functools.partial(has_rows, terminal, rows))
                await terminal.until(lambda: terminal.typed == "alice@console> ")
                first = terminal.rows.index(LEAVING) + 1
                return [cells(terminal, row) for row in range(first, len(terminal.rows))]
    finally:
        terminal.close()


async def scene() -> dict[str, Any]:
    """Return what is shown in each place."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERM", "xterm-256color")
        patch.delenv("NO_COLOR", raising=False)
        at_the_console = await console()
    return {
        "console": at_the_console,
        "web": await conversation(WebDriver()),
        "telegram": await conversation(TelegramDriver()),
        "discord": await conversation(DiscordDriver()),
    }


@contextlib.asynccontextmanager
async def running(adapter: Adapter) -> AsyncGenerator[None]:
    """Run the bot until the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(bot, [adapter], SQLiteStore(Path(folder) / "teaclub.db"))
        await engine.start()
        waiting = asyncio.create_task(engine.wait())
        try:
            yield
        finally:
            engine.request_stop()
            engine.request_stop()
            await asyncio.wait([waiting])
            await engine.stop()


async def shown(driver: AdapterDriver, count: int) -> Sequence[Shown]:
    """Return what alice is shown, once it is so much."""
    async with asyncio.timeout(PATIENCE):
        while len(found := driver.shown(ALICE)) < count:
            await asyncio.sleep(0.01)
    return found


def told(message: Shown) -> Said:
    return Said("bot", message.text, message.labels, "bold" in (message.styles or ()))


def has_rows(terminal: Terminal, count: int) -> bool:
    """Tell whether more than so many rows stand below the welcome."""
    rows = terminal.rows
    return len(rows) - rows.index(LEAVING) - 1 > count


def cells(terminal: Terminal, row: int) -> list[Cell]:
    """Return a row in pieces that look alike."""
    found: list[Cell] = []
    line = terminal.screen.buffer[row]
    for column in range(terminal.screen.columns):
        letter = line[column]
        cell = Cell(letter.data, letter.fg, letter.bold)
        if found and found[-1][1:] == cell[1:]:
            found[-1] = found[-1]._replace(text=found[-1].text + cell.text)
        else:
            found.append(cell)
    return found
