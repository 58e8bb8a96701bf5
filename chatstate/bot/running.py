"""How a bot is run, and what is asked of it while it runs.

1. `run` and `serve` make an engine: the only steps upwards, taken when they are called.
2. What is asked of a running bot goes to its engine, from outside of turns alone (see `engines`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from chatstate.bot.engines import engine_of
from chatstate.bot.sending import Announcement, BroadcastReceipt, SendReceipt, Whom, in_loop

if TYPE_CHECKING:
    from chatstate.adapter import Adapter
    from chatstate.bot.interface import Interface
    from chatstate.messages import Target


def run(
    bot: Interface,
    *adapters: str | Adapter,
    store: str | None = None,
    on_ambiguous: Literal["repeat", "hold"] = "repeat",
    log_level: str = "warning",
    log_format: Literal["auto", "text", "json"] = "auto",
    log_texts: bool | None = None,
    health: str | None = None,
    metrics: bool = False,
    trace: bool = False,
) -> None:
    """Run until the adapters end or the process is told to stop; like `chatstate run`.

    - `adapters`: by name as `--on` takes them ("telegram", or "telegram:shop" for one of several
      accounts), or made, as in `bot.run(TelegramAdapter(token=...), "discord")`.
    - `store` is a store URL; by default `sqlite:///ID.db`, by the bot's id.
    - `on_ambiguous`: whether a reply that may or may not have been sent is sent again ("repeat"),
      or held among the dead letters ("hold").
    - `log_format`: whether the log is lines to read, or JSON for a program: by default lines at a
      terminal; `log_texts`: whether it holds what people say, by default at a terminal.
    - `health`: an address such as "127.0.0.1:9000" that tells how the bot is, with `metrics` also
      how much it does; `trace`: spans are made (see docs/operating.md).

    Ends the process with status 2 and one line on stderr if that cannot be done. Raises
    `RuntimeError` where an event loop runs, and in a thread: see `serve`.
    """
    from chatstate.cli.loading import refuse_while_loading
    from chatstate.cli.running import run_bot
    from chatstate.cli.starting import refuse_where_others_run

    wanted = list(adapters) or ["console"]
    refuse_while_loading()
    refuse_where_others_run(wanted)
    run_bot(
        bot,
        wanted,
        store=store,
        on_ambiguous=on_ambiguous,
        log_level=log_level,
        log_format=log_format,
        log_texts=log_texts,
        health=health,
        metrics=metrics,
        trace=trace,
    )


async def serve(
    bot: Interface,
    *adapters: str | Adapter,
    store: str | None = None,
    on_ambiguous: Literal["repeat", "hold"] = "repeat",
    stay: bool = False,
) -> None:
    """Run in an event loop that runs already: a web application's, a notebook's, a test's.

    Returns when the adapters end. Cancelled, it stops as `run` does when the process is told to:
    what runs is finished, for at most 10 seconds. Signals and logs are left to whoever has the
    loop. The options are those of `run`. With `stay` it runs until it is cancelled, also without
    adapters, for those that are connected later (see `connect`). Raises `LoadError`,
    `AdapterError`, `StorageError` and `LifespanError`.
    """
    from chatstate.cli.starting import engine_for

    wanted = list(adapters) or ([] if stay else ["console"])
    await engine_for(bot, wanted, store=store, on_ambiguous=on_ambiguous, stay=stay).run()


async def send(
    bot: Interface, to: Target, reply: Any, *, account: str | None = None, key: str | None = None
) -> SendReceipt:
    """Send a reply (whatever a handler may return) outside of turns: from a task, a web handler.

    It goes `to` a chat, to a person in private, or to where a message is (its thread, too), in the
    order of what happens there. Once this returns it is stored, and survives a crash;
    `await receipt.settled()` waits until it is sent.

    - `account` is from whom, where the bot runs on several: "telegram", "telegram:123", or
      "telegram:shop" by its label. One that the bot has had and does not run on now, which only its
      id leads to, sends it once it does, within 7 days.
    - `key`: of what is sent under the same key, from the same account, within 30 days, the first is
      sent.

    Raises `StateError` in a turn, where `turn.send(reply, to=...)` is what is meant; if the bot
    does not run in this process; and if nobody knows the account, or which one is meant. Raises
    `TypeError` and `ReplyError` for what is no target and no reply.
    """
    instead = "use `await turn.send(reply, to=...)`, which goes with the turn's commit"
    engine = engine_of(bot, "send", instead=instead, account=account)
    return await in_loop(engine.loop, engine.send(to, reply, account, key))


async def broadcast(
    bot: Interface,
    reply: Any,
    *,
    to: Whom,
    key: str,
    where: Callable[[Any], bool] | None = None,
    account: str | None = None,
) -> BroadcastReceipt:
    """Say something (whatever a handler may return) to many, each once, as fast as there is room.

    - `to` is "private", "groups" or "all" (the chats that the bot has been in, channels too); a
      `State`: everybody who has a value of it, people in private, among whom `where(value)` may
      choose; or a list of `Chat`, `User` and `MessageRef`.
    - `key`: the same under the same key is the same broadcast, so that this may be called again.
    - `account`: by that one alone ("telegram:123"), else each chat by its own.

    Once this returns it is stored, with all whom it reaches; it goes on after a crash. Chats that
    take nothing from the bot any more are left out. `chatstate broadcast list` shows how far it is.

    Raises `StateError` in a turn; if something else is said under the key, or to others; and if the
    bot does not run in this process. Raises `TypeError` and `ReplyError` for what is no audience
    and no reply.
    """
    instead = "call it from a task of the lifespan's, a web handler or a script"
    engine = engine_of(bot, "broadcast", instead=instead, account=account)
    wanted = Announcement(reply=reply, to=to, key=key, where=where, account=account)
    return await in_loop(engine.loop, engine.broadcast(wanted))


async def connect(bot: Interface, adapter: Adapter, *, tenant: str = "") -> str:
    """Let the running bot receive and send on one more account, and return its name.

    Whatever ends its adapter is logged, and ends nothing else. An account with a `tenant`, for
    those who serve many customers from one process, shares no state with those of others: nor
    what is global. Once it has one it keeps it.

    Raises `AdapterError` if the account is connected, `StateError` if it is another tenant's or
    another bot's, if the bot does not run, and inside a turn.
    """
    from chatstate.cli.accounts import checked_adapter

    made = checked_adapter(adapter)
    engine = engine_of(bot, "connect", instead="call it from a task of the lifespan's, say")
    await engine.connect(made, tenant)
    return f"{made.name}:{made.account}"


async def disconnect(
    bot: Interface, account: str, *, owed: Literal["send", "dead"] = "send"
) -> None:
    """Let go of an account ("telegram:123", "telegram:shop") while the bot runs.

    Returns when it is gone.

    It delivers nothing more. What it had delivered is handled, and what is owed to it is sent
    before it goes; with "dead" it becomes dead letters, as it must where the platform is gone.
    Cancelled meanwhile, the account stays. Raises `StateError` if it is not connected, and inside
    a turn.
    """
    instead = "call it from a task of the lifespan's, say"
    engine = engine_of(bot, "disconnect", instead=instead, account=account)
    await engine.disconnect(account, owed=owed)
