"""A card as formatted text, for platforms that have none."""

from __future__ import annotations

from collections.abc import Iterable

from chatstate.adapter import PostCard
from chatstate.text import Span, SpanKind, StyledText


def written(card: PostCard, *, shows_image: bool = True) -> StyledText:
    """Return what a card says as text: its title, its text, its fields and its small print.

    `shows_image`: the address of its picture is a line, too.
    """
    title = _styled(card.title, "bold")
    if card.url:
        link = Span("link", 0, len(card.title), card.url)
        title = StyledText(title.text, (link, *title.spans))
    fields = joined([_field(name, value) for name, value in card.fields], "\n")
    image = StyledText(card.image) if shows_image else StyledText("")
    head = joined([title, card.text], "\n")
    return joined([head, fields, image, _styled(card.footer, "italic")], "\n\n")


def joined(texts: Iterable[StyledText], between: str) -> StyledText:
    """Return texts as one; those that say nothing are left out."""
    whole = ""
    spans: list[Span] = []
    for text in texts:
        if not text.text.strip():
            continue
        whole += between if whole else ""
        start = len(whole)
        whole += text.text
        spans += [Span(s.kind, s.start + start, s.end + start, s.value) for s in text.spans]
    return StyledText(whole, tuple(spans))


def _field(name: str, value: StyledText) -> StyledText:
    """Return a field as a line; what has several, or lines of its own, stands below its name."""
    has_lines = "\n" in value.text or any(span.kind in ("pre", "quote") for span in value.spans)
    return joined([_styled(f"{name}:", "bold"), value], "\n" if has_lines else " ")


def _styled(text: str, kind: SpanKind) -> StyledText:
    return StyledText(text, (Span(kind, 0, len(text)),) if text else ())
