"""The showcase's doors: calls and events by their own names, and what is sent elsewhere."""

import os
from typing import Any

from showcase.marks import PNG, Log, mark

from chatstate import (
    Chat,
    File,
    Global,
    Interface,
    Message,
    MessageRef,
    Native,
    Ref,
    Reply,
    StateError,
    Turn,
    User,
)

POST = "POST /channels/{channel_id}/messages"
PIN = "PUT /channels/{channel_id}/messages/pins/{message_id}"
PAY = {"title": "Tea", "description": "A cup", "payload": "tea", "currency": "XTR"}
doors = Interface()


def hall() -> Chat:
    """Return the group in which all see what is sent there."""
    return Chat(os.environ["SHOWCASE_HALL"], "group")


@doors.command
async def native(turn: Turn, log: Log) -> list[Any]:
    """Ask by a call of the platform's own, and show a file by one in the hall."""
    said = mark(log, "native")
    options = [{"text": "Yes"}, {"text": "No"}]
    embed = Native(POST, on="discord", content=f"asks {said}", otherwise=f"asks {said}")
    shown = Native(POST, on="discord", files=[File(PNG, "film.png")])
    film = Native("sendVideoNote", video_note=File(b"film", "film.mp4"), otherwise=shown)
    await turn.send(film, to=hall())
    return [Native("sendPoll", question=f"asks {said}", options=options, otherwise=embed), said]


@doors.command
async def pin(turn: Turn, log: Log) -> Native:
    """Pin what is said, which has no id yet."""
    said = await turn.send(mark(log, "pin"))
    here = Native(PIN, on="discord", message_id=said)
    return Native("pinChatMessage", message_id=said, otherwise=here)


@doors.on_sent
def made(message: Message, log: Log) -> None:
    """Take what came of a call; it is no step of anybody's, and so no mark."""


@doors.command
def secret(log: Log) -> Reply:
    """Say something that nobody may forward."""
    extra: dict[str, dict[str, Any]] = {
        "telegram": {"protect_content": True},
        "discord": {"flags": 4},
    }
    return Reply(mark(log, "secret"), native=extra)


@doors.command
async def client(turn: Turn, log: Log) -> str:
    """Ask the platform itself."""

    async def ask() -> str:
        return "asked" if turn.client else ""

    try:
        told = await turn.step("ask", ask)
    except StateError:
        told = "nobody"
    return f"{mark(log, 'client')} {told}"


@doors.command
async def score(points: int, turn: Turn, log: Log, board: Global[Ref[MessageRef | None]]) -> str:
    """Show your score on the board in the hall, and tell your friend."""
    said = mark(log, "score")
    if board.value is None:
        board.value = await turn.send(f"board: {points}", to=hall())
    else:
        await turn.send(Reply(f"board: {points}", edit=board.value))
    await turn.send(f"told {said}", to=User(os.environ["SHOWCASE_FRIEND"]))
    return said


@doors.on("telegram:poll_answer")
@doors.on("discord:typing_start")
def happened(log: Log) -> str:
    return mark(log, "happened")


@doors.on("telegram:poll")
async def counted(turn: Turn, log: Log) -> None:
    """Tell what is of nobody and of no chat."""
    await turn.send(mark(log, "counted"), to=hall())


@doors.on_reaction
def reacted(added: tuple[str, ...], log: Log) -> str:
    return f"{mark(log, 'reacted')} {''.join(added)}"


@doors.on("telegram:inline_query")
def find(message: Message, log: Log) -> str:
    return f"{message.text}erlin {len(log)}"


@doors.command(chats="private")
def buy(log: Log) -> list[Any]:
    """Sell tea."""
    prices = [{"label": "Tea", "amount": 5}]
    return [Native("sendInvoice", **PAY, prices=prices, otherwise="On Telegram."), mark(log, "buy")]


@doors.on("telegram:shipping_query")
def ship(log: Log) -> list[Any]:
    options = [{"id": "post", "title": "Post", "prices": [{"label": "Post", "amount": 2}]}]
    answer = Native("answerShippingQuery", ok=True, shipping_options=options)
    return [answer, mark(log, "ship")]


@doors.on("telegram:pre_checkout_query")
def check(log: Log) -> list[Any]:
    return [Native("answerPreCheckoutQuery", ok=True), mark(log, "check")]


@doors.on("telegram:successful_payment")
def paid(message: Message, log: Log) -> list[Any]:
    payment = (message.raw or {})["successful_payment"]
    charge = payment["telegram_payment_charge_id"]
    refund = Native("refundStarPayment", user_id=message.sender, telegram_payment_charge_id=charge)
    return [mark(log, "paid"), refund]
