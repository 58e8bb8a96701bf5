"""A reply of 30,000 characters, as each platform is given it.

1. The files beside this one were looked at. After a change that is meant, write them again with
   `CHATSTATE_SNAPSHOTS=write pytest tests/markup/test_snapshots.py` and look at the difference.
2. The reply has all kinds of markup, and each part of it can be sent.
"""

import io
import json
import os
from pathlib import Path

import pytest
from markup.validity import assert_takeable, bare
from rich.console import Console

from chatstate.markup import parse, plain, size, split
from chatstate_console.send.markup import rich_text
from chatstate_discord.send import markup as discord
from chatstate_telegram.send import markup as telegram

FOLDER = Path(__file__).parent / "snapshots"
TEXT = parse((FOLDER / "long.md").read_text("utf-8"))


def as_telegram() -> str:
    """Return the parts as JSON, one line for the text and one for each entity."""
    parts = [telegram.message(part) for part in split(TEXT, 4096, telegram.measure)]
    shown = [{"text": text, "entities": entities} for text, entities in parts]
    return json.dumps(shown, ensure_ascii=False, indent=1) + "\n"


def as_discord() -> str:
    """Return the parts as Discord's Markdown, with a line between them."""
    parts = [discord.markdown(part) for part in split(TEXT, 2000, discord.measure)]
    return "\n======== next part ========\n".join(parts) + "\n"


def as_plain() -> str:
    """Return what a pipe is given."""
    return plain(TEXT) + "\n"


def as_console() -> str:
    """Return what a terminal of 100 columns shows, with escape sequences for colours."""
    console = Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system="standard",
        width=100,
        highlight=False,
        legacy_windows=False,
    )
    with console.capture() as capture:
        console.print(rich_text(TEXT))
    return capture.get().replace("\x1b", "␛")


SNAPSHOTS = {
    "long.telegram.json": as_telegram,
    "long.discord.md": as_discord,
    "long.plain.txt": as_plain,
}


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_the_long_reply_is_as_it_was(name: str) -> None:
    """What a platform is given does not change by accident."""
    path, shown = FOLDER / name, SNAPSHOTS[name]()
    if os.environ.get("CHATSTATE_SNAPSHOTS") == "write":
        path.write_bytes(shown.encode())
    assert path.read_bytes().decode() == shown


def test_the_long_reply_is_long() -> None:
    """The reply has 30,000 characters, with all that is asked of it."""
    assert len(TEXT.text) >= 30_000
    kinds = {span.kind for span in TEXT.spans}
    assert kinds == {
        *("bold", "italic", "strike", "code", "pre", "link"),
        *("quote", "heading", "bullet", "table"),
    }
    assert {"python", "sql", "javascript", "markdown", ""} == {
        span.value for span in TEXT.spans if span.kind == "pre"
    }


def test_the_long_reply_can_be_sent() -> None:
    """Each part is within the limit, loses nothing, and is what Telegram takes."""
    parts = split(TEXT, 4096, telegram.measure)
    assert bare("".join(part.text for part in parts)) == bare(TEXT.text)
    for part in parts:
        text, entities = telegram.message(part)
        assert size(text, "utf16") <= 4096
        assert_takeable(text, entities)
    assert all(discord.measure(part) <= 2000 for part in split(TEXT, 2000, discord.measure))


def test_the_long_reply_is_printed_whole() -> None:
    """On a terminal each word of it is shown."""
    shown = set(as_console().replace("▌ ", " ").split())
    missing = [word for word in TEXT.text.split() if word.isalpha() and word not in shown]
    assert [word for word in missing if not any(word in longer for longer in shown)] == []
