"""The bots of the examples on Telegram and Discord: what they call is held against both APIs."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from adapters.discord_driver import discord_server
from adapters.test_telegram_queries import answered, running, texts
from servers.telegram_server import TelegramServer
from test_docs import BLOCKS, load

from adapters import discord_bots
from chatstate import Interface


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as telegram:
        yield telegram
    assert telegram.violations == []


def example(text: str) -> Interface:
    """Return the bot of the example that has a text."""
    (block,) = (str(b.values[0]) for b in BLOCKS if text in str(b.values[0]))
    bot: Interface = load(block).bot
    return bot


async def test_tea_is_sold_and_paid_back(server: TelegramServer, tmp_path: Path) -> None:
    """An invoice is found inline and sent, a payment is one order, and it is paid back."""
    alice, ada = server.person(1001, "Alice"), server.person(1002, "Ada")
    chat, office = server.private_chat(alice), server.private_chat(ada)
    async with running(server, example("refundStarPayment"), tmp_path):
        found = await answered(server, server.ask_inline(alice, "min"))
        (result,) = found["results"]
        assert result["input_message_content"]["payload"] == "mint"
        server.say(alice, chat, "mint")
        await server.wait_for(lambda: bool(server.messages(chat)))
        assert server.messages(chat)[0].raw["invoice"]["total_amount"] == 50
        checked = await answered(server, server.check_out(alice, "mint", 50))
        assert checked["ok"]
        server.pay(alice, chat, "mint", 50)
        await server.wait_for(lambda: texts(server, chat)[-1].startswith("Thank you!"))
        late = await answered(server, server.check_out(ada, "mint", 50))
        assert late["error_message"] == "Somebody was faster: that is sold out."
        server.say(ada, office, "/refund t1")
        await server.wait_for(lambda: texts(server, office)[-1:] == ["Paid back."])
        await server.wait_for(lambda: "your stars" in texts(server, chat)[-1])
        assert server.refunded == {"t1": 1001}


async def test_who_is_warned_three_times_is_banned(server: TelegramServer, tmp_path: Path) -> None:
    """Admins warn, the moderators are told in their chat, and take a warning back there."""
    ada, bob = server.person(1002, "Ada", "ada"), server.person(1003, "Bob", "bob")
    tea, staff = server.group(-7, "Tea", ada, bob), server.group(-8, "Staff", ada)
    for chat in (tea, staff):
        chat.admins |= {ada.id, server.bot.id}
    async with running(server, example("banChatMember"), tmp_path):
        server.say(ada, staff, "/log")
        server.say(bob, tea, "/warnings")  # from now on the bot knows who @bob is
        await server.wait_for(lambda: texts(server, tea) == ["Nothing at all."])
        for count in (1, 2, 3):
            server.say(ada, tea, "/warn @bob spam")
            told = f"bob, this is warning {count} of 3."
            await server.wait_for(lambda: texts(server, tea)[-1] == told)  # noqa: B023 - it is awaited
        await server.wait_for(lambda: bob.id not in tea.members)
        await server.wait_for(lambda: len(texts(server, staff)) == 3)
        server.press(ada, server.messages(staff)[-1], "Pardon")
        await server.wait_for(lambda: texts(server, staff)[-1] == "Ada took back: spam")
        server.react(ada, server.messages(tea)[0], "👎")
        await server.wait_for(lambda: texts(server, staff)[-1] == "Ada dislikes what I say.")


async def test_moderators_on_discord(tmp_path: Path) -> None:
    """A warning is a card with a button, a ban a route, and a report comes from a menu."""
    async with discord_server() as server:
        ada, bob = server.person(1002, "Ada"), server.person(1003, "Bob")
        home = server.guild(10, "Home")
        home.admins.add(ada.id)
        tea, staff = server.channel(home, "tea", id=11), server.channel(home, "staff", id=12)

        def cards() -> list[str]:
            return [card["title"] for shown in server.messages(staff) for card in shown.embeds]

        async with discord_bots.running(server, example("banChatMember"), tmp_path / "bot.db"):
            typed = await server.say(ada, staff, f"{server.bot.mention} /log")  # in no menu
            await server.wait_for(lambda: typed.reactions)
            for count in (1, 2, 3):
                await server.slash(ada, tea, "warn", {"whom": bob, "reason": "spam"})
                await server.wait_for(lambda: len(cards()) == count)  # noqa: B023 - it is awaited
            await server.wait_for(lambda: (home.id, bob.id) in server.world.bans)
            said = await server.say(bob, tea, "buy my tea")
            await server.choose(ada, tea, "Report", said)
            await server.wait_for(lambda: cards()[-1] == "Report")
            await server.press(ada, server.messages(staff)[-2], "Pardon")
            took = "Ada took back: spam"
            await server.wait_for(lambda: took in discord_bots.texts(server.messages(staff)))
        assert server.rest.violations == []
