"""What the Telegram adapter sends for a reply, and what it makes of what comes back."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from adapters.telegram_host import action, adapter_on
from msgspec.structs import replace
from servers.telegram_model import PNG, Chat, FileKind, Message, Upload
from servers.telegram_sending import REACTIONS
from servers.telegram_server import TelegramServer
from servers.telegram_world import Press

from chatstate import Ambiguous, Attachment, Moved, Rejected, RetryAfter, Unreachable
from chatstate.adapter import (
    Action,
    Part,
    Post,
    PostButton,
    PostCard,
    PostSuggestion,
    StoredFile,
    Verb,
)
from chatstate.markup import parse
from chatstate.text import Span, StyledText
from chatstate_telegram import TelegramAdapter
from chatstate_telegram.receive.content import attachments
from chatstate_telegram.send.pace import Limit, Limits, Pace

ROWS = [[PostButton("Yes", "v1", "yes"), PostButton("No", "v2", "no")]]
CAPTION = "x" * 1024


class Sending:
    """An adapter that performs what a post renders to."""

    def __init__(self, server: TelegramServer, folder: Path) -> None:
        self.server = server
        self.adapter = adapter_on(server)
        self.folder = folder
        self.alice = server.person(1001, "Alice")
        self.chat = server.private_chat(self.alice)

    def file(self, name: str, media_type: str, data: bytes = b"data") -> StoredFile:
        path = self.folder / name
        path.write_bytes(data)
        return StoredFile(name, name, media_type, len(data), str(path))

    async def send(self, text: str = "", *, chat: Chat | None = None, **more: Any) -> list[Message]:
        """Send a post; return the messages that it made."""
        there = chat or self.chat
        before = len(self.server.messages(there))
        for part in self.adapter.render(Post(StyledText(text), **more)):
            await self.perform(part, there)
        return self.server.messages(there)[before:]

    async def perform(self, part: Part, chat: Chat | None = None, **more: Any) -> str | None:
        there = chat or self.chat
        sent = await self.adapter.perform(Action("1-1-0", str(there.id), part=part, **more))
        return sent.message_id

    async def react(self, emoji: str, to: Message) -> None:
        post = Post(StyledText(""), reply_to=str(to.id), reaction=emoji)
        (part,) = self.adapter.render(post)
        await self.perform(part, verb="reaction", message=str(to.id))

    def asks(self) -> Press:
        """Return a press below a message of the bot's."""
        keyboard = {"inline_keyboard": [[{"text": "Yes", "callback_data": "v1"}]]}
        asked = self.server.post(
            self.chat, self.server.bot, {"text": "?", "reply_markup": keyboard}
        )
        return self.server.press(self.alice, asked, "Yes")


@pytest.fixture
async def sending(tmp_path: Path) -> AsyncIterator[Sending]:
    async with TelegramServer() as server:
        prepared = Sending(server, tmp_path)
        await prepared.adapter._client.open()
        yield prepared
        await prepared.adapter._client.close()
    assert server.violations == []


def content(adapter: TelegramAdapter, post: Post) -> list[tuple[str, list[str], bool]]:
    """Return text, kinds of files and whether there are buttons, for each part."""
    return [
        (part.content["text"], part.content.get("media", []), part.has_buttons)
        for part in adapter.render(post)
    ]


JPG = ("a.jpg", "image/jpeg")
MP4 = ("a.mp4", "video/mp4")
PDF = ("a.pdf", "application/pdf")
MP3 = ("a.mp3", "audio/mpeg")


