"""What is true of any styled text, and of any message that Telegram takes."""

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from chatstate.markup import StyledText

STYLES = {"bold", "italic", "underline", "strikethrough", "spoiler"}


def bare(text: str) -> str:
    """Return a text without its white space."""
    return re.sub(r"\s+", "", text)


def assert_nested(ranges: Sequence[tuple[int, int]], length: int) -> None:
    """Hold ranges to being in the text, not empty, in order, and none across another."""
    assert all(0 <= start < end <= length for start, end in ranges)
    assert list(ranges) == sorted(ranges, key=lambda bounds: (bounds[0], -bounds[1]))
    for (_, first_end), (start, end) in combinations(ranges, 2):
        assert start >= first_end or end <= first_end, "crossing"


def assert_valid(text: StyledText) -> None:
    """Hold it to the rules at the top of `chatstate.text`."""
    assert_nested([(span.start, span.end) for span in text.spans], len(text.text))


def assert_whole_lines(text: StyledText) -> None:
    """Hold each `pre` and `quote` to covering whole lines; nothing is in a `pre`."""
    for span in text.spans:
        if span.kind in ("pre", "quote"):
            assert span.start == 0 or text.text[span.start - 1] == "\n"
            assert span.end == len(text.text) or text.text[span.end] == "\n"
        if span.kind == "pre":
            inside = {
                other.kind
                for other in text.spans
                if span.start < other.end and span.end > other.start
            }
            assert inside <= {"pre", "table", "quote"}


def assert_takeable(text: str, entities: Sequence[dict[str, Any]]) -> None:
    """Hold entities to what Telegram takes and shows where it is meant."""
    units = text.encode("utf-16-le")
    ranges = [(entity["offset"], entity["offset"] + entity["length"]) for entity in entities]
    assert len(ranges) <= 100
    assert_nested(ranges, len(units) // 2)
    for number, ((start, end), entity) in enumerate(zip(ranges, entities, strict=True)):
        covered = units[2 * start : 2 * end].decode("utf-16-le")  # fails within a pair
        assert covered.strip() == covered or entity["type"] in ("pre", "blockquote")
        assert covered.rstrip() == covered
        inside = {
            following["type"]
            for (inner, _), following in zip(
                ranges[number + 1 :], entities[number + 1 :], strict=True
            )
            if inner < end
        }
        assert entity["type"] not in inside
        assert not inside or entity["type"] not in ("pre", "code")
        assert not inside & {"pre", "code"} or entity["type"] == "blockquote"
        assert "blockquote" not in inside
        assert entity["type"] != "text_link" or inside <= STYLES
