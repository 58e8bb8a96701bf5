"""Where a text is cut.

1. At the best place that there is: a paragraph, a line, a word, a cluster, a code point.
2. What belongs together stays together if it fits; what is cut goes on in the next part.
3. Parts are measured as they are rendered, a few times each.
"""

import time
from collections.abc import Callable

import pytest
from markup.tagged import tagged

from chatstate.markup import StyledText, parse, size, split
from chatstate_discord.send import markup as discord
from chatstate_telegram.send import markup as telegram


def length(text: StyledText) -> int:
    return len(text.text)


def parts(text: StyledText | str, limit: int) -> list[str]:
    """Return the parts of a text, as tagged text."""
    styled = StyledText(text) if isinstance(text, str) else text
    return [tagged(part) for part in split(styled, limit, length)]


PLAIN = [
    ("fits", "one two", 7, ["one two"]),
    ("nothing", "", 10, []),
    ("white space", " \n\n ", 10, []),
    ("paragraphs", "aa aa\n\nbb bb\n\ncc", 13, ["aa aa\n\nbb bb", "cc"]),
    ("a whole paragraph, though some of it would fit", "aa\n\nbb bb bb", 9, ["aa", "bb bb bb"]),
    ("lines of a long paragraph", "aa\nbb\ncc", 6, ["aa\nbb", "cc"]),
    ("a long paragraph fills the part", "aa\n\nbb\ncc\ndd\nee", 7, ["aa\n\nbb", "cc\ndd", "ee"]),
    ("words of a long line", "one two three four", 9, ["one two", "three", "four"]),
    ("a long word", "abcdefghij", 4, ["abcd", "efgh", "ij"]),
    ("a long word fills the part", "a bcdefghij", 4, ["a bc", "defg", "hij"]),
    ("spaces at cuts are dropped", "aaaa  \n\n\n  bbbb", 6, ["aaaa", "bbbb"]),
    ("spaces at the ends are dropped", "  aaaa bbbb  ", 5, ["aaaa", "bbbb"]),
    ("spaces in a part stay", "a  b   c", 5, ["a  b", "c"]),
    ("a no-break space is in a word", "aa bb\u00a0cc", 5, ["aa", "bb\u00a0cc"]),
    ("sentences without spaces", "日本語。中文字。", 6, ["日本語。", "中文字。"]),
    ("a bare address is one word", "see https://x.yz/、a b", 17, ["see", "https://x.yz/、a b"]),
    ("clusters", "👩‍👩‍👧👩‍👩‍👧", 6, ["👩‍👩‍👧", "👩‍👩‍👧"]),
    ("a cluster too long for a part", "👩‍👩‍👧", 3, ["👩‍👩"[:3], "\u200d👧"]),
    ("a space that carries an accent", "aaa \u0301b", 4, ["aaa", " \u0301b"]),
    ("flags", "🇩🇪🇫🇷🇮🇹", 5, ["🇩🇪🇫🇷", "🇮🇹"]),
]
MARKDOWN = [
    (
        "code that fits stays whole",
        "Text here:\n\n```py\na = 1\n\nb = 2\n```",
        18,
        ["Text here:", "<pre=py>a = 1\n\nb = 2</pre>"],
    ),
    (
        "long code is cut at lines, with its language and indentation",
        "```py\nif a:\n    b()\n\n    c()\n```",
        14,
        ["<pre=py>if a:\n    b()</pre>", "<pre=py>    c()</pre>"],
    ),
    (
        "long code fills the part",
        "Text:\n\n```\naaaa\nbbbb\ncccc\n```",
        12,
        ["Text:\n\n<pre>aaaa</pre>", "<pre>bbbb\ncccc</pre>"],
    ),
    (
        "a long line of code",
        "```\naaaa bbbb cccc\n```",
        6,
        ["<pre>aaaa</pre>", "<pre>bbbb</pre>", "<pre>cccc</pre>"],
    ),
    (
        "code indented deeper than a part is long",
        "```\nx\n" + " " * 12 + "y\n```",
        8,
        ["<pre>x</pre>", "<pre>y</pre>"],
    ),
    (
        "a link's label",
        "see [the long label](https://x.yz)",
        14,
        ["see", "<link=https://x.yz>the long label</link>"],
    ),
    (
        "a label too long for a part",
        "[the long label](https://x.yz)",
        9,
        ["<link=https://x.yz>the long</link>", "<link=https://x.yz>label</link>"],
    ),
    ("code in a line", "run `pip install x` now", 13, ["run", "<code>pip install x</code>", "now"]),
    (
        "a marker stays with its item",
        "- aaaa\n- bbbbbb",
        9,
        ["<bullet>• </bullet>aaaa", "<bullet>• </bullet>bbbbbb"],
    ),
    (
        "a heading stays with its text",
        "aaaa\n\n# B\n\ncccc",
        9,
        ["aaaa", "<heading=1>B</heading>\n\ncccc"],
    ),
    ("styles go on", "**aaaa bbbb**", 5, ["<bold>aaaa</bold>", "<bold>bbbb</bold>"]),
    ("quotes go on", "> aaaa\n> bbbb", 6, ["<quote>aaaa</quote>", "<quote>bbbb</quote>"]),
]


