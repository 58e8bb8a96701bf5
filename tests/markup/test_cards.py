"""A card as text: nothing of it is lost, and what it becomes is a text as any other."""

from hypothesis import given
from hypothesis import strategies as st
from markup.strategies import markdown, styled
from markup.validity import assert_valid, assert_whole_lines, bare

from chatstate.adapter import PostCard
from chatstate.markup import joined, parse, plain, written
from chatstate.text import Span, StyledText

line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(line, markdown, st.lists(st.tuples(line.filter(str.strip), markdown), max_size=3), line)
def test_a_card_as_text_is_valid_and_loses_nothing(
    title: str, text: str, fields: list[tuple[str, str]], footer: str
) -> None:
    """Whatever markup is in its text and its fields."""
    values = [(name, parse(value)) for name, value in fields]
    card = PostCard(title, parse(text), values, footer=footer)
    shown = written(card)
    assert_valid(shown)
    assert_whole_lines(shown)
    for part in (title, card.text.text, footer, *(value.text for _, value in values)):
        assert bare(part) in bare(shown.text)
    for name, value in values:
        assert not value.text.strip() or bare(f"{name}:{value.text}") in bare(shown.text)


@given(st.lists(styled(), max_size=4), st.sampled_from([" ", "\n\n"]))
def test_texts_that_are_joined_keep_their_spans(texts: list[StyledText], between: str) -> None:
    """What says nothing is left out."""
    whole = joined(texts, between)
    said = [text for text in texts if text.text.strip()]
    assert whole.text == between.join(text.text for text in said)
    assert [span.kind for span in whole.spans] == [span.kind for t in said for span in t.spans]
    covered = [whole.text[span.start : span.end] for span in whole.spans]
    assert covered == [text.text[span.start : span.end] for text in said for span in text.spans]


def test_a_field_of_several_lines_stands_below_its_name() -> None:
    """So that code covers whole lines."""
    code = StyledText("x = 1", (Span("pre", 0, 5),))
    card = PostCard("T", fields=[("a", StyledText("1")), ("b", StyledText("1\n2")), ("c", code)])
    assert plain(written(card)) == "T\n\na: 1\nb:\n1\n2\nc:\n```\nx = 1\n```"


def test_a_title_leads_to_the_address_of_the_card() -> None:
    """And the picture's address is a line, unless it is shown."""
    card = PostCard("T", url="https://a.example/", image="https://a.example/p.png")
    assert plain(written(card)) == "T (https://a.example/)\n\nhttps://a.example/p.png"
    assert written(card, shows_image=False).text == "T"
