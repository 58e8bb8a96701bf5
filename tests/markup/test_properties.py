"""Whatever the text, nothing is lost, and each part can be sent.

1. What is parsed keeps the rules of `chatstate.text`; so do its cuts, and Telegram's entities.
2. Walks, blocks and parts of a text are the whole of it, but for white space where it is cut.
3. Parts are within the limit, as any measure counts, and words and clusters that fit stay whole.
"""

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup.profile import PROFILE
from markup.strategies import anything, markdown, styled
from markup.validity import assert_takeable, assert_valid, assert_whole_lines, bare
from wcwidth import iter_graphemes

from chatstate.markup import StyledText, parse, plain, size, split, walk
from chatstate.markup.pieces import Close, Open, Slices, blocks, sections
from chatstate_discord.send import markup as discord
from chatstate_telegram.send import markup as telegram

Measure = Callable[[StyledText], int]
MEASURES: dict[str, Measure] = {
    "codepoints": lambda text: size(text.text, "codepoints"),
    "utf16": lambda text: size(text.text, "utf16"),
    "utf8": lambda text: size(text.text, "utf8"),
    "plain": lambda text: len(plain(text)),
    "telegram": telegram.measure,
    "discord": discord.measure,
}
texts = st.one_of(markdown.map(parse), anything.map(StyledText), styled())


@PROFILE
@given(markdown)
def test_parsed_text_keeps_the_rules(source: str) -> None:
    """Whatever Markdown says, its spans nest, and code and quotes are whole lines."""
    text = parse(source)
    assert_valid(text)
    assert_whole_lines(text)


@PROFILE
@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=200))
def test_words_come_through_parsing(word: str) -> None:
    """A text without punctuation and white space is itself."""
    assert parse(word) == StyledText(word)


@PROFILE
@given(texts, st.data())
def test_a_quick_cut_is_a_cut(text: StyledText, data: st.DataObject) -> None:
    """Cutting by way of an index gives what cutting gives; spans of a cut keep the rules."""
    start = data.draw(st.integers(0, len(text.text)))
    end = data.draw(st.integers(start, len(text.text)))
    cut = text.cut(start, end)
    assert cut.text == text.text[start:end]
    assert_valid(cut)
    assert Slices(text).cut(start, end) == cut


@PROFILE
@given(texts)
def test_walking_meets_everything_once(text: StyledText) -> None:
    """The stretches of a walk are the text; each span is opened, then closed, in order."""
    events = list(walk(text))
    assert "".join(event for event in events if isinstance(event, str)) == text.text
    assert [event.span for event in events if isinstance(event, Open)] == list(text.spans)
    stack = []
    for event in events:
        if isinstance(event, Open):
            stack.append(event.span)
        elif isinstance(event, Close):
            assert stack.pop() is event.span
    assert stack == []


@PROFILE
@given(texts)
def test_sections_are_the_text(text: StyledText) -> None:
    """Each stretch is met once; what stands between those with a span has none of these within."""
    found = list(sections(text))
    assert "".join(piece.text for piece, _ in found) == text.text
    kinds = {"heading", "quote", "pre", "table"}
    assert all(section is None or section.kind in kinds for _, section in found)
    between = [span for piece, section in found if section is None for span in piece.spans]
    assert not kinds.intersection(span.kind for span in between)


@PROFILE
@given(markdown)
def test_blocks_are_the_text(source: str) -> None:
    """The blocks of a parsed text, with a line break between each two, are the text."""
    text = parse(source)
    assert "\n".join(block.text.text for block in blocks(text)) == text.text


@PROFILE
@given(styled())
def test_blocks_lose_nothing(text: StyledText) -> None:
    """The blocks of any text hold all of it but line breaks."""
    shown = "".join(block.text.text for block in blocks(text))
    assert shown.replace("\n", "") == text.text.replace("\n", "")


@pytest.mark.parametrize("name", MEASURES)
@PROFILE
@given(text=texts, limit=st.integers(100, 300))
def test_parts_are_the_whole(name: str, text: StyledText, limit: int) -> None:
    """Parts fit, keep the rules, are not blank, and together are the text but for white space."""
    parts = split(text, limit, MEASURES[name])
    assert bare("".join(part.text for part in parts)) == bare(text.text)
    for part in parts:
        assert MEASURES[name](part) <= limit
        assert part.text.strip()
        assert_valid(part)


@PROFILE
@given(source=markdown, limit=st.integers(1, 60))
def test_parts_are_cuts(source: str, limit: int) -> None:
    """Each part is a slice of the whole, and only white space lies between two."""
    text = parse(source)
    position = 0
    for part in split(text, limit, MEASURES["codepoints"]):
        start = text.text.index(part.text, position)
        assert not text.text[position:start].strip()
        position = start + len(part.text)
        assert part == text.cut(start, position)
        assert_whole_lines(part)
    assert not text.text[position:].strip()


@PROFILE
@given(text=anything, limit=st.integers(20, 60))
def test_clusters_stay_whole(text: str, limit: int) -> None:
    """No part begins within a grapheme cluster that would fit in one."""
    edges = {0}
    for cluster in iter_graphemes(text):
        edges.add(max(edges) + len(cluster))
    position = 0
    for part in split(StyledText(text), limit, MEASURES["utf16"]):
        start = text.index(part.text, position)
        position = start + len(part.text)
        assert start in edges or any(
            size(cluster, "utf16") > limit for cluster in iter_graphemes(text)
        )


@PROFILE
@given(st.lists(st.text("abcé日🙂", min_size=1, max_size=30), max_size=60), st.integers(10, 60))
def test_words_that_fit_stay_whole(words: list[str], limit: int) -> None:
    """A word is cut only if it alone is longer than a part."""
    parts = split(StyledText(" ".join(words)), limit, MEASURES["utf16"])
    whole = Counter(word for word in words if size(word, "utf16") <= limit)
    assert whole <= Counter(word for part in parts for word in part.text.split())


@PROFILE
@given(texts)
def test_telegram_takes_each_part(text: StyledText) -> None:
    """Each part has a text and entities as Telegram wants them."""
    for part in split(text, telegram.LONGEST, telegram.measure):
        shown, entities = telegram.message(part)
        assert shown == shown.rstrip()
        assert bare(shown) == bare(part.text)
        assert_takeable(shown, entities)
        assert size(shown, "utf16") <= telegram.measure(part) <= telegram.LONGEST


@PROFILE
@given(anything)
def test_plain_text_has_no_entities(text: str) -> None:
    """On Telegram a plain text is itself, without entities."""
    assert telegram.message(StyledText(text)) == (text.strip(), [])


@PROFILE
@given(anything)
def test_plain_text_is_plain(text: str) -> None:
    """In a pipe a plain text is itself."""
    assert plain(StyledText(text)) == text
