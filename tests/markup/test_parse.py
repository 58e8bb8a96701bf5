"""What Markdown means.

1. Blocks and what is in them mean what CommonMark says, written as chats write it.
2. What CommonMark would not show is text: definitions nobody uses, cells, titles.
3. Emphasis in CJK, formulas, and what is no formula.
4. Tables are laid out.
5. Depth and size lose nothing, and take seconds at most.
"""

# ruff: noqa: RUF001 - punctuation of CJK is the point

import os
import subprocess
import sys
import time

import pytest
from markup.tagged import tagged

from chatstate.markup import parse

INLINE = [
    ("plain", "plain"),
    ("", ""),
    ("**bold** __too__", "<bold>bold</bold> <bold>too</bold>"),
    ("*italic* _too_", "<italic>italic</italic> <italic>too</italic>"),
    ("***both***", "<italic><bold>both</bold></italic>"),
    ("**a *b* c**", "<bold>a <italic>b</italic> c</bold>"),
    ("**a **b** c**", "<bold>a b c</bold>"),
    ("~~gone~~ ~5 min", "<strike>gone</strike> ~5 min"),
    ("||hidden **b**||!", "<spoiler>hidden <bold>b</bold></spoiler>!"),
    ("a||b||c or a || b || c", "a||b||c or a || b || c"),
    ("||| || |||| ||a", "||| || |||| ||a"),
    ("||https://x.yz/a||b|| c", "<spoiler>https://x.yz/a||b</spoiler> c"),
    ("<u>a *b*</u> </u> <u>c", "<underline>a <italic>b</italic></underline> </u> <u>c"),
    ("<u>a <b>b</b></u> `<u>`", "<underline>a <b>b</b></underline> <code><u></code>"),
    ("`code` ``a`b``", "<code>code</code> <code>a`b</code>"),
    ("`a\nb`", "<code>a b</code>"),
    ("snake_case_name 2*3*4", "snake_case_name 2<italic>3</italic>4"),
    (r"\*not\* \\ \_", "*not* \\ _"),
    ("&amp; &copy; &#x41; &nosuch;", "& © A &nosuch;"),
    ("one\ntwo  \nthree\\\nfour", "one\ntwo\nthree\nfour"),
    ("<b>html</b> <!-- x -->", "<b>html</b> <!-- x -->"),
    ("a\0b", "a\ufffdb"),
    ("lone \ud800, pair \ud83d\ude42", "lone \ufffd, pair 🙂"),
    ("** a ** b", "** a ** b"),
    ("**&nbsp;a&nbsp;**", "\u00a0<bold>a</bold>\u00a0"),
    ("``` ` ```", "<code>`</code>"),
]
LINKS = [
    ("[a](https://x.yz)", "<link=https://x.yz>a</link>"),
    ("[a](<https://x.yz/b c> 'title')", "<link=https://x.yz/b%20c>a</link> (title)"),
    ("[**a** b](https://x.yz)", "<link=https://x.yz><bold>a</bold> b</link>"),
    ("[a][1]\n\n[1]: https://x.yz", "<link=https://x.yz>a</link>"),
    ("<https://x.yz>", "<link=https://x.yz>https://x.yz</link>"),
    ("<https://пример.рф/я>", "<link=https://пример.рф/я>https://пример.рф/я</link>"),
    ("[](https://x.yz)", "<link=https://x.yz>https://x.yz</link>"),
    ("![alt](https://x.yz/i.png)", "<link=https://x.yz/i.png>alt</link>"),
    ("![](https://x.yz/i.png)", "<link=https://x.yz/i.png>https://x.yz/i.png</link>"),
    ("[![a](https://b.yz)](https://x.yz)", "<link=https://x.yz>a</link> (https://b.yz)"),
    ("![a ![b](c) *d*](https://x.yz)", "<link=https://x.yz>a b d</link> (c)"),
    ("![a [b](c 'd') <https://e.yz>](/f 'g')", "a b https://e.yz (/f) (g) (c) (d)"),
    (
        "[a](/b 'c') **[d](https://x.yz 'e')**",
        "a (/b) (c) <bold><link=https://x.yz>d</link> (e)</bold>",
    ),
    (
        "[a] [a]\n\n[a]: https://x.yz 'b'",
        "<link=https://x.yz>a</link> (b) <link=https://x.yz>a</link>",
    ),
    ("[a](b/%E6%97%A5) [c](d/%E6)", "a (b/日) c (d/%E6)"),
    ("[a](tg://user?id=1)", "<link=tg://user?id=1>a</link>"),
    ("[a](docs/日本.md)", "a (docs/日本.md)"),
    ("[a](#b)", "a (#b)"),
    ("[mail](mailto:a@b.cd)", "mail (mailto:a@b.cd)"),
    ("<a@b.cd>", "a@b.cd"),
    ("[local](http://localhost:80/a)", "local (http://localhost:80/a)"),
    ("[a](javascript:alert(1))", "[a](javascript:alert(1))"),
    ("[a](data:text/html,b)", "[a](data:text/html,b)"),
    ("[a](https://x.yz/" + 1000 * "b" + ")", "a (https://x.yz/" + 1000 * "b" + ")"),
    ("see https://x.yz/_a_/*b*/~~c~~ *d*", "see https://x.yz/_a_/*b*/~~c~~ <italic>d</italic>"),
    ("**https://x.yz/a_b**", "<bold>https://x.yz/a_b</bold>"),
    ("(https://x.yz/a_(b)_)", "(https://x.yz/a_(b)_)"),
    ("https://x.yz/?a=1&amp;b=2\\_c", "https://x.yz/?a=1&b=2_c"),
    ("[a <https://x.yz> b](https://o.yz)", "<link=https://o.yz>a https://x.yz b</link>"),
]
BLOCKS = [
    ("a\n\n\n\nb", "a\n\nb"),
    ("# a\nb", "<heading=1>a</heading>\nb"),
    ("### a\n\nb", "<heading=3>a</heading>\n\nb"),
    ("a\nb\n===\nc", "<heading=1>a\nb</heading>\nc"),
    ("#a\n#", "#a"),
    ("a\n\n***\n\nb", "a\n\n──────────\n\nb"),
    ("a\n- b\n- c", "a\n<bullet>• </bullet>b\n<bullet>• </bullet>c"),
    ("- a\n\n- b", "<bullet>• </bullet>a\n\n<bullet>• </bullet>b"),
    ("- a\n  b\n\n  c", "<bullet>• </bullet>a\n  b\n\n  c"),
    ("3. a\n3. b\n10) c", "<bullet>3. </bullet>a\n<bullet>4. </bullet>b\n<bullet>10) </bullet>c"),
    ("- a\n  1. b\n", "<bullet>• </bullet>a\n  <bullet>1. </bullet>b"),
    ("- - a", "<bullet>• </bullet><bullet>• </bullet>a"),
    ("-\n- a", "<bullet>• </bullet>\n<bullet>• </bullet>a"),
    (
        "- [ ] a\n- [x] b\n- [X] c",
        "<bullet>☐ </bullet>a\n<bullet>☑ </bullet>b\n<bullet>☑ </bullet>c",
    ),
    (
        "1. [ ] a\n- [ ]\n- [y] b",
        "<bullet>1. ☐ </bullet>a\n<bullet>• </bullet>[ ]\n<bullet>• </bullet>[y] b",
    ),
    ("> a\n> b\n\nc", "<quote>a\nb</quote>\n\nc"),
    ("> a\n>> b\n", "<quote>a\n<quote>b</quote></quote>"),
    ("- > a\n- b", "<bullet>• </bullet>\n<quote>a</quote>\n<bullet>• </bullet>b"),
    (">\n\na", "a"),
    ("> - a\n> - b", "<quote><bullet>• </bullet>a\n<bullet>• </bullet>b</quote>"),
    ("```py\na\n\n  b\n```", "<pre=py>a\n\n  b</pre>"),
    ("a\n```py title=&quot;x\nb\n```", 'a\ntitle="x\n<pre=py>b</pre>'),
    ("- ~~~{.x}\n  a\n  ~~~", "<bullet>• </bullet>{.x}\n<pre>a</pre>"),
    ("```py\n```\na", "py\na"),
    (
        "1985. a\n1990. b\n1990. c",
        "<bullet>1985. </bullet>a\n<bullet>1990. </bullet>b\n<bullet>1991. </bullet>c",
    ),
    ("1. - - - a\nb", "<bullet>1. </bullet>" + 3 * "<bullet>• </bullet>" + "a\n" + 9 * " " + "b"),
    ("- - - - - - - a\nb", 7 * "<bullet>• </bullet>" + "a\n" + 12 * " " + "b"),
    ("```\n*a*\n", "<pre>*a*</pre>"),
    ("    a\n     b", "<pre>a\n b</pre>"),
    ("a\n```\n```\nb", "a\n\nb"),
    ("- a\n\n      b\n", "<bullet>• </bullet>a\n\n<pre>b</pre>"),
    ("<div>\n*a*\n</div>", "<div>\n<italic>a</italic>\n</div>"),
    ("a\r\nb\rc", "a\nb\nc"),
]
DEFINITIONS = [
    ("[Alice]: hi", "[Alice]: hi"),
    ("[1]: https://x.yz", "[1]: https://x.yz"),
    ("[Alice]: **hi\nthere**", "[Alice]: <bold>hi\nthere</bold>"),
    ("[a]: hi\nb?\n[c]: d\n[a]: e\n\n[a] left", "[a]: hi\nb?\n[c]: d\n[a]: e\n\n[a] left"),
    ("[a]: /b\n\n[a]: c", "[a]: /b\n\n[a]: c"),
    ("[a]\n\n[a]: /b\n[a]: /c", "a (/b)\n\n[a]: /c"),
    ("[b] [a]\n\n[a]: /b\n[c]: /d", "[b] a (/b)\n\n[c]: /d"),
    ("[a]: <b c>\n\n![x][A]", "x (b c)"),
    ("> [a]: /b\n> c\n\n[a]: /d", "<quote>[a]: /b\nc</quote>\n\n[a]: /d"),
    (
        "[a]: /b '[b]'\n[b]: /c '[c]'\n[c]: /d '[d]'\n[d]: /e\n\n[a]",
        "[b]: /c '[c]'\n[c]: /d '[d]'\n[d]: /e\n\na (/b) ([b])",
    ),
]
CJK = [
    ("**注意：**请看", "<bold>注意：</bold>请看"),
    ("これは**「重要」**です", "これは<bold>「重要」</bold>です"),
    ("他说**“你好”**了", "他说<bold>“你好”</bold>了"),
    ("**이것(this)**은", "<bold>이것(this)</bold>은"),
    ("패키지는 **`a`**를", "패키지는 <bold><code>a</code></bold>를"),
    ("~~错。~~对 *（a）*b", "<strike>错。</strike>对 <italic>（a）</italic>b"),
    ("禰\U000e0100**(a)**字", "禰\U000e0100<bold>(a)</bold>字"),
    ("葛\ufe00**(a)**字", "葛\ufe00<bold>(a)</bold>字"),
    ("__注意：__请看 a_日_b", "__注意：__请看 a_日_b"),
    ("** 注意：**请看", "** 注意：**请看"),
    ("a**(b)**c", "a**(b)**c"),
    ("字🙂**(b)**c", "字🙂**(b)**c"),
]
FORMULAS = [
    *(
        "$\\left\\{ x \\;|\\; x \\right\\}$",
        "$a_1*b_2*c$",
        "$x$",
        "函数$f_{1}*2*$的",
        "($x_i$)",
        "$a &lt; b$",
    ),
    *("$$a_1 * b_2 * c \\\\ d$$", "$$\na_1\n+ b\n> c\n1. d\n# e\n=\n$$", "a\n$$\n- b\n$$\nc"),
    *(
        "\\(x_1 \\,\\&\\, *y*\\)",
        "\\(x\\)",
        "\\[ x \\]",
        "\\[\nx\n- y\\\\\n\\]",
        "\\[a \\\\[2pt] b\\]",
    ),
    *(
        "\\begin{pmatrix}a & b \\\\ c & d\\end{pmatrix}",
        "\\begin{align*}\n+ a &= b \\\\\n- c\n\\end{align*}",
    ),
]
NO_FORMULAS = [
    ("costs $5 and *$6*", "costs $5 and <italic>$6</italic>"),
    (
        "**$5** or **$x**, $5 *now* or 6$",
        "<bold>$5</bold> or <bold>$x</bold>, $5 <italic>now</italic> or 6$",
    ),
    (
        "$ a_1 *b*$ US$a_1 *b*$ $$ *c* and $$",
        "$ a_1 <italic>b</italic>$ US$a_1 <italic>b</italic>$ $$ <italic>c</italic> and $$",
    ),
    ("$a_1 *b*\\$a_1 *b*", "$a_1 <italic>b</italic>$a_1 <italic>b</italic>"),
    ("\\[note\\](https://x.yz) \\[ \\] \\(some words\\)", "[note](https://x.yz) [ ] (some words)"),
    (
        "`$a` *b*$ $a_1 `$` *b*",
        "<code>$a</code> <italic>b</italic>$ $a_1 <code>$</code> <italic>b</italic>",
    ),
    ("$$\na\n\n- b\n$$", "$$\na\n\n<bullet>• </bullet>b\n  $$"),
    ("    $$\n    a\n    $$", "<pre>$$\na\n$$</pre>"),
    ("- $$\n- a\n$$", "<bullet>• </bullet>$$\n<bullet>• </bullet>a\n  $$"),
]
TABLES = [
    ("|a|b|\n|-|-|\n|1|22|", "a | b\n--+---\n1 | 22"),
    (
        "a|b|c\n:-|:-:|-:\n1|2|3\nlong|long|long",
        "a    |  b   |    c\n-----+------+-----\n1    |  2   |    3\nlong | long | long",
    ),
    ("|日本|b|\n|-|-|\n|a|👩‍👩‍👧|", "日本 | b\n-----+---\na    | 👩‍👩‍👧"),
    ("|**a**|[b](https://x.yz)|\n|-|-|", "a | b (https://x.yz)\n--+-----------------"),
    ("|a|b|\n|-|-|\n|1|\n|", "a | b\n--+--\n1 |\n  |"),
    ("|a|b|\n|-|-|\n|1|2|3|4|", "a | b\n--+--\n1 | 2 | 3 | 4"),
    ("|a|b|\n|-|-|\n|`x | y`|z|", "a     | b\n------+--\nx | y | z"),
    ("|a|b|\n|-|-|\n|`x | y`|", "a  | b\n---+---\n`x | y`"),
    ("|a|\n|-|\n|`x|$y|z$\\|", "a\n--\n`x | $y|z$|"),
    ("|a|\n|-|\n|\\(\\|x|\\)|", "a\n-------\n\\(|x|\\)"),
]


