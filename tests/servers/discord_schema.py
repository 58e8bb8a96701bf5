"""Discord's own document of its REST interface, as far as the server answers it, as data.

`discord_api.json` tells where it is from. Rules of Discord that it does not hold (a text of at
most 2,000 characters, say) are in the modules that answer.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

Json = dict[str, Any]

BOOLEANS = {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}


class Document:
    """The operations, and what is wrong with a request for one of them."""

    def __init__(self, path: Path) -> None:
        document = json.loads(path.read_text())
        self._schemas: Json = document["components"]["schemas"]
        # Discord takes integers for ids as well, and discord.py sends them.
        self._schemas["SnowflakeType"]["type"] = ["string", "integer"]
        self._checks: dict[str, Draft202012Validator] = {}
        self.operations: dict[str, Json] = {
            f"{method.upper()} {template}": operation
            | {"parameters": item.get("parameters", []) + operation.get("parameters", [])}
            for template, item in document["paths"].items()
            for method, operation in item.items()
            if method != "parameters"
        }

    def problems(
        self, route: str, path: Mapping[str, str], query: Mapping[str, str], body: object
    ) -> Iterator[str]:
        """Yield what a request's path, query and JSON body (None: it has none) break."""
        operation = self.operations[route]
        given = {"path": path, "query": query}
        for parameter in operation["parameters"]:
            name, where = parameter["name"], parameter["in"]
            if name in given[where]:
                value = _typed(given[where][name], parameter["schema"])
                yield from self._check(f"{route} {name}", parameter["schema"], value)
        yield from (
            f"query: {name} is not known"
            for name in query
            if name not in {parameter["name"] for parameter in operation["parameters"]}
        )
        yield from self._body(route, operation.get("requestBody"), body)

    def _body(self, route: str, expected: Json | None, body: object) -> Iterator[str]:
        if expected is None:
            if body is not None:
                yield "body: there should be none"
        elif body is not None:
            schema = expected["content"]["application/json"]["schema"]
            yield from self._check(f"{route} body", schema, body)
        elif expected.get("required"):
            yield "body: is missing"

    def _check(self, name: str, schema: Json, value: object) -> Iterator[str]:
        if name not in self._checks:
            whole = schema | {"components": {"schemas": self._schemas}}
            self._checks[name] = Draft202012Validator(whole)
        for error in map(_closest, self._checks[name].iter_errors(value)):
            yield f"{name.rpartition(' ')[2]}{error.json_path[1:]}: {error.message}"


def _closest(error: ValidationError) -> ValidationError:
    """Return what is wrong in the alternative that was meant: the one of the right type."""
    while error.context:
        branches: dict[object, list[ValidationError]] = {}
        for problem in error.context:
            branches.setdefault(problem.relative_schema_path[0], []).append(problem)
        error = min(branches.values(), key=lambda branch: any(map(_is_of_other_type, branch)))[0]
    return error


def _is_of_other_type(error: ValidationError) -> bool:
    path = list(error.relative_path)
    return path == ["type"] or (error.validator == "type" and not path)


def _typed(text: str, schema: Json) -> object:
    """Return a query's text as the type that its schema asks for, if it is of that type."""
    if schema.get("type") == "boolean":
        return BOOLEANS.get(text, text)
    if schema.get("type") == "integer" and text.isdecimal():
        return int(text)
    return text
