"""What becomes of a reply on a platform that lacks something."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from support import texts

from chatstate import Button, File, Interface, Markdown, Reply
from chatstate.adapter import Capabilities, Post, PostButton, StoredFile
from chatstate.engine.outbox.degrade import DEGRADATIONS, degrade
from chatstate.language.en import ENGLISH
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL
from chatstate.text import Span, StyledText

NOTHING = Capabilities()
FILE = StoredFile("1", "a.txt", "text/plain", 1500)
BIG = StoredFile("2", "big.txt", "text/plain", 30_000_000)
YES = PostButton("Yes", "signed", "yes")
BOLD = StyledText("very bold", (Span("bold", 5, 9),))


def rich(**fields: Any) -> Post:
    """Return a post that wants all there is."""
    wanted = Post(BOLD, [[YES]], [FILE], "1", silent=True, ephemeral=True)
    return replace(wanted, **fields)


def test_a_platform_that_can_do_everything_gets_all_as_it_is() -> None:
    """Nothing is written out."""
    assert degrade(rich(), FULL, ENGLISH) == rich()


def test_a_platform_that_can_do_nothing_gets_all_written_out() -> None:
    """In one text; what cannot be written is left out."""
    assert degrade(rich(), NOTHING, ENGLISH) == Post(
        StyledText(
            "very bold\n\nTo choose, send one of these:\n1. Yes\n\n[file a.txt, 1.5 kB]",
            (Span("bold", 5, 9),),
        )
    )


@pytest.mark.parametrize("lacking", [degradation.capability for degradation in DEGRADATIONS])
def test_what_one_capability_stands_for_is_all_that_goes_without_it(lacking: str) -> None:
    """The rest of the post stays as it is."""
    defaults = {"buttons": (), "files": (), "reply_to": None}
    capabilities = replace(FULL, **{lacking: False})
    post = degrade(rich(), capabilities, ENGLISH)
    assert replace(post, text=BOLD) == rich(**{lacking: defaults.get(lacking, False)})
    assert post.text.spans == BOLD.spans
    assert post.text.text.startswith("very bold")
    wants = [degradation for degradation in DEGRADATIONS if degradation.capability == lacking]
    assert [bool(degradation.wants(post)) for degradation in wants] == [False]


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
