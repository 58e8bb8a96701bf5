"""`ChatInterface`: history, settings, /undo, /retry and /clear, as dialogs."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta
from support import FAILED, query, texts

from chatstate import BindingError, ChatInterface, State
from chatstate.testing import TestClient

History = list[dict[str, Any]]


def recall(message: str, history: History) -> str:
    """Answer with all that was said before."""
    return " ".join([*(entry["content"] for entry in history), f"<{message}>"])


def count(_message: str, history: History) -> str:
    return str(len(history))


async def test_history_has_what_was_said_before() -> None:
    """It holds both sides, without the message itself, across restarts."""
    async with TestClient(ChatInterface(recall, id="bot")) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["<a>"]
        await client.restart()
        assert await texts(alice, "b") == ["a <a> <b>"]


async def test_history_has_one_shape() -> None:
    """Each entry has role, content, metadata and options."""
    seen: list[History] = []

    def note(_message: str, history: History) -> Any:
        seen.append(history)
        return {"role": "assistant", "content": "x", "metadata": {"title": "T"}}

    async with TestClient(ChatInterface(note, id="bot")) as client:
        alice = client.user("alice")
        await alice.say("a")
        await alice.say("b")
    assert seen[1] == [
        {"role": "user", "content": "a", "metadata": None, "options": None},
        {"role": "assistant", "content": "x", "metadata": {"title": "T"}, "options": None},
    ]


async def test_history_in_gradios_list_form() -> None:
    """With `history_form="list"` each content is a list of parts."""
    seen: list[History] = []

    def note(_message: str, history: History) -> str:
        seen.append(history)
        return "x"

    bot = ChatInterface(note, id="bot", history_form="list")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("a")
        await alice.say("b")
    assert [entry["content"] for entry in seen[1]] == [
        [{"type": "text", "text": "a"}],
        [{"type": "text", "text": "x"}],
    ]


async def test_history_is_a_copy() -> None:
    """What a function does to its history is not kept."""

    def spoil(_message: str, history: History) -> str:
        size = len(history)
        history.clear()
        return str(size)

    async with TestClient(ChatInterface(spoil, id="bot")) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["0"]
        assert await texts(alice, "b") == ["2"]


async def test_two_peoples_histories_never_meet() -> None:
    """In a group each has their own, unless the chat shares one by option."""
    for scope, second in (("member", ["<b>"]), ("chat", ["a <a> <b>"])):
        bot = ChatInterface(recall, id="bot", scope=scope)  # type: ignore[arg-type]  # two of the literals
        async with TestClient(bot) as client:
            assert await texts(client.user("alice", chat="room"), "a") == ["<a>"]
            assert await texts(client.user("bob", chat="room"), "b") == second


async def test_text_is_markdown_unless_said_otherwise() -> None:
    """A chat function's text is Markdown, as in Gradio; `markdown=False` makes it plain."""
    for markdown, text in ((True, "hi"), (False, "*hi*")):
        bot = ChatInterface(lambda _m, _h: "*hi*", id="bot", markdown=markdown)
        async with TestClient(bot) as client:
            assert await texts(client.user("alice"), "x") == [text]


async def test_a_multimodal_message_has_its_files() -> None:
    """`multimodal=True` gives a dict of text and paths."""

    def read(message: dict[str, Any], _history: History) -> str:
        return f"{message['text']}: {[Path(path).read_text() for path in message['files']]}"

    async with TestClient(ChatInterface(read, id="bot", multimodal=True)) as client:
        upload = client.platform.upload("a.txt", b"data", "text/plain")
        (reply,) = await client.user("alice").say("look", files=[upload])
    assert reply.text == "look: ['data']"


async def test_a_stream_is_one_entry() -> None:
    """Of a stream the last yield is in the history."""

    async def stream(message: str, history: History) -> AsyncGenerator[str]:
        for end in range(len(message)):
            yield recall(message[: end + 1], history)

    async with TestClient(ChatInterface(stream, id="bot")) as client:
        alice = client.user("alice")
        assert await texts(alice, "abc") == ["<abc>"]
        assert await texts(alice, "d") == ["abc <abc> <d>"]


