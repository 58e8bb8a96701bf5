"""`chatstate send`: say something as a bot, whether it runs or not.

1. Nothing is sent here: it is asked of the process that runs the bot, else of the next one.
2. What that says of it, if it cannot be sent, is among the dead letters.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from chatstate.cli.accounts import with_label
from chatstate.cli.stores import Url, chosen_store
from chatstate.engine.outbox.letters import Letter, ref_of, request_for, written
from chatstate.errors import LoadError
from chatstate.messages import Chat, User
from chatstate.replies import Markdown, Reply
from chatstate.stores.accounts import chosen
from chatstate.stores.base import KnownAccount, Store


def send(
    text: Annotated[str, typer.Argument(help="What to say; - reads it from stdin.")],
    *,
    chat: Annotated[str | None, typer.Option(help="To this chat, by its id.")] = None,
    thread: Annotated[str | None, typer.Option(help="To this thread of the chat.")] = None,
    user: Annotated[str | None, typer.Option(help="To this person in private, by the id.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="The text is Markdown.")] = False,
    silent: Annotated[bool, typer.Option("--silent", help="It rings nowhere.")] = False,
    account: Annotated[
        str | None,
        typer.Option(help="From whom, as in telegram, telegram:123456, or telegram:shop."),
    ] = None,
    bot: Annotated[str | None, typer.Option(help="As this bot, if the store has several.")] = None,
    key: Annotated[str | None, typer.Option(help="Only once under this key, in 30 days.")] = None,
    store: Url = None,
) -> None:
    """Say something as a bot: at once if it runs, else when it next does."""
    if (chat is None) == (user is None) or (thread is not None and chat is None):
        raise LoadError("say to whom: --chat ID (and --thread ID), or --user ID")
    letter = Letter(
        "",
        written([spoken(text, markdown=markdown, silent=silent)])[0],
        None if chat is None else Chat(chat),
        thread,
        None if user is None else User(user),
    )
    is_new = asyncio.run(_ask(chosen_store(store), letter, account, bot, key))
    typer.echo(
        "to be sent, at once if the bot runs"
        if is_new
        else f"nothing is sent: something was under the key {key!r} before"
    )


async def _ask(
    store: Store, letter: Letter, account: str | None, bot: str | None, key: str | None
) -> bool:
    sender = _sender(await store.accounts(), account, bot)
    letter = msgspec.structs.replace(letter, ref=ref_of(sender, key))
    return await store.ask(request_for(letter, sender, time.time()))


def spoken(text: str, *, markdown: bool, silent: bool) -> Reply:
    """Return what is to be said, `-` for what is on stdin. Raises `LoadError` for nothing."""
    said = sys.stdin.read().rstrip("\n") if text == "-" else text
    if not said.strip():
        raise LoadError("there is nothing to say")
    return Reply(Markdown(said) if markdown else said, silent=silent)


def _sender(known: Sequence[KnownAccount], named: str | None, bot: str | None) -> KnownAccount:
    """Return from whom something is sent. Raises `LoadError` and `StateError`."""
    its, accounts = accounts_of(known, named, bot)
    return chosen(named, accounts, its)


def accounts_of(
    known: Sequence[KnownAccount], named: str | None, bot: str | None
) -> tuple[str, Sequence[KnownAccount]]:
    """Return which bot is meant, and its accounts, as they are `named`. Raises `LoadError`."""
    bots = sorted({account.bot for account in known})
    if bot is None and len(bots) > 1:
        raise LoadError(f"the store has several bots ({', '.join(bots)}): say which, with --bot")
    if bot is not None and bot not in bots:
        raise LoadError(f"the store has no bot {bot!r}; it has {', '.join(bots) or 'none'}")
    its = [account for account in known if bot in (None, account.bot)]
    return bots[0] if bot is None and bots else bot or "", with_label(its, named)
