"""`chatstate send`: to say something as a bot, from the command line."""

from pathlib import Path
from subprocess import CompletedProcess

import pytest
from processes.programs import CHATSTATE, run
from support import query

from chatstate import Interface
from chatstate.testing import FakePlatform, TestClient

bot = Interface(id="bot")


@bot.on_message
def echo(message: str) -> str:
    return message


def send(*arguments: str, said: str = "") -> CompletedProcess[str]:
    return run(*CHATSTATE, "send", *arguments, given=said)


async def arrived(client: TestClient, number: int) -> list[tuple[str, str]]:
    """Return the chats and texts of what was sent, once that is so much."""
    while len(client.platform.delivered) < number:
        await client.clock.advance(1)
    return [(sent.chat, sent.text) for sent in client.platform.delivered]


async def test_it_is_sent_by_the_bot_that_runs(tmp_path: Path) -> None:
    """To a chat, to a thread in it, to a person; from an argument, or stdin."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url) as client:
        told = send("--chat", "-100", "hi", "--store", url)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout == "to be sent, at once if the bot runs\n"
        assert await arrived(client, 1) == [("-100", "hi")]
        send("--chat", "room", "--thread", "7", "--markdown", "**bold**", "--store", url)
        assert (await arrived(client, 2))[1:] == [("room", "bold")]
        assert client.platform.delivered[1].thread == "7"
        send("--user", "bob", "-", "--store", url, said="two\nlines\n")
        assert (await arrived(client, 3))[2:] == [("private-bob", "two\nlines")]


async def test_it_is_sent_by_the_next_one_that_runs(tmp_path: Path) -> None:
    """Once under its key."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url):
        pass
    told = [send("--chat", "a", "hi", "--key", "k", "--store", url).stdout for _ in range(2)]
    assert told[1] == "nothing is sent: something was under the key 'k' before\n"
    async with TestClient(bot, store=url) as client:
        assert await arrived(client, 1) == [("a", "hi")]
        await client.clock.advance(3)
        assert len(client.platform.delivered) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["hi"], "say to whom"),
        (["hi", "--chat", "a", "--user", "b"], "say to whom"),
        (["hi", "--user", "b", "--thread", "7"], "say to whom"),
        ([" ", "--chat", "a"], "nothing to say"),
        (["hi", "--chat", "a", "--account", "telegram"], "it has had test:bot, test:two"),
        (["hi", "--chat", "a"], "say which"),
        (["hi", "--chat", "a", "--bot", "other"], "no bot 'other'; it has bot"),
    ],
)
async def test_what_cannot_be_sent_is_told(arguments: list[str], said: str, tmp_path: Path) -> None:
    """In one line, with status 2; nothing is asked of anybody."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url):
        pass
    async with TestClient(bot, store=url, platform=FakePlatform(account="two")) as client:
        told = send(*arguments, "--store", url)
        assert (told.returncode, told.stdout) == (2, "")
        assert said in told.stderr
        assert query(client, "SELECT count(*) FROM requests") == [(0,)]


async def test_an_account_is_named_by_the_label_of_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its token tells which it is; one without settings is told with those that there are."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    monkeypatch.setenv("CHATSTATE_TELEGRAM_TOKEN_SHOP", "111:" + "s" * 35)
    for number in ("111", "222"):
        async with TestClient(bot, store=url, platform=FakePlatform("telegram", number)):
            pass
    told = send("--chat", "a", "hi", "--account", "telegram:shop", "--store", url)
    assert (told.returncode, told.stderr) == (0, "")
    told = send("--chat", "a", "hi", "--account", "telegram:news", "--store", url)
    assert told.returncode == 2
    assert "is none of telegram:111, telegram:222" in told.stderr
    assert "CHATSTATE_TELEGRAM_TOKEN_NEWS" in told.stderr
    platform = FakePlatform("telegram", "111")
    async with TestClient(bot, store=url, platform=platform) as client:
        assert await arrived(client, 1) == [("a", "hi")]


async def test_a_store_that_no_bot_has_run_on_is_told(tmp_path: Path) -> None:
    """There is nobody from whom anything could be sent."""
    told = send("--chat", "a", "hi", "--store", f"sqlite:///{tmp_path / 'a.db'}")
    assert told.returncode == 2
    assert "there is no store" in told.stderr
