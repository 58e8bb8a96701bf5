"""How a text on Discord is formatted: its Markdown, read as Discord's clients read it.

Pure functions. Discord's clients know no grammar but patterns ("Markdown Text 101" in its help), so
these are theirs:

1. What stands first counts. What is no pair is text.
2. Within code and addresses nothing is markup. A block of code is lines of its own; in a style it
   is code as any other.
3. No quote is in anything, and no style in one of its kind: the marks of it are text.
4. Names, times and emoji of a guild's own are what they name, in the words of who reads them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from chatstate import User
from chatstate.markup import Span, SpanKind, StyledText

_IN = r"(?:\\.|[^\\])+?"
_QUOTES = r"^>>>\ (?P<rest>.+)|^>\ (?P<quote>[^\n]*(?:\n>\ [^\n]*)*)|"
_TOKENS = rf"""
    ```(?:(?P<language>[A-Za-z0-9_+\-.\#]+)\n)?\n*(?P<pre>[^\n].*?)\n*```
    |^(?P<level>\#{{1,3}})\ +(?P<heading>[^\n]+)
    |^(?P<indent>\ *)(?:(?P<dash>[-*])|(?P<number>\d{{1,9}}\.))\ (?=\S)
    |\\(?P<escaped>[^0-9A-Za-z\s])
    |(?P<ticks>`+)(?P<code>.*?[^`])(?P=ticks)(?!`)
    |(?P<emoji><a?:\w+:\d+>)|<@!?(?P<user>\d+)>|<\#(?P<chat>\d+)>
    |<t:(?P<time>\d{{1,11}})(?::(?P<style>[tTdDfFR]))?>
    |\[(?P<label>(?:\\.|[^\[\]\\]|\[[^\[\]]*\])+)\]\(<?(?P<url>https?://[^\s<>]+?)>?\)
    |<(?P<alone>https?://[^\s<>]+)>|(?P<bare>https?://[^\s<>]*[^\s<>*_~|"'.,:;!?)])
    |\*\*(?P<bold>{_IN})\*\*(?!\*)|__(?P<underline>{_IN})__(?!_)
    |\*(?=\S)(?P<italic>(?:\*\*|\\.|\s+(?:\\.|[^*\s\\]|\*\*)|[^\s*\\])+?)\*(?!\*)
    |(?<!\w)_(?P<slanted>(?:__|\\.|[^\\_])+?)_(?!\w)
    |~~(?P<strike>.+?)~~(?!_)|\|\|(?P<spoiler>.+?)\|\|
    """
_FLAGS = re.VERBOSE | re.DOTALL | re.MULTILINE | re.ASCII
_ANYWHERE = re.compile(_QUOTES + _TOKENS, _FLAGS)
_WITHIN = re.compile(_TOKENS, _FLAGS)
_STYLES: Mapping[str, SpanKind] = {
    "bold": "bold",
    "italic": "italic",
    "slanted": "italic",
    "underline": "underline",
    "strike": "strike",
    "spoiler": "spoiler",
    "heading": "heading",
    "label": "link",
}


def formatted(content: str, people: Mapping[str, User]) -> StyledText:
    """Return the text of a message's content, without marks, and what they say of it."""
    reader = _Reader(people)
    reader.read(content, 0, len(content))
    spans = sorted(filter(None, reader.spans), key=lambda span: (span.start, -span.end))
    return StyledText("".join(reader.shown), tuple(spans))


class _Reader:
    """The text so far, with a place for the span of each mark that was begun."""

    def __init__(self, people: Mapping[str, User]) -> None:
        self.shown: list[str] = []
        self.spans: list[Span | None] = []
        self._people = people
        self._length = 0
        self._open: set[SpanKind] = set()
        self._tokens = _ANYWHERE
        self._is_below_code = False

    def read(self, text: str, start: int, end: int) -> None:
        """Read a stretch of a text."""
        position = start
        while found := self._tokens.search(text, position, end):
            self._write(text[position : found.start()])
            self._token(found)
            position = found.end()
        self._write(text[position:end])

    def _token(self, found: re.Match[str]) -> None:
        groups = found.groupdict()
        style = next((name for name in _STYLES if groups[name] is not None), None)
        if style:
            self._styled(found, style)
        elif groups.get("rest") or groups.get("quote") is not None:
            self._quote(groups.get("rest") or groups["quote"].replace("\n> ", "\n"))
        elif groups["pre"] and self._open - {"quote"}:
            self._span("code", groups["pre"])
        elif groups["pre"]:
            if self.shown and not self.shown[-1].endswith("\n"):
                self._write("\n")
            self._span("pre", groups["pre"], groups["language"] or "")
            self._is_below_code = True
        elif groups["dash"] or groups["number"]:
            self._write(groups["indent"])
            self._span("bullet", "• " if groups["dash"] else f"{groups['number']} ")
        else:
            self._leaf(found)

    def _quote(self, quoted: str) -> None:
        place = self._begin("quote")
        self._within(quoted, 0, len(quoted))
        self._end(place)

    def _within(self, text: str, start: int, end: int) -> None:
        """Read what is in something else, where there are no quotes."""
        tokens, self._tokens = self._tokens, _WITHIN
        self.read(text, start, end)
        self._tokens = tokens

    def _leaf(self, found: re.Match[str]) -> None:
        if found["escaped"]:
            self._write(found["escaped"])
        elif found["ticks"]:
            code = found["code"]
            is_spaced = code[:1] == code[-1:] == " " and code.strip(" ")
            self._span("code", code[1:-1] if is_spaced else code)
        elif found["emoji"]:
            self._span("emoji", f":{found['emoji'].split(':')[1]}:", f"discord {found['emoji']}")
        elif found["user"]:
            person = self._people.get(found["user"])
            self._span(
                "mention",
                f"@{person.name}" if person else f"<@{found['user']}>",
                f"user {found['user']}",
            )
        elif found["chat"]:
            self._span("mention", found[0], f"chat {found['chat']}")
        elif found["time"]:
            when = datetime.fromtimestamp(int(found["time"]), UTC)
            value = f"{found['time']} {found['style'] or 'f'}"
            self._span("time", f"{when:%Y-%m-%d %H:%M} UTC", value)
        else:
            self._write(found["alone"] or found["bare"])

    def _styled(self, found: re.Match[str], name: str) -> None:
        kind = _STYLES[name]
        if kind in self._open:
            self._write(found[0])
            return
        value = {"heading": str(len(found["level"] or "")), "link": found["url"] or ""}
        place = self._begin(kind)
        self._within(found.string, *found.span(name))
        self._end(place, value.get(kind, ""))

    def _span(self, kind: SpanKind, text: str, value: str = "") -> None:
        place = self._begin(kind)
        self._write(text)
        self._end(place, value)

    def _begin(self, kind: SpanKind) -> tuple[SpanKind, int, int]:
        if self._is_below_code:
            self._write("\n")
        self.spans.append(None)
        self._open.add(kind)
        return kind, len(self.spans) - 1, self._length

    def _end(self, place: tuple[SpanKind, int, int], value: str = "") -> None:
        kind, number, start = place
        self._open.discard(kind)
        if start < self._length:
            self.spans[number] = Span(kind, start, self._length, value)

    def _write(self, text: str) -> None:
        if text:
            if self._is_below_code and not text.startswith("\n"):
                text = f"\n{text}"
            self._is_below_code = False
            self.shown.append(text)
            self._length += len(text)