@pytest.mark.parametrize(
    ("limits", "lengths"),
    [
        ({"max_messages": 2}, ["0", "2", "2", "2"]),
        ({"max_characters": 5}, ["0", "2", "4", "5"]),
    ],
)
async def test_history_is_capped(limits: dict[str, Any], lengths: list[str]) -> None:
    """Its oldest entries go when it has too many, or too many characters."""
    async with TestClient(ChatInterface(count, id="bot", **limits)) as client:
        alice = client.user("alice")
        assert [(await texts(alice, "a"))[0] for _ in lengths] == lengths


async def test_a_failed_turn_leaves_no_trace_in_history() -> None:
    """Neither side of a turn that failed is kept."""

    def fail(message: str, history: History) -> str:
        if message == "fail":
            raise RuntimeError
        return count(message, history)

    async with TestClient(ChatInterface(fail, id="bot"), raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "a") == ["0"]
        assert await texts(alice, "fail") == [FAILED]
        assert await texts(alice, "b") == ["2"]


# Settings


def style(
    message: str,
    _history: History,
    heat: Annotated[float, Meta(ge=0, le=2)] = 0.5,
    tone: Literal["kind", "rude"] = "kind",
) -> str:
    return f"{message} {heat} {tone}"


async def test_settings_are_each_persons_own() -> None:
    """/settings NAME VALUE changes one, for that person in all chats, across restarts."""
    async with TestClient(ChatInterface(style, id="bot")) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert await texts(alice, "/settings heat 1.5") == [
            "heat = 1.5\ntone = kind\n\n/settings heat 1.5"
        ]
        await client.restart()
        assert await texts(alice, "a") == ["a 1.5 kind"]
        assert await texts(client.user("alice", chat="room"), "a") == ["a 1.5 kind"]
        assert await texts(bob, "b") == ["b 0.5 kind"]


async def test_choices_are_buttons() -> None:
    """A setting with a few choices can be pressed."""
    async with TestClient(ChatInterface(style, id="bot")) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("/settings")
        assert reply.labels == ["tone: kind", "tone: rude"]
        await alice.press("tone: rude")
        assert await texts(alice, "a") == ["a 0.5 rude"]


@pytest.mark.parametrize(
    ("wish", "answer"),
    [
        ("heat 3", "“3” is too large. Send 2 or less."),
        ("heat hot", "“hot” is not a number. Send one like 7 or 7.5."),
        ("tone odd", "“odd” is not one of kind, rude. Send one like kind."),
        ("colour red", "“colour” is not one of heat, tone. Send one like heat."),
    ],
)
async def test_a_setting_that_cannot_be_changes_nothing(wish: str, answer: str) -> None:
    """Types, bounds and choices are checked when a setting is changed."""
    async with TestClient(ChatInterface(style, id="bot")) as client:
        alice = client.user("alice")
        assert await texts(alice, f"/settings {wish}") == [answer]
        assert await texts(alice, "a") == ["a 0.5 kind"]


def prompted(message: str, _history: History, prompt: str = "be kind", heat: int = 1) -> str:
    return f"{message} {prompt} {heat}"


async def test_a_settings_name_alone_shows_it() -> None:
    """/settings NAME changes nothing, and says how to change it and how to go back."""
    async with TestClient(ChatInterface(prompted, id="bot")) as client:
        alice = client.user("alice")
        await alice.say("/settings prompt be  odd\nor not")
        lines = ["prompt = be  odd\nor not", "", "/settings prompt be  odd\nor not"]
        shown = "\n".join([*lines, "/settings prompt reset"])
        for _ in range(2):
            assert await texts(alice, "/settings prompt ") == [shown]
        assert await texts(alice, "a") == ["a be  odd\nor not 1"]


