"""Reads Discord's Markdown as its clients do, by way of a parser made for that."""

from collections.abc import Iterator
from typing import Any

import pytest

discord_markdown = pytest.importorskip(
    "discord_markdown",
    reason="the judge of our Discord Markdown is no dependency, as it names no licence: "
    "pip install discord-markdown-py",
)

Shown = list[tuple[str, frozenset[str]]]

STYLES = {"bold": "bold", "italic": "italic", "strikethrough": "strike"}
CONTENT = ("text", "code_content", "atom", "list_marker")


def read(markdown: str) -> Shown:
    """Return each visible character with what it is under: styles, `code`, `pre`, `link URL`...

    The markers of lists are among them: not all clients take the same ones for markers.
    """
    tree = discord_markdown.parse_lossless(markdown)
    shown = _node(tree, frozenset())
    return [
        (character, styles)
        for character, styles in shown
        if not character.isspace() and character != "\u200b"
    ]


def _node(node: dict[str, Any], styles: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    kind = node["kind"]
    inside = styles if _is_character(node) else styles | set(_styles(kind))
    for child in node["children"]:
        if child["type"] == "node":
            yield from _node(child, inside)
        elif _is_shown(child["kind"]["type"], kind):
            yield from ((character, inside) for character in child["text"])


def _is_character(node: dict[str, Any]) -> bool:
    """Tell whether this is an emoji as a character, which is shown as one, not as a shortcut."""
    return node["kind"]["type"] == "emoji" and not node["children"][0]["text"].startswith(
        (":", "<")
    )


def _is_shown(part: str, parent: dict[str, Any]) -> bool:
    if part == "url":
        return bool(parent["value"]["kind"] != "masked")
    return part in CONTENT


def _styles(kind: dict[str, Any]) -> Iterator[str]:
    name = kind["type"]
    if name == "modifier":
        yield STYLES.get(kind["value"]["kind"], kind["value"]["kind"])
    elif name == "heading":
        yield f"heading {kind['value']['level']}"
    elif name == "code_block":
        yield f"pre {kind['value']['language'] or ''}"
    elif name == "link" and kind["value"]["kind"] == "masked":
        yield f"link {kind['value']['url']}"
    elif name not in ("document", "paragraph", "list", "list_item", "text", "link", "empty"):
        yield name
