"""Settings: the further parameters of a chat function, which each person may change.

1. What somebody sets is checked first, and kept as they typed it.
2. It is read anew each time: what no longer fits, after the bot has changed, is the default.
3. Every setting has a default, and a type that a text can give.
4. A name alone changes nothing: it shows the setting. `reset` goes back to the default.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from chatstate.bot.arguments import argument, text_alone
from chatstate.bot.kinds import input_of
from chatstate.bot.reading import shorten, typed
from chatstate.errors import BindingError
from chatstate.language.sentences import Sentence
from chatstate.messages import Message
from chatstate.replies import Button, Reply
from chatstate.signature import label
from chatstate.state.declaration import State

SETTINGS = State({}, scope="user", name="chatstate.settings", type=dict[str, str])
"""What people have set, as they typed it, by the parameter's name."""
RESET = "reset"
"""What is typed in place of a value, or of a name, to go back to the defaults."""


class Setting(NamedTuple):
    """A parameter that a person may set: how its text is read, and what it is until then."""

    name: str
    read: Callable[[str, Message], Any]
    default: Any
    choices: Sequence[str]

    def value(self, chosen: Mapping[str, str], message: Message) -> Any:
        """Return what it is for a person who has set `chosen`.

        What no longer fits, after the bot has changed, is its default again.
        """
        if self.name not in chosen:
            return self.default
        try:
            return self.read(chosen[self.name], message)
        except Sentence:
            return self.default

    def shown(self, chosen: Mapping[str, str]) -> str:
        """Return its value as a person reads it."""
        return chosen.get(self.name, _typed(self.default))


def setting(fn: Callable[..., Any], parameter: inspect.Parameter, hint: Any, given: Any) -> Setting:
    """Return the setting that a parameter is; `given` is an input by position, or None.

    Raises `BindingError` if it has no default, or a type that no text can give.
    """
    if parameter.default is parameter.empty:
        raise BindingError(
            f"parameter {parameter.name!r} of {label(fn)} is a setting and needs a default"
        )
    try:
        return _read_as(parameter, hint, given)
    except BindingError as error:
        raise BindingError(f"{label(fn)}: {error}") from error


def _read_as(parameter: inspect.Parameter, hint: Any, given: Any) -> Setting:
    name, default = parameter.name, parameter.default
    if given is not None:
        wanted = input_of(given, hint)
        read = text_alone(lambda text: wanted.heard(text, ()))
        return Setting(name, read, default, tuple(wanted.choices))
    found = argument(name, type(default) if hint is Any else hint, optional=True)
    return Setting(name, found.parse, default, found.reader.offered if found.reader else ())


def show(settings: Sequence[Setting], chosen: Mapping[str, str]) -> Reply:
    """Return some settings, with how to change them: by buttons, if they are chosen from a few."""
    lines = [f"{setting.name} = {setting.shown(chosen)}" for setting in settings]
    usage = [f"/settings {setting.name} {setting.shown(chosen)}" for setting in settings[:1]]
    if len(settings) == 1:
        usage.append(f"/settings {settings[0].name} {RESET}")
    return Reply("\n".join([*lines, "", *usage]).strip(), buttons=_buttons(settings))


_ACROSS, _LABEL = 5, 80


def _buttons(settings: Sequence[Setting]) -> list[list[Button]]:
    """Return a row for each setting; for one alone, as many as are possible."""
    if len(settings) == 1:
        (setting,) = settings
        rows = [setting.choices[i : i + _ACROSS] for i in range(0, _ACROSS**2, _ACROSS)]
        named = [(setting, row) for row in rows if row]
    else:
        named = [(setting, setting.choices[:_ACROSS]) for setting in settings if setting.choices]
    return [[_button(setting.name, choice) for choice in row] for setting, row in named[:_ACROSS]]


def _button(name: str, choice: str) -> Button:
    return Button(f"{name}: {choice}"[:_LABEL], command=f"/settings {name} {choice}")


def change(
    settings: Sequence[Setting], chosen: dict[str, str], wish: str, message: Message
) -> Sequence[Setting]:
    """Do what somebody wishes, as in `heat 0.5` or `heat reset`; return the settings to show.

    Nothing, or a name alone, changes nothing. Raises `Sentence` for what cannot be.
    """
    name, *rest = wish.split(maxsplit=1) or [""]
    known = {setting.name: setting for setting in settings}
    if name in known and not rest:
        return [known[name]]
    if name in known:
        _change(known[name], chosen, rest[0].strip(), message)
    elif name == RESET and not rest:
        chosen.clear()
    elif name:
        raise Sentence(
            "not_a_choice", text=shorten(name), choices=", ".join(known), example=next(iter(known))
        )
    return settings


def _change(setting: Setting, chosen: dict[str, str], value: str, message: Message) -> None:
    if value == RESET and value not in setting.choices:
        chosen.pop(setting.name, None)
    else:
        setting.read(value, message)
        chosen[setting.name] = value


def _typed(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_typed, cast("list[Any]", value)))
    return typed(value) or str(value)
