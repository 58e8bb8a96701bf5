"""`Interface` by position: every shorthand, and several inputs asked for one after the other."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support import texts

from chatstate import BindingError, File, Interface
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


def greet(first_name: str, age: float) -> str:
    return f"{first_name} is {age}"


def test_an_unknown_input_is_an_error_that_names_the_possible() -> None:
    """A shorthand that is none is refused when the bot is made."""
    with pytest.raises(
        BindingError, match=r"'movie' is no input; possible: text, .*dataframe, state"
    ):
        Interface(greet, ["movie", "number"], "text", id="bot")
