"""A bot that uses everything of the doors and riches, and notes what it has done, in order.

Each answer holds a mark: the name of what was asked for, and how much was done until then. So a
turn that was lost, done twice or put out of order shows in all marks behind it.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

from chatstate import (
    Arg,
    Button,
    Card,
    Chat,
    Complete,
    Contact,
    Delete,
    File,
    Global,
    Interface,
    Location,
    Markdown,
    Message,
    MessageRef,
    Native,
    Option,
    PerUser,
    Poll,
    React,
    Ref,
    Reply,
    Select,
    ShareContact,
    ShareLocation,
    StateError,
    Turn,
    User,
    custom_emoji,
    timestamp,
)

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060"
    "000000050001a5f645400000000049454e44ae426082"
)
POST = "POST /channels/{channel_id}/messages"
PAY = {"title": "Tea", "description": "A cup", "payload": "tea", "currency": "XTR"}
Log = Global[list[str]]


@contextlib.asynccontextmanager
async def opening(bot: Interface) -> AsyncIterator[None]:
    """Say once, in all lives together, that the bot is open: from outside of turns."""
    await bot.send(Chat(os.environ["SHOWCASE_HALL"], "group"), "now open", key="open")
    yield


bot = Interface(id="showcase", description="All there is", lifespan=opening)


def mark(log: list[str], name: str) -> str:
    """Note that something was done, and return what tells of it."""
    log.append(name)
    return f"{name} {len(log)}"


# Texts, mentions, times, tables, streams


@bot.command
def hello(user: User, chat: Chat, log: Log) -> Reply:
    """Greet whoever asks."""
    said = mark(log, "hello")
    return Reply(Markdown(f"**{said}** {user.mention} {timestamp(NOON, 'R')}"), ping=[user])


@bot.command
def table(log: Log) -> Markdown:
    """Show a table."""
    return Markdown(f"{mark(log, 'table')}\n\n| Tea | Price |\n|:--|--:|\n| Mint | 50 |")


@bot.command
async def count(log: Log) -> AsyncIterator[str]:
    """Count, while you look."""
    yield "one"
    await asyncio.sleep(0.35)  # until it is shown
    yield f"one {mark(log, 'count')}"


# Buttons, choices, suggestions, cards


@bot.command
def buttons(log: Log) -> Reply:
    """Show buttons of all kinds."""
    row = [Button(str(number), f"button {number}") for number in range(1, 9)]
    other = [
        Button("Site", url="https://example.com/"),
        Button("Green", "green", style="success"),
        Button("Off", "off", disabled=True),
        Button("Away", command="/away"),
    ]
    return Reply(mark(log, "buttons"), [row, other])


@bot.on_message(text="^button ", where=lambda message: message.kind == "press")
def pressed(message: Message, log: Log) -> Reply:
    return Reply(mark(log, "pressed"), [Button("Away", command="/away")], edit=message.pressed)


@bot.command(hidden=True)
def away(message: Message, log: Log) -> list[Any]:
    """Take the buttons away; one of them does this."""
    return [Delete(message.pressed or ""), mark(log, "away")]


@bot.command
def choose(log: Log) -> Reply:
    """Offer a choice."""
    options: list[Any] = [Option("Mint", "mint"), Option("Sage", "sage"), "Thyme"]
    return Reply(mark(log, "choose"), select=Select(options, "Teas", min_values=0, max_values=2))


@bot.on_message(where=lambda message: message.selected is not None)
def chosen(message: Message, log: Log) -> str:
    return f"{mark(log, 'chosen')} {'+'.join(message.selected or ())}"


@bot.command
def suggest(log: Log) -> Reply:
    """Suggest answers."""
    shares: list[Any] = [ShareContact("My number"), ShareLocation("My place")]
    return Reply(mark(log, "suggest"), suggestions=["Tea", "Cake", *shares])


@bot.on_message(text="^(?P<what>Tea|Cake)$")
def tapped(what: str, log: Log) -> list[Any]:
    return [React("👍"), f"{mark(log, 'tapped')} {what}"]


@bot.on_message(where=lambda message: bool(message.location or message.contact or message.poll))
def shared(message: Message, log: Log) -> str:
    return f"{mark(log, 'shared')} {message.text}"


@bot.command
def card(log: Log) -> Reply:
    """Show a card with a picture."""
    shown = Card(
        title=mark(log, "card"),
        text=Markdown("**Strong** tea"),
        fields={"Price": "50", "Time": timestamp(NOON)},
        image=File(PNG, "cup.png"),
        url="https://example.com/tea",
        colour=0x33AA55,
        footer="while it is hot",
    )
    return Reply(card=shown, buttons=[Button("Tea")])


@bot.command
def places(log: Log) -> list[Any]:
    """Show a place, a contact, a poll."""
    place = Location(52.5, 13.25, "Café Nord", "Street 1")
    poll = Poll("Which tea?", ["Mint", "Sage"], anonymous=False)
    return [Reply("here:", location=place), Contact("+49301234", "Nord"), poll, mark(log, "places")]


# Files


@bot.command
def files(log: Log) -> Reply:
    """Send a voice note, a picture and a text."""
    sent = [File(b"OggS", "note.ogg", voice=True), File(PNG, "dot.png"), File(b"text", "a.txt")]
    return Reply(mark(log, "files"), files=sent)


@bot.command
def again(log: Log, kept: PerUser[Ref[str]]) -> list[Any]:
    """Send a file of the web, and what was sent to the bot, by its id."""
    web = File(url="https://example.com/cup.png")
    known = [File(id=kept.value, name="again.txt")] if kept.value else []
    return [Reply(mark(log, "again"), files=[web]), *known]


@bot.command
def letters(log: Log) -> Reply:
    """Write in all ways there are, and send a sticker."""
    party = custom_emoji("🎉", telegram="5368324170671202286", discord="<:party:123>")
    return Reply(Markdown(f"{mark(log, 'letters')} <u>under</u> ||over|| {party}"))


@bot.on_message(kind=["document", "photo", "voice"])
def received(message: Message, files: list[File], log: Log, kept: PerUser[Ref[str]]) -> str:
    kept.value = message.attachments[0].id
    return f"{mark(log, 'received')} {files[0].name} {len(files[0].read())}"


# Commands


def places_to_go(typed: str, log: Log) -> list[str]:
    """Offer what begins like that, and tell how much was done."""
    return [f"{typed}erlin {len(log)}"]


config = bot.group("config", description="Settings")


@config.command(name="set", description={"de": "Ändert etwas."})
def change(
    key: Annotated[str, Arg(description="what to change")],
    value: Annotated[str, Complete(places_to_go)],
    log: Log,
) -> str:
    """Change something."""
    return f"{mark(log, 'change')} {key}={value}"


@bot.command
def meet(day: date, lasts: timedelta, price: Decimal, title: str, whom: list[str], log: Log) -> str:
    """Note a meeting."""
    told = f"{day:%d.%m.} {lasts.total_seconds():g} {price * 2} {title}"
    return f"{mark(log, 'meet')} {told} {'&'.join(whom)}"


@bot.command(allow="admins", chats="group")
def close(log: Log) -> str:
    """Close the room."""
    return mark(log, "close")


@bot.on_menu("Shout")
def shout(text: str, log: Log) -> str:
    """Say a message louder."""
    return f"{mark(log, 'shout')} {text.upper()}"


# The doors


@bot.command
def native(log: Log) -> list[Any]:
    """Ask by a call of the platform's own."""
    said = mark(log, "native")
    options = [{"text": "Yes"}, {"text": "No"}]
    embed = Native(POST, on="discord", content=f"asks {said}", otherwise=f"asks {said}")
    return [Native("sendPoll", question=f"asks {said}", options=options, otherwise=embed), said]


