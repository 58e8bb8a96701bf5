"""Whatever updates come from Telegram: the adapter goes on, and no message vanishes."""

import asyncio
import contextlib
import copy

import msgspec
import pytest
from adapters.garbled import PROFILE, garbled
from adapters.telegram_host import FakeHost
from adapters.telegram_payloads import (
    FADED,
    MESSAGES,
    OTHERS,
    PHOTO,
    PRESS,
    PRIVATE,
    UPDATES,
    Json,
    command,
    said,
    update,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatstate import Event
from chatstate_telegram.receive import joining
from chatstate_telegram.receive.intake import Intake
from chatstate_telegram.receive.wire import Me, Unreadable, parse

ALL = Me(42, "test_bot", "all")
FULL = said(PRIVATE, text="word " * 819)
PIECE = said(PRIVATE, text="and /more", **command(5, 4))
ALBUM = said(PRIVATE, photo=PHOTO, media_group_id="9")
WHO_WHERE_WHEN = ("message_id", "from", "sender_chat", "chat", "date", "is_topic_message")
THREAD = ("message_thread_id", "edit_date")
NEW = (
    "text",
    "caption",
    "entities",
    "photo",
    "poll",
    "rich_message",
    "story",
    "quote",
    "external_reply",
    "reply_to_message",
    "media_group_id",
    "new_chat_members",
    "left_chat_member",
    "migrate_to_chat_id",
    "hologram",
)
USUAL = [
    *(update(raw) for raw, _ in MESSAGES.values()),
    *(update(raw) for raw in OTHERS.values()),
    *(raw for raw, _ in UPDATES.values()),
]
ANYTHING = st.sampled_from(USUAL).flatmap(garbled)
PARTS = (
    st.sampled_from([FULL, PIECE, ALBUM])
    .flatmap(lambda raw: garbled(raw, spared=("from", "chat"), new=NEW))
    .map(update)
)
IN_PARTS = st.lists(PARTS, max_size=3).map(lambda parts: [update(FULL), *parts])


def numbered(updates: list[Json]) -> list[Json]:
    """Return updates under ids of their own, but for those whose id is garbled."""
    return [
        {**raw, "update_id": 100 + number} if raw.get("update_id") == 7 else raw
        for number, raw in enumerate(copy.deepcopy(updates))
    ]


async def taken_in(*batches: list[Json], cursor: str | None = None) -> FakeHost:
    """Take updates in, one batch after the other, and at last one that says "after"."""
    host = FakeHost(cursor)
    intake = Intake(host, ALL, *[lambda *_: None] * 3)
    running = asyncio.create_task(intake.run())
    try:
        async with asyncio.timeout(10):
            for batch in batches:
                await intake.take(batch)
            elsewhere = {**PRIVATE, "id": 5}
            await intake.take([{"update_id": 9999, "message": said(elsewhere, text="after")}])
            await host.until(lambda: "after" in host.texts)
            while intake._joining.due is not None:
                await asyncio.sleep(0.001)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    return host


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what may be joined wait for no longer than a moment."""
    for name in ("QUIET_SECONDS", "LONGEST_SECONDS", "PIECE_SECONDS", "LONGEST_TEXT_SECONDS"):
        monkeypatch.setattr(joining, name, 0.001)


@given(st.lists(ANYTHING, max_size=5), IN_PARTS)
@settings(PROFILE, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_update_stops_the_adapter(first: list[Json], second: list[Json]) -> None:
    """What comes later is delivered, also by the next process; all that is can be read again."""
    host = asyncio.run(taken_in(numbered(first), numbered(second)))
    again = asyncio.run(taken_in(cursor=host.cursor))
    for event in (*host.events, *again.events):
        assert msgspec.json.decode(msgspec.json.encode(event), type=Event).id == event.id


def meant(raw: Json) -> list[object]:
    """Return what is delivered of an update, in full or as far as it can be read."""
    try:
        return list(parse([raw], ALL, {}))
    except Unreadable as error:
        return list(error.rest)


SPOKEN = [raw for raw, _ in MESSAGES.values()] + list(OTHERS.values())


@given(
    st.sampled_from(SPOKEN).flatmap(
        lambda raw: garbled(raw, spared=(*WHO_WHERE_WHEN, *THREAD), new=NEW)
    )
)
@settings(PROFILE)
def test_no_message_vanishes(raw: Json) -> None:
    """As long as it tells who said it, where and when, it is an event, whatever else it holds."""
    if not str(raw.get("text", raw.get("caption"))).startswith("/"):  # it may be another bot's
        assert meant(update(raw)), raw


@given(
    st.sampled_from([PRESS, FADED]).flatmap(
        lambda raw: garbled(raw, spared=("id", "from", "message"))
    )
)
@settings(PROFILE)
def test_no_press_vanishes(query: Json) -> None:
    """And it can be answered."""
    (event,) = meant(update(query, "callback_query"))
    assert isinstance(event, Event)
    assert event.origin == query["id"]


def test_one_piece_that_cannot_be_read_takes_no_other_with_it() -> None:
    """Of an album or a long text: each of its updates is looked at by itself then."""
    group = numbered([update(FULL), update({**PIECE, "entities": [5]}), update(PIECE)])
    with pytest.raises(Unreadable) as unreadable:
        parse(group, ALL, {})
    told = [event.message for event in unreadable.value.rest if isinstance(event, Event)]
    kinds = [(message.kind, message.text) for message in told]
    assert kinds == [("message", FULL["text"]), ("other", ""), ("message", "and /more")]
