"""`chatstate broadcast`: say something to many as a bot, and steer that, whether it runs or not.

1. Nothing is sent here: a job is noted in the store, and the process that runs the bot carries it
   out, else the next one. To stop looking at it changes nothing.
2. Before it is noted it is shown, with how many it is for, and has to be confirmed.
3. The same to the same people is one job, unless it has a key of its own.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from textwrap import indent
from typing import Annotated

import msgspec
import typer
from msgspec.structs import replace

from chatstate.cli.looking import AsJson, Reveal, echo_json
from chatstate.cli.sends import accounts_of, spoken
from chatstate.cli.stores import WHEN, Url, chosen_store
from chatstate.cli.tables import print_table
from chatstate.engine.broadcasts.jobs import job_ref, new_job
from chatstate.engine.outbox.letters import Letter, read, written
from chatstate.errors import LoadError
from chatstate.replies import Markdown, Reply
from chatstate.scope import Scope
from chatstate.stores.accounts import chosen
from chatstate.stores.base import Store
from chatstate.stores.broadcasts import Audience, Broadcast, Crowd, NewBroadcast, Order
from chatstate.text import one_line, visible

app = typer.Typer(help="Say something to many, and look how far it is.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="Its number in the list.")]

_PAGE = 10_000
_LOOK_EVERY = 1.0
_HEAD = ("number", "bot", "progress", "text")


@app.command()
def start(
    text: Annotated[str, typer.Argument(help="What to say; - reads it from stdin.")],
    *,
    to: Annotated[Crowd | None, typer.Option(help="To all private chats, groups, or both.")] = None,
    state: Annotated[
        str | None, typer.Option(help="To everybody who has a value of the state of this name.")
    ] = None,
    scope: Annotated[Scope, typer.Option(help="The state's scope.")] = "user",
    key: Annotated[str | None, typer.Option(help="Only once under this key.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="The text is Markdown.")] = False,
    silent: Annotated[bool, typer.Option("--silent", help="It rings nowhere.")] = False,
    account: Annotated[
        str | None, typer.Option(help="By this account alone, as in telegram:123456.")
    ] = None,
    bot: Annotated[str | None, typer.Option(help="As this bot, if the store has several.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show it, and begin nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin without asking.")] = False,
    watching: Annotated[bool, typer.Option("--watch", help="Look how far it is.")] = False,
    store: Url = None,
) -> None:
    """Say something to many: at once if the bot runs, else when it next does."""
    if (to is None) == (state is None) or (state is not None and scope == "global"):
        raise LoadError("say to whom: --to private, --to groups, --to all, or --state NAME")
    said = spoken(text, markdown=markdown, silent=silent)
    found = chosen_store(store)
    audience = Audience("", to, (scope, state) if state else None)
    audience = asyncio.run(_by(found, audience, account, bot))
    typer.echo(f"{indent(visible(_text(said)), '    ')}\n")
    typer.echo(f"to {asyncio.run(_count(found, audience))}, as {one_line(audience.bot)}")
    if preview or not (yes or _is_confirmed()):
        return
    job = asyncio.run(_noted(found, _new(said, audience, key)))
    typer.echo(f"broadcast {job.number}: {WHEN}")
    if watching:
        asyncio.run(_watch(found, job.number))


@app.command("list")
def list_(*, reveal: Reveal = False, as_json: AsJson = False, store: Url = None) -> None:
    """List broadcasts, oldest first."""
    rows = [_row(job, reveal=reveal) for job in asyncio.run(chosen_store(store).broadcasts())]
    if as_json:
        echo_json([dict(zip(_HEAD, row, strict=True)) for row in rows])
    elif rows:
        print_table(_HEAD, rows)
    else:
        typer.echo("there are no broadcasts", err=True)


def _row(job: Broadcast, *, reveal: bool) -> tuple[str, ...]:
    said = _text(_said(job))
    text = said if reveal else f"(text of {len(said)})"
    return str(job.number), job.bot, _progress(job), text


@app.command()
def watch(number: Number, store: Url = None) -> None:
    """Look how far one is until it is over; Ctrl-C stops only that."""
    asyncio.run(_watch(chosen_store(store), number))


@app.command()
def pause(number: Number, store: Url = None) -> None:
    """Let one reach nobody else until it is resumed."""
    _steer(number, "pause", store)


@app.command()
def resume(number: Number, store: Url = None) -> None:
    """Let one go on."""
    _steer(number, "resume", store)


@app.command()
def cancel(number: Number, store: Url = None) -> None:
    """Let one reach nobody else, for good."""
    _steer(number, "cancel", store)


@app.command()
def recall(number: Number, store: Url = None) -> None:
    """Let one reach nobody else, and delete what it has sent: the first message of each reply."""
    _steer(number, "recall", store)


def _steer(number: int, order: Order, url: str | None) -> None:
    job = asyncio.run(chosen_store(url).steer(number, order))
    if job is None:
        raise _unknown(number)
    typer.echo(f"broadcast {number}: {_progress(job)}")


def _unknown(number: int) -> LoadError:
    return LoadError(f"there is no broadcast {number}; see `chatstate broadcast list`")


def _is_confirmed() -> bool:
    if not sys.stdin.isatty():
        raise LoadError("nobody is there to confirm it: look at it with --preview, then use --yes")
    return typer.confirm("Say that to them?")


async def _by(store: Store, audience: Audience, account: str | None, bot: str | None) -> Audience:
    """Return an audience with the bot, and the account if one is named."""
    its, known = accounts_of(await store.accounts(), account, bot)
    by = chosen(account, known, its).id if account else 0
    return replace(audience, bot=its, account=by)


async def _count(store: Store, audience: Audience) -> str:
    """Return how many an audience is now. Those who have several values count once."""
    after, found = 0, set[bytes]()
    number = 0
    while page := await store.audience(audience, after, _PAGE):
        after = page[-1].number
        if audience.state:
            found |= {msgspec.json.encode(candidate.recipient) for candidate in page}
        number += len(page)
    number = len(found) if audience.state else number
    return f"{number:,} {'recipient' if number == 1 else 'recipients'}"


def _new(said: Reply, audience: Audience, key: str | None) -> NewBroadcast:
    letter = Letter("", written([said])[0])
    own = key or new_job("", letter, audience, 0.0).content
    return new_job(own, replace(letter, ref=job_ref(audience.bot, own)), audience, time.time())


async def _noted(store: Store, new: NewBroadcast) -> Broadcast:
    """Return the job that is noted, or was noted before. Raises `LoadError` if it is another."""
    job = await store.announce(new)
    if job.content != new.content:
        raise LoadError(
            f"under the key {new.key!r} broadcast {job.number} says something else, or to others; "
            "take another key"
        )
    return job


async def _watch(store: Store, number: int) -> None:
    """Tell how far a job is, whenever that has changed, until it is over."""
    told = ""
    while True:
        job = next((job for job in await store.broadcasts() if job.number == number), None)
        if job is None:
            raise _unknown(number)
        if _progress(job) != told:
            told = _progress(job)
            typer.echo(f"broadcast {number}: {told}")
        if not job.is_under_way:
            return
        await asyncio.sleep(_LOOK_EVERY)


def _progress(job: Broadcast) -> str:
    """Return how far a job is: `running, 30 of 50 reached, 2 blocked`."""
    counts: Sequence[tuple[int, str]] = (
        (job.blocked, "blocked"),
        (job.failed, "failed"),
        (job.recalled, "taken back"),
    )
    told = [f"{job.standing}{' (paused)' if job.is_paused else ''}"]
    told.append(f"{job.reached:,} of {job.total:,} reached")
    return ", ".join([*told, *(f"{number:,} {what}" for number, what in counts if number)])


def _text(said: Reply) -> str:
    return said.text.text if isinstance(said.text, Markdown) else str(said.text)


def _said(job: Broadcast) -> Reply:
    letter = msgspec.json.decode(job.text, type=Letter)
    said = read(letter.said, [""] * len(letter.files))
    return next((reply for reply in said if isinstance(reply, Reply)), Reply(""))