@pytest.mark.parametrize(("markdown", "expected"), [*INLINE, *LINKS, *BLOCKS, *DEFINITIONS])
def test_markdown_means(markdown: str, expected: str) -> None:
    """Each piece of Markdown means what CommonMark says it does, in the words of a chat."""
    assert tagged(parse(markdown)) == expected


@pytest.mark.parametrize(("markdown", "expected"), CJK)
def test_emphasis_is_seen_in_cjk(markdown: str, expected: str) -> None:
    """Punctuation of Chinese, Japanese and Korean does not keep emphasis from ending."""
    assert tagged(parse(markdown)) == expected


@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("around", ["{}", "a {} b", "- {}", "> {}"])
def test_formulas_are_kept(formula: str, around: str) -> None:
    """A formula of LaTeX is text to the letter, wherever it stands."""
    mark = around.removesuffix("{}") if around.startswith((">", "-")) else ""
    source = around.format(formula.replace("\n", "\n" + mark.replace("-", " ")))
    shown = parse(source).text.removeprefix("• ").replace("\n  ", "\n")
    assert shown == around.removeprefix(mark).format(formula)


@pytest.mark.parametrize(("markdown", "expected"), NO_FORMULAS)
def test_money_is_no_formula(markdown: str, expected: str) -> None:
    """Dollars and escaped brackets that are no formula leave Markdown as it is."""
    assert tagged(parse(markdown)) == expected


