"""`chatstate inspect`: what there is to know of a bot before it runs."""

import json
from pathlib import Path

import pytest
from support import call

BOT = """\
from dataclasses import dataclass
from datetime import timedelta

from chatstate import Global, Interface, PerUser, Turn

bot = Interface(id="shop", description="Sells tea.")


@dataclass
class Wallet:
    coins: int = 0


@bot.command
def buy(what: str, wallet: PerUser[Wallet], count: int = 1) -> str:
    "Buy something."
    return what


@bot.on_message
def said(text: str, wallet: PerUser[Wallet], names: Global[dict[str, Wallet]]) -> None: ...


@bot.on_edit
def edited(text: str) -> None: ...


@bot.on_timer
def ring(what: str, times: int) -> str:
    return what


@bot.every("0 9 * * MON", tz="Europe/Berlin")
def weekly(turn: Turn) -> None: ...


@bot.every(timedelta(minutes=5))
def look() -> None: ...


@bot.egress
def clean(out):
    "Keep words out."
    return out
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a folder with a bot."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "grocer.py").write_text(BOT)


@pytest.mark.usefixtures("shop")
def test_all_that_a_bot_has_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All that is registered, states with scope and type; nothing is made."""
    assert call(monkeypatch, "inspect", "grocer.py") == 0
    assert capsys.readouterr().out == (
        "shop: Sells tea.\n"
        "\ncommands\n"
        "  /buy what [count]  buy() in grocer.py:14  [wallet]  Buy something.\n"
        "\nhandlers\n"
        "  message  said() in grocer.py:20    [wallet, names]\n"
        "  edit     edited() in grocer.py:24\n"
        "\nstates\n"
        "  wallet  user    Wallet\n"
        "  names   global  dict[str, Wallet]\n"
        "\ntimers\n"
        "  ring(what, times)  ring() in grocer.py:28\n"
        "\nschedules\n"
        "  0 9 * * MON Europe/Berlin  weekly() in grocer.py:33\n"
        "  each 300 s                 look() in grocer.py:37\n"
        "\negress\n"
        "  what leaves  clean() in grocer.py:41  Keep words out.\n"
    )
    assert list(Path.cwd().glob("*.db*")) == []


@pytest.mark.usefixtures("shop")
def test_a_program_is_told_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As JSON."""
    assert call(monkeypatch, "inspect", "grocer.py", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["bot"] == "shop"
    assert told["states"][0] == {"name": "wallet", "scope": "user", "type": "Wallet", "options": ""}
    assert [timer["event"] for timer in told["timers"]] == ["ring(what, times)"]


def test_what_a_state_says_beside_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its time to live, its version, and that it is kept in memory alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept_things.py").write_text(
        "from chatstate import Interface, State\n"
        "bot = Interface(lambda text, seen: (text, seen),\n"
        "    inputs=['text', State([], ttl=60, version=2, migrations={1: list})],\n"
        "    outputs=['text', 'state'])\n"
    )
    assert call(monkeypatch, "inspect", "kept_things.py") == 0
    assert "  seen  member  Any  ttl=60.0, version=2\n" in capsys.readouterr().out
