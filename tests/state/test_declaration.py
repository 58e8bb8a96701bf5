"""What a state is declared as, what a new session holds, and which names go together."""

import collections
import dataclasses
import datetime as dt
import enum
import gc
import typing
from typing import Annotated, Any, Literal, NamedTuple, NewType, TypedDict

import msgspec
import pydantic
import pytest

from chatstate import (
    BindingError,
    Global,
    PerChat,
    PerMember,
    PerThread,
    PerUser,
    Ref,
    State,
    StateError,
)
from chatstate.state.bound import BoundState, States
from chatstate.state.declaration import is_ref
from chatstate.state.types import is_immutable


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Poll:
    votes: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Needy:
    name: str


@dataclasses.dataclass(frozen=True)
class FrozenData:
    name: str = ""


class Struct(msgspec.Struct):
    a: int = 0


class FrozenStruct(msgspec.Struct, frozen=True):
    a: int = 0


class Model(pydantic.BaseModel):
    a: int = 0


class FrozenModel(pydantic.BaseModel, frozen=True):
    a: int = 0


class Movie(TypedDict):
    name: str


class Pair(NamedTuple):
    left: int


Score = NewType("Score", int)


def bind(state: State, type_: Any = Any, name: str = "n") -> BoundState:
    return BoundState(state, name, type_)


def fresh(state: State, type_: Any = Any) -> Any:
    return bind(state, type_).fresh()[0]


def test_a_default_is_copied_for_each_session() -> None:
    """Changing one session's value changes neither the next one's nor the default."""
    default: dict[str, list[int]] = {"a": [1]}
    bound = bind(State(default))
    first, _ = bound.fresh()
    first["a"].append(2)
    assert bound.fresh()[0] == {"a": [1]}
    assert default == {"a": [1]}


def test_changing_the_default_later_changes_no_session() -> None:
    """The default is what it was when the state was declared."""
    default = [1]
    bound = bind(State(default))
    default.append(2)
    assert bound.fresh()[0] == [1]


def test_an_unchanged_default_need_not_be_stored() -> None:
    """A new session comes with the text of its value, which is that of the unchanged value."""
    bound = bind(State([1]))
    value, text = bound.fresh()
    assert bound.encode(value) == text


def test_a_function_makes_each_session_its_default() -> None:
    """A callable default is called for each session."""
    numbers = iter(range(9))
    bound = bind(State(lambda: [next(numbers)]))
    assert [bound.fresh()[0] for _ in range(3)] == [[0], [1], [2]]


def test_what_a_function_made_is_stored() -> None:
    """A made default has no known text: it is written even if unchanged."""
    assert bind(State(list)).fresh() == ([], None)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (list[int], []),
        (dict[str, int], {}),
        (set[int], set()),
        (tuple[int, ...], ()),
        (int, 0),
        (str, ""),
        (bool, False),
        (Poll, Poll()),
        (Struct, Struct()),
        (Model, Model()),
        (int | None, None),
        (typing.Optional[Poll], None),  # noqa: UP045 - the older spelling is another type
        (Ref[int], 0),
        (Annotated[int, msgspec.Meta(ge=0)], 0),
        (Score, 0),
        (Any, None),
    ],
    ids=str,
)
def test_a_type_makes_its_own_default(type_: Any, value: Any) -> None:
    """Without a default a new session holds what the type makes of nothing."""
    assert fresh(State(), type_) == value


@pytest.mark.parametrize(
    ("type_", "said"),
    [
        (Needy, "Needy() makes none"),
        (Colour, "Colour() makes none"),
        (dt.date, "date() makes none"),
        (Literal["a", "b"], "has no default; give one"),
        (int | str, "has no default; give one"),
        (Movie, "name"),
    ],
    ids=str,
)
def test_a_missing_default_is_an_error(type_: Any, said: str) -> None:
    """A type that makes nothing of nothing needs a default, and the error names the state."""
    with pytest.raises(BindingError, match="'n'") as error:
        bind(State(), type_)
    assert said in str(error.value)


