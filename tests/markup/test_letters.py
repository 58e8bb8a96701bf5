"""Nothing is ever left out: each letter of Markdown that is no markup is shown.

1. What a letter is, and what is markup, is told in `letters`.
2. Parsing keeps each letter: in the text, or in the address of a link, or as a language of code.
3. Each renderer shows the text and the addresses; it shows a language, or colours the code by it.
"""

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markup.letters import kept, letters, markup, shown
from markup.profile import PROFILE
from markup.shown import RENDERERS
from markup.strategies import documents, hostile

from chatstate.markup import parse

LOST = [
    "[Alice]: hi",
    "[12:30]: ok",
    "[1]: https://example.org/one",
    "[1]: https://example.org/one 'and a title'",
    "[Alice]: **hi\nthere**\n[Alice]: again",
    "[Alice]: hi\n[Bob]: fine\nand you?\n[Alice]: fine\n\n[Alice] left",
    "[a]: https://x.yz\n[a]: https://v.w\n\n[a]",
    "[a]: https://x.yz '[b]'\n[b]: https://v.w '[c]'\n[c]: https://t.u '[a]'",
    "> [a]: /b\n> c\n\n- [d]: /e\n  f",
    "| a | b |\n|---|---|\n| `str | None` | may be missing |",
    "|a|b|\n|-|-|\n|1|2|3|4|\n|`|`|`|`|",
    "|a|\n|-|\n|$|x|$|y|\\(|z|\\)|`|w|",
    "[a](https://x.yz 'title')",
    "[a][b] [b]\n\n[b]: https://x.yz (title)",
    "```py title=x\ny\n```",
    "```{.x #y}\nz\n```",
    "```of one line\n```",
    "~~~" + 60 * "x" + "\ny\n~~~",
    "[![a](https://b.yz 'c')](https://d.yz 'e')",
    "![a ![b](c 'd') [e](f 'g') <https://h.yz>](https://i.yz)",
    "[a](https://" + 300 * "b" + ".yz/c) <https://" + 300 * "d" + ".yz/e> [f](g:" + 300 * "h" + ")",
    "[a](b/%E6) <https://x.yz/%E6>",
    "1985. born\n1990. school",
    "[][a] ![][a]\n\n[a]: /b 'c'",
    "[a@b.cd](mailto:a@b.cd) [https://x.yz/%C3%A9](https://x.yz/é) [`c.md`](c.md)",
]


def assert_kept(source: str) -> None:
    """Hold the meaning of some Markdown to having its letters."""
    missing = letters(source) - markup(source) - kept(parse(source))
    assert missing == Counter()


@pytest.mark.parametrize("source", LOST)
def test_what_was_lost_is_kept(source: str) -> None:
    """What CommonMark does not show, or only somewhere aside, is in the text."""
    assert_kept(source)


@PROFILE
@given(documents)
def test_documents_are_kept(source: str) -> None:
    """Each letter of Markdown as people and models write it is kept."""
    assert_kept(source)


@PROFILE
@given(hostile)
@example("[\U00010400]: /b\n[\U00010428]")
def test_anything_is_kept(source: str) -> None:
    """Each letter of whatever looks like Markdown is kept."""
    assert_kept(source)


@pytest.mark.parametrize("name", RENDERERS)
@PROFILE
@given(source=st.one_of(documents, hostile))
def test_what_is_kept_is_shown(name: str, source: str) -> None:
    """Each renderer shows what is in the text, and where links lead to."""
    text = parse(source)
    rendered = letters(RENDERERS[name](text))
    assert letters(text.text.replace("•", "")) - rendered == Counter()
    for span in text.spans:
        if span.kind == "link":
            assert letters(span.value) - rendered == Counter()


@pytest.mark.parametrize("source", LOST)
@pytest.mark.parametrize("name", RENDERERS)
def test_what_was_lost_is_shown(name: str, source: str) -> None:
    """On every platform it is shown, but for the language of code, which colours it."""
    text = parse(source)
    languages = "".join(span.value for span in text.spans if span.kind == "pre")
    missing = letters(source) - markup(source) - shown(RENDERERS[name](text) + languages)
    assert missing == Counter()
