"""The names that `@bot.on` takes, judged as early as it can be known what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from chatstate.adapter import Adapter, updates_of, why_not
from chatstate.errors import BindingError

_NAME = re.compile(r"[\w-]+:\w+")


def update_name(given: Any) -> str:
    """Return an update's name. Raises `BindingError` for one that cannot be handled by it.

    The names of a platform whose adapter is not installed are judged by `check_names`.
    """
    if not (isinstance(given, str) and _NAME.fullmatch(given)):
        raise BindingError(
            f"bot.on({given!r}): name the platform and what it tells of, as it calls that: "
            '@bot.on("telegram:poll_answer"); what people say comes to @bot.on_message'
        )
    _refuse(given, why_not(given, updates_of(given.partition(":")[0])))
    return given


def check_names(names: Iterable[str], adapters: Iterable[Adapter]) -> None:
    """Raise `BindingError` for an update that one of these platforms does not tell of."""
    known = {adapter.name: adapter.updates for adapter in adapters}
    for name in names:
        if table := known.get(name.partition(":")[0]):
            _refuse(name, why_not(name, table))


def _refuse(update: str, why: str | None) -> None:
    if why:
        raise BindingError(f"bot.on({update!r}): {why}")
