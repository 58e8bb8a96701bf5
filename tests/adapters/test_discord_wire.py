"""What Discord's payloads say, as events; what posts are, as requests."""

import contextlib
import functools
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from adapters.discord_payloads import ME
from adapters.odd import changes
from msgspec.structs import replace

from adapters import discord_payloads as told
from chatstate import (
    Attachment,
    Chat,
    Command,
    CommandOption,
    Event,
    MessageRef,
    Poll,
    Sticker,
    User,
)
from chatstate.adapter import (
    Part,
    Post,
    PostButton,
    PostCard,
    PostOption,
    PostSelect,
    StoredFile,
)
from chatstate.text import Span, StyledText
from chatstate_discord import menu
from chatstate_discord.receive import wire
from chatstate_discord.receive.interactions import interaction, origin_of
from chatstate_discord.receive.wire import Me, Place
from chatstate_discord.send import parts

BOT, DM, ROOM = Me(ME), Place(Chat("500")), Place(Chat("11", "group", "room"))
EVERYTHING = Me(ME, "all")
NAMES = {"give": {"": "give", "amount": "Amount"}}
Json = dict[str, Any]


def heard(raw: Json, place: Place = DM, me: Me = BOT) -> Event:
    event = wire.message(raw, me, place)
    assert event
    return event


def test_a_private_message() -> None:
    """Who says what, where and when; the text as it was typed."""
    event = heard(told.DIRECT)
    said = event.message
    assert event.id == said.id == "1479000000000000001"
    assert (said.text, said.kind, said.sender) == ("hello **you**", "message", User("42", "Alice"))
    assert (said.chat, said.thread) == (Chat("500"), None)
    assert said.time == datetime(2026, 3, 4, 5, 6, 7, 80000, UTC)
    assert said.raw == told.DIRECT


def test_a_mention_in_a_guild() -> None:
    """The bot's own name is left out; people, emoji and nicknames are as they are shown."""
    said = heard(told.IN_GUILD, ROOM).message
    assert said.text == "give @bob :gold: in <#11>"
    assert said.mentions == (User(ME, "bot", is_bot=True), User("43", "bob"))
    assert (said.sender.name, said.chat.kind) == ("Al", "group")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (f"<@{ME}>", ""),
        (f"<@!{ME}> /vote 1", "/vote 1"),
        (f"hello <@{ME}>", "hello"),
        (f"hello <@{ME}> there", "hello there"),
        (f"<@{ME}>: <@{ME}> hi", "hi"),
    ],
)
def test_the_bots_name_is_no_text(written: str, text: str) -> None:
    """Wherever it stands, with the blanks around it."""
    assert heard(told.IN_GUILD | {"content": written}, ROOM).message.text == text


def test_an_answer_to_the_bot() -> None:
    """It names what it answers, also where that is not told."""
    said = heard(told.ANSWER, ROOM).message
    assert said.quote == "Sure, <@42>?"
    assert said.reply_to == MessageRef("77", "Sure, <@42>?", User(ME, "bot", is_bot=True))
    gone = heard(told.ANSWER | {"referenced_message": None}, ROOM, EVERYTHING)
    assert (gone.message.reply_to, gone.message.quote) == (MessageRef("77"), None)


def test_a_bot_that_hears_all_of_a_guild_is_told_what_is_for_it() -> None:
    """What answers it or names it; in private everything is."""
    talk = told.IN_GUILD | {"content": "hi", "mentions": []}
    assert not heard(talk, ROOM, EVERYTHING).message.addressed
    assert heard(told.ANSWER, ROOM, EVERYTHING).message.addressed
    assert heard(told.DIRECT, DM, EVERYTHING).message.addressed


def test_files() -> None:
    """They come with their names, types and sizes, and where to find them again."""
    first, second = heard(told.FILES).message.attachments
    url = told.FILES["attachments"][0]["url"]
    ref = f"500/1479000000000000001/600 {url}"
    assert first == Attachment(ref, "cat.png", "image/png", 1234)
    assert second.media_type == "application/octet-stream"
    (spoken, _) = heard(told.FILES | {"flags": 1 << 13}).message.attachments
    assert (first.is_voice, spoken.is_voice) == (False, True)


