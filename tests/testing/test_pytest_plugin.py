"""The plugin of pytest, as a project of its own has it."""

import subprocess
import sys
from pathlib import Path

import pytest

BOT = '''
from chatstate import Interface, PerUser

def remember(message: str, said: PerUser[list[str]]) -> str:
    """Repeat all that was said."""
    said.append(message)
    return " ".join(said)

bot = Interface(remember)
'''
TESTS = """
import sys
import pytest

COLLECTED = [name for name in sys.modules if name.partition(".")[0] == "chatstate"]

def test_chatstate_is_imported_by_whoever_uses_it():
    assert "pytest_chatstate" in sys.modules
    assert COLLECTED == []

def test_of_a_plain_function(chat_client):
    alice = chat_client.user("alice")
    alice.say("one")
    chat_client.restart()
    assert [reply.text for reply in alice.say("two")] == ["one two"]

class TestOfAClass:
    @pytest.mark.asyncio
    async def test_by_pytest_asyncio(self, chat_client):
        assert [r.text for r in await chat_client.user("alice").say("one")] == ["one"]

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_by_anyio(chat_client):
    assert [r.text for r in await chat_client.user("alice").say("one")] == ["one"]
"""
OTHERS = """
import pytest
from chatstate import Interface

@pytest.fixture
def chat_bot():
    return Interface(lambda message: "another")

def test_of_another_bot(chat_client):
    assert chat_client.user("alice").say("one")[0].text == "another"
"""
TALK = "alice: one\nbot: one\nalice: two\nbot: one ...\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a bot, tests and transcripts."""
    for name, text in {
        "bot.py": BOT,
        "test_a_client.py": TESTS,
        "test_others.py": OTHERS,
        "talks/good.chat": TALK,
        "talks/named.chat": f"! bot ../bot.py\n{TALK}",
        "talks/wrong.chat": TALK.replace("two", "three"),
        "talks/other.chat": TALK.replace("bot: one\n", "bot: two\n"),
        "talks/broken.chat": "alice\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def run(project: Path, *options: str) -> str:
    """Run its tests, and return what pytest prints."""
    command = [sys.executable, "-m", "pytest", "-p", "pytest_chatstate", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--rootdir", ".", "-o", "asyncio_mode=strict", "-rA", *options],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_fixtures_and_transcripts(project: Path) -> None:
    """Sync, with pytest-asyncio and with anyio; what differs is shown, and written if wanted."""
    told = run(project)
    assert "2 failed, 8 passed" in told, told
    assert "talks/other.chat: the bot did otherwise" in told
    assert "\n-bot: two\n+bot: one\n" in told
    assert "talks/broken.chat:1: write `alice: what she says`, or `alice joins`" in told
    assert "Traceback" not in told
    told = run(project, "--chat-update", "talks")
    assert "1 failed, 4 passed" in told, told
    assert (project / "talks" / "other.chat").read_text() == TALK
    assert (project / "talks" / "broken.chat").read_text() == "alice\n"
