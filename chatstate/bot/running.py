"""`Interface.run` and `Interface.serve`: the only steps upwards, taken when they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from chatstate.adapter import Adapter
    from chatstate.bot.interface import Interface


def run(
    bot: Interface,
    *adapters: str | Adapter,
    store: str | None = None,
    on_ambiguous: Literal["repeat", "hold"] = "repeat",
    log_level: str = "warning",
    log_format: Literal["text", "json"] = "text",
) -> None:
    """Run until the adapters end or the process is told to stop; like `chatstate run`.

    - `adapters`: by name as `--on` takes them ("telegram", or "telegram:shop" for one of several
      accounts), or made, as in `bot.run(TelegramAdapter(token=...), "discord")`.
    - `store` is a store URL; by default `sqlite:///chatstate.db`.
    - `on_ambiguous`: whether a reply that may or may not have been sent is sent again ("repeat"),
      or held among the dead letters ("hold").
    - `log_format`: whether the log is lines to read, or JSON for a program.

    Ends the process with status 2 and one line on stderr if that cannot be done. Raises
    `RuntimeError` where an event loop runs, and in a thread: see `serve`.
    """
    from chatstate.cli.loading import refuse_while_loading
    from chatstate.cli.main import run_bot
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
    )


async def serve(
    bot: Interface,
    *adapters: str | Adapter,
    store: str | None = None,
    on_ambiguous: Literal["repeat", "hold"] = "repeat",
) -> None:
    """Run in an event loop that runs already: a web application's, a notebook's, a test's.

    Returns when the adapters end. Cancelled, it stops as `run` does when the process is told to:
    what runs is finished, for at most 10 seconds. Signals and logs are left to whoever has the
    loop. The options are those of `run`. Raises `LoadError`, `AdapterError`, `StorageError` and
    `LifespanError`.
    """
    from chatstate.cli.starting import engine_for

    wanted = list(adapters) or ["console"]
    await engine_for(bot, wanted, store=store, on_ambiguous=on_ambiguous).run()
