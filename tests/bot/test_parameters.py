"""A handler's parameters and results, bound once, when it is registered."""

import dataclasses
import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Annotated, Any, Literal

import msgspec
import pytest

from chatstate import (
    Arg,
    BindingError,
    Chat,
    Global,
    Interface,
    Message,
    PerChat,
    PerMember,
    PerUser,
    Ref,
    Reply,
    ReplyError,
    State,
    Turn,
    User,
    UserError,
)
from chatstate.bot.handlers import Handler
from chatstate.state.bound import States
from chatstate.testing import TestClient

ANN = User("17", "Ann")
ALICE = User("1", "Alice")
ROOM = Chat("room", "group")
Inputs = Sequence[str | State] | None


@dataclasses.dataclass
class Poll:
    votes: list[int] = dataclasses.field(default_factory=list)


def handler(fn: Callable[..., Any], **options: Any) -> Handler:
    return Handler(fn, States(), **options)


def turn_of(text: str, *states: Any) -> Any:
    """Return what binding reads of a turn; the engine makes real ones."""
    message = Message(f"/do {text}", ALICE, ROOM, mentions=(ANN,))
    slots = [SimpleNamespace(object=state) for state in states]
    turn = SimpleNamespace(message=message, text=text, slots=slots, arguments=())
    turn.turn = turn
    return turn


def call(fn: Callable[..., Any], text: str = "hi", *states: Any, **options: Any) -> Any:
    """Return what `fn` returns, called as the engine calls it."""
    positional, named = handler(fn, **options).bind(turn_of(text, *states))
    return fn(*positional, **named)


def given(*values: Any) -> tuple[Any, ...]:
    return values


# What is passed


def test_a_plain_parameter_takes_the_text() -> None:
    """Without annotation, or as `str`, a parameter is what the person said."""

    def untyped(message):  # type: ignore[no-untyped-def]  # authors leave types out
        return message

    def typed(message: str) -> str:
        return message

    assert call(untyped, "two words") == "two words"
    assert call(typed, "two words") == "two words"


def test_what_surrounds_the_text_is_passed_by_annotation() -> None:
    """`Message`, `User`, `Chat` and `Turn` are those of the event."""

    def fn(user: User, turn: Turn, chat: Chat, message: Message) -> Any:
        return given(user, turn.text, chat, message)

    assert call(fn, "hi") == (ALICE, "hi", ROOM, turn_of("hi").message)


async def test_a_turn_tells_what_surrounds_the_text() -> None:
    """Who speaks, where, on which platform, and for a command the rest of its line."""
    bot = Interface(id="b")

    @bot.command
    def where(turn: Turn, rest: str) -> str:
        return f"{turn.user.name} {turn.chat.id} {turn.platform} {turn.text}"

    async with TestClient(bot) as client:
        (reply,) = await client.user("alice", chat="room").say("/where am I")
    assert reply.text == "alice room test am I"


@pytest.mark.parametrize(
    "hint", [User | None, Annotated[User, "who speaks"], Annotated[User, {"unhashable": 1}]]
)
def test_metadata_and_none_do_not_hide_what_a_parameter_is(hint: Any) -> None:
    """`User | None` and `Annotated[User, ...]` are the person who speaks."""

    def fn(user) -> Any:  # type: ignore[no-untyped-def]  # authors leave types out
        return user

    fn.__annotations__["user"] = hint
    assert call(fn) == ALICE


def test_a_message_is_parsed_for_a_typed_parameter() -> None:
    """A handler of messages that takes a number gets one, or the person is told."""

    def fn(score: int) -> Any:
        return score

    assert call(fn, " 7 ") == 7
    with pytest.raises(UserError, match="is not a number"):
        call(fn, "abc")


def test_a_commands_arguments_are_parsed_in_order() -> None:
    """Injected parameters and states may stand between them."""

    def fn(
        number: int, user: User, poll: PerChat[Poll], who: Annotated[User, Arg], why: str
    ) -> Any:
        return given(number, user, poll, who, why)

    poll = Poll()
    assert call(fn, "7 @Ann for fun", poll, command="do") == (7, ALICE, poll, ANN, "for fun")


