"""Text as nodes of a page."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup.letters import letters
from markup.profile import PROFILE
from markup.strategies import anything, markdown, styled

from chatstate.markup import StyledText, parse
from chatstate_web.send.nodes import nodes_of

texts = st.one_of(markdown.map(parse), anything.map(StyledText), styled())
ATTRIBUTES = {
    "h": {"level": r"[1-6]"},
    "a": {"href": r"https?://.*"},
    "li": {"value": r"\d{1,9}", "task": "[☐☑]"},
    "th": {"align": "left|center|right"},
    "td": {"align": "left|center|right"},
    "pre": {"lang": ".*"},
    "time": {"at": ".*"},
}
TAGS = {*ATTRIBUTES, "p", "b", "i", "u", "s", "code", "blockquote", "ul", "ol", "tr", "table"}
TAGS |= {"spoiler", "mention"}

A = ["p", None, "a"]
DEEPER = ["ul", None, ["li", None, "d"]]
CASES = [
    ("plain\n\ntext", [["p", None, "plain\n\ntext"]]),
    ("**a *b***", [["p", None, ["b", None, "a ", ["i", None, "b"]]]]),
    ("## a", [["h", {"level": "2"}, "a"]]),
    (
        "- a\n- b\n  c\n  - d",
        [["ul", None, ["li", None, "a"], ["li", None, "b", "\n", "c", DEEPER]]],
    ),
    ("[a](https://x.yz)", [["p", None, ["a", {"href": "https://x.yz"}, "a"]]]),
    ("[a](javascript:b())", [["p", None, "[a](javascript:b())"]]),
    (
        "> a\n> > b",
        [["blockquote", None, ["p", None, "a"], ["blockquote", None, ["p", None, "b"]]]],
    ),
    ("```py\n<b>\n```", [["pre", {"lang": "py"}, "<b>"]]),
    ("1. a\n2. b", [["ol", None, ["li", {"value": "1"}, "a"], ["li", {"value": "2"}, "b"]]]),
    ("- [ ] a\n- [x] b", [["ul", None, ["li", {"task": "☐"}, "a"], ["li", {"task": "☑"}, "b"]]]),
    ("<img src=x onerror=alert(1)>", [["p", None, "<img src=x onerror=alert(1)>"]]),
]


@pytest.mark.parametrize(("markdown", "nodes"), CASES)
def test_markdown_is_nodes(markdown: str, nodes: Any) -> None:
    """What is no markup is words, also what would be markup of a page."""
    assert nodes_of(parse(markdown)) == nodes


@PROFILE
@given(texts)
def test_no_letter_is_lost_on_a_page(text: StyledText) -> None:
    """Of whatever text; only the marks of lists are elements."""
    shown = "".join(map(words_of, nodes_of(text)))
    assert letters(shown) == letters(re.sub("•", "", text.text))


@PROFILE
@given(texts)
def test_nodes_are_those_that_a_page_knows(text: StyledText) -> None:
    """With the attributes that each has, and values that do no harm."""
    for tag, attributes in (node for top in nodes_of(text) for node in elements(top)):
        assert tag in TAGS
        for name, value in (attributes or {}).items():
            assert re.fullmatch(ATTRIBUTES[tag][name], value, re.DOTALL | re.IGNORECASE)


def elements(node: Any) -> Iterator[tuple[str, dict[str, str] | None]]:
    if not isinstance(node, str):
        yield node[0], node[1]
        for child in node[2:]:
            yield from elements(child)


def words_of(node: Any) -> str:
    if isinstance(node, str):
        return re.sub("•", "", node)
    tag, attributes, *children = node
    marker = "".join((attributes or {}).values()) if tag == "li" else ""
    return marker + "".join(map(words_of, children))
