"""What to type, for each command: shown by its `--help`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import typer
from rich.markup import escape

EXAMPLES: Mapping[str, Sequence[str]] = {
    "run": (
        "chatstate run history-echo",
        "chatstate run bot.py --on telegram --store sqlite:///bot.db",
        "chatstate run bot.py --on telegram:shop --on discord",
    ),
    "doctor": ("chatstate doctor bot.py --on telegram",),
    "inspect": ("chatstate inspect bot.py",),
    "simulate": ("chatstate simulate bot.py",),
    "record": ("chatstate record talk.chat bot.py",),
    "replay": ("chatstate replay talks/ bot.py",),
    "new": ("chatstate new my-bot",),
    "bots": ("chatstate bots",),
    "send": (
        'chatstate send "We open at nine" --chat -1001234',
        'echo "Done" | chatstate send - --user 5 --account telegram',
    ),
    "workers": ("chatstate workers", "chatstate workers --json"),
    "backup": ("chatstate backup --store sqlite:///bot.db bot-2026-11-27.db",),
    "forget": ("chatstate forget telegram:123456", "chatstate forget id-3f9a2c41b7e0 --yes"),
    "export": ("chatstate export telegram:123456 person.json",),
    "dead list": ("chatstate dead list",),
    "dead show": ("chatstate dead show 7 --reveal",),
    "dead retry": ("chatstate dead retry 7",),
    "dead drop": ("chatstate dead drop 7",),
    "state list": (
        "chatstate state list --scope user --name profile",
        "chatstate state list --shelf running",
        "chatstate state list --person id-3f9a2c41b7e0 --reveal",
    ),
    "state show": ("chatstate state show 12 --reveal",),
    "state set": ('chatstate state set 12 \'["a", "b"]\' --code bot.py',),
    "state delete": ("chatstate state delete 12 13",),
    "state reset": ("chatstate state reset 12", "chatstate state reset --name visits --chat -1001"),
    "state export": ("chatstate state export values.jsonl --scope global",),
    "state import": ("chatstate state import values.jsonl --code bot.py",),
    "state diff": ("chatstate state diff values.jsonl",),
    "state rename-bot": ("chatstate state rename-bot bot shop",),
    "broadcast start": (
        'chatstate broadcast start "News" --to private --preview',
        "chatstate broadcast start - --state wants_news --yes --watch",
    ),
    "broadcast list": ("chatstate broadcast list",),
    "broadcast watch": ("chatstate broadcast watch 3",),
    "broadcast pause": ("chatstate broadcast pause 3",),
    "broadcast resume": ("chatstate broadcast resume 3",),
    "broadcast cancel": ("chatstate broadcast cancel 3",),
    "broadcast recall": ("chatstate broadcast recall 3",),
    "store copy": ("chatstate store copy sqlite:///bot.db postgresql://bot@db/bots",),
}


def examples(command: str, *, before: str | None = None) -> str | None:
    """Return what stands below the help of a command, behind something else; a line each."""
    shown = [f"  {escape(line)}" for line in EXAMPLES.get(command, ())]
    told = [*([before] if before else []), *(["Examples:", *shown] if shown else [])]
    return "\n\n".join(told) or None


def add_examples(app: typer.Typer, group: str = "") -> None:
    """Let all commands show what to type."""
    for info in app.registered_commands:
        own = info.name or (info.callback.__name__.replace("_", "-") if info.callback else "")
        info.epilog = info.epilog or examples(f"{group} {own}".strip())
    for nested in app.registered_groups:
        if nested.typer_instance and isinstance(nested.name, str):
            add_examples(nested.typer_instance, nested.name)
