"""Where a value is not what came back; see `sameness`.

1. This takes its time, and is always right.
2. What a `cached_property` remembers does not count: it is made anew. Nor does what an object holds
   beside its fields if nobody can compare it, a lock for example: its class makes another.
"""

from __future__ import annotations

import functools
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple, cast

import msgspec

from chatstate.state.sameness import CONTAINERS, TAKEN_FOR


class Difference(NamedTuple):
    """Where a value would come back as something else; `is_field`: at a place that is stored."""

    path: str
    was: Any
    became: Any
    is_field: bool = True


class _Nothing:
    def __repr__(self) -> str:
        return "nothing"


_NOTHING = _Nothing()


def differences(
    was: Any, became: Any, path: str = "$", *, is_field: bool = True
) -> Iterator[Difference]:
    """Yield where a value is not what came back."""
    kind: Any = cast("Any", type(was))
    if kind is not type(became):
        if (kind, type(became)) not in TAKEN_FOR or not _equal(was, became):
            yield Difference(path, was, became, is_field)
    elif isinstance(was, AbstractSet):  # which has no order
        yield from _differences_of_sets(was, became, path, is_field=is_field)
    elif isinstance(was, CONTAINERS) or fields_of(was):
        yield from _differences_of_parts(was, became, path, is_field=is_field)
    elif not _equal(was, became) and (is_field or _can_be_compared(kind)):
        yield Difference(path, was, became, is_field)


def _differences_of_sets(
    was: Any, became: Any, path: str, *, is_field: bool
) -> Iterator[Difference]:
    pairs = {member: member for member in became}
    if was != became:
        yield Difference(path, was, became, is_field)
        return
    for member in was:
        if any(differences(member, pairs[member])):
            yield Difference(path, member, pairs[member], is_field)


def _differences_of_parts(
    was: Any, became: Any, path: str, *, is_field: bool
) -> Iterator[Difference]:
    before, after = list(parts(was)), list(parts(became))
    has_same_names = [name for name, _ in before] == [name for name, _ in after]
    if not has_same_names or not _acts_the_same(was, became):
        yield _of_a_key(was, became, path) or Difference(path, was, became, is_field)
        return
    for (name, part), (_, other) in zip(before, after, strict=True):
        yield from differences(part, other, path + name, is_field=is_field)
    held, again = _beside(was), _beside(became)
    for name in {**held, **again}:
        part, other = held.get(name, _NOTHING), again.get(name, _NOTHING)
        yield from differences(part, other, f"{path}.{name}", is_field=False)


def _of_a_key(was: Any, became: Any, path: str) -> Difference | None:
    """Return the first difference of keys of a mapping that are equal, but of another type."""
    if not isinstance(was, Mapping):
        return None
    for key, other in zip(cast("Mapping[Any, Any]", was), became, strict=False):
        if key == other and type(key) is not type(other):
            return Difference(f"{path}[{key!r}]", key, other)
    return None


def _acts_the_same(was: Any, became: Any) -> bool:
    """Tell whether two containers do the same with missing keys, and with too many items."""
    if isinstance(was, defaultdict):
        return was.default_factory in (None, became.default_factory)
    return not isinstance(was, deque) or was.maxlen == became.maxlen


def parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a value is made of, each with its path in it."""
    if isinstance(value, Mapping):
        for name, part in cast("Mapping[Any, Any]", value).items():
            yield f"[{name!r}]", part
    elif isinstance(value, list | tuple | deque):
        for index, part in enumerate(cast("list[Any]", value)):
            yield f"[{index}]", part
    else:
        for name, attribute in fields_of(value).items():
            yield f".{name}", getattr(value, attribute)


def fields_of(value: Any) -> dict[str, str]:
    """Return the attributes of an object with fields, by their names in JSON."""
    if isinstance(value, msgspec.Struct):
        names = dict(zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True))
        tag = value.__struct_config__.tag_field
        return names if tag is None else {tag: "__class__", **names}
    cls = cast("Any", type(value))
    if hasattr(cls, "model_fields"):
        return _model_fields(value)
    fields = getattr(cls, "__dataclass_fields__", None) or [
        attribute.name for attribute in getattr(cls, "__attrs_attrs__", ())
    ]
    return {name: name for name in fields}


def _model_fields(model: Any) -> dict[str, str]:
    cls = cast("Any", type(model))
    declared: dict[str, Any] = {**cls.model_fields, **cls.model_computed_fields}
    names = {
        getattr(field, "serialization_alias", None) or field.alias or name: name
        for name, field in declared.items()
    }
    return {**names, **{name: name for name in model.model_extra or ()}}


def _beside(value: Any) -> dict[str, Any]:
    """Return what an object holds beside its fields: private attributes, what somebody has set."""
    fields = fields_of(value)
    private: dict[str, Any] = getattr(value, "__pydantic_private__", None) or {}
    held = {**getattr(value, "__dict__", {}), **private}
    return {name: part for name, part in held.items() if _is_beside(value, name, fields)}


def _is_beside(value: Any, name: str, fields: Mapping[str, str]) -> bool:
    of_its_class = getattr(cast("Any", type(value)), name, None)
    remembered = isinstance(of_its_class, functools.cached_property)
    return name not in fields.values() and not remembered


def _can_be_compared(cls: Any) -> bool:
    equality: Any = cls.__eq__
    return equality is not object.__eq__


def _equal(left: Any, right: Any) -> bool:
    try:
        return bool(left == right)
    except Exception:  # noqa: BLE001 - an author's __eq__ may raise anything
        return False
