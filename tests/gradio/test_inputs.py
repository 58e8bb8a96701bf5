"""`Interface` by position: every shorthand, and several inputs asked for one after the other."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import FAILED, texts

from chatstate import BindingError, File, Interface, State
from chatstate.testing import FakePlatform, Person, TestClient


def is_there(path: str) -> bool:
    return Path(path).exists()


def png(folder: Path) -> bytes:
    path = folder / "dot.png"
    Image.new("RGB", (2, 3)).save(path)
    return path.read_bytes()


async def send(person: Person, platform: FakePlatform, data: bytes, name: str, kind: str) -> str:
    """Send a file, and return the one reply to it."""
    (reply,) = await person.say("", files=[platform.upload(name, data, kind)])
    return reply.text


@pytest.mark.parametrize(
    ("shorthand", "said", "given"),
    [
        ("text", " hi ", " hi "),
        ("textbox", "hi", "hi"),
        ("number", "7", 7),
        ("number", "7.5", 7.5),
        ("checkbox", "yes", True),
        ("checkbox", "No", False),
        ("json", '{"a": [1]}', {"a": [1]}),
    ],
)
async def test_a_text_input_gives_its_value(shorthand: str, said: str, given: Any) -> None:
    """Each shorthand reads what a person types, as the type it stands for."""
    got: list[Any] = []
    bot = Interface(got.append, shorthand, "text", id="bot")
    async with TestClient(bot) as client:
        await client.user("alice").say(said)
    assert got == [given]
    assert type(got[0]) is type(given)


async def test_a_checkbox_that_is_neither_is_told() -> None:
    """What is neither yes nor no is answered with what is wrong."""
    bot = Interface(repr, "checkbox", "text", id="bot")
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "maybe") == [
            "“maybe” is neither yes nor no. Send yes or no."
        ]


async def test_a_file_input_gives_its_path() -> None:
    """A file comes as a path, which can be read while the function runs and not after."""
    paths: list[str] = []

    def read(path: str) -> str:
        paths.append(path)
        return Path(path).read_text()

    async with TestClient(Interface(read, "file", "text", id="bot")) as client:
        alice = client.user("alice")
        assert await send(alice, client.platform, b"data", "a.txt", "text/plain") == "data"
        assert await texts(alice, "no file") == ["Please send a file."]
    assert Path(paths[0]).name == "a.txt"
    assert not is_there(paths[0])


async def test_a_file_input_may_be_annotated(tmp_path: Path) -> None:
    """As `Path`, `File`, `bytes` or a PIL image, a parameter gets that."""

    def measure(picture: Image.Image) -> str:
        return f"{picture.size}"

    def named(file: File) -> str:
        return f"{file.name} {file.media_type}"

    def counted(data: bytes) -> str:
        return str(len(data))

    data = png(tmp_path)
    for fn, answer in (
        (measure, "(2, 3)"),
        (named, "dot.png image/png"),
        (counted, str(len(data))),
    ):
        async with TestClient(Interface(fn, "image", "text", id="bot")) as client:
            alice = client.user("alice")
            assert await send(alice, client.platform, data, "dot.png", "image/png") == answer


@pytest.mark.parametrize(("data", "kind"), [(b"text", "text/plain"), (b"no picture", "image/png")])
async def test_what_is_no_image_is_told(data: bytes, kind: str) -> None:
    """A file of another kind, or one that only says it is an image, is answered politely."""

    def measure(picture: Image.Image) -> str:
        return f"{picture.size}"

    async with TestClient(Interface(measure, "image", "text", id="bot")) as client:
        answer = await send(client.user("alice"), client.platform, data, "a.png", kind)
    assert answer == "a.png is no file of this kind: image."


async def test_several_inputs_are_asked_for() -> None:
    """Each is asked for by its label; the last one calls the function; then it begins anew."""
    bot = Interface(greet, ["text", "number"], "text", id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        for _ in range(2):
            assert await texts(alice, "hello") == ["First name? (1 of 2; /cancel gives up)"]
            assert await texts(alice, "Ann") == ["Age? (2 of 2; /cancel gives up)"]
            assert await texts(alice, "old") == ["“old” is not a number. Send one like 7 or 7.5."]
            assert await texts(alice, "7") == ["Ann is 7"]


async def test_answers_survive_a_crash() -> None:
    """What was answered before the process died need not be answered again."""
    bot = Interface(greet, ["text", "number"], "text", id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("hello")
        await alice.say("Ann")
        await client.crash()
        await client.start()
        assert await texts(alice, "7") == ["Ann is 7"]


async def test_a_file_among_several_inputs_survives_a_restart() -> None:
    """A file that was given earlier is fetched when the function is called."""

    def describe(picture: str, title: str) -> str:
        return f"{title}: {Path(picture).read_text()}"

    async with TestClient(Interface(describe, ["file", "text"], "text", id="bot")) as client:
        alice = client.user("alice")
        await alice.say("hello")
        await send(alice, client.platform, b"data", "a.txt", "text/plain")
        await client.restart()
        assert await texts(alice, "A title") == ["A title: data"]


async def test_cancel_gives_up() -> None:
    """/cancel forgets the answers; the next message begins anew."""
    bot = Interface(greet, ["text", "number"], "text", id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        assert await texts(alice, "/cancel") == ["There is nothing to give up."]
        await alice.say("hello")
        await alice.say("Ann")
        assert await texts(alice, "/cancel") == ["Given up. Nothing was changed."]
        assert await texts(alice, "7") == ["First name? (1 of 2; /cancel gives up)"]


async def test_answers_of_two_people_never_mix() -> None:
    """In a group, each answers for themselves."""
    bot = Interface(greet, ["text", "number"], "text", id="bot")
    async with TestClient(bot) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        for person in (alice, bob):
            await person.say("hello")
        for person in (alice, bob):
            await person.say(person.user.name)
        assert await texts(alice, "7") == ["alice is 7"]
        assert await texts(bob, "8") == ["bob is 8"]


async def test_an_error_in_the_function_keeps_the_answers() -> None:
    """A turn that fails changes nothing: the last answer may be given again."""

    def careful(a: int, b: int) -> str:
        return f"{a / b:g}"

    async with TestClient(
        Interface(careful, ["number", "number"], "text", id="bot"), raise_errors=False
    ) as client:
        alice = client.user("alice")
        await alice.say("go")
        await alice.say("6")
        assert await texts(alice, "0") == [FAILED]
        assert await texts(alice, "3") == ["2"]


async def test_several_inputs_and_several_states() -> None:
    """States may stand anywhere among the inputs, and several of them."""
    count, last = State(0, name="count"), State("nobody", name="last", scope="global")

    def note(count: int, name: str, last: str, age: int) -> tuple[str, int, str]:
        return f"{name} {age} {count} {last}", count + 1, name

    bot = Interface(note, [count, "text", last, "number"], ["text", count, last], id="bot")
    async with TestClient(bot) as client:
        for name, answer in (("alice", "alice 7 0 nobody"), ("bob", "bob 7 0 alice")):
            person = client.user(name)
            await person.say("hello")
            await person.say(name)
            assert await texts(person, "7") == [answer]


async def test_a_state_without_default_takes_the_functions() -> None:
    """`"state"` begins with the parameter's own default, else with None."""

    def begun(message: str, history: list[str] = ["begun"]) -> tuple[str, list[str]]:  # noqa: B006 - as Gradio's authors write it
        return ",".join(history), [*history, message]

    def empty(message: str, history: Any) -> tuple[str, Any]:
        return str(history), message

    for fn, begins in ((begun, "begun"), (empty, "None")):
        bot = Interface(fn, ["text", "state"], ["text", "state"], id="bot")
        async with TestClient(bot) as client:
            assert await texts(client.user("alice"), "hi") == [begins]


async def test_examples_are_buttons() -> None:
    """/start shows the examples of one input; pressing one sends it."""
    bot = Interface(lambda n: f"{n + 1}", "number", "text", id="bot", examples=[1, 2.5])
    async with TestClient(bot) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("/start")
        assert reply.labels == ["1", "2.5"]
        (reply,) = await alice.press("2.5")
        assert reply.text == "3.5"


async def test_an_example_fills_all_inputs() -> None:
    """Of several inputs, an example answers all at once."""
    bot = Interface(greet, ["text", "number"], "text", id="bot", examples=[["Ann", 7]])
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/help")
        (reply,) = await alice.press("Ann, 7")
        assert reply.text == "Ann is 7"


def greet(first_name: str, age: float) -> str:
    return f"{first_name} is {age}"


def test_an_unknown_input_is_an_error_that_names_the_possible() -> None:
    """A shorthand that is none is refused when the bot is made."""
    with pytest.raises(BindingError, match=r"'video' is no input; possible: text, .*audio, state"):
        Interface(greet, ["video", "number"], "text", id="bot")