@pytest.mark.parametrize(
    ("text", "kinds", "buttons", "parts"),
    [
        ("look", [JPG], True, [("look", ["photo"], True)]),
        ("look", [PDF], False, [("look", ["document"], False)]),
        (CAPTION, [PDF], False, [(CAPTION, ["document"], False)]),
        (CAPTION + "x", [PDF], True, [(CAPTION + "x", [], True), ("", ["document"], False)]),
        ("look", [JPG, MP4], False, [("look", ["photo", "video"], False)]),
        ("look", [JPG, MP4], True, [("look", [], True), ("", ["photo", "video"], False)]),
        ("look", [PDF, PDF], False, [("look", [], False), ("", ["document"] * 2, False)]),
        (
            "",
            [JPG, PDF, MP3, MP3],
            False,
            [("", ["photo"], False), ("", ["document"], False), ("", ["audio"] * 2, False)],
        ),
        ("", [("a.gif", "image/gif")], False, [("", ["document"], False)]),
        ("", [("a.jpg", "image/jpeg; q=1")], False, [("", ["photo"], False)]),
    ],
)
def test_what_hangs_together_is_one_call(
    text: str, kinds: list[tuple[str, str]], buttons: bool, parts: list[Any]
) -> None:
    """A short text is a caption; what is of a kind is an album; the rest follows."""
    files = [StoredFile(str(n), name, kind, 10) for n, (name, kind) in enumerate(kinds)]
    post = Post(StyledText(text), ROWS if buttons else (), files)
    assert content(TelegramAdapter(token="42:secret"), post) == parts


def test_each_voice_note_is_a_message_of_its_own() -> None:
    """If it is of a kind that Telegram plays as one; else it is a file like others."""
    kinds = ["audio/ogg", "audio/mpeg", "audio/flac"]
    files = [StoredFile(str(n), "a", kind, 10, is_voice=True) for n, kind in enumerate(kinds)]
    assert content(TelegramAdapter(token="42:secret"), Post(StyledText(""), files=files)) == [
        ("", ["voice"], False),
        ("", ["voice"], False),
        ("", ["document"], False),
    ]


def elsewhere(id: str = "", url: str = "", media_type: str = "image/png") -> StoredFile:
    return StoredFile("", "a", media_type, 0, id=id, url=url)


WEB = "https://a.example"


@pytest.mark.parametrize(
    ("files", "parts"),
    [
        ([elsewhere("photo:1"), elsewhere("video:2")], [("look", ["photo", "video"], False)]),
        ([elsewhere("document:1")], [("look", ["document"], False)]),
        ([elsewhere("raw")], [("look", ["photo"], False)]),
        (
            [elsewhere("animation:1"), elsewhere("animation:2")],
            [("look", [], False), ("", ["animation"], False), ("", ["animation"], False)],
        ),
        ([elsewhere("video_note:1")], [("look", [], False), ("", ["video_note"], False)]),
        ([elsewhere(url=WEB)], [("look", ["photo"], False)]),
        ([elsewhere(url=WEB, media_type="application/pdf")], [("look", ["document"], False)]),
        ([elsewhere(url=WEB, media_type="text/plain")], [(f"look\n\n{WEB}", [], False)]),
        (
            [elsewhere("photo:1"), elsewhere(url=WEB)],
            [("look", [], False), ("", ["photo"], False), ("", ["photo"], False)],
        ),
    ],
)
def test_a_file_elsewhere_is_shown_as_what_it_is(files: list[StoredFile], parts: Any) -> None:
    """By the kind that its id names, else by its type; what Telegram fetches is by itself."""
    post = Post(StyledText("look"), files=files)
    assert content(TelegramAdapter(token="42:secret"), post) == parts


def test_a_large_picture_is_a_document() -> None:
    """Telegram takes photos of up to 10 MB."""
    file = StoredFile("1", "a.png", "image/png", 10_000_001)
    assert content(TelegramAdapter(token="42:secret"), Post(StyledText(""), files=[file])) == [
        ("", ["document"], False)
    ]


def test_a_lone_surrogate_is_replaced() -> None:
    """It cannot be sent, and the rest of the text can."""
    post = Post(StyledText("a\ud800b", (Span("bold", 2, 3),)))
    (part,) = TelegramAdapter(token="42:secret").render(post)
    assert part.content["text"] == "a\ufffdb"
    assert part.content["entities"] == [{"type": "bold", "offset": 2, "length": 1}]


def test_the_first_message_answers_and_the_last_one_has_the_buttons() -> None:
    """Of a text that is too long for one."""
    post = Post(StyledText("word " * 2000), ROWS, reply_to="5", silent=True)
    first, *between, last = TelegramAdapter(token="42:secret").render(post)
    assert [p.content.get("reply_to") for p in (first, *between, last)] == [
        "5",
        *[None] * (len(between) + 1),
    ]
    assert [p.has_buttons for p in (first, *between, last)] == [
        *[False] * (len(between) + 1),
        True,
    ]
    assert all(part.content["silent"] for part in (first, *between, last))


