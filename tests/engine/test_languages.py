"""The framework speaks each person's language."""

import asyncio
from typing import Any

import pytest
from support import texts

from chatstate import Button, ChatInterface, Interface, Reply
from chatstate.adapter import Capabilities
from chatstate.language.sentences import Sentences
from chatstate.testing import FakePlatform, TestClient

GERMAN_HELP = """\
Shop
Things

Befehle:
/vote choice - Vote.
/help - Diese Hilfe zeigen."""


def shop(**options: Any) -> Interface:
    bot = Interface(id="shop", title="Shop", description="Things", **options)

    @bot.command
    def vote(choice: int) -> str:
        """Vote."""
        return str(1 // choice)

    return bot


CHAT_HELP = """\
parrot
Squawk.

Befehle:
/clear - Mine.
/retry - Meine letzte Nachricht noch einmal beantworten.
/undo - Meine letzte Nachricht und ihre Antwort zurücknehmen.
/settings [wish] - Die Einstellungen zeigen oder eine ändern.
/help - Diese Hilfe zeigen."""

DIALOG = [
    ("/help", GERMAN_HELP),
    ("/nope", "Den Befehl /nope gibt es nicht. /help zeigt, was ich kann."),
    ("hi", "Ich antworte auf Befehle. /help zeigt, auf welche."),
    (
        "/vote x",
        "“x” ist keine Zahl. Möglich ist zum Beispiel 7 oder 7.5. Der Befehl lautet: /vote choice",
    ),
    ("/vote", "Es fehlt etwas: choice. So wird es gesendet: /vote choice"),
    ("/vote 0", "Da ist leider etwas schiefgegangen. Es wurde nichts geändert."),
]


@pytest.mark.parametrize(("said", "answer"), DIALOG)
async def test_a_german_is_answered_in_german(said: str, answer: str) -> None:
    """Out of the box, for whoever's platform tells so; help, refusals and apologies."""
    async with TestClient(shop(), raise_errors=False) as client:
        for language in ("de", "de-AT"):
            assert await texts(client.user(f"anna {language}", language=language), said) == [answer]


async def test_each_person_is_answered_in_their_language() -> None:
    """In one chat, by one bot, after a restart too."""
    made = {"failed": "Oops.", "pt": {"failed": "Opa."}, "fr-CA": {"failed": "Oups."}}
    bot = shop(sentences=made)
    expected = {
        None: "Oops.",
        "en": "Oops.",
        "pt-BR": "Opa.",
        "fr-CA": "Oups.",
        "fr": "Oops.",
        "de": "Oops.",
    }
    async with TestClient(bot, raise_errors=False) as client:
        for _ in range(2):
            for language, answer in expected.items():
                somebody = client.user(str(language), chat="room", language=language)
                assert await texts(somebody, "/vote 0") == [answer]
            await client.restart()


async def test_what_a_platform_lacks_is_written_out_in_the_persons_language() -> None:
    """The list in place of buttons."""
    bot = Interface(id="bot")
    bot.command(name="ask")(lambda: Reply("Nun?", buttons=[Button("Ja", "1")]))
    async with TestClient(bot, platform=FakePlatform(capabilities=Capabilities())) as client:
        (text,) = await texts(client.user("anna", language="de"), "/ask")
    assert text == "Nun?\n\nZur Auswahl eines davon senden:\n1. Ja: 1"


async def test_a_form_asks_in_the_persons_language() -> None:
    """And gives up in it."""

    def add(a: float, b: float) -> float:
        return a + b

    bot = Interface(add, ["number", "number"], ["number"], id="bot")
    async with TestClient(bot) as client:
        anna = client.user("anna", language="de")
        assert await texts(anna, "los") == ["A? (1 von 2; /cancel bricht ab)"]
        assert await texts(anna, "") == [
            (
                "Eine leere Nachricht ist keine Zahl. Möglich ist zum Beispiel 7 oder 7.5.\n"
                "A? (1 von 2; /cancel bricht ab)"
            )
        ]
        assert await texts(anna, "/cancel") == ["Abgebrochen. Es wurde nichts geändert."]


async def test_limits_and_guards_refuse_in_the_persons_language() -> None:
    """With the time to wait in it too."""
    bot = Interface(id="bot")
    bot.command(name="often", limits="1/7 days")(lambda: "")
    bot.command(name="kick", allow="admins")(lambda: "")
    async with TestClient(bot) as client:
        anna = client.user("anna", chat="room", language="de")
        await anna.say("/often")
        assert await texts(anna, "/often") == [
            "Das war fürs Erste oft genug. Bitte in 7 Tagen noch einmal versuchen."
        ]
        assert await texts(anna, "/kick") == ["Das dürfen hier nur Admins."]


async def test_a_chat_that_is_too_busy_is_told_in_the_persons_language() -> None:
    """By the engine, before there is a turn."""
    bot, left = Interface(id="bot"), asyncio.Event()

    @bot.on_message
    async def wait(_text: str) -> None:
        await left.wait()

    async with TestClient(bot, store_options={"waiting_limit": 2}) as client:
        anna = client.user("anna", language="de")
        receipts = await client.deliver_all([anna.event(str(number)) for number in range(4)])
        left.set()
        for receipt in receipts:
            await receipt.settled()
        while not client.platform.delivered:
            await asyncio.sleep(0)
        assert client.platform.delivered[0].text.startswith("Hier warten zu viele Nachrichten.")


async def test_a_timeout_is_told_in_the_persons_language() -> None:
    """Though no handler ends."""
    bot, entered = Interface(id="bot"), asyncio.Event()

    @bot.on_message(timeout=10)
    async def wait(_text: str) -> None:
        entered.set()
        await asyncio.Event().wait()

    async with TestClient(bot) as client:
        told = asyncio.create_task(texts(client.user("anna", language="de"), "hi"))
        await entered.wait()
        await client.advance(11)
        assert await told == [Sentences().of("de")["failed"]]


def test_the_menu_is_in_the_default_language() -> None:
    """It is the same for all."""
    bot = shop(sentences={"help_help": "Hilfe."})
    assert bot.commands[-1].description == "Hilfe."


async def test_a_routers_sentences_are_those_of_the_bot() -> None:
    """One bot has one voice."""
    bot = Interface(id="bot", sentences={"failed": "Oops."})
    bot.include(shop(sentences={"failed": "Broken."}))
    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "/vote 0") == ["Oops."]


async def test_the_frameworks_commands_are_described_in_the_persons_language() -> None:
    """Those of a chat too; they give way to the author's own."""

    def parrot(message: str, history: list[Any], *, times: int = 1) -> str:
        return message * times * len(history)

    bot = ChatInterface(parrot, id="parrot", description="Squawk.")
    bot.command(name="clear", description="Mine.")(lambda: "cleared by me")
    async with TestClient(bot) as client:
        anna = client.user("anna", language="de")
        assert await texts(anna, "/help") == [CHAT_HELP]
        assert await texts(anna, "/clear") == ["cleared by me"]