@bot.on_sent
def made(message: Message, log: Log) -> None:
    """Take what came of a call; it is no step of anybody's, and so no mark."""


@bot.command
def secret(log: Log) -> Reply:
    """Say something that nobody may forward."""
    extra: dict[str, dict[str, Any]] = {
        "telegram": {"protect_content": True},
        "discord": {"flags": 4},
    }
    return Reply(mark(log, "secret"), native=extra)


@bot.command
async def client(turn: Turn, log: Log) -> str:
    """Ask the platform itself."""

    async def ask() -> str:
        return "asked" if turn.client else ""

    try:
        told = await turn.step("ask", ask)
    except StateError:
        told = "nobody"
    return f"{mark(log, 'client')} {told}"


@bot.command
async def score(points: int, turn: Turn, log: Log, board: Global[Ref[MessageRef | None]]) -> str:
    """Show your score on the board in the hall, and tell your friend."""
    said, hall = mark(log, "score"), Chat(os.environ["SHOWCASE_HALL"], "group")
    if board.value is None:
        board.value = await turn.send(f"board: {points}", to=hall)
    else:
        await turn.send(Reply(f"board: {points}", edit=board.value))
    await turn.send(f"told {said}", to=User(os.environ["SHOWCASE_FRIEND"]))
    return said


@bot.on("telegram:poll_answer")
@bot.on("discord:typing_start")
def happened(log: Log) -> str:
    return mark(log, "happened")


@bot.on_reaction
def reacted(added: tuple[str, ...], log: Log) -> str:
    return f"{mark(log, 'reacted')} {''.join(added)}"


@bot.on("telegram:inline_query")
def find(message: Message, log: Log) -> str:
    return places_to_go(message.text, log)[0]


@bot.command
def buy(log: Log) -> list[Any]:
    """Sell tea."""
    prices = [{"label": "Tea", "amount": 5}]
    return [Native("sendInvoice", **PAY, prices=prices, otherwise="On Telegram."), mark(log, "buy")]


@bot.on("telegram:pre_checkout_query")
def check(log: Log) -> list[Any]:
    return [Native("answerPreCheckoutQuery", ok=True), mark(log, "check")]


@bot.on("telegram:successful_payment")
def paid(message: Message, log: Log) -> list[Any]:
    payment = (message.raw or {})["successful_payment"]
    charge = payment["telegram_payment_charge_id"]
    refund = Native("refundStarPayment", user_id=message.sender, telegram_payment_charge_id=charge)
    return [mark(log, "paid"), refund]


@bot.on_message
def other(message: Message, log: Log) -> str:
    return f"{mark(log, 'other')} {message.text}"


@bot.command
def ping(number: int) -> str:
    """Answer, when all that was owed before is sent."""
    return f"pong {number}."


@bot.command
def done(log: Log) -> str:
    """Tell what was done."""
    return f"all: {' '.join(log)}."