@pytest.mark.parametrize(("markdown", "expected"), TABLES)
def test_tables_are_laid_out(markdown: str, expected: str) -> None:
    """A table's columns stand below each other, as wide as a terminal shows them."""
    assert tagged(parse(markdown)) == f"<table><pre>{expected}</pre></table>"


def test_a_long_cell_does_not_make_each_row_long() -> None:
    """Cells are padded only so far: a table does not grow with rows times its widest cell."""
    table = parse("|a|b|\n|-|-|\n" + "|" + 10_000 * "x" + "|y|\n" + 100 * "|x|y|\n").text
    assert len(table) < 20_000


DEEP = {
    "quotes": ">" * 10_000 + " end",
    "spaced quotes": "> " * 10_000 + "end",
    "brackets": "[" * 10_000 + "end",
    "images": "![" * 5_000 + "end",
    "lists": "- " * 5_000 + "end",
    "numbers": "1. " * 5_000 + "end",
    "indented lists": "".join("  " * depth + "- a\n" for depth in range(200)) + "\nend",
    "quotes and lists": "> - " * 2_500 + "end\n" + "> - " * 2_500 + "\n\nend",
    "styles": "*a **b " * 2_000 + "end",
    "closed styles": "*a **b " * 500 + "end" + "** *" * 500,
}


