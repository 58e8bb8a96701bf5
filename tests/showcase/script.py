"""What Alice does in the showcase, step by step, and what is shown of it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from showcase.stages import ALICE, BEN, IN_HALL, NOTE, OnDiscord, OnTelegram, Stage

Act = Callable[[Stage], Awaitable[None]]


class Step(NamedTuple):
    """Something that Alice does. `name` is that of the mark which the answer holds.

    `is_said`: it is a message, else what a platform may tell once. `shows` stands behind the mark,
    which is seen so many `times`. `goes`: a later step edits or deletes it.
    """

    name: str
    act: Act
    is_said: bool = False
    shows: str = ""
    times: int = 1
    goes: bool = False
    on: Sequence[str] = ("telegram", "discord", "console")


async def happen(stage: Stage) -> None:
    assert isinstance(stage, OnTelegram | OnDiscord)
    await stage.driver.happen(ALICE)


async def check_out(stage: Stage) -> None:
    assert isinstance(stage, OnTelegram)
    stage.driver.server.check_out(stage.driver._person(ALICE), "tea")


async def pay(stage: Stage) -> None:
    assert isinstance(stage, OnTelegram)
    person, chat, _ = stage.driver._place(ALICE)
    stage.driver.server.pay(person, chat, "tea")


async def ship(stage: Stage) -> None:
    assert isinstance(stage, OnTelegram)
    stage.driver.server.ship_to(stage.driver._person(ALICE), "tea")


async def count_votes(stage: Stage) -> None:
    assert isinstance(stage, OnTelegram)
    poll = {"id": "3", "question": "Tea?", "options": [], "total_voter_count": 1}
    rest = {"type": "regular", "allows_multiple_answers": False}
    flags = dict.fromkeys(("is_closed", "is_anonymous"), False)
    stage.driver.server.push_raw({"poll": poll | rest | flags})


async def choose_wave(stage: Stage) -> None:
    assert isinstance(stage, OnDiscord)
    driver = stage.driver
    alice, ben = driver._person(ALICE), driver._person(BEN)
    await driver.server.choose(alice, driver._channel(ALICE), "Wave", ben)


async def stick(stage: Stage) -> None:
    assert isinstance(stage, OnTelegram | OnDiscord)
    await stage.driver.send_sticker(IN_HALL)  # Discord has stickers in guilds alone


def command(name: str, shows: str = "", /, times: int = 1, **arguments: str) -> Step:
    mark = name.rpartition(" ")[2].replace("set", "change")
    return Step(mark, lambda stage: stage.command(name, **arguments), shows=shows, times=times)


SCRIPT: Sequence[Step] = (
    command("hello"),
    Step("other", lambda stage: stage.say("good morning"), True, "good morning"),
    command("table"),
    command("count"),
    command("buttons")._replace(goes=True),
    Step("pressed", lambda stage: stage.press("3", below="buttons"), goes=True),
    Step("away", lambda stage: stage.press("Away", below="pressed")),
    command("choose"),
    Step("chosen", lambda stage: stage.select("choose", "Mint", "Thyme"), shows="mint+Thyme"),
    command("suggest"),
    Step("tapped", lambda stage: stage.tap("Tea", below="suggest"), shows="Tea"),
    Step("shared", lambda stage: stage.tap("My place", "suggest"), on=("telegram",)),
    Step("shared", lambda stage: stage.tap("My number", "suggest"), on=("telegram",)),
    command("card"),
    command("places"),
    command("files"),
    Step("received", lambda stage: stage.say("", files=[NOTE]), True, "note.txt 5"),
    Step("spoken", lambda stage: stage.speak(), True, "voice", on=("telegram", "discord")),
    command("again"),
    command("letters", "under"),
    Step("styled", lambda stage: stage.format(), True, on=("telegram", "discord")),
    Step("stuck", stick, True, on=("telegram", "discord")),
    command("config set", "colour=dark green", key="colour", value="dark green"),
    command(
        "meet",
        "27.11. 5400 5.00 The plan Ann&Bo",
        day="2026-11-27",
        lasts="1h30m",
        price="2.50",
        title="The plan",
        whom="Ann, Bo",
    ),
    Step("close", lambda stage: stage.command("close", IN_HALL)),
    Step("other", lambda stage: stage.say("quiet now"), True, "quiet now"),
    Step("shout", lambda stage: stage.answer("/shout", below="quiet now")),
    Step("reacted", lambda stage: stage.react("🔥", below="quiet now"), shows="🔥"),
    Step("wave", choose_wave, shows="Ben", on=("discord",)),
    command("native", times=2),
    command("pin"),
    command("secret"),
    command("client"),
    command("score", times=2, points="3"),
    command("score", times=2, points="5"),
    Step("happened", happen, on=("telegram", "discord")),
    Step("counted", count_votes, on=("telegram",)),
    Step("ship", ship, on=("telegram",)),
    Step("check", check_out, on=("telegram",)),
    Step("paid", pay, on=("telegram",)),
    command("buy"),
)
