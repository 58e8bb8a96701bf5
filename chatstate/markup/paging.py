"""A post that is longer than one message of its platform."""

from __future__ import annotations

from msgspec.structs import replace

from chatstate.adapter import Post
from chatstate.markup.splitting import Measure, split


def pages(post: Post, limit: int, measure: Measure) -> list[Post]:
    """Return `post` as posts whose texts are within `limit`, as `measure` tells; see `split`.

    The first one answers what the post does (`reply_to`); what hangs on it is on the last.
    A limit of 0 is none.
    """
    texts = split(post.text, limit, measure) if limit and post.text.text.strip() else [post.text]
    bare = Post(texts[0], silent=post.silent, ephemeral=post.ephemeral)
    pages = [replace(bare, text=text) for text in texts[:-1]]
    pages.append(replace(post, text=texts[-1], reply_to=None))
    pages[0] = replace(pages[0], reply_to=post.reply_to)
    return pages