def test_a_default_that_does_not_fit_is_an_error_at_once() -> None:
    """A default is checked when the state is declared, not in the first turn."""
    with pytest.raises(
        BindingError, match=r"default of state 'n': at `\$`: Expected `int`, got `str`"
    ):
        bind(State("x"), int)


def test_a_scope_that_is_none_is_an_error() -> None:
    """The error names the scopes there are."""
    with pytest.raises(BindingError, match="'room' is no scope; use one of member, thread, chat"):
        State(scope="room")  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize(
    ("state", "annotated", "expected"),
    [
        (State([]), Any, Any),
        (State(0), Any, Any),
        (State(None), Any, Any),
        (State([]), list[int], list[int]),
        (State([], type=list[str]), list[int], list[str]),
        (State([], type=Ref[list[str]]), Any, list[str]),
        (State([]), Ref[list[int]], list[int]),
        (State([]), Ref, Any),
        (State({1}), Any, set),
        (State((1,)), Any, tuple),
        (State(Poll()), Any, Poll),
        (State(Poll), Any, Poll),
        (State(list), Any, Any),
        (State(lambda: {1}), Any, Any),
        (State(Colour.RED), Any, Colour),
    ],
)
def test_the_type_is_declared_annotated_or_the_defaults(
    state: State, annotated: Any, expected: Any
) -> None:
    """`type=` wins over the annotation, that over the default's type, plain ones being `Any`."""
    assert bind(state, annotated).type == expected


def test_a_default_of_a_kind_that_cannot_be_kept_is_an_error_at_once() -> None:
    """No type says how many a deque takes at most."""
    with pytest.raises(BindingError, match="deque"):
        bind(State(collections.deque("a", 5)))


@pytest.mark.parametrize(
    ("type_", "fresh"),
    [
        (collections.Counter[str], collections.Counter()),
        (collections.OrderedDict[str, int], collections.OrderedDict()),
        (collections.defaultdict[str, list[int]], collections.defaultdict(list)),
    ],
)
def test_a_mapping_of_the_standard_library_is_a_type_as_others_are(type_: Any, fresh: Any) -> None:
    """It makes its own default, which comes back as it was: a defaultdict knows what it makes."""
    bound = bind(State(), type_)
    value, _ = bound.fresh()
    assert value == fresh
    assert type(value) is type(fresh)
    assert getattr(value, "default_factory", None) is getattr(fresh, "default_factory", None)
    assert bound.encode(value) == "{}"


def test_errors_of_values_name_the_state() -> None:
    """A value that cannot be kept, or read, is told with its state's name."""
    bound = bind(State(0), int)
    with pytest.raises(StateError, match=r"state 'n': at `\$`: Expected `int`"):
        bound.encode("x")
    with pytest.raises(StateError, match="state 'n': what is stored does not fit int"):
        bound.decode('"x"')


def test_a_state_is_named_after_its_parameter() -> None:
    """Without `name=` the parameter's is taken."""
    assert States().bind(State([]), "history", Any).name == "history"


def test_a_given_name_wins() -> None:
    """With `name=` the parameter's does not matter."""
    assert States().bind(State([], name="scores"), "best", Any).name == "scores"


def test_one_name_is_one_state() -> None:
    """The same declaration under the same name is the same state."""
    states = States()
    first = states.bind(State([], name="n"), "a", list[int])
    assert states.bind(State([], name="n"), "b", list[int]) is first
    assert list(states) == [first]


@pytest.mark.parametrize(
    ("other", "type_"),
    [
        (State([], scope="chat"), list[int]),
        (State([]), list[str]),
        (State([2]), list[int]),
        (State(list), list[int]),
    ],
    ids=["scope", "type", "default", "factory"],
)
def test_two_different_states_of_one_name_are_an_error(other: State, type_: Any) -> None:
    """Scope, type or default of another kind would be another value."""
    states = States()
    states.bind(State([]), "n", list[int])
    with pytest.raises(BindingError, match="two different states are named 'n'") as error:
        states.bind(other, "n", type_)
    assert "member list[int], default [], and " in str(error.value)


