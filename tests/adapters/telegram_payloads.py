"""Updates as Telegram gives them: of each kind that is mapped, what it means.

Recorded from the Bot API's server, with ids, names and texts replaced.
"""

from datetime import UTC, datetime
from typing import Any

from chatstate import (
    Attachment,
    Chat,
    Contact,
    Event,
    Location,
    Message,
    MessageRef,
    Poll,
    Sticker,
    User,
)
from chatstate.markup import Span, StyledText
from chatstate_telegram.receive.wire import Me, Move

Json = dict[str, Any]

ME = Me(42, "test_bot")
BOT = {"id": 42, "is_bot": True, "first_name": "Test Bot", "username": "test_bot"}
ROBOT = {"id": 43, "is_bot": True, "first_name": "Robot"}
ALICE = {
    "id": 1001,
    "is_bot": False,
    "first_name": "Alice",
    "last_name": "Liddell",
    "username": "alice",
    "language_code": "de",
}
ANONYMOUS = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
CHANNEL_BOT = {
    "id": 136817688,
    "is_bot": True,
    "first_name": "Channel",
    "username": "Channel_Bot",
}
PRIVATE = {
    "id": 1001,
    "first_name": "Alice",
    "last_name": "Liddell",
    "username": "alice",
    "type": "private",
}
GROUP = {"id": -7, "title": "Friends", "type": "group", "all_members_are_administrators": True}
SUPERGROUP = {"id": -1007, "title": "Friends", "type": "supergroup"}
FORUM = {"id": -1009, "title": "Forum", "type": "supergroup", "is_forum": True}
CHANNEL = {"id": -1008, "title": "News", "username": "news", "type": "channel"}
DATE = 1_790_000_000

alice = User("1001", "Alice Liddell", "de")
bot = User("42", "Test Bot", is_bot=True)
private = Chat("1001", "private", "Alice")
group = Chat("-7", "group", "Friends")
forum = Chat("-1009", "group", "Forum")
channel = Chat("-1008", "channel", "News")
time = datetime.fromtimestamp(DATE, UTC)


def said(chat: Json, sender: Json = ALICE, **content: Any) -> Json:
    """Return a message."""
    return {"message_id": 5, "from": sender, "chat": chat, "date": DATE, **content}


def update(raw: Json, kind: str = "message") -> Json:
    """Return an update with it."""
    return {"update_id": 7, kind: raw}


def told(text: str, chat: Chat = private, **more: Any) -> Message:
    """Return what a message should become, but for its raw payload."""
    usual: Json = {"text": text, "sender": alice, "chat": chat, "id": "5", "time": time}
    return Message(**usual | more)


def command(length: int, start: int = 0) -> Json:
    return {"entities": [{"offset": start, "length": length, "type": "bot_command"}]}


def mention(start: int, length: int, **more: Any) -> Json:
    return {"entities": [{"offset": start, "length": length, "type": "mention", **more}]}


def file(**more: Any) -> Json:
    return {"file_id": "F1", "file_unique_id": "U1", "file_size": 10, **more}


OPENING = said(
    FORUM, message_thread_id=3, is_topic_message=True, forum_topic_created={"name": "Red"}
) | {"message_id": 3}
BOT_SAID = said(GROUP, BOT, text="Hello") | {"message_id": 4}
PHOTO = [
    file(width=90, height=90, file_size=5) | {"file_id": "SMALL"},
    file(width=1280, height=1280),
]


def paragraph(text: Any) -> Json:
    """Return a block of a rich message."""
    return {"type": "paragraph", "text": text}


