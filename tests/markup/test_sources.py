"""Nothing is left out of what models really write, on any platform, whole or cut anywhere.

1. `sources` are answers as models write them: tables, code, formulas, Chinese, chats, plans, and
   marks that Markdown has no place for.
2. An excerpt begins with a line and ends anywhere, as a stream does; it may be quoted, or an item.
3. What a letter is, and what is markup, is told in `letters`. A terminal shows no language of
   code: it colours the code by it.
"""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup.letters import kept, letters, markup, shown
from markup.profile import PROFILE
from markup.shown import RENDERERS

from chatstate.markup import parse

FOLDER = Path(__file__).parent
SOURCES = {
    path.name: path.read_text("utf-8")
    for path in sorted([*FOLDER.glob("sources/*.md"), FOLDER / "snapshots" / "long.md"])
}
_LONGEST = 3_000
AROUND = {"alone": "", "quoted": "> ", "an item": "- "}


def missing(source: str, name: str) -> Counter[str]:
    """Return the letters of some Markdown that are no markup and not shown."""
    text = parse(source)
    languages = "".join(span.value for span in text.spans if span.kind == "pre")
    return letters(source) - markup(source) - shown(RENDERERS[name](text) + languages)


@st.composite
def excerpts(draw: st.DrawFn) -> str:
    """Draw a piece of a source, as it is or within something."""
    source = SOURCES[draw(st.sampled_from(sorted(SOURCES)))]
    start = source.rfind("\n", 0, draw(st.integers(0, len(source) - 1))) + 1
    end = draw(st.integers(start + 1, min(len(source), start + _LONGEST)))
    mark = AROUND[draw(st.sampled_from(sorted(AROUND)))]
    return mark + source[start:end].replace("\n", "\n" + mark.replace("-", " "))


@pytest.mark.parametrize("name", RENDERERS)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES.keys())
def test_nothing_is_left_out_of_an_answer(source: str, name: str) -> None:
    """Each letter that is no markup is shown."""
    assert missing(source, name) == Counter()


@pytest.mark.parametrize("name", RENDERERS)
@PROFILE
@given(source=excerpts())
def test_nothing_is_left_out_of_an_excerpt(name: str, source: str) -> None:
    """Wherever it was cut, and whatever it stands in."""
    assert missing(source, name) == Counter()


@PROFILE
@given(source=excerpts(), other=excerpts())
def test_nothing_is_left_out_by_parsing(source: str, other: str) -> None:
    """Whatever stands together: a letter is in the text, in an address, or in a language."""
    both = f"{source}\n\n{other}"
    assert letters(both) - markup(both) - kept(parse(both)) == Counter()