async def test_a_message_has_what_the_post_has(sending: Sending) -> None:
    """Text, buttons in rows, silence, what it answers."""
    asked = sending.server.say(sending.alice, sending.chat, "hi")
    (sent,) = await sending.send("hello", buttons=ROWS, reply_to=str(asked.id), silent=True)
    assert sent.rows == [[("Yes", "v1"), ("No", "v2")]]
    assert (sent.text, sent.silent, sent.reply_to) == ("hello", True, asked.id)


CARD = PostCard("Sky", StyledText("blue"), [("High", StyledText("21"))], footer="noon")
PICTURE = StoredFile("1", "sky.png", "image/png", 10)
ADDRESS = "https://example.com/sky.png"


@pytest.mark.parametrize(
    ("card", "files", "parts", "picture"),
    [
        (CARD, [], [("Hi\n\nSky\nblue\n\nHigh: 21\n\nnoon", [], True)], None),
        (
            replace(CARD, image=ADDRESS),
            [],
            [("Hi\n\nSky\nblue\n\nHigh: 21\n\nnoon", [], True)],
            ADDRESS,
        ),
        (
            replace(CARD, picture=PICTURE),
            [],
            [("Hi\n\nSky\nblue\n\nHigh: 21\n\nnoon", ["photo"], True)],
            None,
        ),
        (
            replace(CARD, picture=PICTURE),
            [StoredFile("2", *PDF, 10)],
            [
                ("Hi\n\nSky\nblue\n\nHigh: 21\n\nnoon", [], True),
                ("", ["photo"], False),
                ("", ["document"], False),
            ],
            None,
        ),
        (
            PostCard("Sky", image=ADDRESS),
            [StoredFile("2", *PDF, 10)],
            [(f"Hi\n\nSky\n\n{ADDRESS}", ["document"], True)],
            None,
        ),
    ],
)
def test_a_card_is_text_with_its_picture(
    card: PostCard, files: list[StoredFile], parts: list[Any], picture: str | None
) -> None:
    """The first file, or shown above the text; where neither can be, its address is told."""
    post = Post(StyledText("Hi"), ROWS, files, card=card)
    adapter = TelegramAdapter(token="42:secret")
    assert content(adapter, post) == parts
    assert adapter.render(post)[0].content.get("picture") == picture


def test_a_card_that_is_nothing_but_a_picture_elsewhere_is_its_address() -> None:
    """There is no text to show it above of."""
    post = Post(StyledText(""), card=PostCard(image=ADDRESS))
    assert content(TelegramAdapter(token="42:secret"), post) == [(ADDRESS, [], False)]


async def test_a_card_of_the_web_is_shown_above_its_text_and_edited_away(sending: Sending) -> None:
    """As the preview of a link, which nothing refuses."""
    (sent,) = await sending.send("hi", card=replace(CARD, image=ADDRESS))
    assert sent.raw["link_preview_options"] == {
        "url": ADDRESS,
        "prefer_large_media": True,
        "show_above_text": True,
    }
    await sending.perform(Part({"text": "gone"}), verb="edit", message=str(sent.id))
    assert (sent.text, sent.picture) == ("gone", None)


async def test_buttons_open_addresses_and_have_styles(sending: Sending) -> None:
    """As the Bot API calls them."""
    row = [
        PostButton("Site", "", "", "https://example.com"),
        PostButton("Go", "v", "v", style="danger"),
    ]
    (sent,) = await sending.send("hi", buttons=[row])
    assert sent.raw["reply_markup"]["inline_keyboard"] == [
        [
            {"text": "Site", "url": "https://example.com"},
            {"text": "Go", "callback_data": "v", "style": "danger"},
        ]
    ]


