"""Styled text in Discord's dialect of Markdown.

Discord has no escape-free form, so what is no markup is escaped. Its clients parse with patterns,
not as CommonMark, and not all alike; what is written here means the same to all that are known:

1. Styles begin and end in one line, at something visible. Where one ends and another begins, a
   zero-width space keeps their markers apart.
2. Code whose own characters could end a style around it stands outside of that style. Backticks
   in code are kept apart by zero-width spaces: there are no longer fences, and no longer runs
   that all clients know. Discord has no other way to show them.
3. Code blocks stand outside of quotes, which not all clients can end rightly behind one. Quotes
   are not nested.
4. A web address in text is left alone where all clients see the same one. Else it stands in
   `<>`, or, if it may be none, it is made none by escaping its colon.
5. A link whose label holds an address or odd brackets, or that is not of the web, is written as
   its label and its address: Discord shows it raw otherwise. So is each link of a text with `](`
   in some code: to the patterns of some clients a label goes on until there.
6. Lists are Discord's own, but for markers it does not know and items that begin with a block.

7. A mention, a time and an emoji are Discord's own form, outside of code and of labels.

What looks like a mention in text is escaped, and emoji too. But Discord looks for mentions before
its clients parse: send this with `allowed_mentions` of those alone who are to be notified.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from chatstate.markup import Block, Close, Open, Span, SpanKind, StyledText, blocks, walk
from chatstate_discord.send.names import native_name

_KEEP_APART = "\u200b"
_MARKERS: dict[SpanKind, str] = {
    "bold": "**",
    "heading": "**",
    "italic": "*",
    "underline": "__",
    "strike": "~~",
    "spoiler": "||",
}
_UNESCAPED = ("~~", "||")  # within these some clients know no escapes
_CONTROLS = {code: " " for code in range(0x20) if chr(code) not in "\t\n\r"}
_LINE_BREAK = re.compile(r"\r(?!\n)")

_SPECIAL = re.compile(
    r"[\\*_`<\[]|\|(?=\|)|(?<=\|)\||^~|~(?=~|$)|(?<=~)~|@(?=everyone|here)|:(?=[^\s:]+:)|(?<=\])\("
)
_LINE_START = re.compile(r"(?:#{1,3}|-#|>{1,3}|[-+]|\d+(?=\.))(?=\.?(?:\s|$))")
_NUMBER = re.compile(r"\d{1,9}\. ")
_LANGUAGE = re.compile(r"[A-Za-z0-9_+\-.#]+")
_STYLE_ENDS = re.compile(r"[*_~|\\]")

_URL = re.compile(r"https?://[^\s<>]+")
_BEHIND_URL = ".,:;!?\"'*~|`])"
_LETTER = r"[^\W\d_\u0590-\u08ff\ufb1d-\ufefc]"  # mixed directions make no domain
_DOMAIN = rf"(?:(?:{_LETTER}|\d)(?:{_LETTER}|[\d-])*\.)+(?:{_LETTER}{{2,}}|xn--[a-z\d-]+)"
_HOST = rf"(?:{_DOMAIN}|localhost|\d{{1,3}}(?:\.\d{{1,3}}){{3}})"
_PATH = r"[/?#](?:(?!://|\)[*_~|])[\w\-.~:/?#@!$&'()*+,;=%|\[\]])*"
_SURE_URL = re.compile(rf"https?://{_HOST}(?::\d{{1,4}})?(?:{_PATH})?")
"""An address that all clients take for one when it stands in `<>`."""

_LABEL = re.compile(r"(?!.*://)(?:[^\[\]]|\[[^\[\]]*\])+")
_UNSAFE_IN_URL = re.compile(r"[\s<>()\[\]*|`\\\"'{}^]|~(?=~)")


def measure(text: StyledText) -> int:
    """Return how long a message with this text is, in code points, which Discord's API counts."""
    return len(markdown(text))


def markdown(text: StyledText) -> str:
    """Return the text as Discord's Markdown. Without spans, no character of it is markup."""
    broken = _LINE_BREAK.sub("\n", text.text).replace("\r", " ").translate(_CONTROLS)
    styled = StyledText(broken, text.spans)
    masks = not any("](" in broken[span.start : span.end] for span in text.spans if _is_code(span))
    return "\n".join(_block(block, masks=masks) for block in blocks(styled))


def _is_code(span: Span) -> bool:
    return span.kind in ("code", "pre")


def _block(block: Block, *, masks: bool) -> str:
    if block.kind != "line" and not block.text.text.isspace():
        return _fenced(block.text)
    return "> " * bool(block.quotes) + _line(block.text, masks=masks)


