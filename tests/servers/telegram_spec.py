"""The Bot API's parameters as data, and requests held against them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from servers.telegram_model import Json, Upload

_SPEC: Json = json.loads(Path(__file__).with_name("telegram_api.json").read_text())
METHODS: Mapping[str, Json] = _SPEC["methods"]
_TYPES: Mapping[str, Json] = _SPEC["types"]
_BY_LOWER = {name.lower(): name for name in METHODS}
_JSON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "Integer": int,
    "Float": (int, float),
    "String": str,
    "Boolean": bool,
    "InputFile": Upload,
}
ATTACHED = "attach://"
"""Begins the text that stands for a file in another part of the same request."""
_FILES = ("media", "thumbnail", "cover", "photo", "document", "audio", "voice", "video")


def method_named(name: str) -> str | None:
    """Return a method's own name; the Bot API does not mind the case."""
    return _BY_LOWER.get(name.lower())


def read(method: str, given: Mapping[str, Any]) -> tuple[Json, list[str]]:
    """Return the parameters of a request as Python values, and what is wrong with them.

    What came in a form or a query is text and read by its type; what came as JSON is not.
    """
    spec = METHODS[method]
    problems = [f"{name} is required" for name in spec if _misses(spec[name], given.get(name))]
    params: Json = {}
    for name, value in given.items():
        if name in spec:
            params[name] = _without_nulls(_from_text(value, spec[name]["types"]))
            problems += _problems(params[name], spec[name]["types"], name)
    attached = set(_attached(params))
    files = {name: given[name] for name in given if name not in spec}
    problems += [f"there is no parameter {name}" for name in files if name not in attached]
    problems += [f"{name} is attached and was not sent" for name in attached - files.keys()]
    return params | {ATTACHED + name: file for name, file in files.items()}, problems


def _without_nulls(value: Any) -> Any:
    """Return a value without the fields that are null, which count as not given."""
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


def _misses(field: Json, value: Any) -> bool:
    return bool(field["required"]) and value is None


def _from_text(value: Any, types: list[str]) -> Any:
    """Read what came as text: as JSON, if that gives a value of one of the types."""
    if not isinstance(value, str) or types == ["String"]:
        return value
    try:
        read_value = json.loads(value.lower() if types == ["Boolean"] else value)
    except ValueError:
        return value
    one_of_them = not _problems(read_value, types, "")
    return read_value if one_of_them or "String" not in types else value


def _problems(value: Any, types: list[str], where: str) -> list[str]:
    """Return what is wrong with a value that must be of one of the types."""
    return min((_problems_as(value, name, where) for name in types), key=len)


def _problems_as(value: Any, name: str, where: str) -> list[str]:
    if name.startswith("Array of "):
        if not isinstance(value, list):
            return [f"{where} must be an array: {value!r}"]
        each = enumerate(value)
        inner = [name.removeprefix("Array of ")]
        return [problem for i, item in each for problem in _problems(item, inner, f"{where}[{i}]")]
    if name in _JSON_TYPES:
        is_odd_boolean = isinstance(value, bool) and name != "Boolean"
        fits = isinstance(value, _JSON_TYPES[name]) and not is_odd_boolean
        return [] if fits else [f"{where} must be {name}: {value!r}"]
    if "subtypes" in _TYPES[name]:
        return _problems(value, _TYPES[name]["subtypes"], where)
    return _problems_of_object(value, name, where)


def _problems_of_object(value: Any, name: str, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where} must be {name}: {value!r}"]
    fields = _TYPES[name]["fields"]
    found = [f"{where}.{key} is required" for key in fields if _misses(fields[key], value.get(key))]
    for key, item in value.items():
        if key not in fields:
            found.append(f"{name} has no field {key}, in {where}")
        else:
            found += _problems(item, fields[key]["types"], f"{where}.{key}")
    return found


def _attached(value: Any) -> list[str]:
    """Return the names of the parts of the request that a value refers to."""
    if isinstance(value, list):
        return [name for item in value for name in _attached(item)]
    if not isinstance(value, dict):
        return []
    texts = [item for key, item in value.items() if key in _FILES and isinstance(item, str)]
    names = [text.removeprefix(ATTACHED) for text in texts if text.startswith(ATTACHED)]
    return names + [name for item in value.values() for name in _attached(item)]