async def test_suggestions_are_quick_answers(sending: Sending) -> None:
    """Short ones two beside each other; they go once one is tapped."""
    suggestions = [
        PostSuggestion("Yes"),
        PostSuggestion("No"),
        PostSuggestion("Me", share="contact"),
        PostSuggestion("Here", share="location"),
    ]
    (sent,) = await sending.send("hi", suggestions=suggestions)
    assert sent.markup == {
        "keyboard": [
            [{"text": "Yes"}, {"text": "No"}],
            [{"text": "Me", "request_contact": True}, {"text": "Here", "request_location": True}],
        ],
        "resize_keyboard": True,
        "one_time_keyboard": True,
        "selective": False,
    }


async def test_a_change_of_buttons_leaves_the_rest(sending: Sending) -> None:
    """Of a text, and of a picture with its caption."""
    (sent,) = await sending.send("look", buttons=ROWS)
    (pictured,) = await sending.send("look", files=[sending.file("a.png", "image/png", PNG)])
    other = Post(StyledText(""), [[PostButton("Other", "o", "o")]], keeps=True)
    (part,) = sending.adapter.render(other)
    for message in (sent, pictured):
        before = {**message.raw, "reply_markup": None, "edit_date": None}
        await sending.perform(part, verb="edit", message=str(message.id))
        assert message.rows == [[("Other", "o")]]
        assert {**message.raw, "reply_markup": None, "edit_date": None} == before


async def test_an_answer_to_what_is_gone_is_sent_all_the_same(sending: Sending) -> None:
    """Without showing what it answers."""
    (sent,) = await sending.send("hello", reply_to="99999")
    assert sent.reply_to is None


async def test_a_picture_that_is_none_is_sent_as_a_document(sending: Sending) -> None:
    """Whatever its name says."""
    (sent,) = await sending.send("look", files=[sending.file(*JPG, b"no picture")])
    assert "document" in sent.raw
    assert (sent.text, sent.files[0].data) == ("look", b"no picture")


async def test_an_album_with_a_bad_picture_is_sent_as_documents(sending: Sending) -> None:
    """All of it, once."""
    files = [sending.file("a.png", "image/png", PNG), sending.file("b.png", "image/png", b"none")]
    sent = await sending.send("look", files=files)
    assert [file.data for message in sent for file in message.files] == [PNG, b"none"]
    assert all("document" in message.raw for message in sent)


async def test_a_file_that_is_gone_is_refused(sending: Sending) -> None:
    """It cannot come back."""
    file = StoredFile("1", "a.pdf", "application/pdf", 3, str(sending.folder / "gone"))
    with pytest.raises(Rejected, match=r"a\.pdf"):
        await sending.send(files=[file])


async def test_a_message_in_no_topic_names_none(sending: Sending) -> None:
    """The general topic has a number which Telegram refuses."""
    forum = sending.server.supergroup(-1007, "Forum", sending.alice, is_forum=True)
    await sending.perform(Part({"text": "hi"}), forum, thread="1")
    assert "message_thread_id" not in sending.server.called("sendMessage")[0]


async def test_a_text_is_edited(sending: Sending) -> None:
    """And loses the buttons that it has no more."""
    (sent,) = await sending.send("one", buttons=ROWS)
    await sending.perform(Part({"text": "two"}), verb="edit", message=str(sent.id))
    assert (sent.text, sent.rows) == ("two", [])


async def test_a_caption_is_edited(sending: Sending) -> None:
    """Though only Telegram knows that the message has a file."""
    (sent,) = await sending.send("one", files=[sending.file(*PDF)])
    await sending.perform(Part({"text": "two"}), verb="edit", message=str(sent.id))
    assert (sent.text, sent.files[0].name) == ("two", "a.pdf")


async def test_a_file_replaces_a_message(sending: Sending) -> None:
    """At its place, with its caption."""
    (sent,) = await sending.send("one", files=[sending.file(*PDF)])
    (part,) = sending.adapter.render(Post(StyledText("two"), files=[sending.file(*MP4)]))
    await sending.perform(part, verb="edit", message=str(sent.id))
    assert (sent.text, sent.files[0].name) == ("two", "a.mp4")


