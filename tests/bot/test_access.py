"""How often is too often: the notation, and counting in a window that moves."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstate import BindingError
from chatstate.bot.access import Limit, Taken, duration, limits_of, take, wait


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5/minute", [(5, 60)]),
        ("5 per minute", [(5, 60)]),
        ("1/second", [(1, 1)]),
        ("20 / hour", [(20, 3600)]),
        ("3 per 2 days", [(3, 172800)]),
        ("1/10 seconds", [(1, 10)]),
        ("2 PER Month", [(2, 2592000)]),
        ("1/year", [(1, 31536000)]),
        ("5/minute; 100/day", [(5, 60), (100, 86400)]),
        (["5/minute", "100/day"], [(5, 60), (100, 86400)]),
        ((), []),
    ],
    ids=repr,
)
def test_a_limit_is_an_amount_in_a_period(text: Any, expected: Any) -> None:
    """As the library `limits` writes them, one or several."""
    assert limits_of(text) == tuple(Limit(*limit) for limit in expected)


@pytest.mark.parametrize(
    "text", ["", "5", "five/minute", "0/minute", "5/fortnight", "5/0 seconds", "-1/day", 5, [5]]
)
def test_what_is_no_limit_is_an_error(text: Any) -> None:
    """The error shows how one is written."""
    with pytest.raises(BindingError, match="5/minute"):
        limits_of(text)


def taken_at(limits: tuple[Limit, ...], *times: float) -> Taken:
    taken = Taken()
    for time in times:
        taken = take(limits, taken, time, time)
    return taken


def test_the_next_is_free_when_the_first_lapses() -> None:
    """Two a minute, taken at 0 and 50: at 55 there is one in 5 seconds, at 60 there is one."""
    limits = limits_of("2/minute")
    taken = taken_at(limits, 0.0, 50.0)
    assert [wait(limits, taken, [], now) for now in (50.0, 55.0, 60.0)] == [10.0, 5.0, 0.0]


def test_the_longest_wait_counts() -> None:
    """Of several limits the one that lasts decides."""
    limits = limits_of("1/minute; 2/hour")
    assert wait(limits, taken_at(limits, 0.0, 60.0), [], 60.0) == 3540.0


def test_what_is_going_on_is_counted() -> None:
    """A turn that has begun elsewhere, and is not committed, takes its place."""
    limits = limits_of("2/minute")
    taken = taken_at(limits, 0.0)
    assert wait(limits, taken, [], 10.0) == 0.0
    assert wait(limits, taken, [(5.0, {})], 10.0) == 50.0


def test_a_clock_that_was_set_back_shuts_nobody_out() -> None:
    """What was taken in the future is not counted."""
    limits = limits_of("1/minute")
    assert wait(limits, taken_at(limits, 1_000_000.0), [], 0.0) == 0.0


def test_a_limit_that_is_no_more_is_forgotten() -> None:
    """What was taken under another limit says nothing of this one."""
    before, now = limits_of("1/minute"), limits_of("1/hour")
    taken = taken_at(before, 0.0)
    assert wait(now, taken, [], 1.0) == 0.0
    assert list(take(now, taken, 1.0, 1.0).times) == ["1/3600"]


def test_large_amounts_take_little_room() -> None:
    """Of 10,000 a day no more than a hundred times are kept, and one."""
    limits = limits_of("10000/day")
    times = [number * 8.64 for number in range(10_000)]
    taken = taken_at(limits, *times)
    assert len(taken.times["10000/86400"]) <= 101
    assert 0 < wait(limits, taken, [], times[-1]) <= 864 + 8.64


@given(
    amount=st.integers(1, 150),
    gaps=st.lists(st.floats(0.01, 5.0, allow_nan=False), min_size=1, max_size=300),
)
def test_no_period_ever_holds_more_than_the_amount(amount: int, gaps: list[float]) -> None:
    """Whenever it is asked, and whatever the amount: one that waits as told is let in."""
    limits = (Limit(amount, 20),)
    now, taken, let_in = 0.0, Taken(), []
    for gap in gaps:
        now += gap
        if wait(limits, taken, [], now) == 0.0:
            taken = take(limits, taken, now, now)
            let_in.append(now)
    for first, last in itertools.pairwise(zip(let_in, let_in[amount:], strict=False)):
        assert first[1] - first[0] >= 20 - 1e-6
        assert last[1] - last[0] >= 20 - 1e-6
    seconds = wait(limits, taken, [], now)
    assert wait(limits, taken, [], now + seconds + 1e-6) == 0.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (1, "1 s"),
        (59.1, "60 s"),
        (60, "60 s"),
        (61, "2 min"),
        (3600, "60 min"),
        (3601, "2 h"),
        (48 * 3600, "48 h"),
        (48 * 3600 + 1, "3 days"),
    ],
)
def test_a_time_to_wait_is_rounded_up(seconds: float, words: str) -> None:
    """Who comes back then is not sent away again."""
    assert str(duration(seconds)) == words
