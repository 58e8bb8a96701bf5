"""What a function may return: text, Markdown, Gradio's messages, files, images, lists of these."""

from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import FAILED, query, texts

from chatstate import File, Global, Interface, Markdown, PerMember, Progress, Ref, State, Turn
from chatstate.errors import ReplyError
from chatstate.testing import Delivered, TestClient
from chatstate.text import Span


@dataclass
class ChatMessage:
    """Gradio's own class of this name looks like this."""

    content: Any
    role: str = "assistant"
    metadata: dict[str, Any] = field(default_factory=dict)
    options: list[dict[str, Any]] = field(default_factory=list)


async def answers(fn: Callable[..., Any], **options: Any) -> list[Delivered]:
    """Return what a bot of this function answers to one message."""
    async with TestClient(Interface(fn, id="bot", **options)) as client:
        return await client.user("alice").say("hi")


async def test_a_str_is_plain() -> None:
    """No character of a `str` is markup."""
    (reply,) = await answers(lambda message: f"**{message}**")
    assert (reply.text, reply.styled.spans) == ("**hi**", ())


async def test_markdown_is_markup() -> None:
    """`Markdown` is shown as what it says."""
    (reply,) = await answers(lambda message: Markdown(f"**{message}**"))
    assert (reply.text, reply.styled.spans) == ("hi", (Span("bold", 0, 2),))


@pytest.mark.parametrize(
    "message",
    [
        {"role": "assistant", "content": "hi"},
        {"content": ["h", {"type": "text", "text": "i"}]},
        ChatMessage("hi"),
        {"text": "hi", "files": []},
    ],
    ids=["dict", "parts", "object", "text"],
)
async def test_a_message_is_its_content(message: Any) -> None:
    """A dict, or an object, in Gradio's form shows its content."""
    (reply,) = await answers(lambda _: message)
    assert reply.text.replace("\n", "") == "hi"


async def test_options_become_buttons() -> None:
    """Pressing an option sends its value as the next message."""

    def offer(message: str) -> Any:
        if message == "y":
            return "yes!"
        return {"role": "assistant", "content": "?", "options": [{"label": "Yes", "value": "y"}]}

    async with TestClient(Interface(offer, id="bot")) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("hi")
        assert reply.labels == ["Yes"]
        (reply,) = await alice.press("Yes")
        assert reply.text == "yes!"


async def test_more_options_than_a_message_has_room_for_are_written_out() -> None:
    """The first 25 are buttons; each of the others may be typed, which is the same."""
    names = [f"option {number}" for number in range(1, 28)]
    options = [{"value": name} for name in names]

    def offer(message: str) -> Any:
        return message if message in names else {"content": "?", "options": options}

    async with TestClient(Interface(offer, id="bot")) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("hi")
        assert reply.labels == names[:25]
        assert [len(row) for row in reply.buttons] == [5] * 5
        assert reply.text.splitlines()[-2:] == ["26. option 26", "27. option 27"]
        assert await texts(alice, "option 27") == ["option 27"]


async def test_a_long_option_has_a_short_label_and_its_whole_value() -> None:
    """What a model writes into an option never fails the answer."""
    value = "a long option " * 20

    def offer(message: str) -> Any:
        return message if message == value else {"content": "?", "options": [{"value": value}]}

    async with TestClient(Interface(offer, id="bot")) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("hi")
        (label,) = reply.labels
        assert len(label) <= 80
        assert label.endswith("…")
        (reply,) = await alice.press(label)
        assert reply.text == value


async def test_options_without_a_content_have_a_text_above_them() -> None:
    """Buttons hang on a text."""
    (reply,) = await answers(lambda _: {"content": "", "options": [{"value": "Yes"}]})
    assert (reply.text, reply.labels) == ("To choose, send one of these:", ["Yes"])