@pytest.mark.parametrize(
    ("raw", "place", "me"),
    [
        (told.DIRECT | {"author": told.BOT}, DM, BOT),
        (told.IN_GUILD | {"mentions": [], "content": "hi <@43>"}, ROOM, BOT),
        (told.STICKER | {"guild_id": "10", "channel_id": "11"}, ROOM, BOT),
    ],
    ids=["own", "not addressed", "a sticker for others"],
)
def test_what_is_not_for_the_bot(raw: Json, place: Place, me: Me) -> None:
    """It is nothing."""
    assert wire.message(raw, me, place) is None


@pytest.mark.parametrize(
    ("raw", "place", "me"),
    [
        (told.DIRECT | {"type": 6, "content": ""}, DM, BOT),
        (told.IN_GUILD | {"type": 6, "content": "", "mentions": []}, ROOM, BOT),
        (told.IN_GUILD | {"type": 99, "content": "", "mentions": []}, ROOM, BOT),
        (told.IN_GUILD | {"content": ""}, ROOM, EVERYTHING),
        (told.ANSWER | {"content": ""}, ROOM, BOT),
        (told.DIRECT | {"content": "", "activity": {"type": 1}}, DM, BOT),
    ],
    ids=["pin", "pin in a guild", "new type", "withheld", "withheld answer", "invitation"],
)
def test_what_has_neither_words_nor_files_is_other(raw: Json, place: Place, me: Me) -> None:
    """Whatever it is, known or not: it is told with all that Discord says of it."""
    said = heard(raw, place, me).message
    assert (said.kind, said.text, said.raw) == ("other", "", raw)
    edit = wire.edited(raw | {"edited_timestamp": told.DIRECT["timestamp"]}, me, place)
    assert edit
    assert edit.message.kind == "other"


def test_what_discord_itself_says_is_nobodys_message() -> None:
    """A thread that is opened has its name for a text."""
    said = heard(told.DIRECT | {"type": 18, "content": "A thread"}).message
    assert (said.kind, said.text) == ("other", "A thread")


POLL = {"question": {"text": "Lunch?"}, "answers": [{"poll_media": {"text": "Pizza"}}]}
CARD = {
    "type": "rich",
    "author": {"name": "The Times"},
    "title": "News",
    "description": "It rained.",
    "fields": [{"name": "Rain", "value": "5 mm"}],
    "footer": {"text": "today"},
}
COMPONENTS = [
    {"type": 10, "content": "Title"},
    {"type": 17, "components": [{"type": 10, "content": "in a box"}, {"type": 14}]},
    {"type": 1, "components": [{"type": 2, "label": "Press", "custom_id": "x"}]},
]
FORWARDED = {
    "type": 0,
    "content": "see <:gold:123>",
    "attachments": told.FILES["attachments"],
    "timestamp": told.DIRECT["timestamp"],
}
WORDS: list[tuple[Json, str]] = [
    ({"sticker_items": [{"id": "1", "name": "wave"}, {"id": "2", "name": "hug"}]}, ":wave:\n:hug:"),
    ({"poll": POLL}, "Lunch?\nPizza"),
    ({"embeds": [CARD]}, "The Times\nNews\nIt rained.\nRain: 5 mm\ntoday"),
    ({"message_snapshots": [{"message": FORWARDED}]}, "see :gold:"),
    (
        {"message_snapshots": [{"message": {**FORWARDED, "content": "", "poll": POLL}}]},
        "Lunch?\nPizza",
    ),
    ({"message_snapshots": [{"message": {"components": COMPONENTS}}]}, "Title\nin a box"),
]


@pytest.mark.parametrize(("more", "text"), WORDS)
def test_what_has_no_text_has_words_that_stand_for_it(more: Json, text: str) -> None:
    """Of stickers, polls, cards, and what is forwarded."""
    assert heard(told.DIRECT | {"content": ""} | more).message.text == text
    assert heard(told.DIRECT | {"embeds": [CARD]}).message.text == "hello **you**"