RICH = {
    "blocks": [
        {"type": "heading", "text": "Title", "size": 1},
        paragraph(
            [
                "/vote a ",
                {"type": "bold", "text": ["bold", {"type": "italic", "text": " x"}]},
                {"type": "mathematical_expression", "expression": "²"},
                " ",
                {"type": "custom_emoji", "custom_emoji_id": "1", "alternative_text": "😀"},
                {"type": "anchor", "name": "here"},
                " end.",
            ]
        ),
        {"type": "pre", "text": "print(1)", "language": "python"},
        {"type": "divider"},
        {
            "type": "list",
            "items": [
                {"label": "•", "blocks": [paragraph("first")]},
                {"label": "•", "blocks": [paragraph("second"), paragraph("and more")]},
            ],
        },
        {
            "type": "table",
            "cells": [[{"text": "Name"}, {"text": "Age"}], [{"text": "Bob"}, {"text": "5"}]],
            "caption": "The ages",
        },
        {
            "type": "details",
            "summary": "More",
            "blocks": [
                paragraph("inside"),
                {"type": "photo", "photo": PHOTO, "caption": {"text": "a cat", "credit": "by Bob"}},
                {"type": "voice_note", "voice_note": {"file_id": "F3"}},
            ],
        },
        {"type": "something that is new", "text": "new words"},
    ]
}