@pytest.mark.parametrize("output", ["text", "file"])
async def test_more_files_than_a_reply_takes_are_sent_all_the_same(output: str) -> None:
    """How many a model or a folder has is no mistake of the author's."""
    files = [File(b"%d" % number, f"{number}.txt") for number in range(23)]
    message = {"text": "here", "files": files} if output == "text" else files
    (reply,) = await answers(lambda _: message, inputs="text", outputs=output)
    assert [file.data for file in reply.files] == [b"%d" % number for number in range(23)]


async def test_a_title_stands_above_the_content() -> None:
    """`metadata` with a title shows it."""
    (reply,) = await answers(lambda _: {"content": "42", "metadata": {"title": "Thinking"}})
    assert reply.text == "Thinking\n42"


@pytest.mark.parametrize(
    ("metadata", "below"),
    [
        ({"log": "searching"}, "searching"),
        ({"status": "pending"}, "pending"),
        ({"status": "done", "duration": 2}, "done · 2 s"),
        ({"log": "found", "status": "done", "duration": 1.25}, "found · done · 1.2 s"),
        ({"duration": 0.0125}, "12.5 ms"),
        ({"duration": "long", "id": 1, "parent_id": 0}, ""),
    ],
    ids=str,
)
async def test_log_status_and_duration_stand_below_the_title(
    metadata: dict[str, Any], below: str
) -> None:
    """In one line; without a title there is none, as in Gradio."""
    message = {"content": "42", "metadata": {"title": "Tool", **metadata}}
    (reply,) = await answers(lambda _: message)
    assert reply.text.splitlines() == ["Tool", *([below] if below else []), "42"]
    (reply,) = await answers(lambda _: {"content": "42", "metadata": metadata})
    assert reply.text == "42"


async def test_a_list_is_several_replies() -> None:
    """Each element of a list is a reply."""
    replies = await answers(lambda _: ["a", Markdown("*b*"), {"content": "c"}])
    assert [reply.text for reply in replies] == ["a", "b", "c"]


async def test_files_of_the_turn_are_sent() -> None:
    """A path in the turn's own folder may be sent by name."""

    def draw(turn: Turn) -> dict[str, Any]:
        path = turn.folder / "a.txt"
        path.write_text("data")
        return {"text": "here", "files": [str(path)]}

    (reply,) = await answers(draw)
    assert (reply.text, reply.files[0].name, reply.files[0].data) == ("here", "a.txt", b"data")