def test_an_argument_not_given_has_its_default_whatever_follows() -> None:
    """What stands behind an optional argument is passed all the same."""

    def fn(number: int = 5, user: User = ANN, *, chat: Chat, word: str = "none") -> Any:
        return given(number, user, chat, word)

    assert call(fn, "", command="do") == (5, ALICE, ROOM, "none")
    assert call(fn, "7 x y", command="do") == (7, ALICE, ROOM, "x y")


def test_positional_only_parameters_are_passed_by_position() -> None:
    """Also behind an optional argument that is not given."""

    def fn(number: int = 5, user: User = ANN, /) -> Any:
        return given(number, user)

    assert call(fn, "", command="do") == (5, ALICE)


def test_keyword_only_parameters_are_passed_by_name() -> None:
    """Whatever they are: the text, a state, or who speaks."""

    def fn(*, text: str, poll: PerChat[Poll], user: User) -> Any:
        return given(text, poll, user)

    poll = Poll()
    assert call(fn, "hi", poll) == ("hi", poll, ALICE)


def test_inputs_are_bound_by_position() -> None:
    """Text, number, JSON and states go to the parameters in order."""

    def fn(number: float, history: list[str], seen: Any) -> Any:
        return given(number, history, seen)

    inputs = ["number", State([]), "state"]
    assert call(fn, " 7.5 ", ["a"], {"b"}, inputs=inputs) == (7.5, ["a"], {"b"})


@pytest.mark.parametrize(
    ("shorthand", "text", "expected"),
    [("text", "7", "7"), ("textbox", "7", "7"), ("number", "7", 7), ("json", "[7]", [7])],
)
def test_an_input_reads_the_text(shorthand: str, text: str, expected: Any) -> None:
    """Each shorthand reads the message its way."""
    assert call(lambda value: value, text, inputs=[shorthand]) == expected


def test_annotated_parameters_stand_beside_inputs() -> None:
    """`inputs` counts only what is not bound by annotation."""

    def fn(user: User, text: str, poll: PerChat[Poll], *, own: list[str], turn: Turn) -> Any:
        return given(user, text, poll, own, turn.text)

    poll = Poll()
    inputs = ["text", State([])]
    assert call(fn, "hi", poll, ["x"], inputs=inputs) == (ALICE, "hi", poll, ["x"], "hi")


def test_a_parameter_with_a_default_needs_no_input() -> None:
    """It has its default, and what stands behind it is passed all the same."""

    def fn(text: str, limit: int = 5, user: User = ANN) -> Any:
        return given(text, limit, user)

    assert call(fn, "hi", inputs=["text"]) == ("hi", 5, ALICE)


def test_the_state_shorthand_starts_with_the_parameters_default() -> None:
    """As in Gradio: `history=[]` among the parameters and "state" among the inputs."""

    def fn(text: str, history: Any = ("a",)) -> None: ...

    (slot,) = handler(fn, inputs=["text", "state"]).slots
    assert (slot.state.name, slot.state.fresh()[0]) == ("history", ("a",))


@pytest.mark.parametrize(("hint", "expected"), [(Any, None), (list[str], [])])
def test_the_state_shorthand_without_a_default_starts_with_the_types(
    hint: Any, expected: Any
) -> None:
    """Without a type that is None, as in Gradio."""

    def fn(text: str, history) -> None: ...  # type: ignore[no-untyped-def]  # authors leave types out

    fn.__annotations__["history"] = hint
    (slot,) = handler(fn, inputs=["text", "state"]).slots
    assert slot.state.fresh()[0] == expected


# States by annotation


def test_a_state_is_bound_by_annotation() -> None:
    """Its scope is the alias's, its name the parameter's, its type the annotation's."""

    def fn(
        poll: PerChat[Poll], n: Annotated[list[int], State([1], scope="user", name="x")]
    ) -> None: ...

    bound = [slot.state for slot in handler(fn).slots]
    assert [(state.scope, state.name, state.type) for state in bound] == [
        ("chat", "poll", Poll),
        ("user", "x", list[int]),
    ]