MESSAGES: dict[str, tuple[Json, Message]] = {
    "private": (said(PRIVATE, text="hi"), told("hi")),
    "group command": (said(GROUP, text="/vote 1", **command(5)), told("/vote 1", group)),
    "group command to the bot": (
        said(GROUP, text="/vote@Test_Bot 1", **command(14)),
        told("/vote 1", group),
    ),
    "group mention": (
        said(GROUP, text="@test_bot, hello", **mention(0, 9)),
        told("hello", group),
    ),
    "group mention behind an emoji": (
        said(GROUP, text="🎲 @test_bot hello", **mention(3, 9)),
        told("🎲 hello", group),
    ),
    "group mention at the end": (
        said(GROUP, text="hello @test_bot", **mention(6, 9)),
        told("hello", group),
    ),
    "group answer to the bot": (
        said(GROUP, text="yes", reply_to_message=BOT_SAID),
        told("yes", group, reply_to=MessageRef("4", "Hello", bot), quote="Hello"),
    ),
    "answer to a part of a message": (
        said(
            GROUP,
            text="yes",
            reply_to_message=BOT_SAID,
            quote={"text": "ell", "position": 1, "is_manual": True},
        ),
        told("yes", group, reply_to=MessageRef("4", "Hello", bot), quote="ell"),
    ),
    "answer to a part of a message elsewhere": (
        said(
            PRIVATE,
            text="is that so?",
            quote={"text": "It rains", "position": 0},
            external_reply={"origin": {"type": "channel"}, "chat": CHANNEL, "message_id": 9},
        ),
        told("is that so?", quote="It rains"),
    ),
    "answer to a poll elsewhere": (
        said(
            PRIVATE,
            text="no",
            external_reply={
                "origin": {"type": "user"},
                "poll": {"question": "Lunch?", "options": []},
            },
        ),
        told("no", quote="Lunch?"),
    ),
    "answer to a picture": (
        said(PRIVATE, text="nice", reply_to_message=said(PRIVATE, BOT, photo=PHOTO)),
        told("nice", reply_to=MessageRef("5", "", bot)),
    ),
    "caption with a mention": (
        said(
            GROUP,
            caption="@test_bot look",
            document=file(file_name="a.pdf", mime_type="application/pdf"),
            caption_entities=[{"offset": 0, "length": 9, "type": "mention"}],
        ),
        told(
            "look",
            group,
            attachments=(Attachment("F1", "a.pdf", "application/pdf", 10, id="document:F1"),),
        ),
    ),
    "forum topic": (
        said(
            FORUM,
            text="/hi",
            message_thread_id=3,
            is_topic_message=True,
            reply_to_message=OPENING,
            **command(3),
        ),
        told("/hi", forum, thread="3"),
    ),
    "answer in a supergroup without topics": (
        said(SUPERGROUP, text="yes", message_thread_id=4, reply_to_message=BOT_SAID),
        told(
            "yes",
            Chat("-1007", "group", "Friends"),
            reply_to=MessageRef("4", "Hello", bot),
            quote="Hello",
        ),
    ),
    "text mention": (
        said(
            PRIVATE,
            text="give Bob 5",
            entities=[
                {
                    "offset": 5,
                    "length": 3,
                    "type": "text_mention",
                    "user": {"id": 1002, "is_bot": False, "first_name": "Bob"},
                }
            ],
        ),
        told(
            "give Bob 5",
            mentions=(User("1002", "Bob"),),
            styled=StyledText("give Bob 5", (Span("mention", 5, 8, "user 1002"),)),
        ),
    ),
    "formatted, with the bot's name left out": (
        said(
            GROUP,
            text="so @test_bot 🙂 b s",
            entities=[
                {"offset": 0, "length": 2, "type": "italic"},
                {"offset": 3, "length": 9, "type": "mention"},
                {"offset": 16, "length": 1, "type": "bold"},
                {"offset": 18, "length": 1, "type": "spoiler"},
            ],
        ),
        told(
            "so 🙂 b s",
            group,
            styled=StyledText(
                "so 🙂 b s", (Span("italic", 0, 2), Span("bold", 5, 6), Span("spoiler", 7, 8))
            ),
        ),
    ),
    "a command with something formatted": (
        said(
            PRIVATE,
            text="/say@test_bot hi you",
            entities=[
                {"offset": 0, "length": 13, "type": "bot_command"},
                {"offset": 14, "length": 2, "type": "underline"},
                {"offset": 17, "length": 3, "type": "custom_emoji", "custom_emoji_id": "5"},
            ],
        ),
        told(
            "/say hi you",
            styled=StyledText(
                "/say hi you", (Span("underline", 5, 7), Span("emoji", 8, 11, "telegram 5"))
            ),
        ),
    ),
    "mention of somebody known": (
        said(PRIVATE, text="give @carol 5", **mention(5, 6)),
        told("give @carol 5", mentions=(User("1003", "carol"),)),
    ),
    "mention of somebody unknown": (
        said(PRIVATE, text="give @dave 5", **mention(5, 5)),
        told("give @dave 5"),
    ),
    "photo": (
        said(PRIVATE, photo=PHOTO, caption="look"),
        told("look", attachments=(Attachment("F1", "photo.jpg", "image/jpeg", 10, id="photo:F1"),)),
    ),
    "document": (
        said(PRIVATE, document=file(file_name="a.txt", mime_type="text/plain")),
        told("", attachments=(Attachment("F1", "a.txt", "text/plain", 10, id="document:F1"),)),
    ),
    "document that tells nothing": (
        said(PRIVATE, document={"file_id": "F1", "file_unique_id": "U1"}),
        told(
            "",
            attachments=(
                Attachment("F1", "document", "application/octet-stream", id="document:F1"),
            ),
        ),
    ),
    "audio": (
        said(PRIVATE, audio=file(duration=3, file_name="a.mp3", mime_type="audio/mpeg")),
        told("", attachments=(Attachment("F1", "a.mp3", "audio/mpeg", 10, id="audio:F1"),)),
    ),
    "voice": (
        said(PRIVATE, voice=file(duration=3, mime_type="audio/ogg")),
        told(
            "",
            attachments=(
                Attachment("F1", "voice.ogg", "audio/ogg", 10, is_voice=True, id="voice:F1"),
            ),
        ),
    ),
    "video": (
        said(PRIVATE, video=file(duration=3, width=1, height=1, mime_type="video/mp4")),
        told("", attachments=(Attachment("F1", "video.mp4", "video/mp4", 10, id="video:F1"),)),
    ),
    "video note": (
        said(PRIVATE, video_note=file(duration=3, length=240)),
        told(
            "",
            attachments=(Attachment("F1", "video_note.mp4", "video/mp4", 10, id="video_note:F1"),),
        ),
    ),
    "animation": (
        said(
            PRIVATE,
            animation=file(duration=3, width=1, height=1, file_name="a.gif.mp4"),
            document=file(file_name="a.gif.mp4"),
        ),
        told("", attachments=(Attachment("F1", "a.gif.mp4", "video/mp4", 10, id="animation:F1"),)),
    ),
    "sticker": (
        said(PRIVATE, sticker=file(type="regular", emoji="👍", set_name="hands")),
        told("👍", sticker=Sticker("F1", "👍", "hands")),
    ),
    "dice": (said(PRIVATE, dice={"emoji": "🎲", "value": 6}), told("🎲")),
    "poll": (
        said(PRIVATE, poll={"question": "Lunch?", "options": [{"text": "Pizza"}, {"text": "No"}]}),
        told("Lunch?\nPizza\nNo", poll=Poll("Lunch?", ("Pizza", "No"))),
    ),
    "invoice": (
        said(PRIVATE, invoice={"title": "Tea", "description": "A pound", "total_amount": 5}),
        told("Tea\nA pound"),
    ),
    "media that are paid for": (
        said(
            PRIVATE,
            paid_media={
                "star_count": 5,
                "paid_media": [
                    {"type": "photo", "photo": PHOTO},
                    {"type": "preview", "duration": 3},
                    {"type": "video", "video": {"file_id": "F2"}},
                ],
            },
        ),
        told(
            "",
            attachments=(
                Attachment("F1", "photo.jpg", "image/jpeg", 10, id="photo:F1"),
                Attachment("F2", "video.mp4", "video/mp4", id="video:F2"),
            ),
        ),
    ),
    "a chat of an unknown type": (
        said({"id": 5, "type": "planet"}, text="/hi", **command(3)),
        told("/hi", Chat("5", "group")),
    ),
    "checklist": (
        said(PRIVATE, checklist={"title": "Buy", "tasks": [{"id": 1, "text": "milk"}]}),
        told("Buy\nmilk"),
    ),
    "game": (
        said(PRIVATE, game={"title": "Snake", "description": "Eat", "photo": []}),
        told("Snake\nEat"),
    ),
    "data of a web app": (
        said(PRIVATE, web_app_data={"data": "pizza", "button_text": "Order"}),
        told("pizza"),
    ),
    "rich message": (
        said(PRIVATE, rich_message=RICH),
        told(
            "Title\n/vote a bold x² 😀 end.\nprint(1)\n• first\n• second\nand more\nName | Age\n"
            "Bob | 5\nThe ages\nMore\ninside\na cat by Bob\nnew words",
            attachments=(
                Attachment("F1", "photo.jpg", "image/jpeg", 10, id="photo:F1"),
                Attachment("F3", "voice.ogg", "audio/ogg", is_voice=True, id="voice:F3"),
            ),
        ),
    ),
    "rich message to the bot": (
        said(
            GROUP,
            rich_message={
                "blocks": [
                    paragraph(
                        [
                            "hello ",
                            {"type": "mention", "text": "@test_bot", "username": "test_bot"},
                            " there",
                        ]
                    )
                ]
            },
        ),
        told("hello there", group),
    ),
    "rich command": (
        said(GROUP, rich_message={"blocks": [paragraph("/vote@test_bot 1")]}),
        told("/vote 1", group),
    ),
    "contact": (
        said(PRIVATE, contact={"phone_number": "+49301234", "first_name": "Bob"}),
        told("Bob +49301234", contact=Contact("+49301234", "Bob")),
    ),
    "contact of a person": (
        said(
            PRIVATE,
            contact={
                "phone_number": "+49301234",
                "first_name": "Bob",
                "last_name": "Dylan",
                "user_id": 1002,
            },
        ),
        told("Bob Dylan +49301234", contact=Contact("+49301234", "Bob Dylan", "1002")),
    ),
    "location": (
        said(PRIVATE, location={"latitude": 52.5, "longitude": 13.25}),
        told("52.5, 13.25", location=Location(52.5, 13.25)),
    ),
    "venue": (
        said(
            PRIVATE,
            location={"latitude": 52.5, "longitude": 13.25},
            venue={
                "location": {"latitude": 52.5, "longitude": 13.25},
                "title": "Café",
                "address": "Street 1",
            },
        ),
        told("Café, Street 1 (52.5, 13.25)", location=Location(52.5, 13.25, "Café", "Street 1")),
    ),
    "anonymous admin": (
        said(GROUP, ANONYMOUS, sender_chat=GROUP, text="/vote 1", **command(5)),
        told("/vote 1", group, sender=User("-7/5", "Friends")),
    ),
    "another bot": (
        said(GROUP, ROBOT, text="/vote 1", **command(5)),
        told("/vote 1", group, sender=User("43", "Robot", is_bot=True)),
    ),
    "somebody as a channel": (
        said(GROUP, CHANNEL_BOT, sender_chat=CHANNEL, text="/vote 1", **command(5)),
        told("/vote 1", group, sender=User("-1008", "News")),
    ),
}
"""New messages, and what they become."""

