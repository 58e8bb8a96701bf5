"""People, chats and times that are named in texts."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstate import Button, Card, Chat, Interface, Markdown, Reply, User, custom_emoji, timestamp
from chatstate.adapter import Post
from chatstate.engine.outbox.posts import styled
from chatstate.markup import Span, plain
from chatstate.mentions import mention, mentioned, spoken
from chatstate.testing import FakePlatform, TestClient
from chatstate_discord.send import parts as discord_parts
from chatstate_discord.send.markup import markdown
from chatstate_telegram.send import parts as telegram_parts
from chatstate_telegram.send.markup import message

ALICE = User("42", "Alice *B* `c`")
ROOM = Chat("7", "group", "The Room")
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def test_a_mention_is_a_name_and_a_span() -> None:
    """In plain text and in Markdown alike; no character of a name is markup."""
    for text in (f"hi {ALICE.mention}!", Markdown(f"hi {ALICE.mention}!")):
        shown = styled(text)
        assert shown.text == "hi Alice *B* `c`!"
        assert shown.spans == (Span("mention", 3, 16, "user 42"),)


def test_mentions_stand_among_markup() -> None:
    """In bold and in lists, each at its place; two of one person are two."""
    shown = styled(Markdown(f"**{ALICE.mention}** and\n- {ROOM.mention}, {ALICE.mention}"))
    assert shown.text == "Alice *B* `c` and\n• The Room, Alice *B* `c`"
    names = [shown.text[s.start : s.end] for s in shown.spans if s.kind == "mention"]
    assert names == [ALICE.name, ROOM.title, ALICE.name]
    assert shown.spans[:2] == (Span("bold", 0, 13), Span("mention", 0, 13, "user 42"))


@pytest.mark.parametrize("text", ["`{}`", "```\n{}\n```", "[x](https://example.com/{})"])
def test_in_code_and_addresses_a_mention_is_its_words(text: str) -> None:
    """It would be shown raw there."""
    shown = styled(Markdown(text.format(ALICE.mention)))
    assert "mention" not in [span.kind for span in shown.spans]
    assert ALICE.name in shown.text or shown.spans[0].value.endswith("/Alice%20%2AB%2A%20%60c%60")


def test_where_a_text_is_not_sent_a_mention_is_its_words() -> None:
    """And what is left of one that was cut is nothing."""
    assert spoken(f"hi {ALICE.mention}") == f"hi {ALICE.name}"
    assert spoken(ALICE.mention[:6]).isprintable()
    assert User("5").mention == mention("user", "5", "5")


@given(st.text())
def test_what_anybody_writes_is_never_a_mention(name: str) -> None:
    """Whatever a name holds, it is one mention of that person, in one line."""
    text = f"a {User('1', name).mention} b"
    assert mentioned(text) == ["1"]
    (span,) = styled(text).spans
    assert span.value == "user 1"
    assert "\n" not in styled(text).text


@given(
    st.lists(st.sampled_from(["**", "`", "- ", "\n", "a", ALICE.mention, ROOM.mention, "[x](y)"]))
)
def test_no_markup_around_breaks_a_mention(pieces: list[str]) -> None:
    """Each is there or is words in code; nothing of its form is left in a text."""
    text = "".join(pieces)
    shown = styled(Markdown(text))
    assert not set("\ufdd0\ufdd1\ufdd2") & set(shown.text)
    for span in shown.spans:
        if span.kind == "mention":
            assert shown.text[span.start : span.end] in (ALICE.name, ROOM.title)


def test_times_are_written_where_nobody_shows_them() -> None:
    """As they were given, with their zone."""
    berlin = timezone(timedelta(hours=1), "CET")
    assert plain(styled(f"at {timestamp(NOON.astimezone(berlin))}")) == "at 2026-11-27 13:00 CET"
    assert plain(styled(timestamp(NOON, "t"))) == "12:00 UTC"
    assert plain(styled(timestamp(NOON, "d"))) == "2026-11-27"


@pytest.mark.parametrize(
    ("when", "style"),
    [(datetime(2026, 1, 1), "f"), ("now", "f"), (NOON, "x")],  # noqa: DTZ001 - it is refused
)
def test_a_time_without_a_zone_is_refused(when: Any, style: Any) -> None:
    """Nobody could tell when it is; nor is another style known."""
    with pytest.raises(ValueError, match="timestamp"):
        timestamp(when, style)


def test_names_stand_in_texts_alone() -> None:
    """Elsewhere it is said what to write."""
    with pytest.raises(ValueError, match="label"):
        Button(ALICE.mention)
    with pytest.raises(ValueError, match=r"Card\.title"):
        Card(title=ALICE.mention)
    assert Card(text=f"by {ALICE.mention}").words


def test_whom_a_reply_pings_it_mentions() -> None:
    """Else it is told what to write; what is no person is refused."""
    assert Reply(f"hi {ALICE.mention}", ping=[ALICE]).ping == (ALICE,)
    with pytest.raises(ValueError, match="does not mention Alice"):
        Reply("hi Alice", ping=[ALICE])
    with pytest.raises(TypeError, match="holds User"):
        Reply(f"hi {ALICE.mention}", ping=["42"])  # type: ignore[list-item]  # it is refused


def test_discord_shows_its_own_form() -> None:
    """Escaped is what only looks like it; code shows the words."""
    text = styled(Markdown(f"**{ALICE.mention}** in {ROOM.mention} {timestamp(NOON, 'R')} <@1>"))
    seconds = int(NOON.timestamp())
    assert markdown(text) == f"**<@42>** in <#7> <t:{seconds}:R> \\<@1>"
    assert markdown(styled(User("no-number", "Bob").mention)) == "Bob"


def test_discord_notifies_those_alone_who_are_pinged() -> None:
    """Of all that are mentioned."""
    bob = User("43", "Bob")
    text = styled(f"{ALICE.mention} {bob.mention}")
    (part,) = discord_parts.render(Post(text, ping=("43",)))
    allowed = discord_parts.new_message(part)["allowed_mentions"]
    assert allowed == {"parse": [], "replied_user": False, "users": ["43"]}
    (part,) = discord_parts.render(Post(text))
    assert discord_parts.new_message(part)["allowed_mentions"] == discord_parts.NOBODY


def test_telegram_mentions_those_alone_who_are_pinged() -> None:
    """A mention always notifies there, so all others are their names; a time is the reader's."""
    bob = User("43", "Bob")
    text = styled(f"{ALICE.mention} {bob.mention} {ROOM.mention} {timestamp(NOON, 'F')}")
    (part,) = telegram_parts.render(Post(text, ping=("43",)))
    assert part.content["text"].startswith("Alice *B* `c` Bob The Room 2026-11-27")
    mentioned, time = part.content["entities"]
    assert (mentioned["type"], mentioned["offset"], mentioned["user"]["id"]) == (
        "text_mention",
        14,
        43,
    )
    assert (time["unix_time"], time["date_time_format"]) == (int(NOON.timestamp()), "wDt")