def test_a_ref_is_asked_for_by_annotation() -> None:
    """`Ref[T]` may stand under any scope; the stored type is `T`."""

    def fn(visits: PerUser[Ref[int]], poll: Global[Ref[Poll]], plain: PerMember[Poll]) -> None: ...

    slots = handler(fn).slots
    assert [slot.by_ref for slot in slots] == [True, True, False]
    assert [slot.state.type for slot in slots] == [int, Poll, Poll]


def test_constraints_on_a_states_type_are_kept() -> None:
    """`msgspec.Meta` inside an alias is checked when a value is stored."""

    def fn(items: PerUser[Annotated[list[int], msgspec.Meta(max_length=1)]]) -> None: ...

    (slot,) = handler(fn).slots
    with pytest.raises(Exception, match="length <= 1"):
        slot.state.encode([1, 2])


def test_one_state_in_two_parameters_is_one_value() -> None:
    """The same named State twice is the same object."""
    scores = State([], name="scores")

    def fn(text: str, a: Any, b: Any) -> Any:
        return a is b

    bound = handler(fn, inputs=["text", scores, scores])
    assert len(bound.slots) == 1
    assert bound.bind(turn_of("hi", [1])) == (["hi", [1], [1]], {})


def test_string_annotations_find_local_classes() -> None:
    """Under `from __future__ import annotations`, classes beside the handler are found."""

    @dataclasses.dataclass
    class Local:
        n: int = 0

    def fn(text: "str", local: "PerChat[Local]") -> None: ...

    found = Interface(fn).routes.find(Message("hi", ALICE, ROOM))
    assert found
    (slot,) = found[0].handler.slots
    assert slot.state.type is Local


def test_string_annotations_mean_what_they_mean_where_the_handler_stands() -> None:
    """A name of the registering function does not hide one of the handler's own module."""
    source = "from chatstate import User\ndef fn(user: 'User'): return user"
    module: dict[str, Any] = {"__name__": "elsewhere"}
    exec(source, module)  # noqa: S102 - a module of its own, without a file

    User = str  # noqa: F841, N806 - the name that must not be taken

    assert call(module["fn"]) == ALICE


# What cannot be bound


def takes_two(a: str, b: str) -> None: ...
def takes_args(text: str, *args: str) -> None: ...
def takes_kwargs(text: str, **more: str) -> None: ...
def takes_dict(data: dict[str, int]) -> None: ...
def takes_int_state(visits: PerUser[int]) -> None: ...
def takes_optional_state(visits: PerUser[int | None]) -> None: ...
def takes_literal_state(mode: PerChat[Literal["a", "b"]]) -> None: ...
def takes_no_default(poll: "PerChat[Message]") -> None: ...
def takes_unknown(thing: "Missing.part") -> None: ...  # type: ignore[name-defined]  # noqa: F821 - a name that is nowhere
def takes_nonsense(thing: Any) -> None: ...
def takes_unhashable(data: Annotated[dict[str, int], {"unhashable": 1}]) -> None: ...


takes_nonsense.__annotations__["thing"] = "1 +"


def takes_both(
    a: Annotated[list[int], State([], name="x")], b: Annotated[Ref[list[int]], State([], name="x")]
) -> None: ...


