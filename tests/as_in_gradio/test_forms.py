"""Several inputs, asked for one after the other: what fits, what does not, and ways out."""

import enum
from pathlib import Path
from typing import Any, Literal

import pytest
from msgspec.structs import replace
from PIL import Image
from support import FAILED, texts

from chatstate import Interface, State, UserError
from chatstate.testing import FakePlatform, Person, TestClient
from chatstate.testing.platform import FULL

NAME, AGE = "First name? (1 of 2; /cancel gives up)", "Age? (2 of 2; /cancel gives up)"
OLD = "“old” is not a number. Send one like 7 or 7.5."


def greet(first_name: str, age: float) -> str:
    if age > 150:
        raise UserError("Nobody is that old.")
    return f"{first_name} is {age}"


def greeter(**options: Any) -> Interface:
    return Interface(greet, ["text", "number"], "text", id="bot", **options)


def dated(year: int, name: str) -> str:
    return f"{name} {year}"


def png(folder: Path) -> bytes:
    path = folder / "dot.png"
    Image.new("RGB", (2, 3)).save(path)
    return path.read_bytes()


async def send(
    person: Person, platform: FakePlatform, name: str, data: bytes, kind: str, text: str = ""
) -> list[str]:
    """Send a file, and return the texts of the replies."""
    replies = await person.say(text, files=[platform.upload(name, data, kind)])
    return [reply.text for reply in replies]


# Beginning


async def test_start_asks_the_first_question() -> None:
    """Below the help; the last answer calls the function, and then it begins anew."""
    async with TestClient(greeter()) as client:
        alice = client.user("alice")
        for _ in range(2):
            about, question = await texts(alice, "/start")
            assert (about.splitlines()[0], question) == ("bot", NAME)
            assert await texts(alice, "Ann") == [AGE]
            assert await texts(alice, "7") == ["Ann is 7"]


async def test_the_first_message_is_the_first_answer() -> None:
    """If it fits; what it was taken for is said."""
    async with TestClient(greeter()) as client:
        alice = client.user("alice")
        for _ in range(2):
            assert await texts(alice, "Ann") == [f"First name: “Ann”\n{AGE}"]
            assert await texts(alice, "7") == ["Ann is 7"]


async def test_a_first_message_that_does_not_fit_only_begins() -> None:
    """Nobody has asked yet, so nothing is wrong with it; from then on it is told."""
    async with TestClient(Interface(dated, ["number", "text"], "text", id="bot")) as client:
        alice = client.user("alice")
        assert await texts(alice, "hello") == ["Year? (1 of 2; /cancel gives up)"]
        assert await texts(alice, "old") == [f"{OLD}\nYear? (1 of 2; /cancel gives up)"]
        assert await texts(alice, "2026") == ["Name? (2 of 2; /cancel gives up)"]
        assert await texts(alice, "Ann") == ["Ann 2026"]


async def test_a_picture_sent_to_a_bot_of_pictures_is_the_first_answer(tmp_path: Path) -> None:
    """It is not asked for once more."""

    def describe(picture: Image.Image, title: str) -> str:
        return f"{title} {picture.size}"

    async with TestClient(Interface(describe, ["image", "text"], "text", id="bot")) as client:
        alice = client.user("alice")
        assert await send(alice, client.platform, "dot.png", png(tmp_path), "image/png") == [
            "Picture: dot.png\nTitle? (2 of 2; /cancel gives up)"
        ]
        assert await texts(alice, "Dot") == ["Dot (2, 3)"]


async def test_start_begins_anew() -> None:
    """What was answered before is forgotten."""
    async with TestClient(greeter()) as client:
        alice = client.user("alice")
        await alice.say("Ann")
        await alice.say("/start")
        assert await texts(alice, "Bob") == [AGE]
        assert await texts(alice, "7") == ["Bob is 7"]


# Answers


async def test_an_answer_that_does_not_fit_is_told() -> None:
    """The question stays open."""
    async with TestClient(greeter()) as client:
        alice = client.user("alice")
        await alice.say("Ann")
        assert await texts(alice, "old") == [f"{OLD}\n{AGE}"]
        assert await texts(alice, "7") == ["Ann is 7"]


