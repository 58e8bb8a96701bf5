"""A parser made by others reads what we write for Discord as what was meant.

1. Nothing of a plain text is markup, but for web addresses, which clients make links themselves.
2. Of Markdown, each character is under the styles that it had, as far as Discord has them: what
   it has not is told by `chatstate_discord.markup`, and repeated here in other words.
"""

import re
from collections.abc import Iterator

from hypothesis import example, given
from markup.discord_reader import Shown, read
from markup.profile import PROFILE
from markup.strategies import anything, documents

from chatstate.markup import Span, StyledText, parse
from chatstate_discord.send.markup import markdown


def expected(text: StyledText) -> Shown:
    """Return each visible character with what Discord is to show it under."""
    return [
        (character, styles)
        for position, shown in enumerate(text.text)
        for character, styles in [
            *_at(text, position, shown),
            *_addresses(text, position),
        ]
        if not character.isspace()
    ]


def _at(text: StyledText, position: int, character: str) -> Shown:
    spans = _covering(text, position)
    bullet = next((span for span in spans if span.kind == "bullet"), None)
    if bullet and _is_native(text.text, bullet):
        character = character.replace("•", "-")
    styles = frozenset(_styles(text, spans))
    is_quoted_code = any(style.startswith("pre") for style in styles)
    return [(character, styles - {"quote"} if is_quoted_code else styles)]


def _covering(text: StyledText, position: int) -> list[Span]:
    return [span for span in text.spans if span.start <= position < span.end]


def _is_native(text: str, bullet: Span) -> bool:
    before, line = text[: bullet.start].rpartition("\n")[2], text[bullet.end :].partition("\n")[0]
    marker = text[bullet.start : bullet.end]
    return not before.strip() and bool(line.strip() and re.fullmatch(r"• |\d{1,9}\. ", marker))


def _styles(text: StyledText, spans: list[Span]) -> Iterator[str]:
    seen: set[str] = set()
    for number, span in enumerate(spans):
        style = _style(text, span)
        is_new = style not in seen  # bold in bold goes with the outer one
        seen.add(style)
        is_broken = any(_is_unruly(text, inner) for inner in spans[number:])
        if style and is_new and not (is_broken and style in ("bold", "italic", "strike")):
            yield style


def _style(text: StyledText, span: Span) -> str:
    """Return what Discord shows for a span; nothing if it has nothing for it."""
    if span.kind == "pre":
        known = re.fullmatch(r"[A-Za-z0-9_+.#-]+", span.value)
        return f"pre {span.value if known else ''}"
    if span.kind == "heading":
        return f"heading {span.value}" if _is_native_heading(text.text, span) else "bold"
    if span.kind == "link":
        return "link" if _is_masked(text, span) else ""
    return "" if span.kind in ("bullet", "table") else span.kind


def _is_unruly(text: StyledText, span: Span) -> bool:
    """Tell whether this is code whose characters could end a style, or a link with such code."""
    inside = [span] if span.kind == "code" else []
    if span.kind == "link" and _is_masked(text, span):
        inside = [
            inner for inner in text.spans if span.start <= inner.start and inner.end <= span.end
        ]
    codes = [text.text[inner.start : inner.end] for inner in inside if inner.kind == "code"]
    return any(re.search(r"[*_~|\\]", code) for code in codes)


def _is_native_heading(text: str, span: Span) -> bool:
    before = text[: span.start].rpartition("\n")[2]
    return span.value in ("1", "2", "3") and not before.strip()


def _is_masked(text: StyledText, link: Span) -> bool:
    label = text.text[link.start : link.end]
    codes = [
        text.text[span.start : span.end] for span in text.spans if span.kind in ("code", "pre")
    ]
    if any("](" in code for code in codes):
        return False
    brackets = r"(?:[^\[\]]|\[[^\[\]]*\])+"  # each is closed, and they are not nested
    return label != link.value and "://" not in label and bool(re.fullmatch(brackets, label))


def _addresses(text: StyledText, position: int) -> Shown:
    """Return the address of a link that ends here, if it stands behind its label."""
    for link in _covering(text, position):
        if link.kind == "link" and link.end == position + 1:
            label = text.text[link.start : link.end]
            if label != link.value and not _is_masked(text, link):
                around = [
                    span for span in text.spans[: text.spans.index(link)] if span.end >= link.end
                ]
                styles = frozenset(_styles(text, around))
                return [(character, styles) for character in f"({link.value})"]
    return []


def without_url(shown: Shown) -> Shown:
    """Leave out where links lead to: the reader gives it as a browser would write it."""
    return [
        (character, frozenset(re.sub("^link .*", "link", style) for style in styles))
        for character, styles in shown
    ]


@PROFILE
@given(anything)
@example("https://example.com/a_b_ and _c_")
@example("https://example.com/a*b* *c*")
@example("https://example.com<@12345678901234567>")
@example("**https://example.com**")
@example("_https://example.com/x_y_")
@example("\rx\r# y")
def test_nothing_of_a_plain_text_is_markup(text: str) -> None:
    """Each character of a plain text is shown, under no style; web addresses may be links."""
    shown = read(markdown(StyledText(text)))
    visible = re.sub(r"[\s\x00-\x1f\u200b]", "", text)
    assert "".join(character for character, _ in shown) == visible
    assert {styles for _, styles in shown} <= {frozenset()}


@PROFILE
@given(documents)
def test_markdown_means_the_same(source: str) -> None:
    """Each character is shown, under the styles that it had, as far as Discord has them."""
    text = parse(source)
    assert without_url(read(markdown(text))) == expected(text)
