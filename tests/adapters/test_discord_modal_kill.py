"""A bot's process is killed while people fill in what it asks at once, on Discord."""

import contextlib
import os
import random
from pathlib import Path

import pytest
from adapters.discord_bots import texts
from adapters.discord_driver import TOKEN
from adapters.discord_process import process, ready
from servers.discord_interactions import MODAL
from servers.discord_server import DiscordServer
from servers.discord_world import Interaction, Person

BOT = Path(__file__).with_name("discord_form_bot.py")
KILLS = 30 if "CHATSTATE_LONG" in os.environ else 5


@pytest.mark.timeout(300)
async def test_what_is_submitted_counts_once_wherever_the_process_dies(tmp_path: Path) -> None:
    """SIGKILL while modals are open, and at whatever call is made once one is submitted.

    What was acknowledged is answered, once. What was not, its person may submit once more.
    """
    dice = random.Random(15)
    async with DiscordServer(TOKEN) as server:
        eve = server.person(40, "eve")
        async with process(server, tmp_path, BOT):
            await ready(server)
            modals = [await opened(server, eve) for _ in range(KILLS)]
        submitted: list[Interaction] = []
        for life, modal in enumerate(modals, 1):
            async with process(server, tmp_path, BOT):
                await ready(server)
                submitted.append(await server.submit(modal, {"Cups": "2", "Name": f"Ann {life}"}))
                if life % 2:  # it dies between its promise to answer and the answer
                    await server.wait_for(lambda: submitted[-1].response is not None)
                else:
                    await met(server, len(server.calls) + dice.randint(0, 2))
        async with process(server, tmp_path, BOT):
            await ready(server)
            told = [
                f"2 for Ann {n}, 1 of" for n, asked in enumerate(submitted, 1) if asked.response
            ]
            await server.wait_for(lambda: all(map(shown(server, eve).count, told)), timeout=20)
        assert len(set(shown(server, eve))) == len(shown(server, eve))
        assert len(told) >= KILLS // 3
        assert server.violations == []


async def opened(server: DiscordServer, person: Person) -> Interaction:
    """Return a /start of somebody's that is answered with a modal."""
    asked = await server.slash(person, server.dm(person), "start")
    await server.wait_for(lambda: asked.response)
    assert asked.response == MODAL
    return asked


def shown(server: DiscordServer, person: Person) -> list[str]:
    """Return what was answered, but for how many orders there are."""
    said = texts(server.messages(server.dm(person)))
    return [text.rpartition(" ")[0] for text in said]


async def met(server: DiscordServer, calls: int) -> None:
    """Return when so many calls were made, or none is made for a moment."""
    with contextlib.suppress(AssertionError):
        await server.wait_for(lambda: len(server.calls) >= calls, timeout=0.15)
