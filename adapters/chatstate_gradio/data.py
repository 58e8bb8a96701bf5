"""Any Python data as JSON that comes back equal: what the states of an app hold.

1. What JSON has is itself. Else it is an object of one key, which begins with a dollar sign.
2. What is no data, such as a model or an open file, is a `NotDataError`: no store can keep it.
"""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, cast

_WHOLE = 2**63  # what JSON's numbers are read as by all


class NotDataError(Exception):
    """A value that no store can keep. It says of which type."""


def to_data(value: Any) -> Any:
    """Return a value as JSON types. Raises `NotDataError`."""
    type_ = type(cast("object", value))
    if type_ in (str, bool, type(None)) or (type_ is int and -_WHOLE <= value < _WHOLE):
        return value
    if type_ is float and math.isfinite(value):
        return value
    if type_ is list:
        return [to_data(item) for item in value]
    if type_ is dict:
        return _dict(value)
    if write := _WRITERS.get(type_):
        name, written = write
        return {name: written(value)}
    if type_.__module__ == "numpy" and hasattr(value, "tobytes") and value.dtype.kind in "biufcUS":
        held = base64.b64encode(value.tobytes()).decode()
        return {"$array": [value.dtype.str, list(value.shape), held]}
    raise NotDataError(f"{type_.__module__}.{type_.__qualname__}")


def _dict(value: dict[Any, Any]) -> dict[str, Any]:
    if all(type(key) is str and not key.startswith("$") for key in value):
        return {key: to_data(item) for key, item in value.items()}
    return {"$dict": [[to_data(key), to_data(item)] for key, item in value.items()]}


def from_data(data: Any) -> Any:
    """Return the value that `to_data` has written."""
    if isinstance(data, list):
        return [from_data(item) for item in cast("list[Any]", data)]
    if not isinstance(data, dict):
        return data
    held = cast("dict[str, Any]", data)
    name, *others = [*held, ""]
    if len(others) == 1 and name.startswith("$"):
        return _READERS[name](held[name])
    return {key: from_data(item) for key, item in held.items()}


def _items(values: Any) -> list[Any]:
    return [to_data(value) for value in values]


def _array(told: list[Any]) -> Any:
    import numpy as np

    kind, shape, held = told
    array = np.frombuffer(base64.b64decode(held), dtype=np.dtype(kind)).reshape(shape).copy()
    return array if shape else array[()]


_WRITERS: Mapping[type[Any], tuple[str, Callable[[Any], Any]]] = {
    int: ("$int", str),
    float: ("$float", str),
    tuple: ("$tuple", _items),
    set: ("$set", _items),
    frozenset: ("$frozenset", _items),
    bytes: ("$bytes", lambda value: base64.b64encode(value).decode()),
    Decimal: ("$decimal", str),
    dt.datetime: ("$datetime", dt.datetime.isoformat),
    dt.date: ("$date", dt.date.isoformat),
    dt.time: ("$time", dt.time.isoformat),
    dt.timedelta: ("$timedelta", lambda value: [value.days, value.seconds, value.microseconds]),
}
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "$int": int,
    "$float": float,
    "$dict": lambda pairs: {from_data(key): from_data(value) for key, value in pairs},
    "$tuple": lambda items: tuple(map(from_data, items)),
    "$set": lambda items: set(map(from_data, items)),
    "$frozenset": lambda items: frozenset(map(from_data, items)),
    "$bytes": base64.b64decode,
    "$decimal": Decimal,
    "$datetime": dt.datetime.fromisoformat,
    "$date": dt.date.fromisoformat,
    "$time": dt.time.fromisoformat,
    "$timedelta": lambda parts: dt.timedelta(*parts),
    "$array": _array,
}
