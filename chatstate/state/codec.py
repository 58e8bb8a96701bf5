"""Values to JSON text and back, with the proof that they come back the same.

1. `encode` returns text only if decoding it gives what the original was: equal, and of the same
   types throughout (see `sameness`).
2. `decode` accepts only text in which the type knows every field.
3. Errors name the path inside the value, with `$` for the value itself, and the remedy.
"""

from __future__ import annotations

import math
import typing
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, cast

import msgspec

from chatstate.errors import BindingError, OtherVersionError, StateError
from chatstate.state.differences import Difference, differences, fields_of, parts
from chatstate.state.misfits import misfit
from chatstate.state.sameness import is_exact, is_plain, is_same

_FINITE = "JSON has no NaN or infinity; use None"
_STORABLE = "use JSON types, dataclasses, Structs, pydantic models, and text that is valid Unicode"
_REMEDIES: Mapping[type[Any], str] = {
    dict: "JSON keys are strings; declare the type, as in dict[int, str]",
    tuple: "declare the type, as in tuple[int, ...], or use a list",
    set: "declare the type, as in set[str], or use a list",
    frozenset: "declare the type, as in frozenset[str], or use a list",
    Counter: "declare the type, as in Counter[str], or use a plain dict",
    OrderedDict: "declare the type, as in OrderedDict[str, int], or use a plain dict",
    defaultdict: (
        "declare the type, as in defaultdict[str, int], which makes an int of what is missing; or "
        "use a plain dict"
    ),
}
_SHOWN = 80
_RECURSIVE = "the value is nested too deeply, or contains itself; flatten it"


class Codec:
    """Encodes and decodes the values of one type (`Any`: plain JSON types)."""

    def __init__(self, type_: Any) -> None:
        self.type = type_
        self._encoder = msgspec.json.Encoder(enc_hook=_to_builtin)
        try:
            self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
                type_, dec_hook=from_builtin
            )
        except NameError as error:
            raise BindingError(
                f"values of type {_name(type_)} cannot be stored: {error}; "
                "define what its fields name at the top of its module"
            ) from error
        except TypeError as error:
            raise BindingError(f"values of type {type_!r} cannot be stored: {error}") from error
        self._encode, self._decode = self._encoder.encode, self._decoder.decode
        self._is_plain = is_plain(type_)

    def encode(self, value: Any) -> str:
        """Return `value` as JSON text. Raises `StateError` if it would not come back the same."""
        return self.prove(value)[0]

    def prove(self, value: Any) -> tuple[str, Any]:
        """Return `value` as JSON text, and the same value that came back from it.

        That is None where it took more care than usual to tell. Raises `StateError` as `encode`.
        """
        try:
            encoded = self._encode(value)
            back = self._decode(encoded)
            if (back == value and is_exact(value)) if self._is_plain else is_same(value, back):
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

        Raises `StateError` if it does not fit the type, `OtherVersionError` if (unless `trusted`,
        which is for text that this codec made) it has a field the type does not know.
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
        except RecursionError:
            raise
        except Exception as error:  # hooks of an author's types may raise anything
            path, part = _culprit(self._encoder, value, "$")
            raise StateError(
                f"at `{path}`: {_shorten(part)} cannot be stored: {error}; {_STORABLE}"
            ) from error

    def _prove(self, encoded: bytes, value: Any) -> None:
        try:
            back = self._decoder.decode(encoded)
        except RecursionError:
            raise
        except Exception as error:  # hooks of an author's types may raise anything
            for path, part in _not_finite(value, "$"):  # JSON knows only null for these
                raise StateError(f"at `{path}`: {part} cannot be stored: {_FINITE}") from error
            path, reason = misfit(self._decoder.decode, encoded, error)
            raise StateError(
                f"at `{path}`: {reason}; got {_shorten(value)}: "
                "change the value, or the state's type"
            ) from error
        for difference in differences(value, back):
            raise StateError(f"at `{difference.path}`: {_told(difference)}: {_remedy(difference)}")

    def _refuse_unknown_fields(self, text: str, value: Any) -> None:
        if self._encoder.encode(value) == text.encode():
            return
        for path in _unknown(msgspec.json.decode(text), value, "$"):
            raise OtherVersionError(
                f"stored field `{path}` is unknown to {_name(self.type)}; add the field"
            )


def _to_builtin(value: Any) -> Any:
    if hasattr(value, "__pydantic_validator__"):
        return value.model_dump(mode="json", by_alias=True, warnings=False)  # it is proved anyway
    raise TypeError(f"values of type {type(value).__name__} are not supported")


def from_builtin(type_: Any, value: Any) -> Any:
    """Return a value of a type that `msgspec` does not know, made from JSON types: a hook of its.

    Raises `TypeError` for a type that is not known here either.
    """
    if hasattr(type_, "__pydantic_validator__"):
        return type_.model_validate(value)
    if (typing.get_origin(type_) or type_) in (Counter, OrderedDict, defaultdict):
        return _mapping(type_, value)
    raise TypeError(f"values of type {_name(type_)} are not supported")


def _mapping(type_: Any, value: Any) -> Any:
    """Return a mapping of the standard library, of which the type tells all that JSON does not."""
    kind: Any = typing.get_origin(type_) or type_
    arguments = typing.get_args(type_) or (str, Any)
    keys, values = (*arguments, int)[:2]  # a Counter counts
    declared = cast("Any", dict)[keys, values]
    plain = msgspec.convert(value, declared, str_keys=True, dec_hook=from_builtin)
    makes = (typing.get_origin(values) or values,) if kind == defaultdict else ()
    return kind(*makes, plain)


def _not_finite(value: Any, path: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, float) and not math.isfinite(value):
        yield path, value
    for name, child in parts(value):
        yield from _not_finite(child, path + name)


def _culprit(encoder: msgspec.json.Encoder, value: Any, path: str) -> tuple[str, Any]:
    for name, child in parts(value):
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
        known = [getattr(value, attribute) for attribute in fields_of(value).values()]
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
        known = {name: getattr(value, attribute) for name, attribute in fields_of(value).items()}
        if not known:
            return
    for name, left in stored.items():
        if name not in known:
            yield f"{path}.{name}"
        else:
            yield from _unknown(left, known[name], f"{path}.{name}")


def _remedy(difference: Difference) -> str:
    _, was, became, is_field = difference
    kind = cast("Any", type(was))
    if not is_field:
        return "only fields are stored; declare it as one"
    if kind is float and not math.isfinite(was):
        return _FINITE
    if kind in _REMEDIES and (kind is not type(became) or kind in (dict, defaultdict)):
        return _REMEDIES[kind]
    if kind is type(became):
        return "its type does not keep this; keep it in another form"
    for plain in (dict, list):
        if isinstance(was, plain):
            return f"use a plain {plain.__name__}"
    return f"declare the state's type as {kind.__name__}, or store plain JSON types"


def _told(difference: Difference) -> str:
    was, became = _shorten(difference.was), _shorten(difference.became)
    if was == became:
        was, became = f"{type(difference.was).__name__} {was}", type(difference.became).__name__
    return f"{was} would come back as {became}"


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _name(type_: Any) -> str:
    return type_.__name__ if isinstance(type_, type) else str(type_)