async def test_what_came_is_sent_again_as_what_it_was(sending: Sending) -> None:
    """Of each kind, by its id alone; also in place of a message."""
    kinds: tuple[FileKind, ...] = (
        "photo",
        "document",
        "audio",
        "voice",
        "video",
        "animation",
        "video_note",
    )
    for kind in kinds:
        came = sending.server.send(sending.alice, sending.chat, kind)
        (attachment,) = attachments(came.raw)
        again = StoredFile("", attachment.name, attachment.media_type, 0, id=attachment.id)
        (sent,) = await sending.send("", files=[again])
        assert kind in sent.raw
        assert sent.files == came.files
        (before,) = await sending.send("before")
        (part,) = sending.adapter.render(Post(StyledText(""), files=[again]))
        await sending.perform(part, verb="edit", message=str(before.id))
        assert kind in sending.server.messages(sending.chat)[-1].raw


async def test_a_file_may_be_a_sticker(sending: Sending) -> None:
    """One of WebP below its text; a PNG, which Telegram takes for none, is a picture."""
    webp = replace(sending.file("a.webp", "image/webp"), is_sticker=True)
    text, sticker = await sending.send("look", files=[webp])
    assert (text.text, sticker.text, "sticker" in sticker.raw) == ("look", "", True)
    png = replace(sending.file("a.png", "image/png", PNG), is_sticker=True)
    (picture,) = await sending.send("look", files=[png])
    assert "photo" in picture.raw


async def test_what_telegram_cannot_fetch_is_an_address(sending: Sending) -> None:
    """With its text; several, too."""
    sending.server.web[f"{WEB}/page.png"] = Upload("page.png", "text/html", b"<html>")
    pages = [elsewhere(url=f"{WEB}/{name}") for name in ("page.png", "gone.png")]
    (sent,) = await sending.send("look", files=pages)
    assert sent.text == f"look\n\n{WEB}/page.png\n\n{WEB}/gone.png"
    (sent,) = await sending.send("", files=pages[:1])
    assert sent.text == f"{WEB}/page.png"


async def test_a_voice_note_is_sent_as_such_and_replaces_a_message(sending: Sending) -> None:
    """In a new message, as it cannot be edited into one."""
    note = replace(sending.file("a.ogg", "audio/ogg"), is_voice=True)
    (sent,) = await sending.send("one", files=[note])
    assert (sent.text, "voice" in sent.raw) == ("one", True)
    (part,) = sending.adapter.render(Post(StyledText("two"), files=[note]))
    new = await sending.perform(part, verb="edit", message=str(sent.id))
    assert (new != str(sent.id), sent.deleted) == (True, True)


async def test_to_edit_twice_is_to_edit_once(sending: Sending) -> None:
    """Telegram's refusal to change nothing is a success; so is to delete what is deleted."""
    (sent,) = await sending.send("one")
    for _ in range(2):
        edit = Part({"text": "two"})
        assert await sending.perform(edit, verb="edit", message=str(sent.id)) == str(sent.id)
    for _ in range(2):
        await sending.perform(Part({}), verb="delete", message=str(sent.id))
    assert sent.deleted


@pytest.mark.parametrize("emoji", ["👍", "❤", "❤\ufe0f", "🤷\u200d♂\ufe0f"])
async def test_a_reaction_is_one_that_telegram_has(sending: Sending, emoji: str) -> None:
    """However it is written; what Telegram has not never comes here."""
    (sent,) = await sending.send("one")
    assert emoji.replace("\ufe0f", "") in sending.adapter.capabilities.reaction_emoji
    await sending.react(emoji, sent)
    ((own,),) = sent.reactions.values()
    assert own["emoji"] in REACTIONS


async def test_the_reactions_are_those_of_the_documentation(sending: Sending) -> None:
    """All of them, and no other."""
    assert sending.adapter.capabilities.reaction_emoji == REACTIONS


async def test_a_reaction_that_cannot_be_does_no_harm(
    sending: Sending, caplog: pytest.LogCaptureFixture
) -> None:
    """The chat has others, or the message is gone: it is told of, and is no dead letter."""
    (sent,) = await sending.send("one")
    sending.chat.refused_reactions = frozenset("🖕")
    await sending.react("👍", sent)
    with caplog.at_level("INFO", "chatstate.telegram"):
        await sending.react("🖕", sent)
        assert [own[0]["emoji"] for own in sent.reactions.values()] == ["👍"]
        await sending.perform(Part({}), verb="delete", message=str(sent.id))
        await sending.react("🔥", sent)
    told = [record.getMessage() for record in caplog.records if "takes no" in record.getMessage()]
    assert [line.rpartition(": ")[2] for line in told] == [
        "REACTION_INVALID",
        "message to react not found",
    ]


