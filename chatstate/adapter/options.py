"""An adapter's options: declared by it as a Struct, and read from what a person typed.

An adapter names its Struct as its class's `Options`, and each field tells what it is for:

    class LineOptions(msgspec.Struct, frozen=True, kw_only=True):
        account: Annotated[str, Meta(description="Who the bot is.", min_length=1)] = "bot"
        patience: Annotated[float, Meta(description="In seconds.", gt=0)] = 2.0

1. A field is an option of its name: `--patience 3` on the command line, `patience=3` in Python,
   `CHATSTATE_LINE_PATIENCE=3` in the environment for an adapter called "line". Of several accounts
   one has a label, and `CHATSTATE_LINE_PATIENCE_SHOP` of its own.
2. What is given counts before the environment, the environment before the default. A variable
   that is empty is none.
3. A text becomes what the field's type says: a number, a truth (1 0 true false yes no on off), a
   choice, several of these with commas between them. Other values are checked as they are.
4. What cannot be is an `AdapterError` that names the option, its value and what is possible. The
   value is left out of it if the field says `Meta(extra={"secret": True})`.
5. What two fields must agree on is checked by the Struct's `__post_init__`, with a `ValueError`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeVar, cast, get_type_hints

import msgspec
from msgspec import inspect

from chatstate.errors import AdapterError

O = TypeVar("O", bound=msgspec.Struct)  # noqa: E741 - an adapter's options

_TRUTHS = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_SEVERAL = (inspect.ListType, inspect.VarTupleType, inspect.SetType, inspect.FrozenSetType)
_BOUNDS = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}


class OptionField(NamedTuple):
    """One option as its Struct declares it.

    - `takes` says in words what it may be, `default` what it is otherwise ("" if that is nothing).
    - `variable` is the name in the environment.
    - `is_flag`: it is a truth. `is_secret`: its value is shown nowhere.
    """

    name: str
    description: str
    takes: str
    default: str
    variable: str
    is_flag: bool
    is_secret: bool

    def variable_of(self, label: str) -> str:
        """Return the name in the environment that one of several accounts has of its own."""
        return f"{self.variable}_{label}".upper().replace("-", "_") if label else self.variable

    @property
    def flag(self) -> str:
        """The option as it is typed."""
        return f"--{self.name.replace('_', '-')}"


def declared_options(kind: type[msgspec.Struct], adapter: str) -> list[OptionField]:
    """Return the options that a Struct declares, in its order, for the adapter of this name."""
    return [_declared(field, adapter) for field in _fields(kind)]


def read_options(
    kind: type[O],
    given: Mapping[str, object],
    *,
    adapter: str,
    label: str = "",
    environment: Mapping[str, str] | None = None,
) -> O:
    """Return options from what is `given` by name, the environment, and the defaults.

    Of several accounts one with a `label` has variables of its own; where they are missing, those
    without it count, but for secrets.

    Raises `AdapterError` for a name that is none, a value that cannot be, or one that is missing.
    """
    variables = os.environ if environment is None else environment
    options = {option.name: option for option in declared_options(kind, adapter)}
    if unknown := sorted(set(given) - set(options)):
        raise AdapterError(
            f"adapter {adapter!r} has no option {unknown[0]!r}; it has {', '.join(options)}"
        )
    values: dict[str, Any] = {}
    hints = get_type_hints(kind, include_extras=True)
    for name, option in options.items():
        if name in given:
            values[name] = _value(given[name], hints[name], option, option.flag, adapter)
        elif found := _variable(variables, option, label):
            values[name] = _value(variables[found], hints[name], option, found, adapter)
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:  # a field that has no default; what fields agree on
        raise AdapterError(f"adapter {adapter!r}: {error}") from error


def options_from(
    kind: type[O], options: O | None, named: Mapping[str, object], *, adapter: str
) -> O:
    """Return the options with which an author makes an adapter.

    Either the Struct, which is taken as it is and checked, or some by name, which are read as
    `read_options` does: the environment fills in the others. Raises `AdapterError` as that does.
    """
    if options is None:
        return read_options(kind, named, adapter=adapter)
    if named:
        raise TypeError(f"give a {kind.__name__}, or options by name, but not both")
    given = msgspec.structs.asdict(options)
    return read_options(kind, given, adapter=adapter, environment={})


def _variable(variables: Mapping[str, str], option: OptionField, label: str) -> str | None:
    """Return the variable that sets an option; None if it is missing or empty."""
    own = option.variable_of(label)
    every = (own,) if option.is_secret else (own, option.variable)
    return next((name for name in every if variables.get(name)), None)


def _value(given: object, hint: Any, option: OptionField, spelled: str, adapter: str) -> Any:
    try:
        return msgspec.convert(_untyped(given, hint), hint, strict=False)
    except (msgspec.ValidationError, ValueError):
        shown = "" if option.is_secret else f", not {given!r}"
        raise AdapterError(f"adapter {adapter!r}: {spelled} takes {option.takes}{shown}") from None


def _untyped(given: object, hint: Any) -> object:
    """Return a text in msgspec's spelling of what it is to become."""
    kind = _bare(inspect.type_info(hint))
    if isinstance(given, os.PathLike):
        return os.fspath(cast("os.PathLike[str]", given))
    if not isinstance(given, str) or isinstance(kind, inspect.StrType):
        return given
    if isinstance(kind, _SEVERAL):
        return [part.strip() for part in given.split(",") if part.strip()]
    return _TRUTHS.get(given.strip().lower(), given.strip())


