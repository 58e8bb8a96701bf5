"""What becomes of a reply on a platform that lacks something."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support import texts

from chatstate import Button, File, Interface, Markdown, Reply
from chatstate.adapter import (
    Capabilities,
    Post,
    PostButton,
    PostCard,
    PostOption,
    PostSelect,
    PostSuggestion,
    StoredFile,
)
from chatstate.content import Contact, Content, Location, Poll, Sticker
from chatstate.engine.outbox.degrade import DEGRADATIONS, degrade
from chatstate.language.en import ENGLISH
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL
from chatstate.text import Span, StyledText

NOTHING = Capabilities()
FILE = StoredFile("1", "a.txt", "text/plain", 1500)
PICTURE = StoredFile("3", "p.png", "image/png", 2000)
THERE = StoredFile("", "there.png", "image/png", 0, id="photo:1")
WEB = StoredFile("", "web.png", "image/png", 0, url="https://a.example/web.png")
BIG = StoredFile("2", "big.txt", "text/plain", 30_000_000)
YES = PostButton("Yes", "signed", "yes")
SITE = PostButton("Site", "", "https://a.example", "https://a.example")
RED = PostButton("Red", "signed", "red", style="danger")
OFF = PostButton("Off", "-", "off", disabled=True)
COLOURS = [PostOption("Red", "r", "red", "warm"), PostOption("Blue", "b", "Blue")]
SELECT = PostSelect("s", COLOURS, "A colour")
CARD = PostCard(title="T", fields=[("n", StyledText("v"))], picture=PICTURE)
SUGGESTIONS = [PostSuggestion("Maybe", "m", "Maybe"), PostSuggestion("Call", share="contact")]
POLL = Poll("Tea?", ["Yes", "No"])
BOLD = StyledText("very bold", (Span("bold", 5, 9),))


SHARED: dict[str, Content] = {
    "locations": Location(52.5, 13.25),
    "contacts": Contact("+49", "Al"),
    "polls": POLL,
    "stickers": Sticker("1", "👍", "wave"),
}
LACKING = [row.capability for row in DEGRADATIONS if row.capability not in ("reactions", *SHARED)]
"""Without reactions: a post that wants one wants nothing else; what is shared is one thing."""


def rich(**fields: Any) -> Post:
    """Return a post that wants all there is."""
    wanted = Post(
        BOLD,
        [[YES, SITE, RED, OFF]],
        [FILE, THERE, WEB],
        "1",
        silent=True,
        ephemeral=True,
        card=CARD,
        select=SELECT,
        suggestions=SUGGESTIONS,
        native={"protect_content": True},
        ping=("1",),
    )
    return replace(wanted, **fields)


def test_a_platform_that_can_do_everything_gets_all_as_it_is() -> None:
    """Nothing is written out."""
    assert degrade(rich(), FULL, ENGLISH) == rich()


def test_a_platform_that_can_do_nothing_gets_all_written_out() -> None:
    """In one text; what cannot be written is left out."""
    post = degrade(rich(), NOTHING, ENGLISH)
    assert post == Post(post.text)
    assert post.text.text.split("\n\n") == [
        "very bold",
        "Please write your phone number.",
        "Site: https://a.example",
        "To choose, send one of these:\n1. Yes\n2. Red\n3. Maybe",
        "A colour\nTo choose, send one of these:\n1. Red (warm)\n2. Blue",
        "T",
        "n: v",
        "[file there.png: it cannot be shown here]",
        "https://a.example/web.png",
        "[file p.png, 2.0 kB]\n[file a.txt, 1.5 kB]",
    ]
    assert post.text.spans[0] == Span("bold", 5, 9)


WITHOUT: dict[str, dict[str, Any]] = {
    "suggestions": {
        "suggestions": (),
        "buttons": [[YES, SITE, RED, OFF], [PostButton("Maybe", "m", "Maybe")]],
    },
    "shares": {"suggestions": SUGGESTIONS[:1]},
    "buttons": {"buttons": (), "select": None},
    "select": {
        "select": None,
        "buttons": [
            [YES, SITE, RED, OFF],
            [PostButton("Red", "r", "red"), PostButton("Blue", "b", "Blue")],
        ],
    },
    "link_buttons": {"buttons": [[YES, RED, OFF]]},
    "button_styles": {"buttons": [[YES, SITE, replace(RED, style="secondary"), OFF]]},
    "disabled_buttons": {"buttons": [[YES, SITE, RED, replace(OFF, disabled=False)]]},
    "cards": {"card": None, "files": [PICTURE, FILE, THERE, WEB]},
    "file_ids": {"files": [FILE, WEB]},
    "file_urls": {"files": [FILE, THERE]},
    "files": {"files": (), "card": replace(CARD, picture=None)},
    "reply_to": {"reply_to": None},
    "silent": {"silent": False},
    "ephemeral": {"ephemeral": False},
    "native": {"native": {}},
    "pings": {"ping": ()},
}


@pytest.mark.parametrize("lacking", LACKING)
def test_what_one_capability_stands_for_is_all_that_goes_without_it(lacking: str) -> None:
    """The rest of the post stays as it is."""
    capabilities = replace(FULL, **{lacking: False})
    post = degrade(rich(), capabilities, ENGLISH)
    assert replace(post, text=BOLD) == rich(**WITHOUT[lacking])
    assert post.text.spans[:1] == BOLD.spans
    assert post.text.text.startswith("very bold")
    wants = [degradation for degradation in DEGRADATIONS if degradation.capability == lacking]
    assert [bool(degradation.wants(post)) for degradation in wants] == [False]


@pytest.mark.parametrize("lacking", SHARED)
def test_what_is_shared_is_words_where_it_cannot_be_shown(lacking: str) -> None:
    """Below the text; the rest stays as it is, and so does what else may be shared."""
    shared = SHARED[lacking]
    assert degrade(rich(shared=shared), FULL, ENGLISH) == rich(shared=shared)
    for capabilities in (replace(FULL, **{lacking: False}), NOTHING):
        post = degrade(Post(BOLD, shared=shared), capabilities, ENGLISH)
        assert post == Post(post.text)
        assert post.text.text == f"very bold\n\n{shared.words}"
    others = replace(FULL, **dict.fromkeys(SHARED.keys() - {lacking}, False))
    assert degrade(Post(BOLD, shared=shared), others, ENGLISH).shared == shared


@pytest.mark.parametrize("capabilities", [NOTHING, replace(FULL, reactions=False)])
def test_a_reaction_is_an_answer_where_there_are_none(capabilities: Capabilities) -> None:
    """Visibly to its message, where there are such answers; to take one away is nothing."""
    answered = "1" if capabilities.reply_to else None
    for emoji in ("👍", ""):
        wanted = Post(StyledText(""), reply_to="1", reaction=emoji)
        assert degrade(wanted, capabilities, ENGLISH) == Post(StyledText(emoji), reply_to=answered)
        assert degrade(wanted, FULL, ENGLISH) == wanted


def test_what_is_not_wanted_is_not_written() -> None:
    """A plain text is the same everywhere."""
    assert degrade(Post(StyledText("hi")), NOTHING, ENGLISH) == Post(StyledText("hi"))


@pytest.mark.parametrize(
    ("label", "sends", "line"),
    [
        ("Yes", "Yes", "1. Yes"),
        ("YES", "yes", "1. YES"),
        ("Straße", "STRASSE", "1. Straße"),
        ("Yes", "1", "1. Yes: 1"),
        ("First", "/vote 1", "1. First: /vote 1"),
        ("{label}", "{}", "1. {label}: {}"),
        ("*a*", "_b_", "1. *a*: _b_"),
    ],
)
def test_a_button_is_a_line_that_says_what_to_type(label: str, sends: str, line: str) -> None:
    """The label alone, where typing that is the same."""
    post = Post(StyledText("choose"), [[PostButton(label, "signed", sends)]])
    assert degrade(post, NOTHING, ENGLISH).text.text.splitlines()[-1] == line


@pytest.mark.parametrize(
    ("given", "width", "height", "rows", "left"),
    [
        ([8, 3], 5, 5, [4, 4, 3], 0),
        ([8, 8, 8], 5, 5, [5, 5, 5, 5, 4], 0),
        ([1] * 7, 5, 5, [5, 2], 0),
        ([8] * 4, 5, 5, [5] * 5, 7),
        ([8] * 12 + [4], 8, 100, [8] * 12 + [4], 0),
        ([6] * 18, 8, 100, [6] * 16 + [4], 8),
    ],
)
def test_rows_are_cut_to_the_room_there_is(
    given: list[int], width: int, height: int, rows: list[int], left: int
) -> None:
    """Wide ones into pieces of about one width; many are filled up; the rest is written out."""
    buttons = [[replace(YES, label=f"{n}-{m}") for m in range(row)] for n, row in enumerate(given)]
    capabilities = replace(FULL, row_width=width, max_rows=height)
    post = degrade(Post(StyledText("?"), buttons), capabilities, ENGLISH)
    assert [len(row) for row in post.buttons] == rows
    shown = [button for row in post.buttons for button in row]
    assert shown == [button for row in buttons for button in row][: sum(rows)]
    assert len(post.text.text.splitlines()[3:]) == left


def test_a_select_takes_a_row() -> None:
    """So there is one less for buttons."""
    post = degrade(Post(StyledText("?"), [[YES]] * 5, select=SELECT), FULL, ENGLISH)
    assert [len(row) for row in post.buttons] == [5]


def test_several_are_marked_where_buttons_can_be_changed_and_else_written_out() -> None:
    """With one more button, that ends it."""
    several = replace(SELECT, max_values=2)
    lacking = replace(FULL, select=False)
    marks = replace(several, options=[replace(COLOURS[0], chosen=True), COLOURS[1]], marks=True)
    post = degrade(Post(StyledText("?"), select=marks), lacking, ENGLISH)
    assert [[button.label for button in row] for row in post.buttons] == [
        ["✓ Red", "Blue"],
        ["Done"],
    ]
    assert post.text.text == "?\n\nA colour\nRed: warm"
    listed = degrade(Post(StyledText("?"), select=several), lacking, ENGLISH)
    assert (listed.buttons, listed.text.text.splitlines()[3:]) == (
        (),
        [ENGLISH["choose_some"], "1. Red (warm)", "2. Blue"],
    )


def test_a_change_of_buttons_alone_writes_nothing() -> None:
    """Whatever becomes of them."""
    marks = replace(SELECT, max_values=2, marks=True)
    post = degrade(
        Post(StyledText(""), select=marks, keeps=True), replace(FULL, select=False), ENGLISH
    )
    assert post.text.text == ""


def test_buttons_of_all_rows_are_numbered_through() -> None:
    """From left to right, from top to bottom."""
    rows = [[PostButton(f"{row}{column}", "", "x") for column in "ab"] for row in "12"]
    text = degrade(Post(StyledText("choose"), rows), NOTHING, ENGLISH).text.text
    assert text.splitlines()[3:] == ["1. 1a: x", "2. 1b: x", "3. 2a: x", "4. 2b: x"]


def test_a_file_that_is_too_large_is_a_note_and_the_others_stay() -> None:
    """Of exactly the limit is not too large."""
    fits = replace(BIG, size=20_000_000)
    post = degrade(Post(StyledText(""), files=[BIG, FILE, fits]), FULL, ENGLISH)
    assert post.files == [FILE, fits]
    assert post.text.text == "[file big.txt, 30.0 MB: too large to be sent here]"


def test_where_files_are_unknown_their_size_does_not_matter() -> None:
    """One note each."""
    post = degrade(Post(StyledText(" "), files=[BIG, FILE]), NOTHING, ENGLISH)
    assert post.files == ()
    assert post.text.text == "[file big.txt, 30.0 MB]\n[file a.txt, 1.5 kB]"


def test_lines_below_a_text_stand_apart_from_its_markup() -> None:
    """White space at its end goes, and no span reaches beyond it."""
    post = Post(StyledText("code\n\n ", (Span("code", 0, 7),)), files=[FILE])
    assert degrade(post, NOTHING, ENGLISH).text == StyledText(
        "code\n\n[file a.txt, 1.5 kB]", (Span("code", 0, 4),)
    )


@given(
    st.text(), st.sets(st.sampled_from([degradation.capability for degradation in DEGRADATIONS]))
)
def test_whatever_is_lacking_is_never_in_the_post(text: str, lacking: set[str]) -> None:
    """And the text is never changed but at its end."""
    capabilities = replace(FULL, **dict.fromkeys(lacking, False))
    post = degrade(rich(text=StyledText(text)), capabilities, ENGLISH)
    for degradation in DEGRADATIONS:
        assert not (degradation.capability in lacking and degradation.wants(post))
    assert post.text.text.startswith(text.rstrip())


async def test_sentences_of_the_bot_are_what_is_written() -> None:
    """In the person's language."""
    bot = Interface(id="bot", sentences={"choose": "Pick:", "de": {"choose": "Bitte wählen:"}})

    @bot.on_message
    def work(_message: str) -> Reply:
        return Reply("?", buttons=[Button("A")])

    async with TestClient(bot, platform=FakePlatform.without("buttons")) as client:
        assert await texts(client.user("alice"), "hi") == ["?\n\nPick:\n1. A"]
        event = client.user("anna").event("hi")
        sender = replace(event.message.sender, language="de-AT")
        event = replace(event, message=replace(event.message, sender=sender))
        assert [reply.text for reply in await client.deliver(event)] == ["?\n\nBitte wählen:\n1. A"]


async def test_markdown_keeps_its_markup_beside_what_is_written_out() -> None:
    """Spans are where they were; without markup, an adapter writes them out itself."""
    bot = Interface(id="bot")

    @bot.on_message
    def work(_message: str) -> Reply:
        return Reply(Markdown("a **bold** text"), [Button("A")], [File(b"abc", "a.txt")])

    async with TestClient(bot, platform=FakePlatform.without("buttons", "files")) as client:
        (reply,) = await client.user("alice").say("hi")
        assert reply.text == (
            "a bold text\n\nTo choose, send one of these:\n1. A\n\n[file a.txt, 3 bytes]"
        )
        assert reply.styled.spans == (Span("bold", 2, 6),)
