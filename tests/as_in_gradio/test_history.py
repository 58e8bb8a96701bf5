"""What a chat's history holds: files, who spoke, and all that was said."""

from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec.structs import replace
from support import texts

from chatstate import BindingError, ChatInterface, File, Interface, Message, Reply, Turn
from chatstate.testing import FakePlatform, Person, TestClient

History = list[dict[str, Any]]


class Seen:
    """A chat function that notes the histories it gets, with what is in their files."""

    def __init__(self) -> None:
        self.histories: list[History] = []

    def __call__(self, message: dict[str, Any], history: History) -> str:
        self.histories.append([_read(entry) for entry in history])
        return f"{message['text']} {[Path(path).read_text() for path in message['files']]}"


def _read(entry: dict[str, Any]) -> dict[str, Any]:
    if "files" in entry:
        return {**entry, "files": [Path(path).read_text() for path in entry["files"]]}
    if isinstance(entry["content"], list):
        return {**entry, "content": [_read_part(part) for part in entry["content"]]}
    return entry


def _read_part(part: dict[str, Any]) -> dict[str, Any]:
    if part["type"] != "file":
        return part
    return {**part, "file": {**part["file"], "path": Path(part["file"]["path"]).read_text()}}


def viewer(form: Literal["text", "list"] = "text", **options: Any) -> tuple[ChatInterface, Seen]:
    seen = Seen()
    return ChatInterface(seen, id="bot", multimodal=True, history_form=form, **options), seen


async def show(person: Person, platform: FakePlatform, text: str, *names: str) -> list[str]:
    """Send pictures of these names; return the texts of the replies."""
    files = [platform.upload(name, f"<{name}>".encode(), "image/png") for name in names]
    return [reply.text for reply in await person.say(text, files=files)]


# Files


async def test_a_picture_is_there_in_the_next_turn() -> None:
    """As a path that can be read, in the entry of its message; also after a restart."""
    bot, seen = viewer()
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await show(alice, client.platform, "look", "a.png", "b.png")
        await client.restart()
        assert await texts(alice, "and?") == ["and? []"]
    assert seen.histories[1][0] == {
        "role": "user",
        "content": "look\n[file a.png]\n[file b.png]",
        "files": ["<a.png>", "<b.png>"],
        "metadata": None,
        "options": None,
    }
    assert len(seen.histories[1]) == 2


async def test_a_picture_is_a_part_as_in_gradio() -> None:
    """With `history_form="list"`: files before the text, each with name, type and size."""
    bot, seen = viewer("list")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await show(alice, client.platform, "look", "a.png")
        await show(alice, client.platform, "", "b.png")
        await alice.say("and?")
    asked, _, alone, _ = seen.histories[2]
    file = {"path": "<a.png>", "orig_name": "a.png", "mime_type": "image/png", "size": 7}
    assert asked["content"] == [
        {"type": "file", "file": file, "alt_text": None},
        {"type": "text", "text": "look"},
    ]
    assert [part["type"] for part in alone["content"]] == ["file"]
    assert "files" not in asked


async def test_the_newest_files_are_fetched_and_the_others_named() -> None:
    """`max_files` is how many."""
    bot, seen = viewer(max_files=2)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        for name in ("a.png", "b.png", "c.png"):
            await show(alice, client.platform, "", name)
        await alice.say("and?")
    said = [(entry["content"], entry["files"]) for entry in seen.histories[3][::2]]
    assert said == [
        ("[file a.png]", []),
        ("[file b.png]", ["<b.png>"]),
        ("[file c.png]", ["<c.png>"]),
    ]


@pytest.mark.parametrize("form", ["text", "list"])
async def test_a_file_that_is_gone_is_named(form: Literal["text", "list"]) -> None:
    """The turn goes on without it."""
    bot, seen = viewer(form)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await show(alice, client.platform, "look", "a.png")
        client.platform.files.clear()
        assert await texts(alice, "and?") == ["and? []"]
    assert "[file a.png]" in str(seen.histories[1][0]["content"])


async def test_a_file_is_fetched_once_in_a_turn() -> None:
    """Whoever wants it: the function, its history, and the turn."""
    fetched: list[str] = []

    class Counting(FakePlatform):
        def open(self, attachment: Any) -> Any:
            fetched.append(attachment.name)
            return super().open(attachment)

    async def twice(message: dict[str, Any], _history: History, turn: Turn) -> str:
        (attachment,) = turn.message.attachments
        file = await turn.download(attachment)
        return str([str(file.path)] == message["files"])

    platform = Counting()
    bot = ChatInterface(twice, id="bot", multimodal=True)
    async with TestClient(bot, platform=platform) as client:
        alice = client.user("alice")
        assert await show(alice, platform, "", "a.png") == ["True"]
        assert fetched == ["a.png"]
        assert await show(alice, platform, "", "b.png") == ["True"]
        assert sorted(fetched) == ["a.png", "a.png", "b.png"]


async def test_a_history_of_all_platforms_names_files() -> None:
    """One platform cannot fetch what came on another."""
    bot, seen = viewer(scope="global")
    async with TestClient(bot) as client:
        await show(client.user("alice"), client.platform, "look", "a.png")
        await client.user("bob").say("and?")
    assert (seen.histories[1][0]["files"], seen.histories[1][0]["name"]) == ([], "alice")


def test_a_number_of_files_below_none_is_an_error() -> None:
    """As is one of messages."""
    wrong: list[dict[str, Any]] = [{"max_files": -1}, {"max_messages": 0}, {"max_characters": 0}]
    for options in wrong:
        with pytest.raises(BindingError, match="use a number"):
            viewer(**options)