JOINED = said(GROUP, new_chat_members=[{"id": 1002, "first_name": "Bob"}, BOT])
LEFT = said(GROUP, left_chat_member={"id": 1002, "first_name": "Bob"})
POST = {
    "message_id": 5,
    "sender_chat": CHANNEL,
    "chat": CHANNEL,
    "date": DATE,
    "text": "/news",
    **command(5),
}
PRESS = {
    "id": "4382",
    "from": ALICE,
    "message": said(FORUM, BOT, text="Choose", message_thread_id=3, is_topic_message=True),
    "chat_instance": "-1",
    "data": "v1",
}
FADED = {**PRESS, "message": {"chat": GROUP, "message_id": 5, "date": 0}}

UPDATES: dict[str, tuple[Json, list[Event | Move]]] = {
    "edited message": (
        update(said(PRIVATE, text="hi!", edit_date=DATE), "edited_message"),
        [Event("7", told("hi!", kind="edit", raw=said(PRIVATE, text="hi!", edit_date=DATE)))],
    ),
    "channel post": (
        update(POST, "channel_post"),
        [Event("7", told("/news", channel, sender=User("-1008", "News"), raw=POST))],
    ),
    "joined, but for the bot itself": (
        update(JOINED),
        [
            Event(
                "7/1002",
                told("", group, sender=User("1002", "Bob"), kind="join", id=None, raw=JOINED),
            )
        ],
    ),
    "left": (
        update(LEFT),
        [
            Event(
                "7/1002",
                told("", group, sender=User("1002", "Bob"), kind="leave", id=None, raw=LEFT),
            )
        ],
    ),
    "press": (
        update(PRESS, "callback_query"),
        [
            Event(
                "7",
                told(
                    "v1",
                    forum,
                    kind="press",
                    id=None,
                    time=None,
                    thread="3",
                    pressed=MessageRef("5", "Choose", bot),
                    raw=PRESS,
                ),
                origin="4382",
            )
        ],
    ),
    "press below a message that is too old": (
        update(FADED, "callback_query"),
        [
            Event(
                "7",
                told(
                    "v1",
                    group,
                    kind="press",
                    id=None,
                    time=None,
                    pressed=MessageRef("5"),
                    raw=FADED,
                ),
                origin="4382",
            )
        ],
    ),
    "migrated": (update(said(GROUP, migrate_to_chat_id=-1007)), [Move("-7", "-1007")]),
    "migrated, in the new group": (
        update(said(SUPERGROUP, migrate_from_chat_id=-7)),
        [Move("-7", "-1007")],
    ),
    "what the bot did itself": (
        update(said(GROUP, BOT, pinned_message=said(GROUP, text="hi"))),
        [],
    ),
    "somebody whom the bot put out": (
        update(said(GROUP, BOT, left_chat_member={"id": 1002, "first_name": "Bob"})),
        [
            Event(
                "7/1002",
                told(
                    "",
                    group,
                    sender=User("1002", "Bob"),
                    kind="leave",
                    id=None,
                    raw=said(GROUP, BOT, left_chat_member={"id": 1002, "first_name": "Bob"}),
                ),
            )
        ],
    ),
    "group talk": (update(said(GROUP, text="hi")), []),
    "command to another bot": (
        update(said(GROUP, text="/vote@other_bot", **command(15))),
        [],
    ),
    "answer to somebody else": (
        update(said(GROUP, text="yes", reply_to_message=said(GROUP, text="?"))),
        [],
    ),
    "first message of a topic of the bot's": (
        update(
            said(
                FORUM,
                text="hi",
                message_thread_id=3,
                is_topic_message=True,
                reply_to_message={**OPENING, "from": BOT},
            )
        ),
        [],
    ),
    "story in a group": (update(said(GROUP, story={"id": 1, "chat": CHANNEL})), []),
    "command to another bot, in a caption": (
        update(
            said(
                GROUP,
                photo=PHOTO,
                caption="/vote@other_bot",
                caption_entities=command(15)["entities"],
            )
        ),
        [],
    ),
}
"""Other updates, and what they mean."""
GAME = {k: v for k, v in PRESS.items() if k != "data"} | {"game_short_name": "snake"}
UPDATES["press of a game"] = (
    update(GAME, "callback_query"),
    [
        Event(
            "7",
            told(
                "",
                forum,
                kind="other",
                id=None,
                time=None,
                thread="3",
                pressed=MessageRef("5", "Choose", bot),
                raw=GAME,
                update="telegram:callback_query",
            ),
            origin="4382",
        )
    ],
)
ELSEWHERE = {k: v for k, v in PRESS.items() if k != "message"} | {"inline_message_id": "1"}
UPDATES["press below what was sent elsewhere"] = (
    update(ELSEWHERE, "callback_query"),
    [
        Event(
            "7",
            told(
                "",
                kind="other",
                id=None,
                time=None,
                raw=ELSEWHERE,
                update="telegram:callback_query",
            ),
            origin="4382",
        )
    ],
)

