"""Several accounts of a bot on one platform: which are wanted, and where their settings are."""

from pathlib import Path

import pytest
from cli.test_main import run

from chatstate import AdapterError, Interface, LoadError
from chatstate.adapter import Adapter
from chatstate.cli.accounts import Wanted, load_adapters, wanted_account
from chatstate.engine import Engine
from chatstate.testing import FakePlatform, MemoryStore
from chatstate_console import ConsoleAdapter
from chatstate_telegram import TelegramAdapter

SHOP, NEWS = "111:" + "s" * 35, "222:" + "n" * 35


@pytest.fixture
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a token for each of two accounts."""
    monkeypatch.setenv("CHATSTATE_TELEGRAM_TOKEN_SHOP", SHOP)
    monkeypatch.setenv("CHATSTATE_TELEGRAM_TOKEN_NEWS", NEWS)


def telegram(*on: str, **options: str) -> list[TelegramAdapter]:
    made = load_adapters(on, options)
    return [adapter for adapter in made if isinstance(adapter, TelegramAdapter)]


@pytest.mark.usefixtures("tokens")
def test_each_labelled_account_has_its_own_token() -> None:
    """It is the platform's id that counts from then on, and not the label."""
    adapters = telegram("telegram:shop", "telegram:news")
    assert [adapter.account for adapter in adapters] == ["111", "222"]


@pytest.mark.usefixtures("tokens")
def test_what_is_no_secret_is_common_unless_an_account_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the environment, and on the command line."""
    monkeypatch.setenv("CHATSTATE_TELEGRAM_GROUPS", "all")
    monkeypatch.setenv("CHATSTATE_TELEGRAM_GROUPS_NEWS", "addressed")
    shop, news = telegram("telegram:shop", "telegram:news")
    assert (shop.options.groups, news.options.groups) == ("all", "addressed")
    shop, news = telegram(
        "telegram:shop", "telegram:news", **{"patience": "3", "news.patience": "4"}
    )
    assert (shop.options.patience, news.options.patience) == (3, 4)


def test_a_labelled_account_takes_no_other_accounts_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It would be that account twice; the variable to set is named."""
    monkeypatch.setenv("CHATSTATE_TELEGRAM_TOKEN", SHOP)
    with pytest.raises(AdapterError, match="CHATSTATE_TELEGRAM_TOKEN_NEWS"):
        load_adapters(["telegram:news"], {})


@pytest.mark.parametrize("text", ["telegram:", "telegram:a b", "telegram:a:b", "telegram:ü"])
def test_a_label_that_no_variable_could_have_is_told(text: str) -> None:
    """With an example of one that can be."""
    with pytest.raises(LoadError, match="telegram:shop"):
        wanted_account(text)


def test_a_name_is_an_adapter_and_a_label() -> None:
    """The label is empty if there is none."""
    assert wanted_account("telegram") == Wanted("telegram", "")
    assert wanted_account("telegram:shop") == Wanted("telegram", "shop")


def test_an_option_of_a_label_that_is_not_wanted_is_told() -> None:
    """It would be dropped silently."""
    with pytest.raises(LoadError, match=r"--shop\.user is no option of console"):
        load_adapters(["console"], {"shop.user": "bob"})


def test_an_adapter_that_is_made_is_taken_as_it_is() -> None:
    """Beside those that are named."""
    made = ConsoleAdapter(user="bob")
    assert load_adapters([made], {}) == [made]


@pytest.mark.parametrize("adapter", [7, ConsoleAdapter, Interface(id="bot")])
def test_what_is_no_adapter_is_told(adapter: Adapter) -> None:
    """A class is told to be made."""
    with pytest.raises(LoadError, match=r"is no adapter|make the adapter"):
        load_adapters([adapter], {})


async def test_an_account_cannot_be_wanted_twice() -> None:
    """Under two labels, say: each adapter would get half of what comes."""
    engine = Engine(Interface(id="bot"), [FakePlatform(), FakePlatform()], MemoryStore())
    with pytest.raises(AdapterError, match="account bot on test is wanted twice"):
        await engine.run()


def test_the_command_line_takes_labels(tmp_path: Path) -> None:
    """And says which variable an account lacks."""
    result = run("run", "history-echo", "--on", "telegram:shop", folder=tmp_path)
    assert result.returncode == 2
    assert "CHATSTATE_TELEGRAM_TOKEN_SHOP" in result.stderr
    result = run("run", "history-echo", "--on", "console:a b", folder=tmp_path)
    assert (result.returncode, "console:shop" in result.stderr) == (2, True)


def test_the_command_line_takes_an_option_of_one_account(tmp_path: Path) -> None:
    """By its label."""
    wanted = ("--on", "console:desk", "--set", "desk.user=bob")
    result = run("run", "history-echo", *wanted, folder=tmp_path, text="hi")
    assert result.returncode == 0, result.stderr
