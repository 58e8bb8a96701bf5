"""What people have formatted comes in as it was, and to say it again shows it alike."""

import re
from typing import Any

import pytest
from hypothesis import given
from markup.profile import PROFILE
from markup.strategies import documents, hostile
from markup.tagged import tagged
from markup.validity import assert_valid, assert_whole_lines

from chatstate import Reply, User
from chatstate.markup import StyledText, parse, split
from chatstate_discord.receive.formatting import formatted as from_discord
from chatstate_discord.send import markup as discord
from chatstate_telegram.receive.content import entities
from chatstate_telegram.receive.formatting import formatted
from chatstate_telegram.send import markup as telegram

PEOPLE = {"42": User("42", "alice")}
DISCORD = [
    ("**a *b*** __c__", "<bold>a <italic>b</italic></bold> <underline>c</underline>"),
    ("||a ~~b~~||", "<spoiler>a <strike>b</strike></spoiler>"),
    ("***a***", "<bold><italic>a</italic></bold>"),
    ("**a\nb**", "<bold>a\nb</bold>"),
    ("`a*b*` ``c`d``", "<code>a*b*</code> <code>c`d</code>"),
    ("a ```py\nx*y*\n``` b", "a \n<pre=py>x*y*</pre>\n b"),
    ("# a\n## *b*", "<heading=1>a</heading>\n<heading=2><italic>b</italic></heading>"),
    ("> a\n> > b\nc", "<quote>a\n> b</quote>\nc"),
    (">>> a\n**b**", "<quote>a\n<bold>b</bold></quote>"),
    ("- a\n  1. b", "<bullet>• </bullet>a\n  <bullet>1. </bullet>b"),
    ("[a *b*](https://x.yz)", "<link=https://x.yz>a <italic>b</italic></link>"),
    ("<https://x.yz/_a_> https://x.yz/_a_", "https://x.yz/_a_ https://x.yz/_a_"),
    ("<@42> <@!7>", "<mention=user 42>@alice</mention> <mention=user 7><@7></mention>"),
    ("<#7>", "<mention=chat 7><#7></mention>"),
    ("<a:hi:7>", "<emoji=discord <a:hi:7>>:hi:</emoji>"),
    ("<t:0:R>", "<time=0 R>1970-01-01 00:00 UTC</time>"),
    ("\\*a\\* snake_case_b 2 * 3 * 4", "*a* snake_case_b 2 * 3 * 4"),
    ("**a __b **c** d__ e**", "<bold>a __b </bold>c<bold> d__ e</bold>"),
]


@pytest.mark.parametrize(("written", "meant"), DISCORD)
def test_what_is_written_on_discord_is_told(written: str, meant: str) -> None:
    """As Discord's clients show it, with names in words; it is shown so again."""
    told = from_discord(written, PEOPLE)
    assert tagged(told) == meant
    assert_valid(told)
    assert _bare(from_discord(discord.markdown(told), PEOPLE)) == _bare(told)


@PROFILE
@given(hostile)
def test_whatever_is_written_on_discord_keeps_the_rules(written: str) -> None:
    """Its spans nest, and it can be said again."""
    told = from_discord(written, {})
    assert_valid(told)
    assert_whole_lines(told)
    assert Reply(told).text == told


@PROFILE
@given(documents)
def test_what_is_said_on_telegram_comes_back(source: str) -> None:
    """What Telegram tells of it is what it was given."""
    for part in split(parse(source), 4096, telegram.measure):
        text, found = telegram.message(part)
        raw: dict[str, Any] = {"text": text, "entities": found}
        told = formatted(text, entities(raw, text))
        assert_valid(told)
        assert telegram.message(told) == (text, found)


def _bare(text: StyledText) -> str:
    """Return a text with its spans, but for white space and where a style ends at a line's end."""
    shown = re.sub(r"[\s\u200b]", "", tagged(text))
    return re.sub(r"</(\w+)><\1>", "", shown)