OTHERS: dict[str, Json] = {
    "users that were chosen": said(PRIVATE, users_shared={"request_id": 1, "users": []}),
    "a chat that was chosen": said(PRIVATE, chat_shared={"request_id": 1, "chat_id": -7}),
    "a payment": said(
        PRIVATE,
        successful_payment={"currency": "EUR", "total_amount": 5, "invoice_payload": "tea"},
    ),
    "a payment that went back": said(PRIVATE, refunded_payment={"total_amount": 5}),
    "a payment in a group": said(GROUP, successful_payment={"total_amount": 5}),
    "a story": said(PRIVATE, story={"id": 1, "chat": CHANNEL}),
    "a story in answer to the bot": said(GROUP, story={"id": 1}, reply_to_message=BOT_SAID),
    "media that nobody has paid for": said(
        PRIVATE, paid_media={"star_count": 5, "paid_media": [{"type": "preview"}]}
    ),
    "a giveaway": said(PRIVATE, giveaway={"chats": [], "winner_count": 1}),
    "passport data": said(PRIVATE, passport_data={"data": []}),
    "a new title": said(GROUP, new_chat_title="Foes"),
    "a pinned message": said(GROUP, pinned_message=said(GROUP, text="hi")),
    "a topic that is opened": OPENING,
    "a video chat": said(GROUP, video_chat_started={}),
    "the bot is let in": said(GROUP, new_chat_members=[BOT]),
    "the bot is put out": said(GROUP, left_chat_member=BOT),
    "a kind that is new": said(GROUP, hologram={"depth": 3}),
    "nothing": said(PRIVATE),
}
"""Messages with neither words nor files."""

MALFORMED: dict[str, Json] = {
    "no chat": update({"message_id": 5, "from": ALICE, "date": DATE, "text": "hi"}),
    "no date": update({"message_id": 5, "from": ALICE, "chat": PRIVATE, "text": "hi"}),
    "text for a list": update(said(PRIVATE, text="hi", entities="none")),
    "an endless date": update({**said(PRIVATE, text="hi"), "date": 10**30}),
    "null for a message": update(None),  # type: ignore[arg-type]  # what is tried
}
"""What no server should give."""