def _declared(field: inspect.Field, adapter: str) -> OptionField:
    kind = _bare(field.type)
    is_secret = bool(_told(field, "extra").get("secret"))
    return OptionField(
        name=field.name,
        description=str(_told(field, "extra_json_schema").get("description", "")),
        takes=_takes(kind),
        default="" if is_secret else _default(field),
        variable=f"CHATSTATE_{adapter}_{field.name}".upper().replace("-", "_"),
        is_flag=isinstance(kind, inspect.BoolType),
        is_secret=is_secret,
    )


def _told(field: inspect.Field, what: Literal["extra", "extra_json_schema"]) -> dict[str, Any]:
    """Return what the `Meta` of a field tells."""
    return cast("dict[str, Any]", getattr(field.type, what, None) or {})


def _fields(kind: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    return cast("inspect.StructType", inspect.type_info(kind)).fields


def _bare(kind: inspect.Type) -> inspect.Type:
    """Return a type without what is told of it, and without the None that it may be."""
    if isinstance(kind, inspect.Metadata):
        return _bare(kind.type)
    if isinstance(kind, inspect.UnionType):
        kinds = [bare for bare in map(_bare, kind.types) if not isinstance(bare, inspect.NoneType)]
        return kinds[0] if len(kinds) == 1 else kind
    return kind


def _default(field: inspect.Field) -> str:
    default = field.default
    if default is msgspec.NODEFAULT or default is None or default == ():
        return ""
    if isinstance(default, bool):
        return "yes" if default else "no"
    return f"{default:g}" if isinstance(default, float) else str(getattr(default, "value", default))


def _takes(kind: inspect.Type) -> str:
    """Return in words what a value of a type is."""
    if isinstance(kind, inspect.BoolType):
        return "1 or 0, yes or no"
    if isinstance(kind, inspect.LiteralType):
        return f"one of {', '.join(map(str, kind.values))}"
    if isinstance(kind, inspect.EnumType):
        return f"one of {', '.join(str(member.value) for member in kind.cls)}"
    if isinstance(kind, _SEVERAL):
        return f"several, with commas between them, each {_takes(_bare(kind.item_type))}"
    if isinstance(kind, inspect.UnionType):
        return " or ".join(_takes(_bare(choice)) for choice in kind.types)
    is_number = isinstance(kind, inspect.IntType | inspect.FloatType)
    whole = " whole" * isinstance(kind, inspect.IntType)
    return f"a{whole} number{_bounds(kind)}" if is_number else f"a text{_bounds(kind)}"


def _bounds(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.StrType):
        return " that is not empty" if kind.min_length else ""
    bounds = {word: getattr(kind, key, None) for key, word in _BOUNDS.items()}
    told = [f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None]
    return f" {' and '.join(told)}" if told else ""