async def test_no_other_file_is_sent_by_name(tmp_path: Path) -> None:
    """A path elsewhere, which a model may have named, is refused; `File` means it."""
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")

    def leak(message: str) -> Any:
        return File(secret) if message == "mean it" else {"text": "", "files": [str(secret)]}

    async with TestClient(Interface(leak, id="bot"), raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == [FAILED]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert "is not in the turn's own folder" in error
        (reply,) = await alice.say("mean it")
        assert reply.files[0].data == b"secret"


async def test_a_link_out_of_the_folder_is_no_way_out(tmp_path: Path) -> None:
    """A symbolic link in the turn's folder does not make its target the turn's."""
    (tmp_path / "secret.txt").write_text("secret")

    def leak(turn: Turn) -> Any:
        (turn.folder / "link").symlink_to(tmp_path / "secret.txt")
        return {"files": [turn.folder / "link"]}

    with pytest.raises(ReplyError, match="not in the turn's own folder"):
        await answers(leak)


async def test_an_image_is_sent() -> None:
    """A PIL image is sent as PNG."""
    (reply,) = await answers(lambda _: Image.new("RGB", (2, 3)))
    assert (reply.files[0].name, reply.files[0].media_type) == ("image.png", "image/png")


@pytest.mark.parametrize("output", ["file", "image", "audio"])
async def test_a_file_output_sends_a_file(output: str) -> None:
    """The shorthands for files take a `File`, bytes, or a list of these."""
    (reply,) = await answers(lambda _: [File(b"a", "a.bin"), b"b"], inputs="text", outputs=output)
    assert [file.data for file in reply.files] == [b"a", b"b"]


@pytest.mark.parametrize("value", [7, object(), {"a": 1}, b"x", {"content": 7}, {"files": "x"}])
async def test_what_is_no_reply_fails_and_is_named(value: Any) -> None:
    """The error, for the author, names the type; the person gets the neutral sentence."""
    async with TestClient(Interface(lambda _: value, id="bot"), raise_errors=False) as client:
        assert await texts(client.user("alice"), "hi") == [FAILED]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
    assert error.startswith("ReplyError: ")


# Streams


async def test_the_last_yield_is_the_answer() -> None:
    """A generator's last yield is what is owed; each is a snapshot of what was yielded."""

    async def stream(message: str) -> AsyncGenerator[Any]:
        said: list[str] = []
        for letter in message:
            said.append(letter)
            yield said

    replies = await answers(stream)
    assert [reply.text for reply in replies] == ["h", "i"]


async def test_an_object_that_is_changed_after_its_yield_stays_as_it_was() -> None:
    """What the author does to a yielded object afterwards is not seen."""

    def stream(message: str) -> Generator[Any]:
        said = {"role": "assistant", "content": message}
        yield said
        said["content"] = "changed"

    (reply,) = await answers(stream)
    assert reply.text == "hi"


async def test_no_yield_is_no_reply() -> None:
    """A generator that yields nothing says nothing, and keeps its state."""

    def stream(message: str, seen: PerMember[list[str]]) -> Generator[Any]:
        seen.append(message)
        if len(seen) > 1:
            yield str(len(seen))

    async with TestClient(Interface(stream, id="bot")) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == []
        assert await texts(alice, "hi") == ["2"]


async def test_the_last_states_are_taken() -> None:
    """Of `yield reply, state` the last state is kept."""

    def stream(_message: str, count: int) -> Generator[tuple[str, int]]:
        for _ in range(3):
            count += 1
            yield f"{count}", count

    bot = Interface(stream, ["text", State(0)], ["text", "state"], id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == ["3"]
        assert await texts(alice, "hi") == ["6"]


async def test_an_error_half_way_keeps_no_state() -> None:
    """What a stream has changed before it fails is not kept."""

    def stream(message: str, total: Global[Ref[int]]) -> Generator[str]:
        total.value += 1
        yield f"{total.value}"
        if message == "fail":
            raise RuntimeError

    async with TestClient(Interface(stream, id="bot"), raise_errors=False) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == ["1"]
        assert await texts(alice, "fail") == [FAILED]
        assert await texts(alice, "hi") == ["2"]


# Progress


async def test_progress_is_one_line_that_is_edited() -> None:
    """What `progress(...)` says is shown in one message, which becomes the answer."""

    async def work(message: str, turn: Turn, progress: Progress) -> str:
        progress(0.25, desc="Working")
        await turn.step("wait", wait)
        progress(0.5, desc="Working")
        await turn.step("wait", wait)
        return message

    async def wait() -> None:
        await client.advance(2)

    async with TestClient(Interface(work, id="bot")) as client:
        await client.user("alice").say("done")
        shown = [reply.text for reply in client.platform.delivered]
        (left,) = client.platform.shown("private-alice")
    assert shown == ["Working █████░░░░░░░░░░░░░░░ 25%", "Working ██████████░░░░░░░░░░ 50%", "done"]
    assert left.text == "done"


def test_progress_by_default_and_tqdm() -> None:
    """`progress=Progress()` gets one too, and `tqdm` counts what it yields."""
    lines: list[str] = []
    assert list(Progress(lines.append).tqdm("ab", desc="Letters")) == ["a", "b"]
    assert lines == [
        "Letters ░░░░░░░░░░░░░░░░░░░░ 0/2 steps",
        "Letters ██████████░░░░░░░░░░ 1/2 steps",
        "Letters ████████████████████ 2/2 steps",
    ]
    bare = Progress()
    assert list(bare.tqdm(iter("ab"))) == ["a", "b"]
