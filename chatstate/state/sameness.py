"""Whether what came back is surely what was given: equal, and of the same types throughout.

1. This is asked after each turn, so it is quick. It may say no where it is not sure: `differences`
   is always right, and tells where.
2. Objects are compared field by field, never by an author's `__eq__`; and so is what they hold
   beside their fields, of which no text knows.
3. What type checkers take for a declared type may come back as that: an `int` as a `float`, a
   `bytearray` or a `memoryview` as `bytes`.
"""

from __future__ import annotations

import functools
import marshal
import operator
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple, cast

from msgspec import inspect

TAKEN_FOR = {(int, float), (bytearray, bytes), (memoryview, bytes)}
CONTAINERS = (Mapping, list, tuple, deque, AbstractSet)
_BESIDE_A_MODEL = ("__pydantic_private__", "__pydantic_extra__")
_PLAIN = (Any, type(None), bool, int, float, str, list, dict)
_SCALARS = (
    *(inspect.AnyType, inspect.NoneType, inspect.BoolType),
    *(inspect.IntType, inspect.FloatType, inspect.StrType),
)


def is_plain(type_: Any) -> bool:
    """Tell whether the values of a type are JSON's own, so that `is_exact` tells enough."""
    if isinstance(type_, type) and type_ not in _PLAIN:
        return False  # whatever is in it, which it takes long to find out
    try:
        return _is_plain(inspect.type_info(type_))
    except Exception:  # noqa: BLE001 - it is no type, or one that refers to what is not there
        return False


def _is_plain(info: inspect.Type) -> bool:
    match info:
        case inspect.ListType(item_type=item):
            return _is_plain(item)
        case inspect.DictType(key_type=key, value_type=value):
            return _is_plain(key) and _is_plain(value)
        case inspect.UnionType(types=types):
            return all(map(_is_plain, types))
        case _:
            return isinstance(info, _SCALARS)


is_exact: Callable[[Any], object] = marshal.dumps
"""Raises `ValueError` if anything in a plain value is of a subclass of JSON's types.

It writes these types and no others, in C: nothing else tells as quickly. What it writes is true.
"""


class _Plan(NamedTuple):
    """How the objects of a class are compared.

    `plain` gets the fields that `is_exact` is enough for, `others` names the rest. `held`: how many
    attributes there are, if there may be more than those fields.
    """

    plain: Callable[[Any], Any] | None
    others: tuple[str, ...] = ()
    held: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether what `plain` gets is all there is."""
        return not self.others and self.held is None


def _made_plan(cls: Any) -> _Plan | None:
    fields = _plainness(cls)
    if not fields:
        return None
    plain = [name for name, is_of_json in fields.items() if is_of_json]
    others = tuple(name for name in fields if name not in plain)
    beside = _BESIDE_A_MODEL if _is_model(cls) else ()
    if not cls.__dictoffset__:
        return _Plan(operator.attrgetter(*plain) if plain else None, others)
    if not others:  # what is in there and is no field is compared with them
        return _Plan(operator.attrgetter("__dict__"), beside)
    return _Plan(operator.attrgetter(*plain) if plain else None, others + beside, len(fields))


_plan: Callable[[Any], _Plan | None] = functools.lru_cache(maxsize=1024)(_made_plan)


def _plainness(cls: Any) -> dict[str, bool]:
    """Return of each field of a class whether it is plain. Of a generic one that is not known."""
    if _is_model(cls):
        return {name: is_plain(field.annotation) for name, field in cls.model_fields.items()}
    try:
        fields: Sequence[inspect.Field] = getattr(inspect.type_info(cls), "fields", ())
    except Exception:  # noqa: BLE001 - where such a class cannot be stored, that is told elsewhere
        return {}
    is_generic = bool(getattr(cls, "__parameters__", ()))
    return {field.name: not is_generic and _is_plain(field.type) for field in fields}


def _is_atom(cls: Any) -> bool:
    """Tell whether the values of a class have no parts that could differ though they are equal."""
    return _plan(cls) is None and not issubclass(cls, CONTAINERS)


def _is_model(cls: type[Any]) -> bool:
    return hasattr(cls, "__pydantic_private__")


def is_same(value: Any, back: Any) -> bool:
    """Tell whether a value is surely what came back. May raise, where `differences` will tell."""
    kind: Any = cast("Any", type(value))
    if kind is not type(back):
        return (kind, type(back)) in TAKEN_FOR and bool(value == back)
    members = _MEMBERS.get(kind)
    if members:
        return len(value) == len(back) and members(value, back)
    plan = _plan(kind)
    if plan is None:
        return bool(value == back) and _is_atom(kind)
    return _is_same_object(value, back, plan)


def _is_same_object(value: Any, back: Any, plan: _Plan) -> bool:
    if plan.plain:
        fields = plan.plain(value)
        if fields != plan.plain(back):
            return False
        is_exact(fields)
    if plan.held is not None and not len(value.__dict__) == plan.held == len(back.__dict__):
        return False
    return all(is_same(getattr(value, name), getattr(back, name)) for name in plan.others)


def _same_items(values: Sequence[Any], back: Sequence[Any]) -> bool:
    """Tell it of the members of two lists: in one go, if they are of one class."""
    kinds = set(map(type, values))
    plan = _plan(*kinds) if len(kinds) == 1 else None
    if plan is None or plan.plain is None or not plan.is_whole or kinds != set(map(type, back)):
        return all(map(is_same, values, back))
    fields = list(map(plan.plain, values))
    return fields == list(map(plan.plain, back)) and bool(is_exact(fields))


def _same_entries(value: dict[Any, Any], back: dict[Any, Any]) -> bool:
    return all(map(is_same, value, back)) and all(map(is_same, value.values(), back.values()))


def _same_set(value: AbstractSet[Any], back: AbstractSet[Any]) -> bool:
    kinds = set(map(type, value))
    return value == back and kinds == set(map(type, back)) and all(map(_is_atom, kinds))


_MEMBERS: Mapping[type[Any], Callable[[Any, Any], bool]] = {
    list: _same_items,
    tuple: _same_items,
    dict: _same_entries,
    set: _same_set,
    frozenset: _same_set,
}
"""How the members of JSON's containers, and of those that types make of them, are compared."""