@pytest.mark.parametrize(
    ("name", "data", "kind"), [("a.txt", b"text", "text/plain"), ("a.png", b"none", "image/png")]
)
async def test_a_file_is_checked_when_it_is_given(
    name: str, data: bytes, kind: str, tmp_path: Path
) -> None:
    """One of another kind, or that only says it is an image, is told before the next question."""

    def describe(title: str, picture: Image.Image, size: int) -> str:
        return f"{title} {picture.size} {size}"

    bot = Interface(describe, ["text", "image", "number"], "text", id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("Dot")
        for _ in range(2):
            assert await send(alice, client.platform, name, data, kind) == [
                f"{name} is no file of this kind: image.\nPicture? (2 of 3; /cancel gives up)"
            ]
        assert await send(alice, client.platform, "dot.png", png(tmp_path), "image/png") == [
            "Size? (3 of 3; /cancel gives up)"
        ]
        assert await texts(alice, "7") == ["Dot (2, 3) 7"]


async def test_a_file_that_is_too_large_is_told_when_it_is_given() -> None:
    """Not after the last question, when it is too late."""
    platform = FakePlatform(capabilities=replace(FULL, received_bytes=4))
    bot = Interface(lambda _file, text: text, ["file", "text"], "text", id="bot")
    async with TestClient(bot, platform=platform) as client:
        alice = client.user("alice")
        await alice.say("/start")
        (told,) = await send(alice, platform, "a.txt", b"12345", "text/plain")
        too_large = "a.txt is too large for me: I take files of at most 4 bytes."
        assert told == f"{too_large}\nFile? (1 of 2; /cancel gives up)"


async def test_what_has_no_text_is_no_answer_to_a_question_for_one() -> None:
    """A picture in place of a name is told."""
    async with TestClient(greeter()) as client:
        alice = client.user("alice")
        await alice.say("/start")
        told = await send(alice, client.platform, "dot.png", b"data", "image/png")
        assert told == [f"Please send a text.\n{NAME}"]
        assert await texts(alice, "Ann") == [AGE]


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


def order(size: Size, milk: bool, kind: Literal["tea", "coffee"]) -> str:
    return f"{size} {milk} {kind}"


async def test_choices_are_buttons() -> None:
    """Of a `Literal`, an `Enum`, and of yes and no; they may be typed too."""
    bot = Interface(order, ["text", "checkbox", "text"], "text", id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        _, question = await alice.say("/start")
        assert question.labels == ["small", "large"]
        (question,) = await alice.press("large")
        assert question.labels == ["yes", "no"]
        (question,) = await alice.press("yes")
        assert question.labels == ["tea", "coffee"]
        (reply,) = await alice.say("tea")
        assert reply.text.endswith("True tea")


async def test_more_choices_than_buttons_are_typed() -> None:
    """A question is put in any case."""
    many = Literal[tuple(f"c{n}" for n in range(26))]  # type: ignore[valid-type]  # made at run time

    def pick(kind: many, name: str) -> str:  # type: ignore[valid-type]  # as above
        return f"{name} {kind}"

    async with TestClient(Interface(pick, ["text", "text"], "text", id="bot")) as client:
        _, question = await client.user("alice").say("/start")
        assert (question.text, question.labels) == ("Kind? (1 of 2; /cancel gives up)", [])


async def test_answers_survive_a_crash() -> None:
    """What was answered before the process died need not be answered again."""
    async with TestClient(greeter()) as client:
        alice = client.user("alice")
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
        await send(alice, client.platform, "a.txt", b"data", "text/plain")
        await client.restart()
        assert await texts(alice, "A title") == ["A title: data"]


async def test_answers_of_two_people_never_mix() -> None:
    """In a group, each answers for themselves."""
    async with TestClient(greeter()) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        for person in (alice, bob):
            await person.say(person.user.name)
        assert await texts(alice, "7") == ["alice is 7"]
        assert await texts(bob, "8") == ["bob is 8"]


async def test_several_inputs_and_several_states() -> None:
    """States may stand anywhere among the inputs, and several of them."""
    count, last = State(0, name="count"), State("nobody", name="last", scope="global")

    def note(count: int, name: str, last: str, age: int) -> tuple[str, int, str]:
        return f"{name} {age} {count} {last}", count + 1, name

    bot = Interface(note, [count, "text", last, "number"], ["text", count, last], id="bot")
    async with TestClient(bot) as client:
        for name, answer in (("alice", "alice 7 0 nobody"), ("bob", "bob 7 0 alice")):
            person = client.user(name)
            await person.say(name)
            assert await texts(person, "7") == [answer]


async def test_an_example_fills_all_inputs() -> None:
    """Of several inputs, an example answers all at once."""
    async with TestClient(greeter(examples=[["Ann", 7]])) as client:
        alice = client.user("alice")
        await alice.say("/help")
        (reply,) = await alice.press("Ann, 7")
        assert reply.text == "Ann is 7"


async def test_an_example_leaves_a_file_to_be_given() -> None:
    """No button sends one."""

    def describe(title: str, file: str, size: int) -> str:
        return f"{title} {size}: {Path(file).read_text()}"

    example = ["A title", "cat.png", 7]
    bot = Interface(describe, ["text", "file", "number"], "text", id="bot", examples=[example])
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/help")
        (question,) = await alice.press("A title, cat.png, 7")
        assert question.text == "File? (2 of 3; /cancel gives up)"
        told = await send(alice, client.platform, "a.txt", b"data", "text/plain")
        assert told == ["A title 7: data"]


# Ways out


async def test_cancel_gives_up() -> None:
    """/cancel, whatever else is said with it, forgets the answers; then it begins anew."""
    async with TestClient(greeter()) as client:
        alice = client.user("alice")
        assert await texts(alice, "/cancel") == ["There is nothing to give up."]
        await alice.say("Ann")
        assert await texts(alice, "/cancel please") == ["Given up. Nothing was changed."]
        assert await texts(alice, "Bob") == [f"First name: “Bob”\n{AGE}"]


async def test_a_form_that_is_refused_asks_again_and_shows_the_way_out() -> None:
    """After a `UserError` the last question is put again, or /cancel and a fresh start."""
    async with TestClient(greeter()) as client:
        alice = client.user("alice")
        await alice.say("Ann")
        for _ in range(2):
            assert await texts(alice, "151") == ["Nobody is that old.", AGE]
        assert await texts(alice, "7") == ["Ann is 7"]
        await alice.say("Bob")
        assert await texts(alice, "151") == ["Nobody is that old.", AGE]
        assert await texts(alice, "/cancel") == ["Given up. Nothing was changed."]
        await alice.say("Eve")
        assert await texts(alice, "8") == ["Eve is 8"]


async def test_an_error_in_the_function_keeps_the_answers() -> None:
    """A turn that fails changes nothing: the last answer may be given again."""

    def careful(a: int, b: int) -> str:
        return f"{a / b:g}"

    async with TestClient(
        Interface(careful, ["number", "number"], "text", id="bot"), raise_errors=False
    ) as client:
        alice = client.user("alice")
        await alice.say("6")
        assert await texts(alice, "0") == [FAILED, "B? (2 of 2; /cancel gives up)"]
        assert await texts(alice, "3") == ["2"]


async def test_an_example_that_is_refused_asks_nothing() -> None:
    """Nobody has begun to answer."""
    async with TestClient(greeter(examples=[["Ann", 151]])) as client:
        alice = client.user("alice")
        await alice.say("/help")
        (reply,) = await alice.press("Ann, 151")
        assert reply.text == "Nobody is that old."


async def test_a_file_that_is_gone_by_the_end_is_asked_for_again() -> None:
    """The other answers stay."""

    def describe(picture: str, title: str, size: int) -> str:
        return f"{title} {size}: {Path(picture).read_text()}"

    bot = Interface(describe, ["file", "text", "number"], "text", id="bot")
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await send(alice, client.platform, "a.txt", b"data", "text/plain")
        await alice.say("A title")
        client.platform.files.clear()
        assert await texts(alice, "7") == [
            "I cannot get the file any more.\nPicture? (1 of 3; /cancel gives up)"
        ]
        told = await send(alice, client.platform, "b.txt", b"more", "text/plain")
        assert told == ["A title 7: more"]


async def test_answers_given_to_an_older_form_are_asked_for_if_they_do_not_fit() -> None:
    """The bot was changed while somebody was answering: an input has another type now."""

    def counted(first_name: float, age: float) -> str:
        return f"{first_name} is {age}"

    client = TestClient(greeter())
    async with client:
        alice = client.user("alice")
        await alice.say("Ann")
        client.bot = Interface(counted, ["number", "number"], "text", id="bot")
        await client.restart()
        assert await texts(alice, "7") == [
            "“Ann” is not a number. Send one like 7 or 7.5.\nFirst name? (1 of 2; /cancel gives up)"
        ]
        assert await texts(alice, "8") == ["8 is 7"]


@pytest.mark.parametrize("given", [1, 2, 3])
async def test_answers_given_to_a_form_of_other_inputs_are_used_where_they_belong(
    given: int,
) -> None:
    """An input is known by its name: what is new is asked, what is gone is ignored."""

    def long(first_name: str, street: str, city: str, country: str) -> str:
        return f"{first_name}{street}{city}{country}"

    client = TestClient(Interface(long, ["text"] * 4, "text", id="bot"))
    async with client:
        alice = client.user("alice")
        for answer in "abc"[:given]:
            await alice.say(answer)
        client.bot = greeter()
        await client.restart()
        assert await texts(alice, "7") == [AGE]
        assert await texts(alice, "8") == ["a is 8"]
