"""Values come back equal, or are refused with the path and the remedy."""

import dataclasses
import datetime as dt
import decimal
import enum
import math
import uuid
from typing import Any, NamedTuple, NotRequired, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstate.errors import BindingError, StateError
from chatstate.state.codec import Codec


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 2


@dataclasses.dataclass
class Wallet:
    coins: int = 0
    notes: list[str] = dataclasses.field(default_factory=list)
    inner: "Wallet | None" = None


class Point(msgspec.Struct):
    x: int
    y: float = 0.0


class Unequal(msgspec.Struct, eq=False):
    x: int
    parts: list[float] = []


class Cat(msgspec.Struct, tag=True):
    lives: int


class Dog(msgspec.Struct, tag="hund", rename="camel"):
    good_boy: bool


class Packed(msgspec.Struct, array_like=True):
    a: int
    b: int = 0


class Sparse(msgspec.Struct, omit_defaults=True):
    a: int = 1
    b: int = 2


class Frozen(msgspec.Struct, frozen=True):
    a: int = 0


class Movie(TypedDict):
    name: str
    year: NotRequired[int]


class Pair(NamedTuple):
    left: int
    right: int = 0


class Profile(pydantic.BaseModel):
    full_name: str = pydantic.Field(alias="fullName")
    born: dt.date | None = None
    score: float = 0.0


class Counted(pydantic.BaseModel):
    items: list[int] = []
    note: str = ""

    @pydantic.computed_field
    def count(self) -> int:
        return len(self.items)


class Open(pydantic.BaseModel, extra="allow"):
    a: int = 0


@dataclasses.dataclass
class Holder:
    profile: Profile
    tags: set[str]


class Hidden(pydantic.BaseModel):
    aside: str = pydantic.Field(default="", exclude=True)


class Alien:
    """Nothing knows how to write it."""


def nested(depth: int, innermost: Any = None) -> list[Any]:
    value = [innermost]
    for _ in range(depth):
        value = [value]
    return value


def circle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def chain(length: int) -> Wallet:
    wallet = Wallet()
    for _ in range(length):
        wallet = Wallet(inner=wallet)
    return wallet


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (Any, None),
        (Any, {"a": [1, 1.5, True, None, "x"], "ü": {"": []}}),
        (Any, 10**30),
        (Any, "\x00\u2028\U0001f600"),
        (bool, True),
        (int, -(2**63)),
        (float, 0.1),
        (str, "“”"),
        (bytes, b"\x00\xff"),
        (Colour, Colour.RED),
        (Level, Level.HIGH),
        (dt.datetime, dt.datetime(2026, 1, 2, 3, 4, 5, 6, dt.UTC)),
        (dt.datetime, dt.datetime(2026, 1, 2)),  # noqa: DTZ001 - naive ones are values too
        (dt.date, dt.date(2026, 1, 2)),
        (dt.time, dt.time(1, 2)),
        (dt.timedelta, dt.timedelta(days=1, microseconds=3)),
        (decimal.Decimal, decimal.Decimal("1.10")),
        (uuid.UUID, uuid.UUID(int=7)),
        pytest.param(set[str], {"a", "b"}, id="set[str]"),  # its repr has no order
        (frozenset[int], frozenset((1, 2))),
        (tuple[int, ...], (1, 2)),
        (tuple[int, str], (1, "a")),
        (dict[int, str], {5: "a"}),
        (dict[dt.date, Colour], {dt.date(2026, 1, 2): Colour.RED}),
        (Wallet, Wallet(3, ["a"], Wallet(1))),
        (dict[str, list[Wallet]], {"a": [Wallet(1)]}),
        (Point, Point(1, 2.5)),
        (Cat | Dog, Dog(good_boy=True)),
        (list[Cat | Dog], [Cat(9), Dog(good_boy=True)]),
        (Packed, Packed(1, 2)),
        (Sparse, Sparse()),
        (Movie, {"name": "M", "year": 1931}),
        (Movie, {"name": "M"}),
        (Pair, Pair(1)),
        (Profile, Profile(fullName="Ada", born=dt.date(1815, 12, 10))),
        (Holder, Holder(Profile(fullName="Ada"), {"x"})),
        (Counted, Counted(items=[1, 2])),
        (Open, Open.model_validate({"a": 1, "more": 2})),
    ],
    ids=repr,
)
def test_values_come_back_equal(type_: Any, value: Any) -> None:
    """What is kept is equal to what was given, and of the same type."""
    codec = Codec(type_)
    back = codec.decode(codec.encode(value))
    assert back == value
    assert type(back) is type(value)