def test_a_poll_is_told() -> None:
    """With whether several may be chosen. Discord shows everybody who has chosen what."""
    said = heard(told.DIRECT | {"content": "", "poll": {**POLL, "allow_multiselect": True}})
    assert said.message.poll == Poll("Lunch?", ("Pizza",), several=True, anonymous=False)
    assert heard(told.DIRECT).message.poll is None


def test_what_is_formatted_is_told() -> None:
    """Without its marks, and without the bot's name; a text that is plain is that alone."""
    mentions = [{"id": ME, "username": "bot"}]
    said = heard(told.DIRECT | {"content": f"<@{ME}> hi **you**", "mentions": mentions})
    assert said.message.text == "hi **you**"
    assert said.message.styled == StyledText("hi you", (Span("bold", 3, 6),))
    for plain in ("hi you", "2 * 3", "a_b"):
        assert heard(told.DIRECT | {"content": plain}).message.styled is None


def test_a_sticker_is_told() -> None:
    """By its id and its name; of several the first."""
    stickers = [{"id": "7", "name": "wave"}, {"id": "8", "name": "hug"}]
    said = heard(told.DIRECT | {"content": "", "sticker_items": stickers})
    assert said.message.sticker == Sticker("7", name="wave")
    assert heard(told.DIRECT).message.sticker is None


def test_files_of_what_is_forwarded_are_there() -> None:
    """They are found again by the message that forwards them."""
    said = heard(told.DIRECT | {"content": "", "message_snapshots": [{"message": FORWARDED}]})
    assert [file.name for file in said.message.attachments] == ["cat.png", "notes"]
    assert said.message.attachments[0].ref.startswith("500/1479000000000000001/600 https://cdn")


def test_what_is_forwarded_is_the_text_or_a_quote() -> None:
    """It is quoted if there are words of one's own above it."""
    forward = {"message_snapshots": [{"message": FORWARDED}]}
    bare = heard(told.DIRECT | {"content": ""} | forward).message
    assert (bare.text, bare.quote) == ("see :gold:", None)
    below = heard(told.DIRECT | {"content": "look"} | forward).message
    assert (below.text, below.quote) == ("look", "see :gold:")


@pytest.mark.parametrize(
    ("content", "more"),
    [
        (f"<@{ME}> hi", {"mentions": []}),
        (f"<@!{ME}> hi", {"mentions": []}),
        ("<@&77> hi", {"mentions": []}),
        ("<@&77> hi", {"mentions": [], "mention_roles": ["77"]}),
    ],
)
def test_a_mention_counts_wherever_it_is_told(content: str, more: Json) -> None:
    """In the text alone, too; and the bot's own role means the bot."""
    me = BOT._replace(role="77")
    event = heard(told.IN_GUILD | {"content": content} | more, ROOM, me)
    assert event.message.text == "hi"


def test_another_role_is_nobody_in_particular() -> None:
    """Nor is everybody."""
    for content in ("<@&78> hi", "@everyone hi"):
        raw = told.IN_GUILD | {"content": content, "mentions": [], "mention_roles": ["78"]}
        assert wire.message(raw, BOT._replace(role="77"), ROOM) is None


PAYLOADS: list[tuple[Json, Callable[[Json], Event | None]]] = [
    *(
        (raw, functools.partial(wire.message, me=EVERYTHING, place=ROOM))
        for raw in (told.DIRECT, told.IN_GUILD, told.ANSWER, told.FILES, told.JOINED, told.STICKER)
    ),
    (told.DIRECT | WORDS[2][0], functools.partial(wire.message, me=EVERYTHING, place=ROOM)),
    (told.DIRECT | WORDS[3][0], functools.partial(wire.message, me=EVERYTHING, place=ROOM)),
    (told.EDITED, functools.partial(wire.edited, me=EVERYTHING, place=ROOM)),
    (told.SLASH, functools.partial(interaction, names=NAMES)),
    (told.PRESS, functools.partial(interaction, names=NAMES)),
    (told.LEFT, functools.partial(wire.membership, kind="leave", place=ROOM, me=BOT, now=1.0)),
]


