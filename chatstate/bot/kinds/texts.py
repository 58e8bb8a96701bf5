"""How values are shown in words: numbers, yes and no, JSON, code, labels, marked text, HTML.

1. What a kind cannot show is a `ReplyError` to the author, which names the output.
2. What comes from a value is never read as markup, but for Markdown and code.
"""

from __future__ import annotations

import inspect
import math
import numbers
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any, cast

import msgspec

from chatstate.bot.reading import typed
from chatstate.bot.returns import is_reply, kind_of
from chatstate.errors import ReplyError
from chatstate.replies import Markdown, Reply

_FENCE = re.compile(r"`{3,}")
_FENCED = re.compile(r"\s*(`{3,})[^\n`]*\n(.*?)\n?\1\s*", re.DOTALL)
_BLOCKS = re.compile(
    "address|article|blockquote|br|d[dlt]|div|fieldset|fig.*|footer|form|h[1-6r]|header|li|main|nav"
    "|ol|p|pre|section|table|tr|ul"
)
_UNSEEN = frozenset(("head", "script", "style", "template", "title"))


def as_said(value: Any) -> Any:
    """Show what is a reply as that, and anything else as Python would."""
    return value if is_reply(value) or inspect.isawaitable(value) else str(value)


def as_markdown(value: Any) -> Any:
    """Show text as Markdown."""
    shown = as_said(value)
    return Markdown(shown) if isinstance(shown, str) else shown


def as_number(value: Any) -> Reply | None:
    """Show a finite number, and nothing for None."""
    if value is None:
        return None
    is_real = isinstance(value, numbers.Real | Decimal)
    if isinstance(value, numbers.Rational) or (is_real and math.isfinite(value)):
        return Reply(str(value))
    raise ReplyError(f'output "number" takes a finite number, not {value!r}')


def as_truth(value: Any) -> Reply:
    """Show a bool as yes or no."""
    if not isinstance(value, bool):
        raise ReplyError(f'output "checkbox" takes a bool, not {kind_of(value)}')
    return Reply("yes" if value else "no")


def as_json(value: Any) -> Reply:
    """Show a value as JSON."""
    try:
        return Reply(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
    except (TypeError, ValueError, RecursionError) as error:
        raise ReplyError(f'output "json" cannot show {kind_of(value)}: {error}') from error


def as_choice(value: Any) -> Reply | None:
    """Show what was chosen as it is typed: several with commas between."""
    if value is None:
        return None
    if isinstance(value, list | tuple | set | frozenset):
        return Reply(", ".join(map(_chosen, cast("Sequence[Any]", value))))
    return Reply(_chosen(value))


def _chosen(value: Any) -> str:
    return typed(value) or str(value)


def as_code(value: Any) -> Markdown | None:
    """Show text as a block of code, however many backticks are in it."""
    if value is None:
        return None
    text = str(value)
    fence = "`" * max([3, *(len(found) + 1 for found in _FENCE.findall(text))])
    return Markdown(f"{fence}\n{text}\n{fence}")


def code_in(text: str) -> str:
    """Return code that was typed, without the fence around it."""
    fenced = _FENCED.fullmatch(text)
    return fenced[2] if fenced else text


def as_label(value: Any) -> Reply | None:
    """Show a label; of a dict of labels with confidences from 0 to 1 each, the surest first."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        return Reply(str(value))
    sure = cast("Mapping[Any, Any]", value)
    try:
        ranked = sorted(sure.items(), key=lambda item: float(item[1]), reverse=True)
        lines = [f"{float(confidence):.0%} {label}" for label, confidence in ranked]
    except (TypeError, ValueError) as error:
        raise ReplyError(f'output "label" takes labels with numbers: {error}') from error
    return Reply("\n".join([str(ranked[0][0]), *lines])) if ranked else None


def as_highlighted(value: Any) -> Reply | None:
    """Show text with what its parts are, in brackets: pairs of a text and a label, or None."""
    if value is None:
        return None
    try:
        parts = _entities(cast("Any", value)) if isinstance(value, Mapping) else value
        return Reply(
            "".join(text if label is None else f"{text} [{label}]" for text, label in parts)
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ReplyError(
            'output "highlightedtext" takes pairs of a text and a label, or a dict of text and '
            f"entities, not {kind_of(value)}"
        ) from error


def _entities(marked: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the pairs of a dict of text and entities, as `transformers` gives it."""
    text, end = marked["text"], 0
    pairs: list[tuple[str, Any]] = []
    for entity in sorted(marked["entities"], key=lambda found: found["start"]):
        label = entity.get("entity") or entity.get("entity_group")
        pairs += [
            (text[end : entity["start"]], None),
            (text[entity["start"] : entity["end"]], label),
        ]
        end = entity["end"]
    return [*pairs, (text[end:], None)]


def as_html(value: Any) -> Reply | None:
    """Show what can be read of HTML: its text, and where its links lead."""
    if value is None:
        return None
    page = _Page()
    page.feed(str(value))
    page.close()
    return Reply(page.text) if page.text else None


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._unseen = 0
        self._links: list[str] = []

    @property
    def text(self) -> str:
        joined = re.sub(r"[^\S\n]+", " ", "".join(self._parts))
        return re.sub(r" ?\n[ \n]*", "\n", joined).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._unseen += tag in _UNSEEN
        self._parts += ["\n"] if _BLOCKS.fullmatch(tag) else [" "] if tag in ("td", "th") else []
        if tag == "a":
            self._links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._parts += ["\n"] if _BLOCKS.fullmatch(tag) else []
        if tag == "a" and self._links:
            href = self._links.pop()
            self._parts += [f" ({href})"] if href.startswith(("http://", "https://")) else []

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._parts.append(re.sub(r"\s+", " ", data))