@pytest.mark.parametrize("name", DEEP)
def test_what_is_nested_deeply_is_not_lost(name: str) -> None:
    """However deep something is nested, it is shown, and no stack overflows."""
    text = parse(DEEP[name]).text
    assert "end" in text
    assert text.count("a") == DEEP[name].count("a")


SHARE = 1 if os.environ.get("CHATSTATE_LONG") else 4
"""Of a million characters, so many times less are enough to see what grows with their square."""


def much(unit: str, times: int) -> str:
    return unit * (times // SHARE)


HUGE = {
    "prose": much("Lorem *ipsum* dolor `sit` amet.\n\n", 30_000),
    "one line": much("lorem ipsum ", 80_000),
    "one word": much("x", 1_000_000),
    "emphasis": much("*a", 100_000),
    "fences": much("```\n", 250_000),
    "unclosed formulas": much("\\(\\[$$a\\begin{cases}", 15_000),
    "lines of unclosed formulas": much("$$ a\n\\[\n\\begin{align}\n\n", 15_000),
    "an address and brackets": f"https://x.yz/{much('(', 300_000)}{much(')', 600_000)}a",
    "an address and a tail": f"https://x.yz/{much(')*', 80_000)}",
}


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_text_is_parsed_within_seconds(name: str) -> None:
    """A text of 250,000 characters takes seconds, not minutes; with CHATSTATE_LONG a million."""
    began = time.process_time()
    parse(HUGE[name])
    assert time.process_time() - began < 30 / SHARE  # some 5 s / SHARE


def test_importing_markup_is_cheap() -> None:
    """The parser is loaded when there is Markdown to parse, not before."""
    code = "import sys, chatstate.markup; print('markdown_it' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ran.stdout.strip() == "False"