@pytest.mark.parametrize(("usual", "read"), PAYLOADS)
def test_whatever_a_payload_holds_it_is_read_or_unreadable(
    usual: Json, read: Callable[[Json], Event | None]
) -> None:
    """Nothing else is raised; and what is returned can be stored and read again."""
    for odd in changes(usual):
        with contextlib.suppress(wire.Unreadable):
            event = read(odd)
            msgspec.json.decode(msgspec.json.encode(event), type=Event | None)


def test_all_messages_of_a_guild() -> None:
    """They are heard if that is wanted."""
    assert heard(told.IN_GUILD | {"mentions": []}, ROOM, EVERYTHING).message.text


def test_an_edit() -> None:
    """It has an id of its own for each change, and its message's."""
    event = wire.edited(told.EDITED, BOT, DM)
    assert event
    assert event.id == "1479000000000000001/2026-03-04T05:07:00.000000+00:00"
    said = event.message
    assert (said.kind, said.text, said.id) == ("edit", "hello all", "1479000000000000001")
    assert wire.edited(told.UNFURLED, BOT, DM) is None
    again = wire.edited(told.EDITED | {"embeds": [{}]}, BOT, DM)
    assert again
    assert again.id == event.id


def test_who_joins_and_leaves() -> None:
    """By Discord's greeting, or by what it tells of members."""
    event = heard(told.JOINED, ROOM)
    assert (event.message.kind, event.message.sender.id) == ("join", "42")
    left = wire.membership(told.LEFT, "leave", ROOM, BOT, 5.0)
    assert left
    assert (left.id, left.message.kind, left.message.chat) == (
        "leave/10/42/5000",
        "leave",
        ROOM.chat,
    )
    assert wire.membership(told.LEFT | {"user": told.BOT}, "leave", ROOM, BOT, 5.0) is None
    assert wire.message(told.JOINED | {"author": told.BOT}, BOT, ROOM) is None


@pytest.mark.parametrize(
    "more", [{"author": told.BOT | {"id": "901"}}, {"webhook_id": "901"}], ids=["bot", "webhook"]
)
def test_another_bot_is_told_as_such(more: Json) -> None:
    """So that it is left alone, unless it is to be heard."""
    assert heard(told.DIRECT | more).message.sender.is_bot
    edit = wire.edited(told.EDITED | more, BOT, DM)
    assert edit
    assert edit.message.sender.is_bot
    assert not heard(told.DIRECT).message.sender.is_bot
    assert wire.edited(told.EDITED | {"author": told.BOT}, BOT, DM) is None


def test_a_slash_command() -> None:
    """It is its name, with its arguments as text, by the names that the bot gave them."""
    event = interaction(told.SLASH, NAMES)
    assert event
    said = event.message
    assert (event.id, said.text, said.kind) == ("1479000000000000002", "/give", "message")
    assert said.arguments == {"who": "43", "Amount": "3", "gladly": "true", "factor": "1.5"}
    assert said.mentions == (User("43", "Bob the Great"),)
    assert (said.sender, said.thread) == (User("42", "Al", "de"), "12")
    assert said.chat == Chat("11", "group")
    origin = origin_of(event.origin)
    assert origin
    assert (origin.token, origin.app, origin.is_press) == ("a token", ME, False)
    assert "token" not in (said.raw or {})


def test_a_press() -> None:
    """It is what its button carries, on its message."""
    event = interaction(told.PRESS, {})
    assert event
    said = event.message
    assert (said.kind, said.text, said.chat) == ("press", "signed data", Chat("500"))
    assert said.pressed == MessageRef("78", "Choose", User(ME, "bot", is_bot=True))
    hidden = told.PRESS["message"] | {"flags": 64}
    pressed = interaction(told.PRESS | {"message": hidden}, {})
    origin = origin_of(pressed.origin) if pressed else None
    assert origin
    assert (origin.is_press, origin.hidden) == (True, "78")


def test_what_nobody_has_done_is_nothing() -> None:
    """A ping."""
    assert interaction(told.SLASH | {"type": 1}, {}) is None


