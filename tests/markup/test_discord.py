"""Discord shows what was meant, and nothing of a plain text is markup."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup.profile import PROFILE
from markup.strategies import anything, documents

from chatstate.markup import StyledText, parse
from chatstate_discord.send.markup import markdown, measure

CASES = [
    ("**a** *b* ~~c~~ `d`", "**a** *b* ~~c~~ `d`"),
    ("***a***", "***a***"),
    ("**a *b***", "**a *b*\u200b**"),
    ("**a**_b_", "**a**\u200b*b*"),
    ("`` a`b ``", "``a`b``"),
    ("`` `a` ``", "`` `a` ``"),
    ("**a `*` b**", "**a** `*` **b**"),
    ("# a\n#### b", "# a\n**b**"),
    ("- a\n  1. b\n- [x] c", "- a\n  1. b\n☑ c"),
    ("- # a", "- **a**"),
    ("> a\n> > b\n\nc", "> a\n> b\n\nc"),
    ("> ```\n> a\n> ```", "```\na\n```"),
    ("```c++ x\na\n```", "x\n```c++\na\n```"),
    ("```{.x}\na\n```", "{.x}\n```\na\n```"),
    ("~~~\n```\n~~~", "```\n``\u200b`\n```"),
    ("|a|b|\n|-|-|", "```\na | b\n--+--\n```"),
    ("[a](https://x.yz/b_(c))", "[a](https://x.yz/b_%28c%29)"),
    ("[a [b] c](https://x.yz)", "[a \\[b\\] c](https://x.yz)"),
    ("[a \\[ b](https://x.yz)", "a \\[ b (<https://x.yz>)"),
    ("[https://a.yz](https://x.yz)", "https://a.yz (<https://x.yz>)"),
    ("[a](tg://user?id=1)", "a (tg\\://user?id=1)"),
    ("[a](https://x.yz) `b](c)`", "a (<https://x.yz>) `b](c)`"),
    ("<https://x.yz/a_b> https://x.yz/a_b", "https://x.yz/a_b https://x.yz/a_b"),
    ("**https://x.yz**", "**<https://x.yz>**"),
    ("https://x.yz/*a", "<https://x.yz/*a>"),
    ("||a **b**|| <u>c *d*</u>", "||a **b**|| __c *d*__"),
    ("<u>a_</u> ||b\\|||", "__a\\___ ||b|\u200b||"),
    ("||https://x.yz||", "||<https://x.yz>||"),
]
PLAIN = [
    ("*a* _b_ ~~c~~ ~d ||e|| f|g `h`", r"\*a\* \_b\_ \~\~c\~\~ ~d \|\|e\|\| f|g \`h\`"),
    ("# a\n - b\n1. c\n> d\n-# e\n+ f", "\\# a\n \\- b\n1\\. c\n\\> d\n\\-# e\n\\+ f"),
    ("a # b - c > d 1. e", "a # b - c > d 1. e"),
    ("[a](https://x.yz)", r"\[a]\(https://x.yz)"),
    ("<@1> <#2> <t:3> @everyone @here @a", r"\<@1> \<#2> \<t:3> \@everyone \@here @a"),
    (":smile: a:b 12:30", r"\:smile: a:b 12:30"),
    ("C:\\x", "C:\\\\x"),
    ("¯\\_(ツ)_/¯", "¯\\\\\\_(ツ)\\_/¯"),
    ("a\r\nb\rc\x0bd", "a \nb\nc d"),
    ("see https://x.yz/a_b, ok", "see https://x.yz/a_b, ok"),
    ("(https://x.yz/a_(b)).", "(https://x.yz/a_(b))."),
]


@pytest.mark.parametrize(("source", "rendered"), CASES)
def test_markdown_is_rendered(source: str, rendered: str) -> None:
    """Each kind of markup is written as Discord writes it, or as near as it can be."""
    assert markdown(parse(source)) == rendered


@pytest.mark.parametrize(("text", "rendered"), PLAIN)
def test_plain_text_is_escaped(text: str, rendered: str) -> None:
    """What would be markup in Discord is escaped where it would be, and nothing else."""
    assert markdown(StyledText(text)) == rendered


@PROFILE
@given(st.one_of(anything.map(StyledText), documents.map(parse)))
def test_length_is_counted_as_rendered(text: StyledText) -> None:
    """The length of a text is that of its Markdown, in code points."""
    assert measure(text) == len(markdown(text))
