"""Tables: read from CSV that is typed or sent, shown as a table of Markdown.

1. The first line names the columns. A table is a list of lists, and the names are its first row,
   unless the annotation is a class that is made as `pandas.DataFrame` is.
2. What is in a cell is never markup.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from chatstate.bot.annotations import essence
from chatstate.bot.kinds.kind import Kind, Said
from chatstate.bot.returns import kind_of
from chatstate.errors import BindingError, ReplyError
from chatstate.files import File
from chatstate.language.sentences import Sentence
from chatstate.replies import Markdown

_MARKUP = re.compile(r"([\\`*_{}\[\]<>()#+!|~-])")
Table = tuple[Sequence[Any], Sequence[Sequence[Any]]]
"""The names of the columns, and the rows."""


def table_kind(type_: Any) -> Kind:
    """Return the kind of a table, given as `type_`. Raises `BindingError`."""
    make = _maker(essence(type_))

    def read(said: Said) -> Any:
        rows = rows_in(_content(said))
        if not rows:
            raise Sentence("no_text")
        return make(rows)

    return Kind(read=read, show=as_table, takes="both")


def _maker(meant: Any) -> Callable[[list[list[str]]], Any]:
    if getattr(meant, "__name__", "") == "DataFrame":
        return lambda rows: meant(rows[1:], columns=rows[0])
    if meant in (Any, object, list) or getattr(meant, "__origin__", None) is list:
        return lambda rows: rows
    raise BindingError(f"a table is no {meant!r}; possible: list[list[str]], pandas.DataFrame")


def _content(said: Said) -> str:
    if not said.files:
        return said.text
    file: File = said.files[0]
    try:
        return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Sentence("wrong_file", file=file.name, wanted="CSV") from error


def rows_in(text: str) -> list[list[str]]:
    """Return the rows of CSV, each as long as the first."""
    rows = [row for row in csv.reader(io.StringIO(text.strip())) if row]
    width = len(rows[0]) if rows else 0
    return [[*row, *[""] * (width - len(row))][:width] for row in rows]


def as_table(value: Any) -> Markdown | None:
    """Show a table: of lists, a dict of headers and data, or what is like a `pandas.DataFrame`."""
    if value is None:
        return None
    try:
        headers, rows = _table(value)
    except (KeyError, TypeError, ValueError) as error:
        raise ReplyError(f'output "dataframe" cannot show {kind_of(value)}: {error}') from error
    return shown_table(headers, rows) if headers else None


def shown_table(headers: Sequence[Any], rows: Sequence[Sequence[Any]]) -> Markdown:
    """Return a table as Markdown."""
    return Markdown("\n".join([_line(headers), "|" + "---|" * len(headers), *map(_line, rows)]))


def _table(value: Any) -> Table:
    if isinstance(value, Mapping):
        told = cast("Mapping[str, Any]", value)
        return list(told["headers"]), list(told["data"])
    if hasattr(value, "columns"):
        return list(value.columns), value.to_numpy().tolist()
    rows: list[Any] = value.tolist() if hasattr(value, "tolist") else list(value)
    if rows and not isinstance(rows[0], list | tuple):
        return ["1"], [[cell] for cell in rows]
    width = max((len(row) for row in rows), default=0)
    return [str(number) for number in range(1, width + 1)], rows


def _line(cells: Sequence[Any]) -> str:
    shown = (_MARKUP.sub(r"\\\1", " ".join(str(cell).split())) for cell in cells)
    return f"| {' | '.join(shown)} |"
