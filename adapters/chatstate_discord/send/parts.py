"""A reply as calls of Discord's API. Pure functions.

A part's `content` holds `text` in Discord's Markdown, `buttons` as rows, a `select`, an `embed`,
a `poll`, a `sticker` by its id (and its `words`), `reply_to`, `silent`, `ephemeral`, `ping`, and as
`native` what its author adds; or a `reaction` alone.

1. The limits are those of Discord's pages "Message" and "Component": 2,000 characters, ten files,
   and 10 MiB for each of them.
2. Nobody is notified by what a part says, but for those whom its author wants to be (`ping`).
3. A label is shortened to the 80 characters that Discord shows; what the button sends is not.
4. Equal custom ids are made different: Discord refuses them, and trims blanks at their ends.
5. A card is an embed, and its picture the first file. One that is too large once it is written in
   Discord's Markdown, or whose picture Discord cannot show in it, is text.
6. What a reply adds replaces nothing of it. In an edit there is what can be edited.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from chatstate import Poll, ReplyError, Sticker
from chatstate.adapter import Part, Post, PostButton, PostSelect, StoredFile
from chatstate.markup import StyledText, joined, pages, written
from chatstate_discord.send.embeds import embed_of, shown_picture
from chatstate_discord.send.markup import markdown, measure

TEXT_LIMIT = 2000
FILE_BYTES = 10 * 1024 * 1024
LABEL_LIMIT = 80
BUTTON_BYTES = 96  # of 100, as equal ones are made different by a few characters
EPHEMERAL, SILENT = 1 << 6, 1 << 12
_STYLES = {"primary": 1, "secondary": 2, "success": 3, "danger": 4}
_LINK = 5
_FILES, _REQUEST_BYTES = 10, 24_000_000
_SURROGATE = re.compile("[\ud800-\udfff]")
_LOOKS_UNIQUE = re.compile(r".*(\u2063\d{1,2}|\s)", re.DOTALL)
_OF_THE_REPLY = frozenset(
    ("content", "components", "attachments", "message_reference", "nonce", "enforce_nonce")
)
_SHOWN = frozenset(("embeds", "poll", "sticker_ids"))
"""What of that which a reply adds is seen: it comes with the last of several messages."""
_NEW = frozenset(("poll", "sticker_ids"))
"""What of that which a reply adds no edit takes."""
_EDITABLE = frozenset(("embeds", "allowed_mentions", "flags"))
"""What of that which a reply adds to a new message can be edited, too."""
NOBODY: Mapping[str, Any] = {"parse": [], "replied_user": False}


def render(post: Post) -> Sequence[Part]:
    """Return the messages that show a post: its texts, the files with the last of them."""
    if post.reaction is not None:
        return [Part({"reaction": post.reaction})]
    if post.native:
        _check(post)
    clean = _with_card(replace(post, text=_clean(post.text)))
    groups = list(_groups(clean.files))
    first, *others = groups or [[]]
    texts = pages(replace(clean, files=first), TEXT_LIMIT, measure)
    bare = Post(StyledText(""), silent=post.silent, ephemeral=post.ephemeral, native=post.native)
    *before, last = [*texts, *(replace(bare, files=group) for group in others)]
    often = {name: value for name, value in post.native.items() if name not in _SHOWN}
    return [*[_part(replace(shown, native=often)) for shown in before], _part(last)]


def _check(post: Post) -> None:
    """Raise `ReplyError` for what is added and is told by the reply itself."""
    shared = post.shared
    shown: dict[str, object] = {"embeds": post.card, "poll": isinstance(shared, Poll)}
    shown["sticker_ids"] = isinstance(shared, Sticker)
    own = {*_OF_THE_REPLY, *(name for name, is_shown in shown.items() if is_shown)}
    if taken := sorted(own & post.native.keys()):
        raise ReplyError(
            f"Reply(native=...): {taken[0]} is told by the reply itself; a call of which all is "
            "yours is Native(...)"
        )


def _with_card(post: Post) -> Post:
    """Return the post with the picture of its card among the files; or with the card as text."""
    card = post.card
    if card is None:
        return post
    files = post.files if card.picture is None else [shown_picture(card.picture), *post.files]
    if embed_of(card) is not None:
        return replace(post, files=files)
    text = joined([post.text, _clean(written(card))], "\n\n")
    return replace(post, text=text, files=files, card=None)


def comes_new(part: Part) -> bool:
    """Tell whether a part is a new message: no other can become it, nor can a waiting sign."""
    content = part.content
    return bool({"poll", "sticker"} & content.keys() or _NEW & content.get("native", {}).keys())


def without_sticker(part: Part) -> Part:
    """Return a part with its sticker in words: where Discord does not take it."""
    content = {**part.content}
    if content.pop("sticker", None) is not None:
        said = "\n\n".join(filter(None, (content.get("text", ""), content.pop("words"))))
        if len(said) <= TEXT_LIMIT:
            content["text"] = said
    return replace(part, content=content)


def nonce(key: str) -> str:
    """Return what Discord knows a call by: at most 25 characters."""
    digest = hashlib.blake2b(key.encode(), digest_size=18).digest()
    return base64.urlsafe_b64encode(digest).decode()


def new_message(part: Part, *, nonce: str | None = None) -> dict[str, Any]:
    """Return the body that sends a part."""
    content = part.content
    flags = SILENT * bool(content.get("silent")) | EPHEMERAL * bool(content.get("ephemeral"))
    body = _body(part)
    body = {name: value for name, value in body.items() if value != []}
    if "poll" in content:
        body["poll"] = content["poll"]
    if "sticker" in content:
        body["sticker_ids"] = [content["sticker"]]
    added = {**content.get("native", {})}
    if flags := flags | added.pop("flags", 0):
        body["flags"] = flags
    body |= added
    if nonce is not None:
        body |= {"nonce": nonce, "enforce_nonce": True}
    if "reply_to" in content:
        answered = {"message_id": content["reply_to"], "fail_if_not_exists": False}
        body["message_reference"] = answered
    return body


def changed_message(part: Part) -> dict[str, Any]:
    """Return the body that shows a part in place of what a message showed."""
    body = _body(part)
    body.setdefault("attachments", [])
    added = part.content.get("native", {})
    return body | {name: value for name, value in added.items() if name in _EDITABLE}


def _body(part: Part) -> dict[str, Any]:
    ping = part.content.get("ping")
    body: dict[str, Any] = {
        "content": part.content.get("text", ""),
        "components": _components(part),
        "embeds": [part.content["embed"]] if "embed" in part.content else [],
        "allowed_mentions": {**NOBODY, "users": ping} if ping else NOBODY,
    }
    if part.files:
        names = [{"id": number, "filename": file.name} for number, file in enumerate(part.files)]
        body["attachments"] = names
    return body


def _components(part: Part) -> list[dict[str, Any]]:
    rows = [
        [{"type": 2, "style": 2, **button} for button in row]
        for row in part.content.get("buttons", ())
    ]
    if "select" in part.content:
        rows.append([{"type": 3, **part.content["select"]}])
    return [{"type": 1, "components": row} for row in rows]


def _part(post: Post) -> Part:
    content: dict[str, Any] = {}
    if post.text.text:
        content["text"] = markdown(post.text)
    if post.buttons:
        content["buttons"] = _buttons(post.buttons)
    if post.select:
        content["select"] = _select(post.select)
    if post.card:
        content["embed"] = embed_of(post.card)
    if post.native:
        content["native"] = post.native
    if post.ping:
        content["ping"] = [person for person in post.ping if f"<@{person}>" in content["text"]]
    if post.reply_to is not None:
        content["reply_to"] = post.reply_to
    if isinstance(post.shared, Poll):
        content["poll"] = _poll(post.shared)
    if isinstance(post.shared, Sticker):
        words = markdown(_clean(StyledText(post.shared.words)))
        content |= {"sticker": post.shared.id, "words": words}
    flags = {"silent": post.silent, "ephemeral": post.ephemeral}
    content |= {name: True for name, is_set in flags.items() if is_set}
    return Part(content, list(post.files), has_buttons=bool(post.buttons or post.select))


def _poll(poll: Poll) -> dict[str, Any]:
    """Return a poll as Discord takes it, where it is open for a day."""
    answers = [{"poll_media": {"text": option}} for option in poll.options]
    question = {"text": poll.question}
    return {"question": question, "answers": answers, "allow_multiselect": poll.several}


def _buttons(rows: Sequence[Sequence[PostButton]]) -> list[list[dict[str, Any]]]:
    """Return rows of buttons; Discord refuses equal custom ids, and trims blanks at their end."""
    seen: set[str] = set()
    return [[_button(button, seen) for button in row] for row in rows]


def _button(button: PostButton, seen: set[str]) -> dict[str, Any]:
    shown: dict[str, Any] = {"label": _label(button)}
    if button.url:
        shown |= {"style": _LINK, "url": button.url}
    else:
        shown["custom_id"] = _made_unique(button.data, seen)
        if button.style != "secondary":
            shown["style"] = _STYLES[button.style]
    return {**shown, "disabled": True} if button.disabled else shown


def _made_unique(data: str, seen: set[str]) -> str:
    custom_id = data
    if custom_id in seen or _LOOKS_UNIQUE.fullmatch(custom_id):
        custom_id = f"{custom_id}\u2063{len(seen)}"
    seen.add(custom_id)
    return custom_id


def _select(select: PostSelect) -> dict[str, Any]:
    seen: set[str] = set()
    options: list[dict[str, Any]] = []
    for option in select.options:
        shown = {"label": option.label, "value": _made_unique(option.data, seen)}
        more = {"description": option.description, "default": option.chosen}
        options.append({**shown, **{name: value for name, value in more.items() if value}})
    numbers = {"min_values": select.min_values, "max_values": select.max_values}
    hint = {"placeholder": select.placeholder} if select.placeholder else {}
    return {"custom_id": select.data, "options": options, **numbers, **hint}


def _label(button: PostButton) -> str:
    label = _SURROGATE.sub("\ufffd", button.label)
    return label if len(label) <= LABEL_LIMIT else f"{label[: LABEL_LIMIT - 1].rstrip()}…"


def _groups(files: Sequence[StoredFile]) -> Iterator[list[StoredFile]]:
    """Yield files in the groups in which one request takes them."""
    group: list[StoredFile] = []
    for file in files:
        size = sum(other.size for other in group) + file.size
        if group and (len(group) == _FILES or size > _REQUEST_BYTES):
            yield group
            group = []
        group.append(file)
    if group:
        yield group


def _clean(text: StyledText) -> StyledText:
    """Return a text without lone surrogates, which no platform takes."""
    if not _SURROGATE.search(text.text):
        return text
    return StyledText(_SURROGATE.sub("\ufffd", text.text), text.spans)
