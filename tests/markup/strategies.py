"""Texts and Markdown as people and models write them, and as nobody would.

1. `anything` is a text of letters, clusters, special characters and spaces: markup by accident.
2. `documents` are Markdown that means something; a seed tells all of one.
3. `hostile` is made of what has a meaning in Markdown, in no order.
4. `styled` are texts with spans that nest, which need not come from Markdown.
"""

# ruff: noqa: RUF001 - letters and punctuation of all scripts are the point

from collections.abc import Callable
from random import Random
from typing import get_args

from hypothesis import strategies as st

from chatstate.markup import Span, SpanKind, StyledText

LETTERS = "abcxyzäßжщλابجשלוםกข日本語中文한글"
CLUSTERS = [
    "👩‍👩‍👧‍👦",
    "👍🏽",
    "🇩🇪",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "e\u0301",
    "a\u0308\u0323",
    "நி",
    "क्षि",
    "\U0001d518",
    "\U0001d7db",
    "🙂",
    "각",
]
SPECIAL = [
    *r"*_~`|>#+-=.!:@/\<>()[]{}^&$%\"'",
    "**",
    "__",
    "~~",
    "||",
    "```",
    "@everyone",
    "@here",
    ":smile:",
    "<@12345678901234567>",
    "<t:1:R>",
    "<:a:12345678901234567>",
    "¯\\_(ツ)_/¯",
    "- ",
    "# ",
    "-# ",
    "> ",
    ">>> ",
    "1. ",
    "https://example.com",
    "https://example.com/a_b_c",
    "http://localhost:80/*x*",
    "www.example.com",
    "a@example.com",
    "javascript:alert(1)",
    "&amp;",
    "&#0;",
    "[ ] ",
    "|-|-|",
    "[a]",
    "[b]: ",
    "](",
    "![",
    '](/c "',
    "\n|-|-|\n",
    "| a | b",
    "```py ",
    "$$",
    "\\(",
    "\\]",
]
SPACES = [
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n    ",
    "\t",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\r\n",
    "\r",
    "\x0c",
]

visible = st.one_of(
    st.text(st.sampled_from(LETTERS), min_size=1, max_size=8), st.sampled_from(CLUSTERS)
)
pieces = st.one_of(
    visible,
    st.sampled_from(SPECIAL),
    st.sampled_from(SPACES),
    st.characters(exclude_categories=["Cs"]),
)
anything = st.lists(pieces, max_size=30).map("".join)
HOSTILE = [
    *("[a]: ", "[б]: ", "[日]: ", "[a]", "[б]", "[日]", "[", "]", "](", "][", "![", "]: ", "[^1]"),
    *("/a", "https://x.yz/", "<x>", "<https://", ">", ' "', '"', " '", "'", " (", ")"),
    *("\n", "\n\n", "\n    ", " ", "\n> ", "\n- ", "\n1. ", "\n7) ", "\n# ", "\n===\n", "\n---\n"),
    *("|", "\n|", "|a|б|\n|-|-|\n", "\n|-|:-:|--:|\n", "\\|", "`", "``", "```", "\n```", "\n~~~ "),
    *(
        "*",
        "**",
        "_",
        "__",
        "~~",
        "||",
        "<u>",
        "</u>",
        "$",
        "$$",
        "\\(",
        "\\)",
        "\\[",
        "\\]",
        "\n$$\n",
        "\n\\[\n",
    ),
    *(
        "\\begin{cases}",
        "\\end{cases}",
        "\\",
        "&amp;",
        "&#x65e5;",
        "&",
        "！",
        "：",
        "。",
        "「",
        "”",
    ),
    *("ж", "日本", "é", "🙂", "한", "a", "x", "12"),
]
hostile = st.one_of(anything, st.lists(st.sampled_from(HOSTILE), max_size=40).map("".join))
"""Markdown that means little, of what has a meaning in it."""


