"""What comes back is of the same types throughout and has all it had, or it is refused."""

import dataclasses
import datetime as dt
import decimal
import enum
import functools
import threading
import uuid
from collections import Counter, OrderedDict, UserString, defaultdict, deque
from collections.abc import Mapping
from typing import Any, Generic, NamedTuple, TypeVar

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatstate.errors import StateError
from chatstate.state.codec import Codec

T = TypeVar("T")


class Bag(dict[Any, Any]):
    """A subclass that JSON knows nothing of."""


class Pile(list[Any]):
    """Another."""


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Colour(enum.StrEnum):
    RED = "red"


class Pair(NamedTuple):
    left: Any
    right: Any = 0


class Moment(dt.datetime):
    """Some libraries have one."""


@dataclasses.dataclass
class Wallet:
    coins: Any = 0
    notes: list[str] = dataclasses.field(default_factory=list)
    hidden: Any = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass
class ById:
    identity: int = 0
    name: Any = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ById) and other.identity == self.identity

    __hash__ = None  # type: ignore[assignment]  # it is kept in no set


@dataclasses.dataclass
class Box(Generic[T]):
    content: T


@dataclasses.dataclass(frozen=True)
class Coin:
    value: float = 1.0


@dataclasses.dataclass
class Prepared:
    words: list[str] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.known = set(self.words)

    @functools.cached_property
    def longest(self) -> str:
        return max(self.words, key=len)


@attrs.define
class Slotted:
    n: Any = 0


class Struct(msgspec.Struct):
    n: Any = 0
    parts: list[Any] = []


class Model(pydantic.BaseModel):
    n: int = 0
    votes: Counter[str] = Counter()
    recent: deque[Any] = deque()
    _aside: Any = 0


class Guarded(pydantic.BaseModel):
    n: int = 0
    _lock: Any = pydantic.PrivateAttr(default_factory=threading.Lock)


def held(value: Any, **more: Any) -> Any:
    """Return an object that holds more than its fields."""
    for name, part in more.items():
        setattr(value, name, part)
    return value


def remembering(value: Prepared) -> Prepared:
    assert value.longest
    return value


def same(value: Any, other: Any) -> bool:
    """Tell by looking at everything whether two values are the same; see `TAKEN_FOR`."""
    if type(value) is not type(other):
        return (type(value), type(other)) in TAKEN_FOR and value == other
    if isinstance(value, Mapping):
        pairs = zip(value.items(), other.items(), strict=True)
        return len(value) == len(other) and all(same(tuple(a), tuple(b)) for a, b in pairs)
    if isinstance(value, list | tuple | deque):
        return len(value) == len(other) and all(map(same, value, other))
    if isinstance(value, set | frozenset):
        return value == other and all(any(same(a, b) for b in other) for a in value)
    if dataclasses.is_dataclass(value):
        return same(vars(value), vars(other))
    return bool(value == other)


TAKEN_FOR = {(int, float), (bytearray, bytes), (memoryview, bytes)}


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (Counter, Counter("aab")),
        (Counter[str], Counter("aab")),
        (Counter[int], Counter([5, 5, 7])),
        (Counter[dt.date], Counter([dt.date(2026, 1, 2)])),
        (OrderedDict[str, int], OrderedDict(b=1, a=2)),
        (defaultdict[str, int], defaultdict(int, a=1)),
        (defaultdict[int, list[Wallet]], defaultdict(list, {5: [Wallet(1)]})),
        (dict[str, Counter[str]], {"a": Counter("aab")}),
        (Box[Counter[str]], Box(Counter("a"))),
        (Box[frozenset[int]], Box(frozenset((1,)))),
        (list[Coin], [Coin(1.5), Coin(2)]),
        (set[Coin], {Coin(1.5)}),
        (tuple[Coin, ...], (Coin(),)),
        (Pair, Pair(1, [2])),
        (list[Pair], [Pair(1)]),
        (Slotted, Slotted(5)),
        (Struct, Struct(1, [{"a": 1}])),
        (ById, ById(1, "a")),
        (Wallet, Wallet(1, ["a"], 5)),
        (list[Wallet], [Wallet(1, ["a"], 5), Wallet()]),
        (dict[str, list[Wallet]], {"a": [Wallet(), Wallet()], "b": []}),
        (Prepared, Prepared(["a", "bb"])),
        (Prepared, remembering(Prepared(["a", "bb"]))),
        (Model, Model(n=1, votes=Counter("aab"), recent=deque([1, 2]))),
        (list[Model], [Model(), Model(n=2)]),
    ],
    ids=repr,
)
def test_what_a_type_can_restore_comes_back(type_: Any, value: Any) -> None:
    """Mappings of the standard library, whose type says it; objects with what they make anew."""
    codec = Codec(type_)
    back = codec.decode(codec.encode(value))
    assert back == value
    assert type(back) is type(value)
    assert getattr(back, "default_factory", None) is getattr(value, "default_factory", None)


