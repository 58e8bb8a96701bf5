"""The adapters' contract: texts, both ways.

1. What is said arrives letter by letter, whatever the platform interprets.
2. What is too long becomes several messages, none above the limit: in order, and nothing is lost.
3. What nobody would read is its first message, and the whole as a file; or all messages, where
   there are no files.
4. Markup is shown as such or left out; it is never shown as marks.
5. `render` is pure; name, account and capabilities are known before `run`.
"""

# ruff: noqa: S101 - a test suite

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from unittest import SkipTest

from chatstate.adapter import Post, PostButton, StoredFile
from chatstate.bot.turn import Turn
from chatstate.engine.outbox.degrade import degrade
from chatstate.language.en import ENGLISH
from chatstate.markup import parse
from chatstate.replies import Markdown
from chatstate.testing.contracts.adapter.session import ALICE, AdapterSuite, Session, only
from chatstate.testing.contracts.adapter.watch import unfit_parts
from chatstate.text import Span, StyledText, size

_LONG = 5000  # characters, where the platform has no limit

PLAIN = (
    "*a* _b_ __c__ `d` ~~e~~ ||f|| [g](https://example.org) <b>h</b> &amp; & < > \\ \\* $ %s {x}",
    "# no heading",
    "> no quote",
    "- no list",
    "1. no list",
    "```no code```",
    "<@1> <#2> @everyone",
    "| a | b |",
)
UNICODE = {
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇧🇷",
    "text from right to left": "שלום עולם, مرحبا بالعالم! (1, 2)",
    "combining characters": "e\u0301 a\u0308\u0323 क्षि ก็ \u1112\u1161\u11ab",
    "characters beyond the first plane": "\U0001d4b3 \U00010348 🎲𠮷",
}
MARKDOWN = """\
# Title

Some **strong** and *mild* words, `call()` and [a site](https://example.org/page).

- first
- second

> quoted
"""
NO_PLACE = r"""[Alice]: hi

| a | b |
|---|---|
| `str | None` | may be missing | beyond |

[a site](https://example.org/page "its title")

```py title=fence
x
```

**重点。**请看 $\left\{ x_1 \;|\; x_2 \right\}$
"""
SHOWN = (
    "[Alice]: hi",
    "str | None",
    "may be missing",
    "beyond",
    "its title",
    "title=fence",
    "重点。请看",
    r"$\left\{ x_1 \;|\; x_2 \right\}$",
)
CODE = [f"    line_{number:04} = '{number}'  # *kept*" for number in range(2000)]