async def test_a_bot_names_people() -> None:
    """The words are there for all; a platform that can notify nobody is asked for nobody."""
    bot = Interface(id="bot")

    @bot.on_message
    def greet(user: User) -> Reply:
        return Reply(Markdown(f"**{user.mention}**!"), ping=[user])

    for platform in (FakePlatform(), FakePlatform.without("pings")):
        async with TestClient(bot, platform=platform) as client:
            (reply,) = await client.user("alice").say("hi")
            assert reply.text == "alice!"
            assert [span.kind for span in reply.styled.spans] == ["bold", "mention"]


def test_an_emoji_is_each_platforms_own() -> None:
    """Within markup, too; its words where a platform has none, and in code."""
    party = custom_emoji("🎉", telegram="5368324170671202286", discord="<a:party:123>")
    text = styled(Markdown(f"**{party}** `{party}`"))
    assert plain(text) == "🎉 🎉"
    assert markdown(text) == "**<a:party:123>** `🎉`"
    _, entities = message(text)
    told = {"type": "custom_emoji", "offset": 0, "length": 2}
    assert entities[1] == {**told, "custom_emoji_id": "5368324170671202286"}
    assert markdown(styled(custom_emoji("🎉", telegram="5368324170671202286"))) == "🎉"
    assert message(styled(custom_emoji(":party:", discord="<:party:123>"))) == (":party:", [])
    assert markdown(styled(custom_emoji("x", discord="<@123>"))) == "x"


@pytest.mark.parametrize(
    ("words", "own"),
    [("🎉", {}), ("", {"telegram": "1"}), ("🎉", {"telegram": ""}), ("🎉", {"discord": "<:a 1>"})],
)
def test_an_emoji_that_is_none_is_an_error(words: str, own: dict[str, str]) -> None:
    """It says what it takes."""
    with pytest.raises(ValueError, match="custom_emoji takes words"):
        custom_emoji(words, **own)