@pytest.mark.parametrize(
    ("type_", "value", "path", "remedy"),
    [
        (Any, Counter("a"), "$", "as in Counter[str], or use a plain dict"),
        (Any, OrderedDict(a=1), "$", "as in OrderedDict[str, int], or use a plain dict"),
        (Any, defaultdict(int, a=1), "$", "as in defaultdict[str, int]"),
        (Any, {"a": [Counter("a")]}, "$['a'][0]", "Counter[str]"),
        (dict[str, int], Counter("a"), "$", "Counter[str]"),
        (dict[str, Any], {"a": Bag(b=1)}, "$['a']", "use a plain dict"),
        (list[int], Pile([1]), "$", "use a plain list"),
        (list[list[int]], [[1], Pile([1])], "$[1]", "use a plain list"),
        (Wallet, Wallet(notes=Pile("a")), "$.notes", "use a plain list"),
        (Wallet, Wallet(coins=Counter("a")), "$.coins", "Counter[str]"),
        (Wallet, Wallet(hidden=(1,)), "$.hidden", "or use a list"),
        (Struct, Struct(parts=[Bag()]), "$.parts[0]", "use a plain dict"),
        (Slotted, Slotted(Bag()), "$.n", "use a plain dict"),
        (Pair, Pair(Bag()), "$[0]", "use a plain dict"),
        (ById, ById(1, (1, 2)), "$.name", "or use a list"),
        (defaultdict, defaultdict(int), "$", "as in defaultdict[str, int]"),
        pytest.param(
            *(defaultdict[str, int], defaultdict(lambda: 0)),
            *("$", "makes an int of what is missing"),
            id="another factory",  # its repr has an address
        ),
        (Any, [Level.HIGH], "$[0]", "declare the state's type as Level"),
        (int, Level.HIGH, "$", "declare the state's type as Level"),
        (dict[str, str], {"a": Colour.RED}, "$['a']", "declare the state's type as Colour"),
        (dict[int, str], {Level.HIGH: "a"}, "$[<Level.HIGH: 2>]", "type as Level"),
        (set[int], {1, Level.HIGH}, "$", "declare the state's type as Level"),
        (tuple[int, ...], Pair(1, 2), "$", "declare the state's type as Pair"),
        (Pair, (1, 2), "$", "declare the type, as in tuple"),
        (set[int], frozenset((1,)), "$", "as in frozenset"),
        (frozenset[int], {1}, "$", "as in set"),
        (dict[str, frozenset[int]], {"a": {1}}, "$['a']", "as in set"),
        (Box[frozenset[int]], Box({1}), "$.content", "as in set"),
        (dt.datetime, Moment(2026, 1, 1), "$", "use JSON types"),
        (Model, Model(recent=deque([1], 5)), "$.recent", "keep it in another form"),
        (Model, Model(recent=deque([Bag()])), "$.recent[0]", "use a plain dict"),
        (Model, held(Model(), _aside=5), "$._aside", "declare it as one"),
        (list[Model], [held(Model(), _aside=5)], "$[0]._aside", "declare it as one"),
        (Wallet, held(Wallet(), cache=5), "$.cache", "only fields are stored; declare it as one"),
        (list[Wallet], [held(Wallet(), cache=5)], "$[0].cache", "declare it as one"),
        (Prepared, held(Prepared(["a"]), known={"b"}), "$.known", "declare it as one"),
    ],
    ids=repr,
)
def test_what_would_come_back_as_less_is_refused(
    type_: Any, value: Any, path: str, remedy: str
) -> None:
    """Though it would be equal; the error names the path inside the value, and what to do."""
    with pytest.raises(StateError) as error:
        Codec(type_).encode(value)
    assert f"at `{path}`: " in str(error.value)
    assert remedy in str(error.value)


def test_what_a_type_makes_anew_and_cannot_be_compared_is_no_loss() -> None:
    """Such as a lock: no field, and no data."""
    codec = Codec(list[Guarded])
    (back,) = codec.decode(codec.encode([Guarded(n=5)]))
    assert back.n == 5


def test_what_looks_the_same_is_told_by_its_type() -> None:
    """A subclass is shown with its name."""
    with pytest.raises(StateError, match=r"at `\$`: Pile \[1\] would come back as list: use"):
        Codec(Any).encode(Pile([1]))


