"""What the states of an app hold, as JSON that comes back equal."""

import datetime as dt
import json
import math
import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstate_gradio.data import NotDataError, from_data, to_data

KEYS = st.one_of(st.text(max_size=4), st.integers(), st.tuples(st.booleans()), st.just("$dict"))
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
        st.sets(st.text(max_size=3), max_size=3),
    ),
    max_leaves=8,
)


@given(VALUES)
def test_data_comes_back_equal(value: Any) -> None:
    """Through JSON, with its types."""
    back = from_data(json.loads(json.dumps(to_data(value))))
    assert (back, type(back)) == (value, type(value))


def test_what_is_no_number_comes_back() -> None:
    """NaN is the one value that is not equal to itself."""
    assert math.isnan(from_data(json.loads(json.dumps(to_data(math.nan)))))


class Point(tuple[int, int]):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [object(), threading.Lock(), [len], {"a": Point((1, 2))}, dt.UTC, {Decimal: 1}],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_data_is_told(value: Any) -> None:
    """Nothing is stored as something else: what is no data has to stay in memory."""
    with pytest.raises(NotDataError):
        to_data(value)