def test_what_is_being_typed_is_the_last_argument() -> None:
    """In whatever order Discord tells the options, and in whatever group the command is."""
    inside = {
        "type": 1,
        "name": "deep",
        "options": [
            {"type": 3, "name": "text", "value": "Be", "focused": True},
            {"type": 4, "name": "n", "value": 3},
        ],
    }
    data = told.SLASH["data"] | {"name": "group", "options": [inside], "resolved": {}}
    names = {"group deep": {"": "group deep", "text": "Text", "n": "n"}}
    event = interaction(told.SLASH | {"type": 4, "data": data}, names)
    assert event
    assert (event.message.kind, event.message.text) == ("complete", "/group deep")
    assert list((event.message.arguments or {}).items()) == [("n", "3"), ("Text", "Be")]


@pytest.mark.parametrize(
    "raw",
    [told.SLASH | {"type": 5, "data": {"custom_id": "x"}}, told.PRESS | {"data": {}}],
    ids=["form", "press of nothing"],
)
def test_other_interactions_are_other(raw: Json) -> None:
    """They wait for an answer, so they have an origin."""
    event = interaction(raw, {})
    assert event
    assert (event.message.kind, event.message.text) == ("other", "")
    assert event.origin
    assert "token" not in (event.message.raw or {})


def test_a_command_of_a_menu_is_a_command() -> None:
    """Of another tool's time; it is answered that there is none of that name."""
    data = {"type": 2, "id": "800", "name": "Report User", "target_id": "43"}
    event = interaction(told.SLASH | {"data": data}, NAMES)
    assert event
    assert event.message.text == "/Report_User"


READERS: list[tuple[Json, Callable[[Json], object]]] = [
    (told.IN_GUILD, lambda raw: wire.message(raw, BOT, ROOM)),
    (told.EDITED, lambda raw: wire.edited(raw, BOT, DM)),
    (told.SLASH, lambda raw: interaction(raw, {})),
    (told.PRESS, lambda raw: interaction(raw, {})),
]


@pytest.mark.parametrize(("raw", "reader"), READERS, ids=["message", "edit", "slash", "press"])
def test_what_is_not_as_documented_is_unreadable(
    raw: Json, reader: Callable[[Json], object]
) -> None:
    """Whatever is missing or of another type: it is read, or told to be unreadable."""
    strange: list[Any] = [None, 5, "x", [], {}, [None]]
    for key, value in itertools.product(raw, strange):
        try:
            reader(raw | {key: value})
        except wire.Unreadable:
            continue
    for key in raw:
        try:
            reader({name: value for name, value in raw.items() if name != key})
        except wire.Unreadable:
            continue


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (told.THREAD, Place(Chat("11", "group"), "12")),
        ({"id": "5", "type": 5, "name": "news"}, Place(Chat("5", "channel", "news"))),
        ({"id": "1", "type": 1}, Place(Chat("1", "private"))),
        ({"id": "2", "type": 2, "name": "voice"}, Place(Chat("2", "group", "voice"))),
    ],
)
def test_places(raw: Json, place: Place) -> None:
    """A thread belongs to its channel."""
    assert wire.place_of(raw) == place


# Posts

FILE = StoredFile("k", "a.txt", "text/plain", 9_000_000)


def test_a_post_is_a_request() -> None:
    """Its text in Discord's Markdown, buttons, what it answers, and nobody pinged."""
    post = Post(
        StyledText("a b", (Span("bold", 0, 1),)),
        [[PostButton("Yes", "data", "yes")]],
        reply_to="7",
        silent=True,
    )
    (part,) = parts.render(post)
    body = parts.new_message(part, nonce=parts.nonce("key"))
    button = {"type": 2, "style": 2, "label": "Yes", "custom_id": "data"}
    assert body == {
        "content": "**a** b",
        "components": [{"type": 1, "components": [button]}],
        "allowed_mentions": {"parse": [], "replied_user": False},
        "flags": 4096,
        "nonce": parts.nonce("key"),
        "enforce_nonce": True,
        "message_reference": {"message_id": "7", "fail_if_not_exists": False},
    }
    assert parts.changed_message(Part({"text": "x"}))["components"] == []