@pytest.mark.parametrize(
    ("type_", "value", "said"),
    [
        (int, "7", "at `$`: Expected `int`, got `str`; got '7'"),
        (dict[str, int], {"a": 1, "b": "x"}, "at `$['b']`: Expected `int`, got `str`"),
        (dict[str, list[int]], {"a": [1], "b": [1, "x"]}, "at `$['b'][1]`: Expected `int`"),
        (dict[str, dict[str, int]], {"a": {}, "b": {"c": 1, "d": None}}, "at `$['b']['d']`: "),
        (dict[int, str], {"a": "b"}, "at `$['a']`: Expected `int`, got `str` (its key)"),
        (dict[str, Wallet], {"a.b": Wallet(notes=[1])}, "at `$['a.b'].notes[0]`: "),  # type: ignore[list-item]  # that is the point
        (Wallet, Wallet(notes=5), "at `$.notes`: Expected `array`, got `int`"),  # type: ignore[arg-type]  # that is the point
        (Model, Model.model_construct(n="x"), "at `$.n`: Input should be a valid integer"),
        (dict[str, Model], {"a": Model.model_construct(n="x")}, "at `$['a'].n`: Input should"),
        (Wallet, None, "at `$`: Expected `object`, got `null`"),
    ],
    ids=repr,
)
def test_a_refusal_of_a_typed_value_names_the_path(type_: Any, value: Any, said: str) -> None:
    """With the keys of mappings, and fields of models; in one line."""
    with pytest.raises(StateError) as error:
        Codec(type_).encode(value)
    assert said in str(error.value)
    assert str(error.value).endswith("change the value, or the state's type")
    assert "\n" not in str(error.value)


def test_whatever_a_value_raises_the_refusal_names_the_path() -> None:
    """A serializer of an author's own may raise anything."""

    class Stubborn(pydantic.BaseModel):
        @pydantic.model_serializer
        def write(self) -> str:
            raise KeyError("no")

    with pytest.raises(StateError, match=r"at `\$\['a'\]`: Stubborn\(\) cannot be stored"):
        Codec(dict[str, Stubborn]).encode({"a": Stubborn()})


ATOMS: Mapping[Any, st.SearchStrategy[Any]] = {
    Any: st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    int: st.integers() | st.sampled_from(Level),
    float: st.floats(allow_nan=False) | st.integers(-9, 9),
    str: st.text(max_size=3) | st.sampled_from(Colour),
    bytes: st.binary(max_size=3) | st.builds(bytearray, st.binary(max_size=3)),
    dt.datetime: st.datetimes() | st.builds(Moment, st.just(2026), st.just(1), st.just(1)),
    decimal.Decimal: st.decimals(allow_nan=False),
    uuid.UUID: st.uuids(),
    Level: st.sampled_from(Level) | st.sampled_from([1, 2]),
}
LISTS: list[Any] = [list, list, Pile, tuple, deque]
DICTS: list[Any] = [dict, dict, Bag, Counter, OrderedDict]
TUPLES: list[Any] = [tuple, list, Pair._make]
SETS: list[Any] = [set, frozenset]


def of(kind: Any, *parameters: Any) -> Any:
    """Return a type with its parameters."""
    return kind[parameters]


@st.composite
def typed(draw: st.DrawFn, depth: int = 3) -> tuple[Any, Any]:
    """Return a type, and a value that type checkers might let pass for it, or nearly."""
    if not depth or draw(st.booleans()):
        atom = draw(st.sampled_from(list(ATOMS)))
        return atom, draw(ATOMS[atom])
    inner, value = draw(typed(depth - 1))
    named = {str(key): value for key in range(draw(st.integers(1, 3)))}
    made: list[tuple[Any, Any]] = [
        (of(list, inner), draw(st.sampled_from(LISTS))([value] * 2)),
        (of(dict, str, inner), draw(st.sampled_from(DICTS))(named)),
        (dict[str, Any], draw(st.sampled_from(DICTS))(named)),
        (of(tuple, inner, ...), draw(st.sampled_from(TUPLES))([value] * 2)),
        (Wallet, Wallet(value, [], None)),
        (of(Box, inner), Box(value)),
        (Any, [value]),
    ]
    if inner in ATOMS and inner not in (Any, bytes):
        made += [(of(kind, inner), draw(st.sampled_from(SETS))([value])) for kind in SETS]
    case: tuple[Any, Any] = draw(st.sampled_from(made))
    return case


@given(typed())
def test_a_value_is_the_same_when_it_comes_back_or_refused(case: tuple[Any, Any]) -> None:
    """Whatever is nested in it: nothing is equal only, and every refusal names a path."""
    type_, value = case
    codec = Codec(type_)
    try:
        text, handed_over = codec.prove(value)
    except StateError as error:
        refusal = str(error)
        assert refusal.startswith("at `$")
        return
    back = codec.decode(text)
    assert same(value, back)
    assert handed_over is None or same(value, handed_over)


@given(typed())
def test_what_has_come_back_is_proved_quickly(case: tuple[Any, Any]) -> None:
    """It is the usual case: a value that a turn has read is never looked at with care."""
    type_, value = case
    codec = Codec(type_)
    try:
        back = codec.decode(codec.encode(value))
    except StateError:
        return
    _, again = codec.prove(back)
    assert (again is not None) == (back is not None)


def test_a_text_of_a_type_of_its_own_is_refused() -> None:
    """JSON would not know it again."""
    with pytest.raises(StateError, match=r"at `\$`: 'a' cannot be stored"):
        Codec(Any).encode(UserString("a"))