# A bot that takes none


def repeat(message: str, history: History) -> str:
    return f"<{message}> {[entry['content'] for entry in history]}"


async def test_a_picture_to_a_bot_of_texts_is_told() -> None:
    """Alone it is all that is answered; beside a text, that is answered too."""
    told = "I cannot look at a.png: I take text only."
    async with TestClient(ChatInterface(repeat, id="bot", markdown=False)) as client:
        for person in (client.user("alice"), client.user("bob", chat="room")):
            assert await show(person, client.platform, "", "a.png") == [told]
            assert await show(person, client.platform, "hi", "a.png") == ["<hi> []", told]
            (answer,) = await texts(person, "and?")
            assert answer == "<and?> ['hi\\n[file a.png]', '<hi> []']"


async def test_a_picture_to_a_chat_function_that_gets_the_message_is_its_own_business() -> None:
    """It can look at what came with it."""

    def count(_message: str, _history: History, said: Message) -> str:
        return str(len(said.attachments))

    async with TestClient(ChatInterface(count, id="bot")) as client:
        assert await show(client.user("alice"), client.platform, "", "a.png") == ["1"]


@pytest.mark.parametrize("inputs", [None, "text"])
async def test_a_picture_to_any_handler_of_texts_is_told(inputs: str | None) -> None:
    """In private; in a group it may be for others."""

    def echo(message: str) -> str:
        return f"<{message}>"

    async with TestClient(Interface(echo, inputs, id="bot")) as client:
        alice = client.user("alice")
        told = ["I cannot look at a.png, b.png: I take text only."]
        assert await show(alice, client.platform, " ", "a.png", "b.png") == told
        assert await show(alice, client.platform, "hi", "a.png") == ["<hi>"]
        assert await show(client.user("bob", chat="room"), client.platform, "", "a") == ["<>"]


async def test_a_picture_that_somebody_may_look_at_is_not_told() -> None:
    """A handler that gets the message, the turn or files, and middleware, may."""

    def by_message(text: str, message: Message) -> str:
        return f"{text}{len(message.attachments)}"

    def by_turn(text: str, turn: Turn) -> str:
        return f"{text}{len(turn.message.attachments)}"

    def by_file(text: str, files: list[File]) -> str:
        return f"{text}{len(files)}"

    watched = Interface(lambda message: f"{message}1", id="bot")

    @watched.middleware
    async def look(call_next: Any) -> Any:
        return await call_next()

    bots = [Interface(fn, id="bot") for fn in (by_message, by_turn, by_file)]
    for bot in (*bots, watched):
        async with TestClient(bot) as client:
            assert await show(client.user("alice"), client.platform, "", "a.png") == ["1"]


# Who said what


@pytest.mark.parametrize("scope", ["thread", "chat"])
async def test_a_shared_history_says_who_spoke(scope: Literal["thread", "chat"]) -> None:
    """Each entry of a person has a name; the bot's own have none."""
    seen: list[History] = []

    def note(message: str, history: History) -> str:
        seen.append(history)
        return f"<{message}>"

    async with TestClient(ChatInterface(note, id="bot", scope=scope)) as client:
        for name in ("alice", "bob", "eve"):
            await client.user(name, chat="room").say(f"I am {name}")
    assert [(entry["role"], entry["name"], entry["content"]) for entry in seen[2]] == [
        ("user", "alice", "I am alice"),
        ("assistant", None, "<I am alice>"),
        ("user", "bob", "I am bob"),
        ("assistant", None, "<I am bob>"),
    ]


async def test_what_a_turn_sends_is_in_the_history() -> None:
    """Before what it returns, in the order in which people read it."""

    async def announce(message: str, history: History, turn: Turn) -> Any:
        await turn.send(f"working on {message}")
        return [str([entry["content"] for entry in history]), Reply("done")]

    async with TestClient(ChatInterface(announce, id="bot", markdown=False)) as client:
        alice = client.user("alice")
        await alice.say("a")
        _, said, _ = await texts(alice, "b")
        assert said == "['a', 'working on a', '[]', 'done']"


async def test_files_beside_a_message_of_the_bot_are_named() -> None:
    """Whatever form it had."""

    def draw(_message: str, history: History) -> Any:
        file = File(b"data", "a.txt")
        return {"role": "assistant", "content": [str(len(history)), file]}

    async with TestClient(ChatInterface(draw, id="bot")) as client:
        await client.user("alice").say("a")
        seen: list[History] = []
        client.bot = ChatInterface(lambda _, history: seen.append(history), id="bot")
        await client.restart()
        await client.user("alice").say("b")
    assert [entry["content"] for entry in seen[0]] == ["a", "0\n[file a.txt]"]


async def test_messages_that_are_merged_are_one_entry_with_all_files() -> None:
    """What each of them brought."""
    bot, seen = viewer(overlap="merge")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        uploads = [client.platform.upload(f"{n}.png", b"data", "image/png") for n in "ab"]
        events = [alice.event(text) for text in "ab"]
        sent = [
            replace(event, message=replace(event.message, attachments=(upload,)))
            for event, upload in zip(events, uploads, strict=True)
        ]
        receipts = await client.deliver_all(sent)
        for receipt in receipts:
            await receipt.settled()
        await alice.say("c")
    entries = [entry for entry in seen.histories[-1] if entry["role"] == "user"]
    assert [(entry["content"], entry["files"]) for entry in entries] == [
        ("a\nb\n[file a.png]\n[file b.png]", ["data", "data"])
    ]