def test_files_are_sent_as_a_request_takes_them() -> None:
    """Those that are too much for one go into another."""
    first, second = parts.render(Post(StyledText("x"), files=[FILE] * 3))
    assert (len(first.files), len(second.files)) == (2, 1)
    assert first.content == {"text": "x"}
    assert parts.new_message(first)["attachments"] == [
        {"id": 0, "filename": "a.txt"},
        {"id": 1, "filename": "a.txt"},
    ]


def test_equal_buttons_come_back_as_they_were() -> None:
    """What makes them different is taken off again; what only looks so stays."""
    given = ["x", "x", "y\u20631", "z "]
    post = Post(StyledText("x"), [[PostButton(str(n), text, text) for n, text in enumerate(given)]])
    (part,) = parts.render(post)
    (row,) = part.content["buttons"]
    ids = [button["custom_id"] for button in row]
    assert len(set(ids)) == 4
    pressed = [interaction(told.PRESS | {"data": {"custom_id": value}}, {}) for value in ids]
    assert [press and press.message.text for press in pressed] == given


def test_buttons_have_styles_open_addresses_and_are_disabled() -> None:
    """As Discord numbers them; what opens an address has no custom id."""
    row = [
        PostButton("Go", "v", "v", style="danger"),
        PostButton("Site", "", "", "https://example.com"),
        PostButton("Off", "-", "off", disabled=True),
    ]
    (part,) = parts.render(Post(StyledText("x"), [row]))
    assert parts.new_message(part)["components"][0]["components"] == [
        {"type": 2, "style": 4, "label": "Go", "custom_id": "v"},
        {"type": 2, "style": 5, "label": "Site", "url": "https://example.com"},
        {"type": 2, "style": 2, "label": "Off", "custom_id": "-", "disabled": True},
    ]


def test_a_select_is_a_menu_of_texts() -> None:
    """Below the buttons; what makes its values different is taken off again."""
    options = [PostOption("Red", "r ", "r", "warm", chosen=True), PostOption("Blue", "b", "b")]
    select = PostSelect("s0,2", options, "A colour", 0, 2)
    (part,) = parts.render(Post(StyledText("x"), [[PostButton("A", "a", "a")]], select=select))
    assert part.has_buttons
    buttons, menu = parts.new_message(part)["components"]
    assert [component["type"] for component in buttons["components"]] == [2]
    (shown,) = menu["components"]
    value = shown["options"][0]["value"]
    assert shown == {
        "type": 3,
        "custom_id": "s0,2",
        "options": [
            {"label": "Red", "value": value, "description": "warm", "default": True},
            {"label": "Blue", "value": "b"},
        ],
        "min_values": 0,
        "max_values": 2,
        "placeholder": "A colour",
    }
    data = {"custom_id": "s0,2", "component_type": 3, "values": [value, "b"]}
    chosen = interaction(told.PRESS | {"data": data}, {})
    assert chosen
    assert (chosen.message.text, chosen.message.selected) == ("s0,2", ("r ", "b"))


def test_a_menu_of_people_is_no_choice_of_ours() -> None:
    """Its values are ids; they are in the payload."""
    data = {"custom_id": "x", "component_type": 5, "values": ["1"]}
    pressed = interaction(told.PRESS | {"data": data}, {})
    assert pressed
    assert pressed.message.selected is None


PICTURE = StoredFile("1", "sky line.PNG", "image/png", 10)
WEATHER = PostCard(
    "S_k_y",
    StyledText("very bold", (Span("bold", 5, 9),)),
    [("High", StyledText("21")), ("Low", StyledText("x" * 41))],
    PICTURE,
    url="https://example.com/",
    colour=0,
    footer="*noon*",
)