@pytest.mark.parametrize(
    ("fn", "said"),
    [
        (takes_two, "takes_two(): only one parameter can take the message's text, not 'a', 'b'"),
        (takes_args, "parameter *args: str of takes_args() cannot be bound; name each parameter"),
        (takes_kwargs, "parameter **more: str of takes_kwargs() cannot be bound; name each"),
        (takes_dict, "parameter 'data' of takes_dict() cannot be bound to dict[str, int]; possib"),
        (takes_unhashable, "parameter 'data' of takes_unhashable() cannot be bound"),
        (takes_int_state, "a value of type int cannot change in place; put it in a Ref"),
        (takes_optional_state, "a value of type int | None cannot change in place"),
        (takes_literal_state, "cannot change in place; put it in a Ref"),
        (takes_no_default, "a value of type Message cannot change in place; put it in a Ref"),
        (takes_both, "state 'x' cannot be both in a Ref and by itself in one handler"),
        (takes_unknown, "takes_unknown(): an annotation cannot be resolved (name 'Missing' is no"),
        (takes_nonsense, "takes_nonsense(): an annotation cannot be resolved"),
        ("not callable", "'not callable' cannot be a handler: it is no function"),
        (None, "None cannot be a handler: it is no function"),
        (dict, "cannot be a handler"),
    ],
)
def test_what_cannot_be_bound_is_an_error_at_registration(fn: Any, said: str) -> None:
    """The error names the handler and the parameter, and says what is possible."""
    with pytest.raises(BindingError) as error:
        handler(fn)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("fn", "inputs", "said"),
    [
        (takes_two, ["text"], "takes_two() takes 2 inputs (a, b), inputs= has 1"),
        (takes_two, ["text", "state", "state"], "takes 2 inputs (a, b), inputs= has 3"),
        (takes_two, [], "takes 2 inputs (a, b), inputs= has 0"),
        (takes_two, ["movie", "state"], "parameter 'a' of takes_two(): 'movie' is no input; poss"),
        (takes_two, [["text"], "state"], "['text'] is no input"),
        (takes_int_state, ["state"], "takes_int_state() takes 0 inputs (), inputs= has 1"),
    ],
)
def test_inputs_that_do_not_match_are_an_error(fn: Any, inputs: Any, said: str) -> None:
    """A wrong count says both counts; a wrong input says what is possible."""
    with pytest.raises(BindingError) as error:
        handler(fn, inputs=inputs)
    assert said in str(error.value)


SCORES = State([], scope="global", name="scores")


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        (["text"], ["text", "state"], "output 2 is 'state', but no such input is left for it"),
        (["text", "state"], ["state", "state"], "output 2 is 'state', but no such input is left"),
        (["text", "state"], ["text", SCORES], "output 2 is State(scope='global', name='scores')"),
        (["text", SCORES], [SCORES, SCORES], "output 2 is State(scope='global', name='scores')"),
        (["text", "state"], ["movie"], "'movie' is no output; possible: text, textbox"),
        (["text", "state"], [["text"]], "['text'] is no output"),
        (["text", "state"], [None], "None is no output"),
    ],
)
def test_outputs_that_do_not_match_are_an_error(inputs: Any, outputs: Any, said: str) -> None:
    """A state among outputs is one of the inputs; anything else is a known output."""

    def fn(text: str, state: Any = None) -> None: ...

    with pytest.raises(BindingError) as error:
        handler(fn, inputs=inputs, outputs=outputs)
    assert said in str(error.value)


# Results


def result(outputs: Inputs, returned: Any, inputs: Inputs = ("text", "state")) -> Any:
    """Return the replies' texts, and the states afterwards."""

    def fn(text: str, state: Any = None, other: Any = None) -> Any: ...

    bound = handler(fn, inputs=inputs, outputs=outputs)
    slots: list[Any] = [SimpleNamespace(object=f"old {s.state.name}") for s in bound.slots]
    answer = bound.result(returned, slots)
    texts = [reply.text for reply in answer if isinstance(reply, Reply)]
    values = [slot.object for slot in slots]
    return texts, [value.value if isinstance(value, Ref) else value for value in values]


@pytest.mark.parametrize("returned", [("hi", "new"), ["hi", "new"]], ids=repr)
def test_outputs_are_read_by_position(returned: Any) -> None:
    """From a tuple or a list, replies and states are taken in order."""
    assert result(["text", "state"], returned) == (["hi"], ["new"])


def test_a_state_may_come_first() -> None:
    """The order of outputs is theirs alone."""
    assert result(["state", "text"], ("new", "hi")) == (["hi"], ["new"])


def test_one_output_is_not_taken_apart() -> None:
    """With one output the returned value is its value, be it a list."""
    assert result(["state"], ["a", "b"]) == ([], [["a", "b"]])


def test_several_replies_leave_in_order() -> None:
    """Each output that shows something adds to the answer."""
    assert result(["text", "number", "json"], ("a", 7, [1])) == (
        ["a", "7", "[\n  1\n]"],
        ["old state"],
    )


def test_named_states_are_put_where_they_belong() -> None:
    """`state` takes the first input that is not named among the outputs."""
    inputs: Inputs = ["text", SCORES, "state"]
    outputs: Inputs = ["text", "state", SCORES]
    assert result(outputs, ("hi", "new", "best"), inputs) == (["hi"], ["best", "new"])


