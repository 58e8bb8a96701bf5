"""What Telegram's updates become, and what is sent for a reply: on recorded payloads."""

from typing import Any

import msgspec
import pytest
from adapters.telegram_others import NAMED
from adapters.telegram_payloads import (
    ALICE,
    BOT,
    GROUP,
    MALFORMED,
    ME,
    MESSAGES,
    OTHERS,
    PHOTO,
    PRIVATE,
    UPDATES,
    Json,
    mention,
    said,
    update,
)

from chatstate import Attachment, Event, Message, User
from chatstate_telegram.receive.wire import Me, Move, Unreadable, parse
from chatstate_telegram.updates import ON_REQUEST, WITHIN_MESSAGES

KNOWN = {"carol": User("1003", "Carol")}


def only(found: list[Event | Move]) -> Event:
    (event,) = found
    assert isinstance(event, Event)
    return event


@pytest.mark.parametrize(("raw", "message"), MESSAGES.values(), ids=MESSAGES)
def test_messages_are_read(raw: Json, message: Message) -> None:
    """Who says what, where, with which files; and the payload is kept."""
    expected = msgspec.structs.replace(message, raw=raw)
    assert parse([update(raw)], ME, KNOWN) == [Event("7", expected)]


@pytest.mark.parametrize(("raw", "meaning"), UPDATES.values(), ids=UPDATES)
def test_other_updates_are_read(raw: Json, meaning: list[Any]) -> None:
    """Edits, posts, presses, who comes and goes, groups that move; the rest means nothing."""
    assert parse([raw], ME, KNOWN) == meaning


@pytest.mark.parametrize(("raw", "event"), NAMED.values(), ids=NAMED)
def test_what_is_neither_a_message_nor_a_press_is_told_by_its_name(raw: Json, event: Event) -> None:
    """By whom and where, as far as that is told; each as something else, though it is new."""
    assert parse([raw], ME, KNOWN) == [event]


def test_what_the_bot_itself_does_is_nothing() -> None:
    """Whatever it is."""
    assert parse([update({"chat": GROUP, "from": BOT, "date": 5}, "my_chat_member")], ME, {}) == []
    reacted = {"chat": GROUP, "user": BOT, "date": 5}
    assert parse([update(reacted, "message_reaction")], ME, {}) == []


def test_each_update_that_is_asked_for_on_request_is_read() -> None:
    """None has a name that nobody tells of, or is told under another one."""
    told = {event.message.update.partition(":")[2] for _, event in NAMED.values()}
    assert set(ON_REQUEST) - told == {
        "chat_member",  # as the bot's own
        "edited_business_message",  # as the message itself
        "guest_message",
        "managed_bot",  # as a connection
    }


@pytest.mark.parametrize("raw", OTHERS.values(), ids=OTHERS)
def test_what_has_neither_words_nor_files_is_other(raw: Json) -> None:
    """Whatever it is, known or not: it is told with all that Telegram says of it."""
    message = only(parse([update(raw)], ME, KNOWN)).message
    assert (message.kind, message.text, message.raw) == ("other", "", raw)
    held = [name for name in WITHIN_MESSAGES if name in raw] or ["message"]
    assert message.update == f"telegram:{held[0]}"
    edit = only(parse([update({**raw, "edit_date": 5}, "edited_message")], ME, KNOWN)).message
    assert (edit.kind, edit.text) == ("other", "")


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_what_is_not_as_documented_is_unreadable(raw: Json) -> None:
    """It is told as such, whatever is wrong with it."""
    with pytest.raises(Unreadable):
        parse([raw], ME, KNOWN)


def test_half_a_character_is_no_text() -> None:
    """It is shown as a question mark, wherever it stands: no store could keep it."""
    message = only(
        parse([update(said(PRIVATE, text="\ud800 alone", new="\udfff"))], ME, {})
    ).message
    assert (message.text, (message.raw or {})["new"]) == ("? alone", "?")


def test_a_bot_may_hear_all_of_a_group() -> None:
    """Then talk is for it too, and its name is still left out."""
    everything = Me(ME.id, ME.username, "all")
    talk = only(parse([update(said(GROUP, text="hi"))], everything, {})).message
    assert (talk.text, talk.addressed) == ("hi", False)
    named = said(GROUP, text="hi @test_bot!", **mention(3, 9))
    meant = only(parse([update(named)], everything, {})).message
    assert (meant.text, meant.addressed) == ("hi!", True)


def test_an_album_is_one_message() -> None:
    """With the files in order, the caption of whichever part has it, and the first one's id."""
    parts = [
        {"update_id": 7, "message": said(PRIVATE, photo=PHOTO, media_group_id="9")},
        {
            "update_id": 8,
            "message": said(PRIVATE, video={"file_id": "F2"}, media_group_id="9", caption="look"),
        },
    ]
    event = only(parse(parts, ME, {}))
    assert (event.id, event.message.text) == ("7", "look")
    assert event.message.attachments == (
        Attachment("F1", "photo.jpg", "image/jpeg", 10, id="photo:F1"),
        Attachment("F2", "video.mp4", "video/mp4", id="video:F2"),
    )


def test_an_album_is_for_the_bot_if_its_caption_is() -> None:
    """Though the other parts in a group mention nobody."""
    caption = {"caption": "@test_bot look", "caption_entities": mention(0, 9)["entities"]}
    parts = [
        {"update_id": 7, "message": said(GROUP, photo=PHOTO, media_group_id="9", **caption)},
        {"update_id": 8, "message": said(GROUP, photo=PHOTO, media_group_id="9")},
    ]
    assert len(only(parse(parts, ME, {})).message.attachments) == 2


def test_anonymous_admins_are_told_apart() -> None:
    """Two messages never have one sender: nobody finds what another one left in a state."""
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group"}
    people = {
        only(
            parse(
                [
                    update(
                        {
                            **said(GROUP, anonymous, sender_chat=GROUP, text="@test_bot"),
                            "message_id": number,
                            **mention(0, 9),
                        }
                    )
                ],
                ME,
                {},
            )
        ).message.sender.id
        for number in (5, 6)
    }
    assert len(people) == 2


def test_each_newcomer_is_an_event() -> None:
    """With an id of its own."""
    raw = said(GROUP, new_chat_members=[ALICE, {"id": 1002, "first_name": "Bob"}])
    events = [event.id for event in parse([update(raw)], ME, {}) if isinstance(event, Event)]
    assert events == ["7/1001", "7/1002"]