def _fenced(text: StyledText) -> str:
    language = next((span.value for span in text.spans if span.kind == "pre"), "")
    language = language if _LANGUAGE.fullmatch(language) else ""
    code = re.sub("``(?=`)", "``" + _KEEP_APART, text.text)
    return f"```{language}\n{code}\n```"


@lru_cache(maxsize=256)  # a splitter measures the same lines again and again
def _line(line: StyledText, *, masks: bool) -> str:
    """Return a line, with what makes it an item or a heading."""
    indent = len(line.text) - len(line.text.lstrip())
    for span in line.spans:
        if span.kind == "bullet" and span.start == indent:
            rest = line.cut(span.end, len(line.text))
            marker = _marker(line.text[indent : span.end])
            if marker and rest.text.strip():
                return line.text[:indent] + marker + _Line(_tree(rest), masks=masks).write()
        elif span.kind == "heading" and span.value in ("1", "2", "3") and span.start <= indent:
            bare = tuple(span for span in line.spans if span.kind != "heading")
            tree = _tree(StyledText(line.text, bare))
            return "#" * int(span.value) + " " + _Line(tree, masks=masks).write().lstrip()
    return _Line(_tree(line), masks=masks).write()


def _marker(marker: str) -> str:
    """Return Discord's own marker of a list, if it has this one."""
    return "- " if marker == "• " else marker if _NUMBER.fullmatch(marker) else ""


class _Node(msgspec.Struct):
    """A span that has markup of its own in Discord, and what is in it."""

    span: Span
    children: list[str | _Node]


def _tree(text: StyledText) -> list[str | _Node]:
    """Return a line as strings and nodes; no two strings stand side by side."""
    top: list[str | _Node] = []
    inside: list[_Node | None] = []
    for event in walk(text):
        holders = [node for node in inside if node]
        children = holders[-1].children if holders else top
        match event:
            case Open(span):
                has_markup = _has_markup(span, holders) and not _is_bare(span, text.text)
                inside.append(_Node(span, []) if has_markup else None)
            case Close():
                if node := inside.pop():
                    above = [node for node in inside if node]
                    (above[-1].children if above else top).append(node)
            case str() if children and isinstance(children[-1], str):
                children[-1] += event
            case str():
                children.append(event)
    return top


def _has_markup(span: Span, holders: list[_Node]) -> bool:
    kinds = [node.span.kind for node in holders]
    if "code" in kinds:
        return False
    if span.kind in ("mention", "time", "emoji"):
        return "link" not in kinds and bool(native_name(span))
    if span.kind in ("code", "link"):
        return span.kind not in kinds
    marker = _MARKERS.get(span.kind)
    return marker is not None and marker not in [_MARKERS.get(node.span.kind) for node in holders]


def _is_bare(span: Span, text: str) -> bool:
    return span.kind == "link" and text[span.start : span.end] == span.value