async def test_a_setting_goes_back_to_its_default() -> None:
    """/settings NAME reset changes one back, /settings reset all."""
    async with TestClient(ChatInterface(prompted, id="bot")) as client:
        alice = client.user("alice")
        for wishes, answer in (
            (("prompt odd", "heat 2"), "a odd 2"),
            (("prompt reset",), "a be kind 2"),
            (("prompt\nodd",), "a odd 2"),
            (("reset",), "a be kind 1"),
        ):
            for wish in wishes:
                await alice.say(f"/settings {wish}")
            assert await texts(alice, "a") == [answer]


async def test_a_setting_or_a_choice_called_reset_is_what_its_author_meant() -> None:
    """The word goes back to the defaults only where it is free."""

    def odd(_message: str, _history: History, reset: Literal["no", "reset"] = "no") -> str:
        return reset

    async with TestClient(ChatInterface(odd, id="bot")) as client:
        alice = client.user("alice")
        assert (await texts(alice, "/settings reset"))[0].startswith("reset = no")
        await alice.say("/settings reset reset")
        assert await texts(alice, "a") == ["reset"]


async def test_all_choices_of_one_setting_can_be_pressed() -> None:
    """Alone it has room for more than its row among others."""

    def pick(
        _message: str, _history: History, n: Literal[1, 2, 3, 4, 5, 6, 7] = 1, *, loud: bool = False
    ) -> str:
        return f"{n} {loud}"

    async with TestClient(ChatInterface(pick, id="bot")) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("/settings")
        assert len(reply.labels) == 5 + 2
        (reply,) = await alice.say("/settings n")
        assert reply.labels == [f"n: {n}" for n in range(1, 8)]
        await alice.press("n: 7")
        assert await texts(alice, "a") == ["7 False"]


def test_a_setting_without_default_is_an_error() -> None:
    """Somebody who has set nothing must get something."""

    def needy(_message: str, _history: History, heat: float) -> str:
        return str(heat)

    with pytest.raises(BindingError, match=r"parameter 'heat' of needy\(\) is a setting and needs"):
        ChatInterface(needy, id="bot")


def test_a_chat_function_takes_a_message_and_a_history() -> None:
    """One that takes less is refused."""
    with pytest.raises(BindingError, match="must take a message and a history"):
        ChatInterface(repr, id="bot")


async def test_additional_inputs_and_outputs_may_be_states() -> None:
    """A state is passed, and returned after the reply."""
    total = State(0, name="total")

    def add(message: str, _history: History, total: int) -> tuple[str, int]:
        return f"{total + int(message)}", total + int(message)

    bot = ChatInterface(add, id="bot", additional_inputs=[total], additional_outputs=[total])
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "1") == ["1"]
        assert await texts(alice, "2") == ["3"]


async def test_a_stream_with_states_takes_the_last() -> None:
    """Of `yield reply, state` the last state is kept."""
    total = State(0, name="total")

    def add(message: str, _history: History, total: int) -> Generator[tuple[str, int]]:
        for _ in message:
            total += 1
            yield f"{total}", total

    bot = ChatInterface(add, id="bot", additional_inputs=[total], additional_outputs=[total])
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "abc") == ["3"]
        assert await texts(alice, "d") == ["4"]


async def test_messages_at_once_lose_nothing() -> None:
    """Of many messages sent at once, each finds all before it in the history."""

    async def slow(message: str, history: History) -> str:
        await asyncio.sleep(0)
        return count(message, history)

    async with TestClient(ChatInterface(slow, id="bot")) as client:
        alice = client.user("alice")
        await asyncio.gather(*(alice.say(str(number)) for number in range(10)))
        assert [reply.text for reply in client.platform.delivered] == [
            str(2 * n) for n in range(10)
        ]
        ((text,),) = query(
            client, "SELECT json_array_length(value) FROM states WHERE name='history'"
        )
    assert text == 20