@pytest.mark.parametrize(
    ("text", "limit", "expected"), [case[1:] for case in PLAIN], ids=[case[0] for case in PLAIN]
)
def test_plain_text_is_cut(text: str, limit: int, expected: list[str]) -> None:
    """A text is cut at paragraphs, else lines, else words, else clusters, else code points."""
    assert parts(text, limit) == expected


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [case[1:] for case in MARKDOWN],
    ids=[case[0] for case in MARKDOWN],
)
def test_styled_text_is_cut(text: str, limit: int, expected: list[str]) -> None:
    """What belongs together stays together if it fits; what is cut goes on in the next part."""
    assert parts(parse(text), limit) == expected


def test_parts_are_measured_as_rendered() -> None:
    """Escapes and markers count: a part is as long as what is sent."""
    text = StyledText("**** " * 10)
    rendered = [discord.markdown(part) for part in split(text, 20, discord.measure)]
    assert max(map(len, rendered)) <= 20
    assert len(rendered) == 5  # 9 characters twice, with a space, not 4 four times


def test_code_is_closed_and_opened_again() -> None:
    """On Discord each part of a long code block is a block of its own, in its language."""
    text = parse("```py\n" + "x = 1\n" * 50 + "```")
    for part in split(text, 100, discord.measure):
        shown = discord.markdown(part)
        assert shown.startswith("```py\nx = 1\n")
        assert shown.endswith("x = 1\n```")
        assert len(shown) <= 100


def test_a_limit_too_small_is_told() -> None:
    """If not even one character fits, the error says which, and how long it is."""
    with pytest.raises(ValueError, match=r"limit of 4 is too small for the character 'a'.*takes 5"):
        split(parse("**a**"), 4, discord.measure)


def test_entities_are_counted() -> None:
    """A text with more entities than Telegram takes is cut, though it is short."""
    found = split(parse("**a** b " * 150), 4096, telegram.measure)
    assert [len(telegram.message(part)[1]) for part in found] == [100, 50]


def test_a_measure_that_shrinks_is_obeyed() -> None:
    """However odd a measure, no part is longer than the limit by it."""

    def odd(text: StyledText) -> int:
        return len(text.text) + 5 * (len(text.text) % 2)

    found = split(StyledText("abc de " * 30), 20, odd)
    assert all(odd(part) <= 20 for part in found)
    assert "".join(part.text for part in found).replace(" ", "") == "abcde" * 30


@pytest.mark.parametrize("text", ["lorem ipsum " * 80_000, "x" * 1_000_000, "a" + "\u0301" * 10**6])
@pytest.mark.parametrize("measure", [telegram.measure, discord.measure])
def test_a_megabyte_is_split_within_seconds(
    text: str, measure: Callable[[StyledText], int]
) -> None:
    """A measure is asked a few times for each part, about little more than a part."""
    measured = 0

    def counting(part: StyledText) -> int:
        nonlocal measured
        measured += size(part.text, "codepoints")
        return measure(part)

    began = time.process_time()
    split(StyledText(text), 2000, counting)
    assert measured < 20 * len(text)
    assert time.process_time() - began < 20  # some 2 s
