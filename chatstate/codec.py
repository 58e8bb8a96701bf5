"""Values to JSON text and back, with the proof that they come back equal.

1. `encode` returns text only if decoding it gives a value equal to the original.
2. `decode` accepts only text in which the type knows every field.
3. Errors name the path inside the value, with `$` for the value itself, and the remedy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, cast

import msgspec

from chatstate.errors import BindingError, StateError

_REMEDIES: tuple[tuple[type[Any], str], ...] = (
    (float, "JSON has no NaN or infinity; use None"),
    (dict, "JSON keys are strings; declare the type, as in dict[int, str]"),
    (tuple, "declare the type, as in tuple[int, ...], or use a list"),
    (AbstractSet, "declare the type, as in set[str], or use a list"),
)
_SHOWN = 80
_RECURSIVE = "is nested too deeply, or contains itself"


class Codec:
    """Encodes and decodes the values of one type (`Any`: plain JSON types)."""

    def __init__(self, type_: Any) -> None:
        self.type = type_
        self._encoder = msgspec.json.Encoder(enc_hook=_to_builtin)
        try:
            self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
                type_, dec_hook=_from_builtin
            )
        except TypeError as error:
            raise BindingError(f"values of type {type_!r} cannot be stored: {error}") from error

    def encode(self, value: Any) -> str:
        """Return `value` as JSON text. Raises `StateError` if it would not come back equal."""
        encoded = self._to_json(value)
        try:
            back = self._decoder.decode(encoded)
        except msgspec.ValidationError as error:
            raise StateError(f"{error}; got {_shorten(value)}") from error
        if not _equal(back, value):
            for path, was, became in _differences(value, back, "$"):
                raise StateError(
                    f"at `{path}`: {_shorten(was)} would come back as {_shorten(became)}: "
                    f"{_remedy(was)}"
                )
        return encoded.decode()

    def decode(self, text: str, *, trusted: bool = False) -> Any:
        """Return the value that `text` holds.

        Raises `StateError` if it does not fit the type, or (unless `trusted`, which is for text
        that this codec made) has a field the type does not know.
        """
        try:
            value = self._decoder.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise StateError(f"what is stored does not fit {_name(self.type)}: {error}") from error
        if not trusted and self.type is not Any:
            self._refuse_unknown_fields(text, value)
        return value

    def _to_json(self, value: Any) -> bytes:
        try:
            return self._encoder.encode(value)
        except RecursionError as error:
            raise StateError(f"at `$`: the value {_RECURSIVE}") from error
        except (TypeError, ValueError, NotImplementedError, OverflowError) as error:
            path, part = _culprit(self._encoder, value, "$")
            raise StateError(f"at `{path}`: {_shorten(part)} cannot be stored: {error}") from error

    def _refuse_unknown_fields(self, text: str, value: Any) -> None:
        if self._encoder.encode(value) == text.encode():
            return
        for path in _unknown(msgspec.json.decode(text), value, "$"):
            raise StateError(
                f"stored field `{path}` is unknown to {_name(self.type)}; "
                "add the field or write a migration"
            )


def _to_builtin(value: Any) -> Any:
    if hasattr(value, "__pydantic_validator__"):
        return value.model_dump(mode="json", by_alias=True)
    raise TypeError(f"values of type {type(value).__name__} are not supported")


def _from_builtin(type_: Any, value: Any) -> Any:
    if hasattr(type_, "__pydantic_validator__"):
        return type_.model_validate(value)
    raise TypeError(f"values of type {_name(type_)} are not supported")


def _equal(left: Any, right: Any) -> bool:
    try:
        return bool(left == right)
    except Exception:  # noqa: BLE001 - an author's __eq__ may raise anything; look closer
        return False


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, child in cast("Mapping[Any, Any]", value).items():
            yield f"[{name!r}]", child
    elif isinstance(value, list | tuple):
        for index, child in enumerate(cast("list[Any]", value)):
            yield f"[{index}]", child
    else:
        for name, attribute in _fields(value).items():
            yield f".{name}", getattr(value, attribute)


def _fields(value: Any) -> dict[str, str]:
    """Return the attributes of an object with fields, by their names in JSON."""
    if isinstance(value, msgspec.Struct):
        names = dict(zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True))
        tag = value.__struct_config__.tag_field
        return names if tag is None else {tag: "__class__", **names}
    cls = cast("Any", type(value))
    if hasattr(cls, "model_fields"):
        return {field.alias or name: name for name, field in cls.model_fields.items()}
    fields = getattr(cls, "__dataclass_fields__", None) or [
        attribute.name for attribute in getattr(cls, "__attrs_attrs__", ())
    ]
    return {name: name for name in fields}


def _differences(was: Any, became: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    if type(was) is not type(became) or isinstance(was, float):
        if not _equal(was, became):
            yield path, was, became
        return
    before, after = list(_children(was)), list(_children(became))
    if [name for name, _ in before] != [name for name, _ in after]:
        yield path, was, became
        return
    found = False
    for (name, child), (_, other) in zip(before, after, strict=True):
        for difference in _differences(child, other, path + name):
            found = True
            yield difference
    if not found and not before and not _equal(was, became):
        yield path, was, became


def _culprit(encoder: msgspec.json.Encoder, value: Any, path: str) -> tuple[str, Any]:
    for name, child in _children(value):
        try:
            encoder.encode(child)
        except Exception:  # noqa: BLE001 - whatever it raises, it is in there
            return _culprit(encoder, child, path + name)
    return path, value


def _unknown(stored: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(stored, list) and isinstance(value, list | tuple):
        pairs = zip(cast("list[Any]", stored), cast("list[Any]", value), strict=False)
        for index, (left, right) in enumerate(pairs):
            yield from _unknown(left, right, f"{path}[{index}]")
    elif isinstance(stored, dict):
        members = cast("dict[str, Any]", stored)
        if isinstance(value, Mapping):
            children = list(cast("Mapping[Any, Any]", value).values())
            for (name, left), right in zip(members.items(), children, strict=False):
                yield from _unknown(left, right, f"{path}.{name}")
        elif fields := _fields(value):
            for name, left in members.items():
                if name not in fields:
                    yield f"{path}.{name}"
                else:
                    yield from _unknown(left, getattr(value, fields[name]), f"{path}.{name}")


def _remedy(value: Any) -> str:
    for kind, remedy in _REMEDIES:
        if isinstance(value, kind) and not (isinstance(value, float) and math.isfinite(value)):
            return remedy
    return f"declare the state's type as {type(value).__name__}, or store plain JSON types"


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _name(type_: Any) -> str:
    return type_.__name__ if isinstance(type_, type) else str(type_)
