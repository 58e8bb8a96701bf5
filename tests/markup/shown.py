"""What each platform shows of a styled text: its letters, and those of addresses and languages.

Telegram and Discord are given it as their adapters send it: in parts, each within the limit.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console

from chatstate.adapter import Post
from chatstate.markup import StyledText, plain
from chatstate_console.send.markup import rich_text
from chatstate_discord.send import parts as discord
from chatstate_telegram.send import parts as telegram


def on_telegram(text: StyledText) -> str:
    """Return the texts of the parts, with what their entities say besides."""
    contents = [part.content for part in telegram.render(Post(text))]
    return "\n".join(line for content in contents for line in _told(content))


def _told(content: Mapping[str, Any]) -> list[str]:
    entities = content.get("entities", ())
    beside = [entity.get(name, "") for entity in entities for name in ("url", "language")]
    return [content["text"], *beside]


def on_discord(text: StyledText) -> str:
    """Return the texts of the parts, in Discord's Markdown."""
    return "\n".join(part.content.get("text", "") for part in discord.render(Post(text)))


def in_a_terminal(text: StyledText) -> str:
    """Return what a wide terminal shows that has no colours."""
    console = Console(file=io.StringIO(), width=10_000, color_system=None, legacy_windows=False)
    with console.capture() as capture:
        console.print(rich_text(text))
    return capture.get()


RENDERERS: dict[str, Callable[[StyledText], str]] = {
    "telegram": on_telegram,
    "discord": on_discord,
    "console": in_a_terminal,
    "pipe": plain,
}
