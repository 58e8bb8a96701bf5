"""Lines that are written below a reply's text: what a platform cannot show in its own way."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from chatstate.adapter import Post
from chatstate.text import StyledText


def with_lines(post: Post, lines: Sequence[str]) -> Post:
    """Return the post with lines below its text."""
    if not lines:
        return post
    above = f"{post.text.text.rstrip()}\n\n" if post.text.text.strip() else ""
    text = StyledText(post.text.text, post.text.spans)
    if above:
        text = text.cut(0, len(above) - 2)
    return replace(post, text=StyledText(above + "\n".join(lines), text.spans))
