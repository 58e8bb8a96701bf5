"""What a platform can do, as an adapter tells it."""

from __future__ import annotations

from typing import Literal

import msgspec

from chatstate.text import Unit


class Capabilities(msgspec.Struct, frozen=True, gc=False):
    """What a platform can do. What it cannot, the core writes out in another form.

    - `text_limit`: the length of a message's text, in `text_unit`, as the platform counts it
      after rendering; 0 if there is none.
    - `markup`: it shows bold text, code, links. Without it, render and measure
      `chatstate.markup.plain(post.text)`.
    - `buttons`, and the length of the `data` of one in bytes; how many stand beside each other
      (`row_width`), and in how many rows (`max_rows`).
    - `link_buttons`, `button_styles`, `disabled_buttons`: buttons may be as `Button` says. One that
      is shown as able though it is not is answered by the core.
    - `select`: there is a choice among options, beside buttons. `edit_buttons`: the buttons of a
      message can be changed and all else of it kept, so that they can stand for one.
    - `suggestions`: there are quick answers, but in channels; `shares`: they can ask for a contact
      or a location, in private chats.
    - `cards`: a post may have a card.
    - `locations`, `contacts`, `polls`, `stickers`: it shows these natively; stickers by their ids.
    - `files`, and the size in bytes of one that is sent (`file_bytes`), and of one that is fetched
      (`received_bytes`; 0: the same).
    - `file_ids`, `file_urls`: files can be sent by the platform's own ids, and by their addresses.
    - `edit`: sent messages can be edited and deleted; `edit_pause` is the seconds between two
      edits of a message while an answer is being written. `preview`: what each of these shows,
      "full" all of it, or "delta" what is new (see `Action.continues`). One that makes no message
      is there for `preview_lasts` seconds, if not 0: it is shown again in time.
    - `reactions`: the bot can react to a message with one emoji; if `reaction_emoji` is not empty,
      with these alone (without U+FE0F).
    - `typing`: for how many seconds one notice of typing is shown; 0 if there is none.
    - `threads`, `reply_to`, `silent`, `ephemeral`: as in `Message` and `Reply`.
    - `finish`: an event that carries an `origin` and is answered by nothing ends with a "finish".
    - `modals`: how many questions it can ask at once of whoever begins a form (see `Host.form`).
    - `native`: the adapter makes calls by the platform's own names (see `Adapter.native`), and adds
      to its own what an author does (see `Post.native`).
    - `pings`: it can notify some of those whom a text mentions (`Post.ping`), and nobody else.
    - `guests`: of some people nothing is to be stored (see `Host.guest`).
    - `idempotent_for`: seconds during which a repeated call with the same key has no second
      effect; 0 if the platform knows no such keys.
    """

    text_limit: int = 0
    text_unit: Unit = "codepoints"
    markup: bool = False
    buttons: bool = False
    button_bytes: int = 64
    row_width: int = 5
    max_rows: int = 5
    link_buttons: bool = False
    button_styles: bool = False
    disabled_buttons: bool = False
    select: bool = False
    edit_buttons: bool = False
    suggestions: bool = False
    shares: bool = False
    cards: bool = False
    locations: bool = False
    contacts: bool = False
    polls: bool = False
    stickers: bool = False
    files: bool = False
    file_bytes: int = 20_000_000
    received_bytes: int = 0
    file_ids: bool = False
    file_urls: bool = False
    edit: bool = False
    edit_pause: float = 1.0
    preview: Literal["full", "delta"] = "full"
    preview_lasts: float = 0.0
    reactions: bool = False
    reaction_emoji: frozenset[str] = frozenset()
    typing: float = 0.0
    threads: bool = False
    reply_to: bool = False
    silent: bool = False
    ephemeral: bool = False
    finish: bool = False
    modals: int = 0
    native: bool = False
    pings: bool = False
    guests: bool = False
    idempotent_for: float = 0.0