async def test_a_reaction_where_the_bot_is_gone_is_refused(sending: Sending) -> None:
    """As every reply is."""
    (sent,) = await sending.send("one")
    sending.server.block(sending.alice)
    with pytest.raises(Rejected, match="blocked"):
        await sending.react("👍", sent)


async def test_what_is_no_message_cannot_be_edited(sending: Sending) -> None:
    """The answer to a press, say."""
    with pytest.raises(Rejected, match="no message that can be edited"):
        await sending.perform(Part({"text": "two"}), verb="edit", message="answer 5")


async def test_typing_is_shown_in_its_topic(sending: Sending) -> None:
    """And only there."""
    forum = sending.server.supergroup(-1007, "Forum", sending.alice, is_forum=True)
    sending.server.post(forum, None, {"supergroup_chat_created": True})
    topic = sending.server.topic(forum, "Red")
    await sending.perform(Part({}), forum, verb="typing", thread=str(topic))
    assert sending.server.typing == [(forum.id, topic, "typing")]


async def test_a_press_is_answered_by_what_is_sent(sending: Sending) -> None:
    """Once, however many messages that is."""
    press = sending.asks()
    for text in ("one", "two"):
        await sending.perform(Part({"text": text}), origin=press.id)
    assert sending.server.answer_to(press) == ""
    assert len(sending.server.called("answerCallbackQuery")) == 1


async def test_a_press_that_is_answered_by_nothing_ends(sending: Sending) -> None:
    """By the call for that; to end it again, or too late, is a success."""
    press = sending.asks()
    for _ in range(2):
        await sending.perform(Part({}), verb="finish", origin=press.id)
    await sending.perform(Part({}), verb="finish", origin="long ago")
    assert sending.server.answer_to(press) == ""


async def test_what_only_one_person_should_see_answers_the_press(sending: Sending) -> None:
    """As a notice above the chat; with more text as a window."""
    short, long = sending.asks(), sending.asks()
    await sending.perform(Part({"text": "Saved.", "ephemeral": True}), origin=short.id)
    await sending.perform(Part({"text": "x" * 200, "ephemeral": True}), origin=long.id)
    assert [(a.text, a.alert) for a in sending.server.answers] == [
        ("Saved.", False),
        ("x" * 200, True),
    ]
    assert sending.server.called("sendMessage") == []


async def test_what_does_not_fit_an_answer_is_a_message(sending: Sending) -> None:
    """It is never lost: too long, too late, or with buttons."""
    press, late = sending.asks(), sending.asks()
    await sending.perform(Part({"text": "x" * 201, "ephemeral": True}), origin=press.id)
    sending.server.open_presses.discard(late.id)
    await sending.perform(Part({"text": "Saved.", "ephemeral": True}), origin=late.id)
    await sending.perform(Part({"text": "no press", "ephemeral": True}))
    sent = [call["text"] for call in sending.server.called("sendMessage")]
    assert sent == ["x" * 201, "Saved.", "no press"]


async def test_a_press_that_cannot_be_answered_keeps_nothing_back(sending: Sending) -> None:
    """What is to be sent is sent all the same."""
    press = sending.asks()
    sending.server.fail("answerCallbackQuery", 500)
    assert await sending.perform(Part({"text": "hi"}), origin=press.id) is not None


