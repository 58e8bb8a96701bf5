"""Settings: what is typed, the environment, `.env`, `[tool.chatstate]`, in this order."""

from pathlib import Path

import pytest
from processes import programs
from support import call

from chatstate.cli.settings import fill_in
from chatstate.errors import LoadError

BOT = """\
import os

from chatstate import Interface

def said(text: str) -> str:
    return os.environ.get("WORD", "nothing")

bot = Interface(said, id="said")
"""


def filled(folder: Path, **environment: str) -> dict[str, str]:
    """Return an environment that a folder's files have filled in."""
    fill_in(folder, environment)
    return environment


def test_the_environment_counts_before_dotenv_and_dotenv_before_the_project(tmp_path: Path) -> None:
    """Each for what those before it do not say; a variable that is empty is none."""
    (tmp_path / ".env").write_text("CHATSTATE_STORE=dotenv\nCHATSTATE_ON=dotenv\nMINE='my own'\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.chatstate]\nstore = "project"\non = ["project"]\nbot = "bot.py"\n'
    )
    assert filled(tmp_path, CHATSTATE_STORE="environment", CHATSTATE_ON="") == {
        "CHATSTATE_STORE": "environment",
        "CHATSTATE_ON": "dotenv",
        "CHATSTATE_BOT": "bot.py",
        "MINE": "my own",
    }


def test_a_table_is_an_adapters_and_one_in_it_an_accounts(tmp_path: Path) -> None:
    """As the variables of the adapter, and of its label, are called."""
    (tmp_path / "pyproject.toml").write_text(
        "[tool.chatstate.discord]\nmembers = true\nshard-ids = [0, 1]\n"
        "[tool.chatstate.telegram.shop]\npoll_seconds = 5\n"
    )
    assert filled(tmp_path) == {
        "CHATSTATE_DISCORD_MEMBERS": "yes",
        "CHATSTATE_DISCORD_SHARD_IDS": "0,1",
        "CHATSTATE_TELEGRAM_POLL_SECONDS_SHOP": "5",
    }


def test_a_project_of_others_says_nothing(tmp_path: Path) -> None:
    """And neither does a folder without files."""
    assert filled(tmp_path) == {}
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n')
    assert filled(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.chatstate]\nstor = 'x'", "there is no 'stor'; there are bot, on, store, "),
        ("[tool.chatstate]\ntelegram = 5", "5 is no table; write [tool.chatstate.NAME]"),
        ("[tool.chatstate]\nstore = 1979-05-27", "store takes a text, a number, a truth"),
        ("[tool.chatstate", "pyproject.toml cannot be read: "),
    ],
)
def test_what_a_project_cannot_say_is_refused(text: str, said: str, tmp_path: Path) -> None:
    """With what is possible."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(LoadError) as refused:
        fill_in(tmp_path, {})
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("grups = 'all'", "[tool.chatstate.telegram]: there is no 'grups'; there are token, api"),
        ("token = '1:a'", "token is a secret, and pyproject.toml is no place for it; write CHATST"),
    ],
)
def test_what_an_adapter_lacks_and_what_is_secret_is_refused(
    text: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In one line, where the adapter is wanted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CHATSTATE_TELEGRAM_GRUPS", "x")
    monkeypatch.setenv("CHATSTATE_TELEGRAM_TOKEN", "x")
    (tmp_path / "pyproject.toml").write_text(f"[tool.chatstate.telegram]\n{text}\n")
    assert call(monkeypatch, "run", "history-echo", "--on", "telegram") == 2
    assert said in capsys.readouterr().err


def test_a_folder_says_which_bot_runs_where_and_with_what(tmp_path: Path) -> None:
    """So that `chatstate run` is all that need be typed; what is typed counts first."""
    (tmp_path / "said.py").write_text(BOT)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.chatstate]\nbot = "said.py"\non = "telegram"\nstore = "sqlite:///mine.db"\n'
    )
    (tmp_path / ".env").write_text("WORD=hello\nCHATSTATE_ON=console\n")

    def run(*args: str) -> str:
        ran = programs.run(*programs.CHATSTATE, *args, folder=tmp_path, given="hi\n")
        assert ran.returncode == 0
        return ran.stdout

    assert run("run") == "hello\n"
    assert (tmp_path / "mine.db").is_file()
    run("run", "--store", "sqlite:///typed.db")
    assert (tmp_path / "typed.db").is_file()
    assert run("dead", "list") == ""  # of mine.db, though there are two