class TextContract(AdapterSuite):
    """What is said arrives as it is, and what is answered too."""

    async def test_text_goes_both_ways(self, tmp_path: Path) -> None:
        """What a person says reaches the bot, and its answer is shown where it was said."""
        async with self.session(tmp_path, lambda turn: f"you said: {turn.text}") as session:
            reply = only(await session.say("hello"))
            assert reply.text == "you said: hello", f"`perform` sent {reply.text!r}"
            (heard,) = session.script.heard
            assert (heard.text, heard.kind) == ("hello", "message"), f"`run` delivered {heard}"

    async def test_unicode_is_unchanged(self, tmp_path: Path) -> None:
        """Emoji, text from right to left, combining and astral characters, in both directions."""
        async with self.session(tmp_path) as session:
            for what, text in UNICODE.items():
                reply = only(await session.say(text))
                heard = session.script.heard[-1].text
                assert heard == text, f"{what}: {text!r} was said and {heard!r} delivered"
                assert reply.text == text, f"{what}: {text!r} was sent as {reply.text!r}"

    async def test_markup_characters_of_plain_text_arrive_as_they_are(self, tmp_path: Path) -> None:
        """A text without spans is shown as it stands: escape what the platform interprets."""
        async with self.session(tmp_path) as session:
            for text in PLAIN:
                reply = only(await session.say(text))
                heard = session.script.heard[-1].text
                assert heard == text, f"{text!r} was said and {heard!r} delivered"
                assert reply.text == text, f"{text!r} is shown as {reply.text!r}: escape it"
                assert not reply.styles, f"{text!r} is shown with {reply.styles}: escape it"

    async def test_what_is_formatted_is_said_again_as_it_was(self, tmp_path: Path) -> None:
        """As `Message.styled` tells it: bold text, a spoiler, what is underlined."""
        async with self.session(tmp_path, lambda turn: turn.message.styled) as session:
            seen, before = session.watched.taken, session.shown()
            await session.driver.say_formatted(ALICE)
            shown = only(await session.answers(ALICE, seen, before))
            (heard,) = session.script.heard
            assert heard.styled, "a text that is formatted is `Message.styled`"
            kinds = {span.kind for span in heard.styled.spans}
            assert kinds == {"bold", "spoiler", "underline"}, f"it is told as {heard.styled}"
            assert heard.styled.text == "bold hidden under"
            if session.capabilities.markup and shown.styles is not None:
                assert (shown.text, shown.styles) == ("bold hidden under", kinds)

    async def test_lines_stay_lines(self, tmp_path: Path) -> None:
        """A reply's line ends, empty lines and indentation are kept."""
        text = "one\ntwo\n\n    indented\nlast"
        async with self.session(tmp_path, lambda _: text) as session:
            reply = only(await session.say("go"))
            assert reply.text == text, f"{text!r} is shown as {reply.text!r}"

    async def test_nothing_is_sent_for_an_empty_answer(self, tmp_path: Path) -> None:
        """Neither for none, nor for one of white space."""
        answers = {"none": None, "empty": "", "white": " \n ", "some": "text"}
        async with self.session(tmp_path, lambda turn: answers[turn.text]) as session:
            for text in answers:
                await session.say(text)
            assert session.texts() == ["text"]

    async def test_a_long_text_arrives_whole(self, tmp_path: Path) -> None:
        """In messages within the limit, in order, with no word cut or lost."""
        async with self.session(tmp_path, lambda _: " ".join(words)) as session:
            words = [f"🎲{number:05}" for number in range(times(session, "🎲00000 "))]
            replies = await session.say("go")
            shown = " ".join(reply.text for reply in replies).split()
            assert shown == words, "words are cut, lost or out of order: see `chatstate.markup`"
            within_limit(session)

    async def test_a_word_longer_than_a_message_arrives_whole(self, tmp_path: Path) -> None:
        """It alone is cut, between characters that belong together."""
        async with self.session(tmp_path, lambda _: word) as session:
            word = "👍🏽" * times(session, "👍🏽")
            replies = await session.say("go")
            assert "".join(reply.text for reply in replies) == word, "a part of it is lost"
            assert all(reply.text[0] == "👍" for reply in replies), "a grapheme was cut in two"
            within_limit(session)

    async def test_what_nobody_would_read_is_a_message_and_a_file(self, tmp_path: Path) -> None:
        """The first message, and the whole text as a file; without files all messages, in order."""
        async with self.session(tmp_path, lambda _: text) as session:
            limit = session.capabilities.text_limit
            if not limit:
                raise SkipTest(f"{session.watched.adapter.name} has no limit for texts")
            text = " ".join(f"{number:05}" for number in range(12 * limit // 6))
            replies = await session.say("go")
            if not session.capabilities.files:
                assert " ".join(reply.text for reply in replies) == text, "a part of it is lost"
                return
            first, *others = replies
            files = [file for reply in others for file in reply.files]
            assert [file.data for file in files] == [text.encode()], "the whole is in no file"
            assert len(others) == 1, f"a message and a file were to be shown; it was {replies}"
            assert first.text, "nothing of the text is shown"
            assert text.startswith(first.text), f"{first.text!r} is not its beginning"

    async def test_long_texts_do_not_mix(self, tmp_path: Path) -> None:
        """The parts of one reply are shown before those of the next."""
        async with self.session(tmp_path, lambda _: [text, "after"]) as session:
            text = "word " * times(session, "word ")
            replies = await session.say("go")
            assert replies[-1].text == "after", (
                "a later reply is shown before the end of a long one"
            )
            assert " ".join(reply.text for reply in replies[:-1]).split() == text.split()

    async def test_markdown_is_shown_and_loses_nothing(self, tmp_path: Path) -> None:
        """Each word arrives; markup is shown as such, or left out."""
        async with self.session(tmp_path, lambda _: Markdown(MARKDOWN)) as session:
            replies = await session.say("go")
            shown = "\n".join(reply.text for reply in replies)
            at = -1
            for word in (
                "Title",
                "strong",
                "mild",
                "call()",
                "a site",
                "first",
                "second",
                "quoted",
            ):
                at = shown.find(word, at + 1)
                assert at >= 0, f"{word!r} is missing, or not in its place, in:\n{shown}"
            assert "**" not in shown, f"marks are shown instead of what they mean:\n{shown}"
            styles = {style for reply in replies for style in reply.styles or ()}
            is_shown = session.capabilities.markup and all(
                reply.styles is not None for reply in replies
            )
            expected = {"bold", "code"} if is_shown else set[str]()
            assert expected <= styles, f"`markup` is among the capabilities; only {styles} is shown"
            assert "link" in styles or "https://example.org/page" in shown, "the link is lost"

    async def test_what_markdown_has_no_place_for_is_shown(self, tmp_path: Path) -> None:
        """A web page may hide what its source has; in a chat it would be lost."""
        async with self.session(tmp_path, lambda _: Markdown(NO_PLACE)) as session:
            shown = "\n".join(reply.text for reply in await session.say("go"))
            for words in SHOWN:
                assert words in shown, f"{words!r} is not shown, or not to the letter, in:\n{shown}"

    async def test_a_code_block_stays_code_when_it_is_cut(self, tmp_path: Path) -> None:
        """Each message that holds a line of it shows it as code; no line is cut or changed."""
        async with self.session(tmp_path, lambda _: Markdown(f"```python\n{code}\n```")) as session:
            code = "\n".join(CODE[: times(session, CODE[0])])
            replies = await session.say("go")
            lines = "\n".join(reply.text for reply in replies).split("\n")
            kept = [line for line in lines if line.strip("` ") not in ("", "python")]
            assert kept == code.split("\n"), "lines of a code block were changed"
            for reply in replies:
                is_code = {"pre", "code"} & (reply.styles or set()) or reply.text.startswith("```")
                assert is_code, f"it is no code any more: {reply.text!r}"
            within_limit(session)

    async def test_a_stream_ends_as_its_last_answer(self, tmp_path: Path) -> None:
        """While it runs it may be shown, in one message; at the end that shows the whole."""
        texts = ["one", "one two", "one two three"]

        async def answer(_turn: Turn) -> AsyncGenerator[str]:
            for text in texts:
                yield text
                await session.clock.sleep(3.0)

        async with self.session(tmp_path, answer) as session:
            await session.driver.say(ALICE, "go")
            await session.until(lambda: session.watched.receipts, "nothing was delivered")
            await session.settled(advancing=0.5)
            assert session.texts() == ["one two three"], (
                "a preview must be edited into the answer: `Sent.message_id` must be the message's"
            )

    async def test_a_stream_that_is_told_by_what_is_new_is_shown_whole(
        self, tmp_path: Path
    ) -> None:
        """While it runs, where previews are a "delta": the message shows all that was said."""
        texts = ["one", "one two", "one two **thr", "one two **three**\n\nfour"]
        step = asyncio.Semaphore(0)

        async def answer(_turn: Turn) -> AsyncGenerator[Markdown]:
            for text in texts:
                yield Markdown(text)
                await step.acquire()

        async with self.session(tmp_path, answer) as session:
            if session.capabilities.preview != "delta":
                raise SkipTest("each preview is told as a whole")
            await session.driver.say(ALICE, "go")
            for text in texts:
                await _until_read(session, parse(text).text)
                step.release()
            await session.settled(advancing=0.5)
            await _until_read(session, parse(texts[-1]).text)

    async def test_render_is_pure(self, tmp_path: Path) -> None:
        """It gives the same parts each time, of JSON types, connected or not."""
        adapter = self.make_driver(tmp_path).make_adapter()
        rich = StyledText("a b", (Span("bold", 0, 1), Span("code", 2, 3)))
        button = PostButton("Yes", "data", "yes")
        file = StoredFile("key", "a.txt", "text/plain", 3, str(tmp_path / "none"))
        for post in (
            Post(StyledText("a")),
            Post(rich, [[button]], reply_to="1", silent=True, ephemeral=True),
            Post(rich, [[button, button], [button]], [file, file]),
            Post(StyledText(""), files=[file]),
            Post(StyledText("word " * 9999)),
        ):
            fit = degrade(post, adapter.capabilities, ENGLISH)
            parts = adapter.render(fit)
            assert parts, f"`render` gave no part for {fit}"
            problems = unfit_parts(fit, parts, adapter.render(fit))
            assert not problems, "\n".join(problems)

    async def test_an_adapter_is_the_same_account_each_time(self, tmp_path: Path) -> None:
        """Its name, account and capabilities are known before it runs, and do not change."""
        driver = self.make_driver(tmp_path)
        adapter, again = driver.make_adapter(), driver.make_adapter()
        assert adapter.name, "an adapter needs a name"
        assert adapter.account, "an adapter needs the id of its account before `run`"
        assert (adapter.name, adapter.account) == (again.name, again.account)
        assert adapter.capabilities == again.capabilities


async def _until_read(session: Session, text: str) -> None:
    await session.until(
        lambda: session.texts() == [text],
        f"{text!r} is not shown: what `continues` comes after what `message` shows",
        advancing=0.5,
    )


def times(session: Session, piece: str) -> int:
    """Return how often a text must be repeated to fill three messages."""
    limit, unit = session.capabilities.text_limit, session.capabilities.text_unit
    return 3 * limit // size(piece, unit) if limit else _LONG // len(piece)


def within_limit(session: Session) -> None:
    """Check that no message is longer than the platform allows."""
    limit, unit = session.capabilities.text_limit, session.capabilities.text_unit
    for text in session.texts() if limit else ():
        length = size(text, unit)
        assert length <= limit, f"a message of {length} {unit} is over the limit of {limit}: {text}"
