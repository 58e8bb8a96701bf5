"""A bot that uses everything of the doors and riches, and notes what it has done, in order.

Each answer holds a mark: the name of what was asked for, and how much was done until then. So a
turn that was lost, done twice or put out of order shows in all marks behind it.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated

from showcase.doors import doors, hall
from showcase.marks import Log, mark
from showcase.riches import riches

from chatstate import Arg, Complete, Interface, Message, User


@contextlib.asynccontextmanager
async def opening(bot: Interface) -> AsyncIterator[None]:
    """Say once, in all lives together, that the bot is open: from outside of turns."""
    await bot.send(hall(), "now open", key="open")
    yield


bot = Interface(id="showcase", description="All there is", lifespan=opening)
bot.include(riches)
bot.include(doors)


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


@bot.on_menu("Wave", of="user")
def wave(whom: Annotated[User, Arg], log: Log) -> str:
    """Wave to somebody."""
    return f"{mark(log, 'wave')} {whom.name}"


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
