"""What a person reads of a message on Discord, and in which styles. A reader of its Markdown."""

import re

from chatstate.text import SpanKind

_FENCE = re.compile(r"```(?:[\w+.#-]*\n)?(.*?)\n?```", re.DOTALL)
_HEADING = re.compile(r"#{1,3} ")
_INLINE = re.compile(
    r"\\(?P<escaped>[^a-zA-Z0-9\s])|(?P<ticks>`+)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|\[(?P<label>(?:\\.|[^\]])+)\]\((?P<url>https?://[^)]+)\)|<(?P<alone>https?://[^>]+)>"
    r"|(?P<mark>\*\*|\*|__|~~|\|\|)(?P<marked>(?:\\.|.)+?)(?P=mark)(?!\*)",
    re.DOTALL,
)
_MARKS: dict[str, SpanKind] = {
    "**": "bold",
    "*": "italic",
    "~~": "strike",
    "__": "underline",
    "||": "spoiler",
}


def read(content: str) -> tuple[str, set[SpanKind]]:
    """Return the text that is shown, and the kinds of markup in it."""
    shown: list[str] = []
    styles: set[SpanKind] = set()
    end = 0
    for fence in _FENCE.finditer(content):
        shown.append(_lines(content[end : fence.start()], styles))
        shown.append(fence[1])
        styles.add("pre")
        end = fence.end()
    shown.append(_lines(content[end:], styles))
    return "".join(shown).replace("\u200b", ""), styles


def _lines(text: str, styles: set[SpanKind]) -> str:
    return "\n".join(_line(line, styles) for line in text.split("\n"))


def _line(line: str, styles: set[SpanKind]) -> str:
    if line.startswith("> "):
        styles.add("quote")
        line = line[2:]
    if heading := _HEADING.match(line):
        styles.add("heading")
        line = line[heading.end() :]
    if line.lstrip().startswith("- "):
        styles.add("bullet")
        line = line.replace("- ", "• ", 1)
    return _inline(line, styles)


def _inline(text: str, styles: set[SpanKind]) -> str:
    def shown(found: re.Match[str]) -> str:
        if found["escaped"]:
            return found["escaped"]
        if found["ticks"]:
            styles.add("code")
            code = found["code"]
            return code[1:-1] if code.startswith(" `") or code.endswith("` ") else code
        if found["alone"]:
            return found["alone"]
        if found["label"]:
            styles.add("link")
            return _inline(found["label"], styles)
        styles.add(_MARKS[found["mark"]])
        return _inline(found["marked"], styles)

    return _INLINE.sub(shown, text)
