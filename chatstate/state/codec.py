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

_FINITE = "JSON has no NaN or infinity; use None"
_STORABLE = "use JSON types, dataclasses, Structs, pydantic models, and text that is valid Unicode"
_REMEDIES: tuple[tuple[type[Any], str], ...] = (
    (float, _FINITE),
    (dict, "JSON keys are strings; declare the type, as in dict[int, str]"),
    (tuple, "declare the type, as in tuple[int, ...], or use a list"),
    (AbstractSet, "declare the type, as in set[str], or use a list"),
)
_SHOWN = 80
_RECURSIVE = "the value is nested too deeply, or contains itself; flatten it"


class Codec:
    """Encodes and decodes the values of one type (`Any`: plain JSON types)."""

    def __init__(self, type_: Any) -> None:
        self.type = type_
        self._encoder = msgspec.json.Encoder(enc_hook=_to_builtin)
        try:
            self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
                type_, dec_hook=_from_builtin
            )
        except NameError as error:
            raise BindingError(
                f"values of type {_name(type_)} cannot be stored: {error}; "
                "define what its fields name at the top of its module"
            ) from error
        except TypeError as error:
            raise BindingError(f"values of type {type_!r} cannot be stored: {error}") from error
        self._encode, self._decode = self._encoder.encode, self._decoder.decode

    def encode(self, value: Any) -> str:
        """Return `value` as JSON text. Raises `StateError` if it would not come back equal."""
        return self.prove(value)[0]

    def prove(self, value: Any) -> tuple[str, Any]:
        """Return `value` as JSON text, and the equal value that came back from it.

        That is None where it took more care than usual to tell. Raises `StateError` as `encode`.
        """
        try:
            encoded = self._encode(value)
            back = self._decode(encoded)
            if back == value:
                return encoded.decode(), back
        except Exception:  # noqa: BLE001 - whatever is wrong is looked for below
            return self._encode_with_care(value), None
        return self._encode_with_care(value), None

    def _encode_with_care(self, value: Any) -> str:
        try:
            encoded = self._to_json(value)
            self._prove(encoded, value)
        except RecursionError as error:
            raise StateError(f"at `$`: {_RECURSIVE}") from error
        return encoded.decode()

    def decode(self, text: str, *, trusted: bool = False) -> Any:
        """Return the value that `text` holds.

        Raises `StateError` if it does not fit the type, or (unless `trusted`, which is for text
        that this codec made) has a field the type does not know.
        """
        try:
            value = self._decoder.decode(text)
            if not trusted and self.type is not Any:
                self._refuse_unknown_fields(text, value)
        except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
            raise StateError(f"what is stored does not fit {_name(self.type)}: {error}") from error
        return value

    def _to_json(self, value: Any) -> bytes:
        try:
            return self._encoder.encode(value)
        except (TypeError, ValueError, OverflowError) as error:
            path, part = _culprit(self._encoder, value, "$")
            raise StateError(
                f"at `{path}`: {_shorten(part)} cannot be stored: {error}; {_STORABLE}"
            ) from error

    def _prove(self, encoded: bytes, value: Any) -> None:
        try:
            back = self._decoder.decode(encoded)
        except msgspec.ValidationError as error:
            for path, part in _not_finite(value, "$"):  # JSON knows only null for these
                raise StateError(f"at `{path}`: {part} cannot be stored: {_FINITE}") from error
            raise StateError(
                f"{error}; got {_shorten(value)}: change the value, or the state's type"
            ) from error
        if not _equal(back, value):
            for path, was, became in _differences(value, back, "$"):
                raise StateError(
                    f"at `{path}`: {_shorten(was)} would come back as {_shorten(became)}: "
                    f"{_remedy(was, became)}"
                )

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


def _not_finite(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float) and not math.isfinite(value):
        yield path, value
    for name, child in _children(value):
        yield from _not_finite(child, path + name)


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
    if isinstance(stored, list):
        yield from _unknown_items(cast("list[Any]", stored), value, path)
    elif isinstance(stored, dict):
        yield from _unknown_members(cast("dict[str, Any]", stored), value, path)


def _unknown_items(stored: list[Any], value: Any, path: str) -> Iterator[str]:
    if isinstance(value, AbstractSet):  # its order is lost: each must be somebody's
        members = cast("AbstractSet[Any]", value)
        for index, item in enumerate(stored):
            unknown = [list(_unknown(item, member, f"{path}[{index}]")) for member in members]
            if all(unknown):
                yield from unknown[0]
        return
    if isinstance(value, list | tuple):
        known = list(cast("list[Any]", value))
    else:  # a Struct with array_like
        known = [getattr(value, attribute) for attribute in _fields(value).values()]
        if known and len(stored) > len(known):
            yield f"{path}[{len(known)}]"
    for index, (left, right) in enumerate(zip(stored, known, strict=False)):
        yield from _unknown(left, right, f"{path}[{index}]")


def _unknown_members(stored: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        mapping = cast("Mapping[Any, Any]", value)
        if len(mapping) == len(stored):  # keys may be of any type, but their order is kept
            known = dict(zip(stored, mapping.values(), strict=True))
        else:  # a TypedDict
            known = dict(mapping)
    else:
        known = {name: getattr(value, attribute) for name, attribute in _fields(value).items()}
        if not known:
            return
    for name, left in stored.items():
        if name not in known:
            yield f"{path}.{name}"
        else:
            yield from _unknown(left, known[name], f"{path}.{name}")


def _remedy(was: Any, became: Any) -> str:
    for kind, remedy in _REMEDIES:
        if isinstance(was, kind) and not (isinstance(was, float) and math.isfinite(was)):
            return remedy
    if type(was) is type(became):
        return "its type does not keep this; keep it in another form"
    return f"declare the state's type as {type(was).__name__}, or store plain JSON types"


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _name(type_: Any) -> str:
    return type_.__name__ if isinstance(type_, type) else str(type_)
