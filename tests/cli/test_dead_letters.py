"""`chatstate dead`: list, show, retry, drop."""

import sys
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from processes.programs import CHATSTATE, run

from chatstate import Interface, PerMember
from chatstate.testing import TestClient

MENDED = False
bot = Interface(id="bot")


@bot.on_message
def work(message: str, seen: PerMember[list[str]]) -> str:
    seen.append(message)
    if message == "bad" and not MENDED:
        raise RuntimeError("broken")
    return " ".join(seen)


def dead(*arguments: str, folder: Path | None = None) -> CompletedProcess[str]:
    return run(*CHATSTATE, "dead", *arguments, folder=folder)


async def test_a_dead_letter_is_listed_shown_and_retried_while_the_bot_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way, by the command line beside a running bot."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url, raise_errors=False) as client:
        await client.user("alice").say("bad")
        await client.user("alice").say("good")
        _, listed = dead("list", "--reveal", "--store", url).stdout.splitlines()
        assert listed.split()[3:] == ["event", "alice", "private-alice", "RuntimeError:", "broken"]
        shown = dead("show", "1", "--reveal", "--store", url).stdout
        assert "Traceback (most recent call last):" in shown
        assert '"text":"bad"' in shown
        monkeypatch.setattr(sys.modules[__name__], "MENDED", True)
        assert dead("retry", "1", "--store", url).stdout == (
            "1: to be retried, at once if the bot runs, else when it next does\n"
        )
        assert "to be retried" in dead("list", "--store", url).stdout
        while len(client.platform.delivered) < 3:
            await client.advance(1)
        assert client.platform.delivered[-1].text == "good bad"
        assert dead("list", "--store", url).stdout == ""


async def test_a_dropped_dead_letter_is_gone_when_the_bot_next_runs(tmp_path: Path) -> None:
    """What is asked for while no bot runs is done at its next start."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url, raise_errors=False) as client:
        await client.user("alice").say("bad")
    assert dead("drop", "1", "--store", url).returncode == 0
    async with TestClient(bot, store=url, raise_errors=False) as client:
        while dead("list", "--store", url).stdout:
            await client.advance(1)
        assert client.platform.delivered == []


async def test_the_one_store_of_a_folder_need_not_be_named(tmp_path: Path) -> None:
    """Several must be; other databases are none."""
    (tmp_path / "notes.db").write_text("no database")
    assert "there is no store in this folder; name one" in dead("list", folder=tmp_path).stderr
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url, raise_errors=False) as client:
        await client.user("alice").say("bad")
    assert "RuntimeError" in dead("list", folder=tmp_path).stdout
    assert "RuntimeError" in dead("show", "1", folder=tmp_path).stdout
    async with TestClient(bot, store=f"sqlite:///{tmp_path / 'b.db'}"):
        pass
    told = dead("list", folder=tmp_path)
    assert told.returncode == 2
    assert "there are several stores (a.db, b.db) in this folder; name one, as in" in told.stderr
    assert (tmp_path / "notes.db").read_text() == "no database"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["show", "7"], "there is no dead letter 7"),
        (["retry", "7"], "there is no dead letter 7"),
        (["list", "--store", "sqlite:///missing.db"], "missing.db; name it with --store"),
        (["list", "--store", ":memory:"], "keeps nothing that another process can see"),
        (["list", "--store", "redis://x"], "no store is known for 'redis'"),
    ],
)
async def test_what_cannot_be_done_is_one_clear_line(
    arguments: list[str], error: str, tmp_path: Path
) -> None:
    """Status 2, no traceback."""
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with TestClient(bot, store=url):
        pass
    done = dead(*arguments, *([] if "--store" in arguments else ["--store", url]))
    assert done.returncode == 2
    assert error in done.stderr
    assert done.stderr.count("\n") == 1
