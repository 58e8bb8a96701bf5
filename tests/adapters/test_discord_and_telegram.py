"""Both platforms in one process, on one store."""

from pathlib import Path

from adapters.discord_bots import rich_bot, running, texts
from adapters.discord_driver import discord_server
from adapters.telegram_host import adapter_on
from servers.telegram_server import TelegramServer

from chatstate.cli.loading import load_bot


async def test_the_best_scores_come_from_both(tmp_path: Path) -> None:
    """What is global is shared, and a person's own is not."""
    telegram = TelegramServer()
    await telegram.start()
    try:
        async with discord_server() as discord:
            alice = discord.person(42, "Alice")
            bob = telegram.person(1000, "Bob", "bob")
            here, there = discord.dm(alice), telegram.private_chat(bob)
            other = adapter_on(telegram)
            path = tmp_path / "bot.db"
            async with running(discord, load_bot("score-tracker"), path, other):
                await discord.say(alice, here, "5")
                await discord.wait_for(lambda: discord.messages(here))
                telegram.say(bob, there, "7")
                await telegram.wait_for(lambda: telegram.messages(there))
                await discord.say(alice, here, "6")
                await discord.wait_for(lambda: len(discord.messages(here)) == 2)
                assert telegram.messages(there)[-1].text == "Top scores: 7, 5"
                assert texts(discord.messages(here))[-1] == "Top scores: 7, 6, 5"
            other = adapter_on(telegram)
            async with running(discord, rich_bot(), tmp_path / "rich.db", other):
                await discord.say(alice, here, "hi")
                await discord.wait_for(lambda: len(discord.messages(here)) == 3)
                telegram.say(bob, there, "/vote 3")
                await telegram.wait_for(lambda: len(telegram.messages(there)) == 2)
                assert texts(discord.messages(here))[-1] == "1: hi"
                assert telegram.messages(there)[-1].text == "3 it is"
    finally:
        await telegram.stop()