def test_a_value_without_equality_is_compared_by_its_fields() -> None:
    """A Struct with eq=False, equal to nothing else, is kept all the same."""
    codec = Codec(list[Unequal])
    (back,) = codec.decode(codec.encode([Unequal(1, [2.0])]))
    assert (back.x, back.parts) == (1, [2.0])


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_every_json_value_comes_back_without_a_type(value: Any) -> None:
    """Any JSON value is kept without declaring anything."""
    codec = Codec(Any)
    assert codec.decode(codec.encode(value)) == value


@given(st.text() | st.floats() | st.dictionaries(st.integers() | st.text(), st.integers()))
def test_a_value_is_kept_or_refused_and_nothing_between(value: Any) -> None:
    """Whatever the value: it comes back equal, or `StateError` is raised."""
    codec = Codec(Any)
    try:
        text = codec.encode(value)
    except StateError:
        return
    assert codec.decode(text) == value


NUMBERS = "JSON has no NaN or infinity; use None"
KEYS = "declare the type, as in dict[int, str]"
TUPLES = "declare the type, as in tuple[int, ...], or use a list"
SETS = "declare the type, as in set[str], or use a list"
JSON_TYPES = "use JSON types"


@pytest.mark.parametrize(
    ("type_", "value", "path", "remedy"),
    [
        (Any, math.nan, "$", NUMBERS),
        (Any, {"a": [1, math.inf]}, "$['a'][1]", NUMBERS),
        (float, -math.inf, "$", NUMBERS),
        (dict[str, float], {"a": math.nan}, "$['a']", NUMBERS),
        (list[Unequal], [Unequal(1, [0.0, math.nan])], "$[0].parts[1]", NUMBERS),
        (Profile, Profile(fullName="Ada", score=math.nan), "$.score", NUMBERS),
        (float | None, math.nan, "$", NUMBERS),
        (Any, {5: 1}, "$", KEYS),
        (Any, {"a": [{5: 1}]}, "$['a'][0]", KEYS),
        (Any, {5: 1, "5": 2}, "$", KEYS),
        (Any, (1, 2), "$", TUPLES),
        (Any, {"a": (1,)}, "$['a']", TUPLES),
        (Any, {1}, "$", SETS),
        (Any, [{1}], "$[0]", SETS),
        (Any, Colour.RED, "$", "declare the state's type as Colour"),
        (Any, dt.date(2026, 1, 2), "$", "declare the state's type as date"),
        (Any, b"x", "$", "declare the state's type as bytes"),
        (Any, {"w": Wallet()}, "$['w']", "declare the state's type as Wallet"),
        (Any, {"a": Alien()}, "$['a']", JSON_TYPES),
        (Any, [1, 2j], "$[1]", JSON_TYPES),
        (Wallet, Wallet(inner=Wallet(notes=["\ud800"])), "$.inner.notes[0]", "valid Unicode"),
        (Any, {"\ud800": 1}, "$", "valid Unicode"),
        (Any, {None: 1}, "$", JSON_TYPES),
        (Any, {(1, 2): 1}, "$", JSON_TYPES),
        (Any, circle(), "$", "flatten it"),
        (Any, nested(100_000), "$", "flatten it"),
        (Wallet, chain(5_000), "$", "flatten it"),
        (Hidden, Hidden(aside="x"), "$.aside", "keep it in another form"),
        (decimal.Decimal, decimal.Decimal("NaN"), "$", "keep it in another form"),
    ],
)
def test_what_would_not_come_back_is_refused(
    type_: Any, value: Any, path: str, remedy: str
) -> None:
    """The error names the path inside the value, and what to do."""
    with pytest.raises(StateError) as error:
        Codec(type_).encode(value)
    assert f"at `{path}`: " in str(error.value)
    assert remedy in str(error.value)


@pytest.mark.parametrize(
    ("type_", "value", "said"),
    [
        (int, "7", "Expected `int`, got `str`"),
        (int, True, "Expected `int`, got `bool`"),
        (list[int], [1, "x"], "$[1]"),
        (Wallet, Wallet(notes=[1]), "$.notes[0]"),  # type: ignore[list-item]  # that is the point
        (Wallet, None, "Expected `object`, got `null`"),
        (Movie, {}, "missing required field `name`"),
    ],
    ids=repr,
)
def test_a_value_of_another_type_is_refused(type_: Any, value: Any, said: str) -> None:
    """What does not fit the state's type is not stored, and the error says what was expected."""
    with pytest.raises(StateError) as error:
        Codec(type_).encode(value)
    assert said in str(error.value)
    assert "change the value, or the state's type" in str(error.value)