async def test_what_happens_to_a_call_is_told_apart(sending: Sending) -> None:
    """Refused, moved, to be repeated, or unclear."""
    server = sending.server
    server.fail("sendMessage", 403, "Forbidden: bot was blocked by the user")
    server.fail("sendMessage", 429, retry_after=7)
    server.fail("sendMessage", 500, accepted=True)
    server.fail("sendMessage", 502, body="<html>Bad Gateway</html>", accepted=True)
    server.fail("sendMessage", 200, body="no JSON", accepted=True)
    server.drop("sendMessage", accepted=True)
    server.drop("sendMessage", accepted=True, reset=True)
    for error in (Rejected, RetryAfter, Ambiguous, Ambiguous, Ambiguous, Ambiguous, Ambiguous):
        with pytest.raises(error):
            await sending.send("hi")
    group = server.group(-7, "Friends", sending.alice)
    server.migrate(group, -1007, quietly=True)
    with pytest.raises(Moved) as moved:
        await sending.send("hi", chat=group)
    assert moved.value.chat == "-1007"
    await server.stop()
    with pytest.raises(Unreachable):
        await sending.send("hi")
    await server.start()


async def test_a_call_after_the_end_is_surely_not_made(sending: Sending) -> None:
    """It is made when the bot runs again."""
    await sending.adapter._client.close()
    with pytest.raises(Unreachable):
        await sending.send("hi")


async def test_a_preview_gives_way(sending: Sending) -> None:
    """When its chat has had its share: the message itself is not held up."""
    sending.adapter = adapter_on(sending.server, pace=Pace(Limits(chat=Limit(2, 60.0))))
    await sending.adapter._client.open()
    await sending.adapter.perform(action(1001, {"text": "o"}, preview=True))
    with pytest.raises(RetryAfter):
        await sending.adapter.perform(action(1001, {"text": "on"}, preview=True))
    async with asyncio.timeout(5):
        await sending.adapter.perform(action(1001, {"text": "one"}))
    await sending.adapter._client.close()


async def test_a_file_is_received_in_pieces(sending: Sending) -> None:
    """By the reference that came with it."""
    data = bytes(range(256)) * 4000
    message = sending.server.send(sending.alice, sending.chat, "document", data)
    attachment = Attachment(message.raw["document"]["file_id"])
    pieces = [piece async for piece in sending.adapter.open(attachment)]
    assert b"".join(pieces) == data
    assert len(pieces) > 1


async def test_a_file_that_telegram_does_not_give_is_refused(sending: Sending) -> None:
    """Unknown, or larger than 20 MB."""
    large = sending.server.send(sending.alice, sending.chat, "document", bytes(20_000_001))
    for ref, told in (
        (large.raw["document"]["file_id"], "larger than what Telegram gives"),
        ("unknown", "wrong file_id"),
    ):
        with pytest.raises(Rejected, match=told):
            await anext(sending.adapter.open(Attachment(ref)))


async def test_a_file_that_breaks_off_is_told(sending: Sending) -> None:
    """It could be fetched again."""
    message = sending.server.send(sending.alice, sending.chat, "document", bytes(300_000))
    sending.server.drop("download", accepted=True)
    with pytest.raises(Unreachable):
        async for _ in sending.adapter.open(Attachment(message.raw["document"]["file_id"])):
            pass


def keeps_at(sending: Sending, path: str | Path) -> None:
    """Let the server say that it keeps a file there."""
    result = {"file_id": "F", "file_unique_id": "U", "file_path": str(path)}
    sending.server.fail("getFile", 200, body=json.dumps({"ok": True, "result": result}))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/etc/passwd", "name the folder that it keeps files in with --local"),
        ("../../etc/passwd", "cannot be fetched"),
        ("a/../../b", "cannot be fetched"),
    ],
)
async def test_a_path_that_leads_elsewhere_is_refused(
    sending: Sending, path: str, told: str
) -> None:
    """Nothing of this machine is read, whatever a server says."""
    keeps_at(sending, path)
    with pytest.raises(Rejected, match=told):
        await anext(sending.adapter.open(Attachment("F")))


async def test_a_file_of_a_local_server_is_read_where_it_lies(sending: Sending) -> None:
    """A Bot API server that runs with `--local` gives paths on its machine in place of files."""
    local = sending.folder / "server"
    (local / "documents").mkdir(parents=True)
    (local / "documents" / "a.pdf").write_bytes(bytes(600_000))
    sending.adapter = adapter_on(sending.server, local=local)
    keeps_at(sending, local / "documents" / "a.pdf")
    pieces = [len(piece) async for piece in sending.adapter.open(Attachment("F"))]
    assert sum(pieces) == 600_000
    assert len(pieces) > 1