class _Line:
    """Writes a line, or the label of a link.

    Markers are written when something visible follows: those that end before the white space
    that was met meanwhile, those that begin after it.
    """

    def __init__(self, tree: list[str | _Node], *, masks: bool, is_label: bool = False) -> None:
        self._tree = tree
        self._left = sum(map(len, _strings(tree)))
        self._masks = masks
        self._is_label = is_label
        self._written: list[str] = []
        self._open: list[str] = []
        self._begun_at: list[int] = []
        self._space = ""
        self._just_ended = False

    def write(self) -> str:
        self._children(self._tree, [])
        self._end_styles([])
        return "".join([*self._written, self._space])

    def _children(self, children: list[str | _Node], styles: list[str]) -> None:
        for child in children:
            if isinstance(child, str):
                self._text(child, styles)
            elif child.span.kind == "code":
                self._code("".join(_strings(child.children)), styles)
            elif child.span.kind == "link":
                self._link(child, styles)
            elif native := native_name(child.span):
                self._left -= sum(map(len, _strings(child.children)))
                self._put(native, styles)
            else:
                self._children(child.children, [*styles, _MARKERS[child.span.kind]])

    def _text(self, text: str, styles: list[str]) -> None:
        self._left -= len(text)
        shown = text.strip()
        if not shown:
            self._space += text
            return
        start = text.index(shown)
        behind = text[start + len(shown) :]
        ends_alone = not styles and bool(behind or not self._left)
        self._space += text[:start]
        self._put(self._escaped(shown, ends_alone=ends_alone, is_styled=bool(styles)), styles)
        self._space = behind

    def _put(self, visible: str, styles: list[str]) -> None:
        self._end_styles(styles)
        begun = styles[len(self._open) :]
        if not self._space:
            self._keep_apart(begun[0] if begun else visible)
        self._written.append(self._space)
        for style in begun:
            self._begun_at.append(len(self._written))
            self._open.append(style)
            self._written.append(style)
        self._written.append(visible)
        self._space = ""
        self._just_ended = False

    def _end_styles(self, wanted: list[str]) -> None:
        """End the styles that are not wanted; two that began at once may end at once."""
        last_begun_at = 0
        while self._open != wanted[: len(self._open)]:
            begun_at = self._begun_at.pop()
            if last_begun_at != begun_at + 1:
                self._keep_apart(self._open[-1])
            style = self._open[-1]
            if style in _UNESCAPED and self._written[-1].endswith(style[0]):
                self._written.append(_KEEP_APART)
            self._written.append(self._open.pop())
            self._just_ended = True
            last_begun_at = begun_at

    def _keep_apart(self, following: str) -> None:
        if self._just_ended and self._written[-1].endswith(following[0]):
            self._written.append(_KEEP_APART)

    def _escaped(self, text: str, *, ends_alone: bool, is_styled: bool) -> str:
        if self._is_label:
            return _escape(text).replace("]", "\\]")
        escaped: list[str] = []
        position = 0
        for found in _URL.finditer(text):
            escaped.append(_escape(text[position : found.start()]))
            position = found.end()
            is_alone = ends_alone if position == len(text) else text[position] in " \t"
            escaped.append(_address(found[0], is_alone=is_alone, is_styled=is_styled))
        escaped.append(_escape(text[position:]))
        return "".join(escaped) if self._written else _at_start(text, "".join(escaped))

    def _code(self, code: str, styles: list[str]) -> None:
        self._left -= len(code)
        if code.isspace():
            self._space += code
            return
        self._put(_inline_code(code), [] if _is_unruly(code) else styles)
        self._just_ended = True

    def _link(self, link: _Node, styles: list[str]) -> None:
        label, url = "".join(_strings(link.children)), link.span.value
        target = _UNSAFE_IN_URL.sub(_percent_encoded, url)
        if label.isspace():
            self._children(link.children, styles)
        elif self._masks and _LABEL.fullmatch(label) and _SURE_URL.fullmatch(target):
            self._left -= len(label)
            shown = _Line(link.children, masks=False, is_label=True).write()
            self._space += shown[: len(shown) - len(shown.lstrip())]
            self._put(f"[{shown.strip()}]({target})", [] if _has_unruly_code(link) else styles)
            self._space = shown[len(shown.rstrip()) :]
        else:
            self._children(link.children, styles)
            self._space = self._space or " "
            self._put(f"({_address(url, is_alone=False, is_styled=bool(styles))})", styles)


def _is_unruly(code: str) -> bool:
    """Tell whether code holds what could end a style around it."""
    return bool(_STYLE_ENDS.search(code))


def _has_unruly_code(node: _Node) -> bool:
    if node.span.kind == "code":
        return _is_unruly("".join(_strings(node.children)))
    return any(_has_unruly_code(child) for child in node.children if isinstance(child, _Node))


def _strings(tree: list[str | _Node]) -> Iterator[str]:
    for child in tree:
        if isinstance(child, str):
            yield child
        else:
            yield from _strings(child.children)


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _at_start(text: str, escaped: str) -> str:
    """Escape what would make this the start of a heading, an item or a quote."""
    found = _LINE_START.match(text)
    if not found:
        return escaped
    at = found.end() if found[0].isdigit() else 0
    return f"{escaped[:at]}\\{escaped[at:]}"


def _inline_code(code: str) -> str:
    if "`" not in code:
        return f"`{code}`"
    apart = re.sub("`(?=`)", "`" + _KEEP_APART, code)
    before, behind = " " * apart.startswith("`"), " " * apart.endswith("`")
    return f"``{before}{apart}{behind}``"


def _address(token: str, *, is_alone: bool, is_styled: bool) -> str:
    """Write what looks like a web address; it is alone if no markup follows it at once."""
    rest = token.partition("://")[2]
    if is_alone and _escape(rest) == rest:
        return token
    body = _without_tail(token)
    could_end_style = is_styled and re.search(r"[*~]", body)
    if could_end_style or not _SURE_URL.fullmatch(body):
        return "\\://".join(map(_escape, token.split("://")))
    is_plain = not body.endswith("_") and _escape(rest.replace("_", "")) == rest.replace("_", "")
    return token if is_alone and is_plain else f"<{body}>{_escape(token[len(body) :])}"


def _percent_encoded(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode())


def _without_tail(token: str) -> str:
    """Leave out punctuation behind an address, but not the brackets that close some in it."""
    body = token.rstrip(_BEHIND_URL)
    tail = token[len(body) :]
    closing = min(body.count("(") - body.count(")"), len(tail) - len(tail.lstrip(")")))
    return body + ")" * max(closing, 0)
