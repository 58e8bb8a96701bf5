"""What people write who know other libraries, and what to write here instead.

1. A guess is answered where it is made, with what is right. It is never taken for what it may mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from chatstate.errors import BindingError

_RUN = 'write bot.run("console"), or "telegram", "discord", or several'
_SERVE = 'write await bot.serve("telegram")'
_MENU = 'write @bot.on_menu("Title"), for people with of="user"'
_METHODS: Mapping[str, str] = {
    **dict.fromkeys(("launch", "polling", "infinity_polling", "run_polling", "run_webhook"), _RUN),
    **dict.fromkeys(("start", "start_polling", "run_async"), _SERVE),
    "queue": f"what is said to a bot is queued always; {_RUN}",
    "message_handler": "write @bot.on_message, or @bot.command",
    "add_handler": "write bot.on_message(fn), or bot.command(fn)",
    "event": "write @bot.on_message, @bot.on_edit, @bot.on_join or @bot.on_leave, or by the "
    'platform\'s own name @bot.on("discord:typing_start")',
    **dict.fromkeys(("on_command", "slash_command", "hybrid_command"), "write @bot.command"),
    **dict.fromkeys(("context_menu", "message_command", "user_command"), _MENU),
    **dict.fromkeys(("hears", "regex"), "write @bot.on_message(text=...)"),
}
"""Methods of other libraries' bots."""

Place = Literal["Interface", "command", "on_message"]
_NO_FUNCTION: Mapping[Place, str] = {
    "Interface": "the first argument is the function that answers; a name is id={given!r}",
    "command": "the name is given as @bot.command(name={given!r}), or is the function's own",
    "on_message": "what to look for in a text is given as @bot.on_message(text={given!r}); for a "
    "command write @bot.command(name=...)",
}

_TYPES: Mapping[str, tuple[type[Any] | tuple[type[Any], ...], str]] = {
    **dict.fromkeys(("id", "title", "description"), (str, "a text")),
    "sentences": (Mapping, "a dict of sentences by name"),
}


def no_attribute(bot: object, name: str) -> AttributeError:
    """Return the error for a name that a bot does not have."""
    missing = f"{type(bot).__name__!r} object has no attribute {name!r}"
    return AttributeError(f"{missing}: {_METHODS[name]}" if name in _METHODS else missing)


def refuse_no_function(place: Place, given: object) -> None:
    """Raise `BindingError` for what stands where a function is wanted, and is none."""
    if callable(given):
        return
    why = _NO_FUNCTION[place].format(given=given) if isinstance(given, str) else "it is no function"
    raise BindingError(f"{given!r} cannot be a handler: {why}")


def refuse_no_name(given: object) -> None:
    """Raise `BindingError` for what is given as a group's name, and is none."""
    if not isinstance(given, str):
        raise BindingError(
            f'bot.group({given!r}): write config = bot.group("config"), then @config.command'
        )


def refuse_other_types(**given: object) -> None:
    """Raise `BindingError` for an argument of `Interface` that is of no type it can be of."""
    for name, value in given.items():
        type_, wanted = _TYPES[name]
        if value is not None and not isinstance(value, type_):
            raise BindingError(f"{name}={value!r}: use {wanted}")