async def test_a_local_server_shows_nothing_but_its_files(sending: Sending) -> None:
    """Neither what is beside its folder, nor where a link in it leads; what is gone is told."""
    local = sending.folder / "server"
    local.mkdir()
    (sending.folder / "secret").write_text("secret")
    (local / "link").symlink_to(sending.folder / "secret")
    sending.adapter = adapter_on(sending.server, local=local)
    for path, told in (
        (sending.folder / "secret", "outside"),
        (local / "link", "outside"),
        (local / "gone", "any more"),
        (local, "any more"),
    ):
        keeps_at(sending, path)
        with pytest.raises(Rejected, match=told):
            await anext(sending.adapter.open(Attachment("F")))


async def test_limits_are_the_servers(sending: Sending) -> None:
    """Telegram's own, those of a local server, or what is set."""
    limits = [
        (made.file_bytes, made.received_bytes)
        for options in ({}, {"local": "/x"}, {"file_bytes": "7", "received_bytes": "5"})
        for made in [adapter_on(sending.server, **options).capabilities]
    ]
    assert limits == [(50_000_000, 20_000_000), (2_000_000_000, 2_000_000_000), (7, 5)]


async def test_a_file_is_read_up_to_the_limit_that_is_set(sending: Sending) -> None:
    """Whatever Telegram gives."""
    message = sending.server.send(sending.alice, sending.chat, "document", bytes(300_000))
    sending.adapter = adapter_on(sending.server, received_bytes=1000)
    got = [
        piece
        async for piece in sending.adapter.open(Attachment(message.raw["document"]["file_id"]))
    ]
    assert 1000 < sum(map(len, got)) < 300_000


async def test_admins_are_known(sending: Sending) -> None:
    """By asking; who speaks as the chat itself is one."""
    group = sending.server.group(-7, "Friends", sending.alice)
    assert not await sending.adapter.is_admin("-7", "1001")
    sending.server.promote(sending.alice, group)
    assert await sending.adapter.is_admin("-7", "1001")
    assert await sending.adapter.is_admin("-7", "-7/5")
    assert not await sending.adapter.is_admin("-7", "9999")
    assert not await sending.adapter.is_admin("-7", "-1008")


METHODS: list[tuple[Verb, str]] = [
    ("send", "sendMessage"),
    ("edit", "editMessageText"),
    ("delete", "deleteMessage"),
    ("reaction", "setMessageReaction"),
    ("typing", "sendChatAction"),
    ("finish", "answerCallbackQuery"),
]


@pytest.mark.parametrize(("verb", "method"), METHODS)
async def test_a_method_that_a_server_lacks_is_refused(
    sending: Sending, verb: Verb, method: str
) -> None:
    """While it knows the bot: what it lacks now it lacks the next time, and others wait for it."""
    press = sending.asks()
    sending.server.fail(method, 404, "Not Found: method not found")
    with pytest.raises(Rejected, match="method not found"):
        await sending.perform(
            Part({"text": "hi", "reaction": "👍"}), verb=verb, message="7", origin=press.id
        )
    assert sending.server.called("getMe")


async def test_a_bot_that_is_not_known_now_waits(sending: Sending) -> None:
    """A token may be mended, so nothing is given up."""
    sending.server.fail("*", 404, "Not Found", times=2)
    with pytest.raises(Unreachable):
        await sending.perform(Part({"text": "hi"}))


async def test_a_file_of_a_server_that_knows_no_files_is_refused(sending: Sending) -> None:
    """As a call that sends."""
    sending.server.fail("getFile", 404, "Not Found: method not found")
    with pytest.raises(Rejected):
        [_ async for _ in sending.adapter.open(Attachment("x"))]


async def test_many_long_links_arrive(sending: Sending) -> None:
    """In as many messages as Telegram needs for them."""
    text = parse("\n".join(f"[{n}](https://example.org/{'x' * 350})" for n in range(50)))
    for part in sending.adapter.render(Post(text)):
        await sending.perform(part)
    sent = sending.server.messages(sending.chat)
    assert sum(len(message.entities) for message in sent) == 50
    assert len(sent) == 2