def test_an_error_about_a_long_value_stays_short() -> None:
    """A value is shown by its beginning."""
    with pytest.raises(StateError) as error:
        Codec(Any).encode({"a": tuple(range(10_000))})
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("type_", "text", "path"),
    [
        (Wallet, '{"coins":1,"gems":2}', "$.gems"),
        (Wallet, '{"inner":{"gems":2}}', "$.inner.gems"),
        (list[Wallet], '[{"coins":1},{"gems":2}]', "$[1].gems"),
        (tuple[Wallet, ...], '[{"gems":2}]', "$[0].gems"),
        (dict[str, list[Wallet]], '{"k":[{"coins":1},{"gems":2}]}', "$.k[1].gems"),
        (dict[int, Wallet], '{"5":{"gems":2}}', "$.5.gems"),
        (frozenset[Frozen], '[{"a":1},{"a":2,"gems":3}]', "$[1].gems"),
        (Point, '{"x":1,"z":2}', "$.z"),
        (Cat | Dog, '{"type":"hund","goodBoy":true,"good_boy":true}', "$.good_boy"),
        (Packed, "[1,2,3]", "$[2]"),
        (list[Packed], "[[1,2],[1,2,3]]", "$[1][2]"),
        (Movie, '{"name":"M","stars":5}', "$.stars"),
        (Movie, '{"stars":5,"name":"M"}', "$.stars"),
        (dict[str, Movie], '{"m":{"stars":5,"name":"M"}}', "$.m.stars"),
        (Profile, '{"fullName":"Ada","age":36}', "$.age"),
        (Holder, '{"profile":{"fullName":"Ada","age":36},"tags":[]}', "$.profile.age"),
        (Counted, '{"items":[],"gems":1}', "$.gems"),
    ],
)
def test_a_stored_field_that_the_type_does_not_know_is_refused(
    type_: Any, text: str, path: str
) -> None:
    """Older code never drops silently what newer code stored; the error names the field."""
    with pytest.raises(StateError) as error:
        Codec(type_).decode(text)
    assert f"stored field `{path}` is unknown" in str(error.value)
    assert "; add the field" in str(error.value)


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (Wallet, "{}", Wallet()),
        (Wallet, '{"notes":["a"],"coins":2}', Wallet(2, ["a"])),
        (Wallet, ' { "coins" : 2 } ', Wallet(2)),
        (Sparse, '{"a":1,"b":3}', Sparse(1, 3)),
        (Sparse, '{"a":1,"b":2}', Sparse()),
        (Packed, "[1]", Packed(1)),
        (Counted, '{"count":2,"items":[1,2]}', Counted(items=[1, 2])),
        (Open, '{"more":2,"a":1}', Open.model_validate({"a": 1, "more": 2})),
        (frozenset[Frozen], "[{},{}]", frozenset((Frozen(),))),
        (dict[int, Wallet], '{"5":{},"6":{}}', {5: Wallet(), 6: Wallet()}),
        (Profile, '{"fullName":"Ada"}', Profile(fullName="Ada")),
    ],
    ids=repr,
)
def test_stored_text_of_another_form_is_read(type_: Any, text: str, value: Any) -> None:
    """Missing fields get their defaults; defaults written out, order and spaces do not matter."""
    assert Codec(type_).decode(text) == value


@pytest.mark.parametrize(
    ("type_", "text", "said"),
    [
        (Wallet, '{"coins":"many"}', "$.coins"),
        (Wallet, "[]", "Expected `object`"),
        (Profile, '{"fullName":7}', "fullName"),
        (int, "7.5", "Expected `int`"),
        (Any, '{"a":', "truncated"),
        (Any, "", "truncated"),
        (Any, "NaN", "invalid character"),
        (Any, "[" * 100_000, "recursion"),
        (Colour, '"blue"', "blue"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_stored_text_that_does_not_fit_is_refused(type_: Any, text: str, said: str) -> None:
    """What is stored and no value of the type is an error, which says where."""
    with pytest.raises(StateError, match="what is stored does not fit") as error:
        Codec(type_).decode(text)
    assert said in str(error.value)


@dataclasses.dataclass
class Dangling:
    other: "NoSuchClass"  # type: ignore[name-defined]  # noqa: F821 - that is the point


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        (Dangling, "NoSuchClass"),
        (Point | Wallet, "more than one"),
    ],
)
def test_a_type_that_cannot_be_stored_is_an_error_at_once(type_: Any, said: str) -> None:
    """A codec is refused for what no value could be kept of."""
    with pytest.raises(BindingError, match="cannot be stored") as error:
        Codec(type_)
    assert said in str(error.value)
