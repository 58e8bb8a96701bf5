"""`reasoning_tags`: what a model thinks is apart from what it says."""

from collections.abc import Generator
from typing import Any

import pytest
from support import texts

from chatstate import BindingError, Button, ChatInterface, Delete, File, Reply
from chatstate.testing import Delivered, TestClient

TAGS = [("<think>", "</think>"), ("[[", "]]")]
THOUGHT = "Reasoning\ndone\n"


async def answered(answer: Any, **options: Any) -> list[Delivered]:
    """Return what a bot shows that gives this answer."""
    bot = ChatInterface(lambda _m, _h: answer, id="bot", reasoning_tags=TAGS, **options)
    async with TestClient(bot) as client:
        return await client.user("alice").say("hi")


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("hi", ["hi"]),
        ("<think>a\n\nb</think>\n\nc", [f"{THOUGHT}a\n\nb", "c"]),
        ("a [[b]] c <think>d</think> e", ["a", f"{THOUGHT}b", "c", f"{THOUGHT}d", "e"]),
        ("<think>a]]</think>b", [f"{THOUGHT}a]]", "b"]),
        ("<think>a", ["Reasoning\npending\na"]),
        ("<think>\n\n</think>\n\nb", ["b"]),
        ("<think></think>", []),
        ("a</think>b", ["a</think>b"]),
        ("<THINK>a</THINK>b", ["<THINK>a</THINK>b"]),
    ],
)
async def test_what_is_thought_is_a_message_of_its_own(answer: str, shown: list[str]) -> None:
    """Where it stood; one that has not ended says so; nothing else is touched."""
    assert [reply.text for reply in await answered(answer, markdown=False)] == shown


async def test_the_title_is_bold_where_text_is_markdown() -> None:
    """And both are Markdown."""
    thought, said = await answered("<think>*a*</think>*b*")
    assert (thought.text, said.text) == (f"{THOUGHT}a", "b")
    assert [span.kind for span in thought.styled.spans] == ["bold", "italic"]


async def test_history_has_them_apart() -> None:
    """As Gradio's: the thought has a title and a status."""
    seen: list[Any] = []

    def think(_message: str, history: list[Any]) -> str:
        seen.append(history)
        return "<think>a</think>b"

    async with TestClient(ChatInterface(think, id="bot", reasoning_tags=TAGS)) as client:
        alice = client.user("alice")
        await alice.say("1")
        await alice.say("2")
    assert [(entry["content"], entry["metadata"]) for entry in seen[1][1:]] == [
        ("a", {"title": "Reasoning", "status": "done"}),
        ("b", None),
    ]


async def test_a_stream_thinks_first() -> None:
    """The last yield is what stays."""

    def think(_message: str, history: list[Any]) -> Generator[str]:
        text = f"<think>after {len(history)}</think>said"
        for end in range(1, len(text) + 1):
            yield text[:end]

    async with TestClient(ChatInterface(think, id="bot", reasoning_tags=TAGS)) as client:
        alice = client.user("alice")
        assert await texts(alice, "1") == [f"{THOUGHT}after 0", "said"]
        assert await texts(alice, "2") == [f"{THOUGHT}after 3", "said"]


async def test_what_hangs_on_a_message_hangs_on_its_last_part() -> None:
    """Its options, and its own metadata stay with what is said."""
    options = [{"label": "Yes", "value": "y"}]
    metadata = {"title": "Tool", "log": "ran"}
    thought, said = await answered(
        {"content": "<think>a</think>b", "options": options, "metadata": metadata}
    )
    assert (thought.text, thought.labels) == (f"{THOUGHT}a", [])
    assert (said.text, said.labels) == ("Tool\nran\nb", ["Yes"])
    thought, said = await answered(Reply("<think>a</think>b", silent=True))
    assert (thought.silent, said.silent) == (True, True)


async def test_what_has_no_text_is_left() -> None:
    """Such as a message that is removed."""
    assert await answered([Delete("1"), Reply()]) == []
    file = File(b"data", "a.txt")
    (reply,) = await answered(Reply("<think></think>", [Button("a")], [file]))
    assert (reply.text, reply.labels, len(reply.files)) == ("", [], 1)


@pytest.mark.parametrize(
    "tags", [["<think>"], [("<think>",)], [("", "</think>")], ["ab"], [(1, 2)]]
)
def test_what_is_no_pair_of_tags_is_an_error(tags: Any) -> None:
    """The error shows one."""
    with pytest.raises(BindingError, match=r"reasoning_tags= has .*; use pairs such as"):
        ChatInterface(lambda _m, _h: "", id="bot", reasoning_tags=tags)