def test_a_refused_state_does_not_take_the_others_place() -> None:
    """After the error the name still is the first one's."""
    states = States()
    first = states.bind(State(0), "n", int)
    with pytest.raises(BindingError):
        states.bind(State(0, scope="chat"), "n", int)
    assert list(states) == [first]


def test_one_state_under_two_names_is_an_error() -> None:
    """A State that two parameters name differently needs a name, and the error says which."""
    states, state = States(), State([])
    states.bind(state, "a", Any)
    with pytest.raises(BindingError, match=r"already named 'a'.*State\(\.\.\., name='b'\)"):
        states.bind(state, "b", Any)


def test_one_state_may_be_typed_in_one_place_only() -> None:
    """Where the same State stands without annotation it is of the type it has elsewhere."""
    states, state = States(), State([], name="n")
    first = states.bind(state, "a", list[int])
    assert states.bind(state, "b", Any) is first


def test_names_of_states_that_are_gone_are_not_mixed_up() -> None:
    """A State made after another was collected is never taken for that one."""
    states = States()
    states.bind(State(0, name="n"), "n", int)
    for number in range(100):
        states.bind(State(0, name="n"), f"p{number}", int)
        gc.collect(0)
        states.bind(State(0), f"own{number}", int)
    assert len(list(states)) == 101


ALIASES: list[tuple[Any, str]] = [
    (PerMember, "member"),
    (PerThread, "thread"),
    (PerChat, "chat"),
    (PerUser, "user"),
    (Global, "global"),
]


@pytest.mark.parametrize(("alias", "scope"), ALIASES)
def test_each_alias_declares_its_scope(alias: Any, scope: str) -> None:
    """`PerChat[T]` is short for `Annotated[T, State(scope="chat")]`, and so are its kin."""
    type_, state = typing.get_args(alias[Poll])
    bound = States().bind(state, "poll", type_)
    assert (bound.scope, bound.type) == (scope, Poll)


def test_an_alias_may_stand_for_several_states() -> None:
    """Each parameter so annotated is a state of its own."""
    (state,) = typing.get_args(PerUser[list[int]])[1:]
    states = States()
    first = states.bind(state, "a", list[int])
    assert states.bind(state, "b", list[int]) is not first


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        (int, True),
        (str, True),
        (float, True),
        (bool, True),
        (bytes, True),
        (None, False),
        (type(None), True),
        (tuple[int, ...], True),
        (frozenset[int], True),
        (Colour, True),
        (dt.datetime, True),
        (Literal["a"], True),
        (int | None, True),
        (FrozenData, True),
        (FrozenStruct, True),
        (FrozenModel, True),
        (Pair, True),
        (Score, True),
        (Annotated[int, msgspec.Meta(ge=0)], True),
        (list[int], False),
        (dict[str, int], False),
        (set[int], False),
        (Poll, False),
        (Struct, False),
        (Model, False),
        (Movie, False),
        (list[int] | None, False),
        (Ref[int], False),
        (Any, False),
    ],
    ids=str,
)
def test_immutable_types_are_known(type_: Any, expected: bool) -> None:
    """A value of these types can never change in place; of the others it can."""
    assert is_immutable(type_) is expected


@pytest.mark.parametrize(
    ("type_", "expected"), [(Ref, True), (Ref[int], True), (list[int], False), (Any, False)]
)
def test_refs_are_known(type_: Any, expected: bool) -> None:
    """`Ref` and `Ref[T]` ask for a Ref."""
    assert is_ref(type_) is expected


def test_a_ref_shows_what_it_holds() -> None:
    """A Ref in a log tells its value."""
    assert repr(Ref([1])) == "Ref([1])"


def test_a_state_shows_how_it_is_declared() -> None:
    """A State in an error tells its scope and name."""
    assert repr(State([], scope="chat", name="n")) == "State(scope='chat', name='n')"