class Writer:
    """Writes Markdown by chance: faster than a strategy, and from a seed that tells all."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def some(self, make: Callable[[], str], low: int, high: int) -> list[str]:
        return [make() for _ in range(self.random.randint(low, high))]

    def word(self) -> str:
        if self.random.random() < 0.2:
            return self.random.choice(CLUSTERS)
        return "".join(self.some(lambda: self.random.choice(LETTERS), 1, 8))

    def phrase(self) -> str:
        return " ".join(self.some(self.word, 1, 4))

    def code(self) -> str:
        inside = "".join(self.some(lambda: self.random.choice("ab *_~|\\é日"), 1, 6))
        return self.random.choice(["`{}`", "`` {}`x ``", "``` {}``x ```"]).format(inside)

    def inline(self, depth: int = 3) -> str:
        """Return Markdown within a line, in each other."""
        if depth == 0 or self.random.random() < 0.3:
            leaf = self.random.choice([self.phrase, self.phrase, self.code, self.link])
            return leaf()
        styles = ["**{}**", "*{}*", "~~{}~~", "||{}||", "<u>{}</u>", "[{}](https://example.com/x)"]
        style = self.random.choice(styles)
        if self.random.random() < 0.5:
            return style.format(self.inline(depth - 1))
        return self.random.choice(["", " "]).join(self.some(lambda: self.inline(depth - 1), 2, 3))

    def link(self) -> str:
        url = self.random.choice(URLS)
        forms = [f"[{self.phrase()}]({url})", f"<{url}>", url, self.titled(url), self.formula()]
        return self.random.choice(forms)

    def titled(self, url: str) -> str:
        """Return a link with a title, an image in a link, or a link by reference."""
        title = self.phrase()
        image = f"![{self.word()}]({url} '{self.word()}')"
        return self.random.choice([f'[{title}]({url} "{title}")', f"[{image}]({url})", "[b][a]"])

    def formula(self) -> str:
        return self.random.choice([r"$a_1*b_2*\,c$", r"\(x_1 \\ y\)", r"$$\left\{ x \right\}$$"])

    def definition(self) -> str:
        title = self.random.choice(["", f' "{self.phrase()}"'])
        return f"[{self.random.choice(['a', self.word()])}]: {self.random.choice(URLS)}{title}"

    def lines(self) -> str:
        return "\n".join(self.some(self.inline, 1, 3))

    def fence(self) -> str:
        language = self.random.choice(["", "py", "c++ title", "{.x}"])
        code = self.some(lambda: self.random.choice(CODE_LINES), 0, 6)
        return "\n".join([f"~~~{language}", *code, "~~~"])

    def table(self) -> str:
        rows = self.some(lambda: f"|{'|'.join(self.some(self.inline, 0, 4))}|", 1, 3)
        return "\n".join(["| a | b |", "|---|--:|", *rows])

    def heading(self) -> str:
        return f"{self.random.choice(['#', '##', '####'])} {self.inline()}"

    def rule(self) -> str:
        return "---"

    def block(self, depth: int = 3) -> str:
        """Return a block, with others in it if it is a quote or a list."""
        if depth == 0 or self.random.random() < 0.4:
            leaves = [self.lines, self.heading, self.fence, self.table, self.rule, self.definition]
            return self.random.choice([self.lines, *leaves])()
        inner = "\n\n".join(self.some(lambda: self.block(depth - 1), 1, 2))
        if self.random.random() < 0.3:
            return "> " + inner.replace("\n", "\n> ")
        return "\n".join(self.some(lambda: self.item(depth - 1), 1, 3))

    def item(self, depth: int) -> str:
        marker = self.random.choice(["- ", "1. ", "7) "])
        box = self.random.choice(["", "", "[ ] ", "[x] "])
        return marker + box + self.block(depth).replace("\n", "\n" + " " * len(marker))

    def document(self) -> str:
        return "\n\n".join(self.some(self.block, 1, 3))


documents = st.integers(0, 2**64).map(lambda seed: Writer(seed).document())
markdown = st.one_of(anything, documents)


URLS = [
    "https://example.com",
    "https://example.com/a_b",
    "https://en.example.org/wiki/X_(y)",
    "https://example.com/?q=*a*&b=~~c~~",
    "http://münchen.example/straße#x|y",
]
CODE_LINES = ["", "x = 1", "    y", "# z", "```", "> q", "日本 🙂"]


@st.composite
def styled(draw: st.DrawFn) -> StyledText:
    """Draw a text with spans that nest, but keep no other rule."""
    text = draw(anything)
    spans = draw(_spans(0, len(text), 3)) if text else []
    return StyledText(text, tuple(sorted(spans, key=lambda span: (span.start, -span.end))))


@st.composite
def _spans(draw: st.DrawFn, start: int, end: int, depth: int) -> list[Span]:
    edges = sorted(draw(st.sets(st.integers(start, end), max_size=4)))
    kinds = st.sampled_from(get_args(SpanKind))
    found: list[Span] = []
    for first, last in zip(edges[::2], edges[1::2], strict=False):
        kind: SpanKind = draw(kinds)
        value = {"link": "https://example.com/x", "heading": "2", "pre": "py"}.get(kind, "")
        found.append(Span(kind, first, last, value))
        if depth:
            found.extend(draw(_spans(first, last, depth - 1)))
    return found
