"""The showcase's riches: texts, buttons, choices, cards, files, stickers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from showcase.marks import PNG, Log, mark

from chatstate import (
    Button,
    Card,
    Chat,
    Contact,
    Delete,
    File,
    Interface,
    Location,
    Markdown,
    Message,
    Option,
    PerUser,
    Poll,
    React,
    Ref,
    Reply,
    Select,
    ShareContact,
    ShareLocation,
    User,
    custom_emoji,
    timestamp,
)

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
riches = Interface()


# Texts, mentions, times, tables, streams


@riches.command(description={"de": "Grüßt, wer fragt."})
def hello(user: User, chat: Chat, log: Log) -> Reply:
    """Greet whoever asks."""
    said = mark(log, "hello")
    text = Markdown(f"**{said}** {user.mention} {chat.mention} {timestamp(NOON, 'R')}")
    return Reply(text, ping=[user])


@riches.command
def table(log: Log) -> Markdown:
    """Show a table."""
    return Markdown(f"{mark(log, 'table')}\n\n| Tea | Price |\n|:--|--:|\n| Mint | 50 |")


@riches.command
async def count(log: Log) -> AsyncIterator[str]:
    """Count, while you look."""
    yield "one"
    await asyncio.sleep(0.35)  # until it is shown
    yield f"one {mark(log, 'count')}"


@riches.command
async def endless() -> AsyncIterator[str]:
    """Begin an answer that has no end: it is no step of anybody's, and so no mark."""
    yield "without an end"
    await asyncio.Event().wait()


@riches.command
def letters(log: Log) -> Reply:
    """Write in all ways there are, and send a sticker."""
    party = custom_emoji("🎉", telegram="5368324170671202286", discord="<:party:123>")
    text = Markdown(f"{mark(log, 'letters')} <u>under</u> ||over|| {party}")
    return Reply(text, sticker=File(PNG, "hi.webp"))


@riches.on_message(where=lambda message: message.styled is not None)
def styled(message: Message, log: Log) -> list[Any]:
    return [mark(log, "styled"), message.styled]


# Buttons, choices, suggestions, cards


@riches.command
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


@riches.on_message(text="^button ", where=lambda message: message.kind == "press")
def pressed(message: Message, log: Log) -> Reply:
    return Reply(mark(log, "pressed"), [Button("Away", command="/away")], edit=message.pressed)


@riches.command(hidden=True)
def away(message: Message, log: Log) -> list[Any]:
    """Take the buttons away; one of them does this."""
    return [Delete(message.pressed or ""), mark(log, "away")]


@riches.command
def choose(log: Log) -> Reply:
    """Offer a choice."""
    options: list[Any] = [Option("Mint", "mint"), Option("Sage", "sage"), "Thyme"]
    return Reply(mark(log, "choose"), select=Select(options, "Teas", min_values=0, max_values=2))


@riches.on_message(where=lambda message: message.selected is not None)
def chosen(message: Message, log: Log) -> str:
    return f"{mark(log, 'chosen')} {'+'.join(message.selected or ())}"


@riches.command
def suggest(log: Log) -> Reply:
    """Suggest answers."""
    shares: list[Any] = [ShareContact("My number"), ShareLocation("My place")]
    return Reply(mark(log, "suggest"), suggestions=["Tea", "Cake", *shares])


@riches.on_message(text="^(?P<what>Tea|Cake)$")
def tapped(what: str, log: Log) -> list[Any]:
    return [React("👍"), f"{mark(log, 'tapped')} {what}"]


@riches.on_message(where=lambda message: bool(message.location or message.contact or message.poll))
def shared(message: Message, log: Log) -> str:
    return f"{mark(log, 'shared')} {message.text}"


@riches.command
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


@riches.command
def places(log: Log) -> list[Any]:
    """Show a place, a contact, a poll."""
    place = Location(52.5, 13.25, "Café Nord", "Street 1")
    poll = Poll("Which tea?", ["Mint", "Sage"], anonymous=False)
    return [Reply("here:", location=place), Contact("+49301234", "Nord"), poll, mark(log, "places")]


# Files, stickers


@riches.command
def files(log: Log) -> Reply:
    """Send a voice note, a picture and a text."""
    sent = [File(b"OggS", "note.ogg", voice=True), File(PNG, "dot.png"), File(b"text", "a.txt")]
    return Reply(mark(log, "files"), files=sent)


@riches.command
def again(log: Log, kept: PerUser[Ref[str]]) -> list[Any]:
    """Send a file of the web, and what was sent to the bot, by its id."""
    web = File(url="https://example.com/cup.png")
    known = [File(id=kept.value, name="again.txt")] if kept.value else []
    return [Reply(mark(log, "again"), files=[web]), *known]


@riches.on_message(kind="sticker")
def stuck(message: Message, log: Log) -> Reply:
    return Reply(mark(log, "stuck"), sticker=message.sticker)


@riches.on_message(kind="voice")
def spoken(files: list[File], log: Log) -> str:
    return f"{mark(log, 'spoken')} {files[0].name}"


@riches.on_message(kind=["document", "photo"])
def received(message: Message, files: list[File], log: Log, kept: PerUser[Ref[str]]) -> str:
    kept.value = message.attachments[0].id
    return f"{mark(log, 'received')} {files[0].name} {len(files[0].read())}"
