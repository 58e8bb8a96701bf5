"""Functions around a turn."""

import contextvars
from typing import Any

import pytest
from support import FAILED, query, texts

from chatstate import (
    BindingError,
    CallNext,
    Chat,
    Delete,
    Global,
    Interface,
    Message,
    Native,
    PerMember,
    React,
    Ref,
    Reply,
    Turn,
    User,
    UserError,
)
from chatstate.errors import StorageError
from chatstate.testing import TestClient

Answer = list[Reply | Delete | React | Native]


def keeping() -> Interface:
    """Make a bot that keeps what is said, and fails at "bad"."""
    bot = Interface(id="bot")

    @bot.on_message
    async def keep(text: str, said: PerMember[list[str]], turn: Turn) -> str:
        said.append(text)
        if text == "bad":
            await turn.send("before")
            raise ValueError(text)
        if text == "no":
            raise UserError("Not that.")
        return " ".join(said)

    return bot


async def test_middleware_goes_around_each_handler_in_order_of_registration() -> None:
    """The first is the outermost; commands and messages alike, whenever they were registered."""
    bot, order = Interface(id="bot"), list[str]()

    @bot.middleware
    async def outer(message: Message, call_next: CallNext) -> Answer:
        order.append(f"outer {message.text}")
        answer = await call_next()
        order.append("after outer")
        return answer

    @bot.middleware
    async def inner(call_next: CallNext) -> Answer:
        order.append("inner")
        return await call_next()

    @bot.command
    def go() -> str:
        order.append("go")
        return "gone"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "/go") == ["gone"]
        assert order == ["outer /go", "inner", "go", "after outer"]
        await client.user("alice").say("/help")
        assert order[4:] == ["outer /help", "inner", "after outer"]


async def test_a_routers_middleware_stays_around_its_own_handlers() -> None:
    """The bot's is around all, outside of it."""
    bot, tools, order = Interface(id="bot"), Interface(id="tools"), list[str]()

    @tools.middleware
    async def of_tools(call_next: CallNext) -> Answer:
        order.append("tools")
        return await call_next()

    @tools.command
    def tool() -> str:
        return "tool"

    @bot.command
    def own() -> str:
        return "own"

    bot.include(tools)

    @bot.middleware
    async def of_bot(call_next: CallNext) -> Answer:
        order.append("bot")
        return await call_next()

    async with TestClient(bot) as client:
        await client.user("alice").say("/tool")
        await client.user("alice").say("/own")
    assert order == ["bot", "tools", "bot"]


async def test_middleware_may_answer_itself() -> None:
    """Then the handler does not run, and its state is as it was."""
    bot = keeping()

    @bot.middleware
    async def closed(message: Message, call_next: CallNext) -> Any:
        return "We are closed." if message.text == "hello?" else await call_next()

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "hello?") == ["We are closed."]
        assert await texts(alice, "a") == ["a"]


async def test_middleware_may_change_the_answer() -> None:
    """Whatever a handler may return, it may return; None is no reply."""
    bot = keeping()

    @bot.middleware
    async def change(message: Message, call_next: CallNext) -> Any:
        answer = await call_next()
        if message.text == "hush":
            return None
        (reply,) = [reply for reply in answer if isinstance(reply, Reply)]
        return [f"{reply.text}?", "PS"]

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["a?", "PS"]
        assert await texts(alice, "hush") == []
        assert await texts(alice, "b") == ["a hush b?", "PS"]


@pytest.mark.parametrize("mode", ["async", "sync", "generator"])
async def test_context_variables_are_seen_by_the_handler(mode: str) -> None:
    """Of any kind, and by nobody after it."""
    bot, variable = Interface(id="bot"), contextvars.ContextVar("variable", default="nothing")

    @bot.middleware
    async def set_it(message: Message, call_next: CallNext) -> Answer:
        assert variable.get() == "nothing"
        variable.set(message.text)
        return await call_next()

    async def in_async(_text: str) -> str:
        return variable.get()

    def in_sync(_text: str) -> str:
        return variable.get()

    def in_generator(_text: str) -> Any:
        yield variable.get()

    made: dict[str, Any] = {"async": in_async, "sync": in_sync, "generator": in_generator}
    bot.on_message(made[mode])
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["a"]
        assert await texts(alice, "b") == ["b"]


async def test_middleware_gets_what_its_parameters_ask_for() -> None:
    """Message, User, Chat and Turn, in any order."""
    bot = keeping()

    @bot.middleware
    async def look(call_next: CallNext, chat: Chat, *, user: User, turn: Turn) -> Any:
        await call_next()
        return f"{chat.id} {user.name} {turn.platform}"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice", chat="room"), "a") == ["room alice test"]


async def test_an_error_in_middleware_fails_the_turn() -> None:
    """As a handler's: nothing is kept, it is a dead letter, and the person is told."""
    bot = keeping()

    @bot.middleware
    async def fail(message: Message, call_next: CallNext) -> Answer:
        answer = await call_next()
        if message.text == "a":
            raise ValueError("in middleware")
        return answer

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == [FAILED]
        assert await texts(alice, "b") == ["b"]
        assert query(client, "SELECT error FROM dead_letters") == [("ValueError: in middleware",)]


