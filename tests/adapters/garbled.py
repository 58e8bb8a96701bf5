"""Payloads that were changed at random: values of other types, fields that are gone or new."""

import json
import os
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

Json = dict[str, Any]
Path = tuple[Any, ...]

settings.register_profile("garbled", max_examples=150, deadline=None)
settings.register_profile("garbled-long", max_examples=5000, deadline=None)
PROFILE = settings.get_profile("garbled-long" if os.environ.get("CHATSTATE_LONG") else "garbled")

ODD_VALUES: list[Any] = [
    *(0, -1, 10**18, 10**30, float("inf"), float("nan")),
    *("9" * 40, "\ud800", "\0", "/vote", []),
]
ODD = st.sampled_from(ODD_VALUES)
SCALARS = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5) | ODD
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def paths(value: Any, before: Path = ()) -> Iterator[Path]:
    """Yield where something stands in a payload."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*before, key)
        if isinstance(inner, dict | list):
            yield from paths(inner, (*before, key))


@st.composite
def garbled(
    draw: st.DrawFn, usual: Json, *, spared: Sequence[str] = (), new: Sequence[str] = ("new",)
) -> Json:
    """Draw a payload with some changes, but for the fields that are `spared`.

    A value is another one, or gone; or there is one more, under one of the names in `new`.
    """
    changed: Json = json.loads(json.dumps(usual))
    for _ in range(draw(st.integers(1, 3))):
        there = [path for path in paths(changed) if path[0] not in spared]
        kind = draw(st.sampled_from(["other", "other", "gone", "new"]))
        if kind == "new" or not there:
            changed[draw(st.sampled_from(new))] = draw(VALUES)
            continue
        *where, key = draw(st.sampled_from(there))
        holder: Any = changed
        for step in where:
            holder = holder[step]
        if kind == "gone" and isinstance(holder, dict):
            del holder[key]
        else:
            holder[key] = draw(VALUES)
    return changed
