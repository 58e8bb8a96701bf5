"""kill -9 in the middle of conversations on Telegram: no update is lost, none has effect twice."""

import asyncio
import contextlib
import os
import random
import socket
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path

import pytest
from processes.lives import Life, life
from servers.telegram_model import Chat, Person
from servers.telegram_server import TelegramServer

BOT = Path(__file__).with_name("telegram_kept.py")
PROCESS = Path(__file__).with_name("telegram_process.py")
SEEDS = 4
KILLS = 5
PEOPLE = 5
MESSAGES = 3
"""Of each person for each kill, the last one while no process runs."""


class Lives:
    """A bot's process, started again and again."""

    def __init__(
        self, server: TelegramServer, folder: Path, *, bot: Path = BOT, by_webhook: bool = False
    ) -> None:
        self._server = server
        self._command = [str(PROCESS), "run", str(bot), "--on", "telegram"]
        self._command += ["--store", f"sqlite:///{folder / 'kept.db'}"]
        if by_webhook:
            with socket.create_server(("127.0.0.1", 0)) as found:
                address = f"127.0.0.1:{found.getsockname()[1]}"
            self._command += ["--webhook", f"http://{address}/", "--listen", address]

    @contextlib.asynccontextmanager
    async def life(self) -> AsyncGenerator[Life]:
        """Run the bot until the end of the block, where it is killed."""
        settings = {
            "CHATSTATE_TELEGRAM_TOKEN": self._server.token,
            "CHATSTATE_TELEGRAM_API": self._server.base_url,
        }
        async with life(*self._command, env={**os.environ, **settings}) as process:
            yield process
            assert process.returncode is None, "the bot ended by itself"


@pytest.mark.timeout(180)  # two dozen processes have to start
async def test_nothing_is_lost_and_nothing_is_done_twice(tmp_path: Path) -> None:
    """Killed at any moment of a reply, again and again, in several conversations at once."""
    folders = [tmp_path / str(seed) for seed in range(SEEDS)]
    for folder in folders:
        folder.mkdir()
    await asyncio.gather(*(_kill_again(seed, folder) for seed, folder in enumerate(folders)))


async def _kill_again(seed: int, folder: Path) -> None:
    choose = random.Random(seed)
    async with TelegramServer() as server:
        lives = Lives(server, folder, by_webhook=seed == 0)
        people = [server.person(1001 + number, f"P{number}") for number in range(PEOPLE)]
        chats = [server.private_chat(person) for person in people]
        said = 0
        for _ in range(KILLS):
            said += MESSAGES
            async with lives.life():
                _all_say(server, people, chats, range(said - MESSAGES, said - 1))
                calls = len(server.called("sendMessage")) + choose.randrange(1, 2 * PEOPLE)
                await server.wait_for(lambda: len(server.called("sendMessage")) >= calls, 60)  # noqa: B023 - waited for here
                await asyncio.sleep(choose.random() / 100)  # any moment, not the same each time
            _all_say(server, people, chats, range(said - 1, said))
        async with lives.life():
            _all_say(server, people, chats, ["/all"])
            await server.wait_for(lambda: all(_kept(server, chat) for chat in chats), 60)
        expected = [str(number) for number in range(said)]
        for chat in chats:
            assert _kept(server, chat) == expected
            _check_replies(server, chat, expected)
        assert not server.violations


def _all_say(
    server: TelegramServer, people: list[Person], chats: list[Chat], texts: range | list[str]
) -> None:
    for text in texts:
        for person, chat in zip(people, chats, strict=True):
            server.say(person, chat, str(text))


def _kept(server: TelegramServer, chat: Chat) -> list[str] | None:
    """Return what the bot says that it kept."""
    told = [message.text for message in server.messages(chat) if message.text.startswith("kept ")]
    return told[0].split()[1:] if told else None


def _check_replies(server: TelegramServer, chat: Chat, expected: list[str]) -> None:
    """Every reply was sent, in order; a kill may send those again that were not noted as sent."""
    texts = [
        message.text for message in server.messages(chat) if not message.text.startswith("kept ")
    ]
    order = [int(text.partition(":")[0]) for text in texts]
    assert [f"{number}: {number - 1}" for number in order] == texts
    assert sorted(set(order)) == list(range(1, len(expected) + 1))
    steps = [after - before for before, after in pairwise(order)]
    assert max(steps) == 1
    assert sum(step < 1 for step in steps) <= KILLS
