"""A bot's process on Discord is killed again and again, and cut off."""

import asyncio
import contextlib
import random
from pathlib import Path

import pytest
from adapters.discord_bots import texts
from adapters.discord_driver import TOKEN, cut, mend
from adapters.discord_process import process, ready
from servers.discord_server import DiscordServer
from servers.discord_world import Channel, Interaction, Person

BOT = Path(__file__).with_name("discord_siege_bot.py")
BOTS, KILLS = 2, 10


class Siege:
    """What was said where, and whether all of it was answered, once and in order."""

    def __init__(self, server: DiscordServer) -> None:
        self.server = server
        self.people = [server.person(40 + number, name) for number, name in enumerate("ab")]
        self.room = server.channel(server.guild(10, "Home"), "room")
        self.thread = server.thread(self.room, self.people[0], "aside")
        self.said: dict[Channel, list[str]] = {}
        self.commands: list[tuple[int, Interaction]] = []
        self.number = 0

    def places(self) -> list[tuple[Person, Channel]]:
        private = [(person, self.server.dm(person)) for person in self.people]
        return [*private, (self.people[0], self.room), (self.people[1], self.thread)]

    async def say(self, times: int) -> None:
        """Say so much, somewhere."""
        for _ in range(times):
            self.number += 1
            person, place = self.places()[self.number % 4]
            name = f"{self.server.bot.mention} " if place.guild else ""
            self.said.setdefault(place, []).append(str(self.number))
            await self.server.say(person, place, f"{name}{self.number}")

    async def command(self) -> None:
        """Use a slash command, in a channel that nothing else is said in."""
        self.number += 1
        asked = await self.server.slash(
            self.people[0], self.commands_room(), "tell", {"number": self.number}
        )
        self.commands.append((self.number, asked))

    def commands_room(self) -> Channel:
        guild = self.server.world.guilds["10"]
        known = [channel for channel in guild.channels if channel.name == "commands"]
        return known[0] if known else self.server.channel(guild, "commands")

    def is_answered(self) -> bool:
        done = [
            len(texts(self.server.messages(place))) >= len(said)
            for place, said in self.said.items()
        ]
        return all(done) and all(
            self._told(number) for number, asked in self.commands if asked.response
        )

    def _told(self, number: int) -> list[str]:
        told = texts(self.server.messages(self.commands_room()))
        return [line for line in told if line.startswith(f"/{number} ")]

    def check(self) -> None:
        """Fail if anything was lost, doubled, or put out of order."""
        for place, said in self.said.items():
            expected = [f"{text} 1 {count}" for count, text in enumerate(said, 1)]
            assert texts(self.server.messages(place)) == expected
        for number, asked in self.commands:
            if asked.response:
                assert self._told(number) == [f"/{number} 1"]
        assert self.server.violations == []


@pytest.mark.timeout(120)
async def test_nothing_is_lost_or_doubled_by_kills(tmp_path: Path) -> None:
    """SIGKILL at whatever call it makes: all is answered once, in order, with its state.

    For the second bot Discord honours no nonce: what it has sent is found in the channel.
    """
    folders = [tmp_path / str(number) for number in range(BOTS)]
    for folder in folders:
        folder.mkdir()
    answered = await asyncio.gather(*(besiege(folder, seed) for seed, folder in enumerate(folders)))
    assert min(answered) >= KILLS // 3


async def besiege(folder: Path, seed: int) -> int:
    """Kill a bot's process again and again; return how many commands it acknowledged."""
    dice = random.Random(seed)
    async with DiscordServer(TOKEN) as server:
        siege = Siege(server)
        if seed:
            server.limits.nonce = 0.0
        for life in range(KILLS):
            async with process(server, folder, BOT):
                await ready(server)
                if life:
                    await siege.command()
                if life % 3 == 2:  # it dies between its promise to answer and the answer
                    await server.wait_for(lambda: siege.commands[-1][1].response is not None)
                await siege.say(dice.randint(4 if not life else 0, 6))
                if not life:  # whoever was never heard cannot be read back
                    await server.wait_for(siege.is_answered)
                await met(server, len(server.calls) + dice.randint(0, 25))
            await siege.say(dice.randint(0, 3))
        async with process(server, folder, BOT):
            await server.wait_for(siege.is_answered, timeout=20)
        siege.check()
    return sum(bool(asked.response) for _, asked in siege.commands)


async def met(server: DiscordServer, calls: int) -> None:
    """Return when so many calls were made, or none is made for a moment."""
    with contextlib.suppress(AssertionError):
        await server.wait_for(lambda: len(server.calls) >= calls, timeout=0.15)


@pytest.mark.timeout(60)
async def test_an_outage_delays_and_loses_nothing(tmp_path: Path) -> None:
    """Neither calls nor events get through; then all is answered once, in order."""
    async with DiscordServer(TOKEN) as server:
        siege = Siege(server)
        async with process(server, tmp_path, BOT):
            await ready(server)
            await siege.say(8)
            await server.wait_for(siege.is_answered)
            await siege.say(4)
            await cut(server)
            server.gateway.sessions.clear()
            await siege.say(8)
            await mend(server)
            await server.wait_for(siege.is_answered, timeout=30)
        siege.check()
