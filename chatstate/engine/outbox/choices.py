"""What people choose from, where a platform lacks buttons, has other ones, or no room for all.

1. Buttons beyond those of a message are written out below its text, as all are where there are
   none: a press sends a text, and so does whoever types it.
2. A select becomes buttons, of which one is pressed, or several are marked; or it is written out.
3. Suggestions become buttons. What only they can do is asked for in words.
4. A message of which nothing but the buttons is changed gets no other words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec.structs import replace

from chatstate.adapter import Capabilities, Post, PostButton, PostOption, PostSelect
from chatstate.engine.outbox.lines import with_lines
from chatstate.language.sentences import say
from chatstate.replies import BUTTONS_LIMIT

Sentences = Mapping[str, str]
Row = Sequence[PostButton]
_BESIDE = 20  # characters of labels, up to which two options stand beside each other


def buttons_as_list(post: Post, sentences: Sentences) -> Post:
    """Return the post with its buttons, and its select, as a list of what to send."""
    post = links_as_lines(post, sentences)
    post = replace(_with_list(post, _able(post.buttons), 1, sentences), buttons=())
    return _select_as_list(post, sentences) if post.select else post


def links_as_lines(post: Post, sentences: Sentences) -> Post:
    """Return the post with the addresses that buttons open below its text."""
    links = [button for row in post.buttons for button in row if button.url]
    rows = [[button for button in row if not button.url] for row in post.buttons]
    lines = [say(sentences, "link", label=link.label, url=link.url) for link in links]
    return with_lines(replace(post, buttons=[row for row in rows if row]), lines)


def without_styles(post: Post, _sentences: Sentences) -> Post:
    """Return the post with buttons that look like all others."""
    return _each(post, lambda button: replace(button, style="secondary"))


def without_disabled(post: Post, _sentences: Sentences) -> Post:
    """Return the post with buttons that can all be pressed: to press these does nothing."""
    return _each(post, lambda button: replace(button, disabled=False))


def select_as_buttons(post: Post, sentences: Sentences) -> Post:
    """Return the post with a button for each option of its select, or with a list of them."""
    select = post.select
    if select is None:
        return post
    if not (select.marks or _is_of_one(select)):
        return _select_as_list(post, sentences)
    bare = replace(post, select=None, buttons=[*post.buttons, *_rows(select, sentences)])
    return with_lines(bare, [] if post.keeps else _hints(select))


def suggestions_as_buttons(post: Post, sentences: Sentences) -> Post:
    """Return the post with suggestions as buttons; what they ask to share is asked in words."""
    post = without_shares(post, sentences)
    row = [PostButton(given.label, given.data, given.sends) for given in post.suggestions]
    rows = [[button] for button in row] if sum(len(b.label) for b in row) > 2 * _BESIDE else [row]
    return replace(post, suggestions=(), buttons=[*post.buttons, *(row for row in rows if row)])


def without_shares(post: Post, sentences: Sentences) -> Post:
    """Return the post with what suggestions ask to share below its text."""
    shares = [given.share for given in post.suggestions if given.share]
    left = [given for given in post.suggestions if not given.share]
    lines = [say(sentences, f"write_{share}") for share in dict.fromkeys(shares)]
    return with_lines(replace(post, suggestions=left), lines)


def with_room(post: Post, capabilities: Capabilities, sentences: Sentences) -> Post:
    """Return the post with as many buttons as there is room for, and something above them."""
    width, height = capabilities.row_width, capabilities.max_rows - (post.select is not None)
    rows = [piece for row in post.buttons for piece in _pieces(row, width)]
    flat = [button for row in rows for button in row]
    room = min(width * height, BUTTONS_LIMIT)
    if len(rows) > height:
        rows = [flat[first : first + width] for first in range(0, min(len(flat), room), width)]
    elif len(flat) > room:
        rows = _first(rows, room)
    post = replace(post, buttons=rows)
    if len(flat) > room:
        left = links_as_lines(replace(post, buttons=[flat[room:]]), sentences)
        post = _with_list(replace(left, buttons=rows), _able(left.buttons), room + 1, sentences)
    if post.text.text.strip() or post.card or post.keeps:
        return post
    return with_lines(post, [say(sentences, "choose")])


def _select_as_list(post: Post, sentences: Sentences) -> Post:
    select = post.select
    if select is None:
        return post
    sentence = "choose" if _is_of_one(select) else "choose_some"
    lines = [select.placeholder] if select.placeholder else []
    lines += [say(sentences, sentence), *_numbered(select.options, 1, sentences)]
    return with_lines(replace(post, select=None), lines)


def _rows(select: PostSelect, sentences: Sentences) -> list[Row]:
    """Return the options of a select as rows of buttons, and at last the one that ends it."""
    labels = [
        say(sentences, "marked", label=option.label) if option.chosen else option.label
        for option in select.options
    ]
    buttons = [
        PostButton(label, option.data, option.sends)
        for label, option in zip(labels, select.options, strict=True)
    ]
    beside = 2 if max(map(len, labels)) <= _BESIDE else 1
    rows: list[Row] = [buttons[first : first + beside] for first in range(0, len(buttons), beside)]
    if select.marks:
        done = say(sentences, "done")
        rows.append([PostButton(done, select.data, done, style="primary")])
    return rows


def _hints(select: PostSelect) -> list[str]:
    described = [f"{o.label}: {o.description}" for o in select.options if o.description]
    return [*([select.placeholder] if select.placeholder else []), *described]


def _with_list(post: Post, buttons: Sequence[PostButton], first: int, sentences: Sentences) -> Post:
    """Return the post with a list of what can be sent below its text, numbered from `first`."""
    if not buttons:
        return post
    return with_lines(post, [say(sentences, "choose"), *_numbered(buttons, first, sentences)])


def _numbered(
    choices: Sequence[PostButton | PostOption], first: int, sentences: Sentences
) -> Iterable[str]:
    for number, choice in enumerate(choices, first):
        same = choice.label.casefold() == choice.sends.casefold()
        name = "choice_same" if same else "choice"
        line = say(sentences, name, number=number, label=choice.label, sends=choice.sends)
        more = choice.description if isinstance(choice, PostOption) else ""
        yield f"{line} ({more})" if more else line


def _able(rows: Sequence[Row]) -> list[PostButton]:
    """Return the buttons that do something."""
    return [button for row in rows for button in row if not button.disabled]


def _is_of_one(select: PostSelect) -> bool:
    return select.min_values == select.max_values == 1


def _pieces(row: Row, width: int) -> list[Row]:
    """Return a row as rows of about equal width, for none of which it is too wide."""
    count = -(-len(row) // width)
    beside = -(-len(row) // max(count, 1))
    return [row[first : first + beside] for first in range(0, len(row), max(beside, 1))]


def _first(rows: Sequence[Row], room: int) -> list[Row]:
    kept: list[Row] = []
    for row in rows:
        kept.append(row[:room])
        room -= len(row)
        if room <= 0:
            break
    return kept


def _each(post: Post, change: Callable[[PostButton], PostButton]) -> Post:
    return replace(post, buttons=[[change(button) for button in row] for row in post.buttons])