def test_a_card_is_an_embed() -> None:
    """Short fields stand beside each other; its picture is the first file."""
    (part,) = parts.render(Post(StyledText("Hi"), files=[FILE], card=WEATHER))
    body = parts.new_message(part)
    assert body["content"] == "Hi"
    assert body["embeds"] == [
        {
            "title": "S\\_k\\_y",
            "description": "very **bold**",
            "fields": [
                {"name": "High", "value": "21", "inline": True},
                {"name": "Low", "value": "x" * 41, "inline": False},
            ],
            "footer": {"text": "*noon*"},
            "image": {"url": "attachment://card.png"},
            "url": "https://example.com/",
            "color": 0,
        }
    ]
    assert [file["filename"] for file in body["attachments"]] == ["card.png", FILE.name]
    assert parts.changed_message(Part({"text": "x"}))["embeds"] == []


def test_a_card_below_a_long_text_is_with_its_end() -> None:
    """And with the buttons."""
    row = [PostButton("A", "a", "a")]
    *above, last = parts.render(Post(StyledText("word " * 1000), [row], card=WEATHER))
    assert ["embed" in part.content for part in (*above, last)] == [False] * len(above) + [True]
    assert [part.has_buttons for part in (*above, last)] == [False] * len(above) + [True]


@pytest.mark.parametrize(
    "card",
    [
        replace(WEATHER, title="_" * 200),
        replace(WEATHER, text=StyledText("*" * 3000)),
        replace(WEATHER, fields=[("High", StyledText("`_" * 400))]),
        replace(WEATHER, fields=[(f"{n}", StyledText("_" * 400)) for n in range(8)]),
        replace(WEATHER, picture=replace(PICTURE, media_type="image/svg+xml")),
    ],
)
def test_a_card_that_discord_would_refuse_is_text(card: PostCard) -> None:
    """With its picture as a file; nothing of it is lost."""
    made = parts.render(Post(StyledText("Hi"), card=card))
    assert not any("embed" in part.content for part in made)
    assert [file.key for part in made for file in part.files] == ["1"]
    assert all(len(part.content.get("text", "")) <= 2000 for part in made)
    assert made[-1].content["text"].endswith("*\\*noon\\**")


def test_a_nonce_is_short_and_its_keys_own() -> None:
    """Discord takes 25 characters."""
    made = {parts.nonce(f"{number}-1-0") for number in range(1000)}
    assert len(made) == 1000
    assert {len(value) for value in made} == {24}


# Commands


def test_what_discord_cannot_take_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """A command with a name that is none there, or too many arguments; it can be typed."""
    many = tuple(CommandOption(f"a{number}") for number in range(26))
    given = [Command("ok", ""), Command("x" * 33, "x"), Command("many", "x", options=many)]
    assert [entry["name"] for entry in menu.definitions(given)] == ["ok"]
    assert "/many is no slash command" in caplog.text


def test_bounds_descriptions_and_order() -> None:
    """What is required comes first, and long descriptions are cut."""
    options = (
        CommandOption("maybe", "number", required=False, most=2.5),
        CommandOption("Count", "whole", least=1, most=10),
        CommandOption("many", choices=tuple(map(str, range(26)))),
    )
    (made,) = menu.definitions([Command("Roll", "word " * 40, options=options)])
    assert (made["name"], len(made["description"])) == ("roll", 100)
    assert [option["name"] for option in made["options"]] == ["count", "many", "maybe"]
    count, many, maybe = made["options"]
    assert (count["min_value"], count["max_value"], maybe["max_value"]) == (1, 10, 2.5)
    assert "choices" not in many
    assert menu.names([Command("Roll", "", options=options)])["roll"]["count"] == "Count"


def test_a_long_label_is_shortened() -> None:
    """Discord refuses the whole message otherwise; what the button sends stays what it is."""
    labels = ["x" * 80, "y" * 81, "word " * 40, "😀" * 100]
    post = Post(
        StyledText("?"), [[PostButton(label, f"v{n}", label) for n, label in enumerate(labels)]]
    )
    (part,) = parts.render(post)
    (row,) = part.content["buttons"]
    shown = [button["label"] for button in row]
    assert shown[:2] == ["x" * 80, "y" * 79 + "…"]
    assert max(map(len, shown)) <= 80
    assert shown[2].endswith("word…")
    assert [button["custom_id"] for button in row] == ["v0", "v1", "v2", "v3"]