async def test_what_the_handler_raises_is_seen_by_middleware() -> None:
    """Who does not catch it changes nothing; `UserError` is still told."""
    bot, seen = keeping(), list[str]()

    @bot.middleware
    async def watch(call_next: CallNext) -> Answer:
        try:
            return await call_next()
        except Exception as error:  # whatever comes through is what is tested
            seen.append(type(error).__name__)
            raise

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "bad") == [FAILED]
        assert await texts(alice, "no") == ["Not that."]
        assert await texts(alice, "a") == ["a"]
    assert seen == ["ValueError", "UserError"]


async def test_what_middleware_catches_is_answered_and_changes_no_state() -> None:
    """What the handler did before it raised is dropped, its replies too; nothing is dead."""
    bot = keeping()

    @bot.middleware
    async def comfort(call_next: CallNext) -> Any:
        try:
            return await call_next()
        except ValueError:
            return "Never mind."

    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["a"]
        assert await texts(alice, "bad") == ["Never mind."]
        await client.restart()
        assert await texts(alice, "b") == ["a b"]
        assert query(client, "SELECT error FROM dead_letters") == []


async def test_state_that_middleware_changes_is_committed_with_the_turn() -> None:
    """Before and after the handler, its own value and others; not if the handler's error passes."""
    bot = keeping()

    @bot.command
    def total(turns: Global[Ref[int]]) -> str:
        return str(turns.value)

    @bot.middleware
    async def count(turn: Turn, call_next: CallNext) -> Answer:
        turns = await turn.state(int)
        turns.value += 1
        answer = await call_next()
        said = await turn.state(list[str])
        said.append("(heard)")
        turns = await turn.state(int)
        turns.value += 10
        return answer

    async with TestClient(bot, raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["a"]
        assert await texts(alice, "bad") == [FAILED]
        await client.restart()
        assert await texts(alice, "b") == ["a (heard) b"]
        assert await texts(alice, "/total") == ["23"]


async def test_middleware_runs_again_with_its_turn() -> None:
    """A turn that lost a race for a shared value runs again, middleware included."""
    bot, runs = Interface(id="bot"), 0

    @bot.middleware
    async def count(call_next: CallNext) -> Answer:
        nonlocal runs
        runs += 1
        return await call_next()

    @bot.on_message
    async def add(_text: str, total: Global[Ref[int]], turn: Turn) -> str:
        total.value += 1
        if turn.user.name == "slow" and runs == 1:
            await client.user("fast").say("+")
        return str(total.value)

    async with TestClient(bot) as client:
        assert await texts(client.user("slow"), "+") == ["2"]
    assert runs == 3


async def test_the_handler_runs_once() -> None:
    """Who calls `call_next` twice is told; it would load and change the state twice."""
    bot = keeping()

    @bot.middleware
    async def twice(call_next: CallNext) -> Answer:
        await call_next()
        return await call_next()

    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "a") == [FAILED]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert "call_next() was called twice" in error


async def test_an_answer_that_is_none_fails_the_turn() -> None:
    """As if a handler had returned it."""
    bot = keeping()

    @bot.middleware
    async def wrong(call_next: CallNext) -> Any:
        await call_next()
        return object()

    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "a") == [FAILED]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert error.startswith("ReplyError: ")


async def test_a_storage_error_of_middlewares_own_fails_its_turn_alone() -> None:
    """The engine's store is well, and goes on."""
    bot = keeping()

    @bot.middleware
    async def with_a_store(message: Message, call_next: CallNext) -> Answer:
        if message.text == "bad":
            raise StorageError("of my own")
        return await call_next()

    async with TestClient(bot, raise_errors=False) as client:
        assert await texts(client.user("alice"), "bad") == [FAILED]
        assert await texts(client.user("alice"), "a") == ["a"]


async def test_a_stream_is_answered_as_middleware_says() -> None:
    """It gets the last that was yielded."""
    bot = Interface(id="bot")

    @bot.on_message
    async def stream(text: str) -> Any:
        for end in range(1, len(text) + 1):
            yield text[:end]

    @bot.middleware
    async def mark(call_next: CallNext) -> Any:
        return [*await call_next(), "end"]

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "abc") == ["abc", "end"]


async def test_middleware_sees_no_message_that_nobody_handles() -> None:
    """It goes around handlers; an unknown command has none."""
    bot, seen = keeping(), list[str]()

    @bot.middleware
    async def note(message: Message, call_next: CallNext) -> Answer:
        seen.append(message.text)
        return await call_next()

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/nope")
        await alice.say("late", kind="edit")
        await alice.say("hi")
    assert seen == ["hi"]


@pytest.mark.parametrize(
    ("fn", "said"),
    [
        (lambda call_next: call_next, "must be `async def`"),
        (keeping, "must be `async def`"),
    ],
)
def test_middleware_that_cannot_wait_is_an_error(fn: Any, said: str) -> None:
    """The error says what it must be."""
    with pytest.raises(BindingError, match=said):
        Interface(id="bot").middleware(fn)


def test_middleware_that_cannot_go_on_is_an_error() -> None:
    """It needs `call_next`; the error shows how."""

    async def log(message: Message) -> None: ...
    async def strange(order: int, call_next: CallNext) -> None: ...
    async def positional(message: Message, /, call_next: CallNext) -> None: ...

    bot = Interface(id="bot")
    with pytest.raises(BindingError, match="needs a parameter call_next"):
        bot.middleware(log)
    with pytest.raises(BindingError, match=r"'order' of strange.*Message, User, Chat, Turn, or a"):
        bot.middleware(strange)
    with pytest.raises(BindingError, match=r"'message' of positional\(\) must have a name"):
        bot.middleware(positional)