def test_a_returned_ref_is_its_value() -> None:
    """Who returns the Ref it was given means what is in it."""
    assert result(["text", "state"], ("hi", Ref("new"))) == (["hi"], ["new"])


def test_a_state_that_is_no_output_stays() -> None:
    """It may have been changed in place; nothing replaces it."""
    assert result(["text"], "hi") == (["hi"], ["old state"])


def test_without_outputs_a_handler_returns_replies() -> None:
    """As handlers bound by annotation do."""
    assert result(None, ["a", Reply("b")]) == (["a", "b"], ["old state"])


@pytest.mark.parametrize(
    ("returned", "count"),
    [(("hi",), "1 value,"), (["a", "b", "c"], "3 values,"), ("hi", "1 value,"), (None, "1 value,")],
    ids=repr,
)
def test_a_wrong_number_of_returned_values_is_an_error(returned: Any, count: str) -> None:
    """The error says both counts."""
    with pytest.raises(ReplyError, match=rf"fn\(\) returned {count} its outputs are 2"):
        result(["text", "state"], returned)


# How it runs


def plain(text: str) -> str:
    return f"plain {text}"


async def coroutine(text: str) -> str:
    return f"coroutine {text}"


def generator(text: str) -> Iterator[str]:
    yield "first"
    yield f"generator {text}"


async def async_generator(text: str) -> AsyncIterator[str]:
    yield "first"
    yield f"async_generator {text}"


class Object:
    def __call__(self, text: str) -> str:
        return f"object {text}"

    def method(self, text: str) -> str:
        return f"method {text}"


class AsyncObject:
    async def __call__(self, text: str) -> str:
        return f"async object {text}"


def with_suffix(text: str, suffix: str) -> str:
    return f"{text} {suffix}"


@functools.wraps(coroutine)
async def wrapper(*args: Any, **named: Any) -> str:
    return f"wrapped {await coroutine(*args, **named)}"


@pytest.mark.parametrize(
    ("fn", "mode", "answer"),
    [
        (plain, "sync", "plain hi"),
        (coroutine, "async", "coroutine hi"),
        (generator, "generator", "generator hi"),
        (async_generator, "async_generator", "async_generator hi"),
        (lambda text: f"lambda {text}", "sync", "lambda hi"),
        (Object(), "sync", "object hi"),
        (AsyncObject(), "async", "async object hi"),
        (Object().method, "sync", "method hi"),
        (functools.partial(with_suffix, suffix="!"), "sync", "hi !"),
        (functools.partial(with_suffix, "!"), "sync", "! hi"),
        (functools.partial(coroutine), "async", "coroutine hi"),
        (functools.partial(AsyncObject()), "async", "async object hi"),
        (functools.partial(async_generator), "async_generator", "async_generator hi"),
        (wrapper, "async", "wrapped coroutine hi"),
        (str.upper, "sync", "HI"),
    ],
)
async def test_any_callable_can_be_a_handler(
    fn: Callable[..., Any], mode: str, answer: str
) -> None:
    """Functions and objects, sync, async and generators: the last yield is the reply."""
    assert handler(fn).mode == mode
    async with TestClient(Interface(fn, id="any")) as client:
        assert [reply.text for reply in await client.user("ann").say("hi")] == [answer]


def test_what_a_handler_is_for_is_its_docstrings_first_line() -> None:
    """A description given wins over the docstring; a partial has none of its own."""

    def fn() -> None:
        """Do it.

        And more.
        """

    assert handler(fn).description == "Do it."
    assert handler(fn, description="Given").description == "Given"
    assert handler(functools.partial(fn)).description == ""
    assert handler(lambda: None).description == ""


def test_usage_is_what_a_person_writes() -> None:
    """Optional arguments stand in brackets; what is not typed is left out."""

    def fn(number: int, user: User, why: str = "") -> None: ...

    assert handler(fn, command="do").usage == "/do number [why]"


def test_binding_reads_the_signature_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call costs no inspection."""
    bound = handler(plain)
    monkeypatch.setattr(inspect, "signature", None)
    assert bound.bind(turn_of("hi")) == (["hi"], {})
