"""Forms on Discord, asked at once in a modal: the real discord.py, the test server."""

import logging
from pathlib import Path
from typing import Any

import pytest
from adapters.discord_bots import running, texts
from servers.discord_people import modal_of
from servers.discord_server import DiscordServer
from servers.discord_world import Interaction, Person

from chatstate import Button, Interface, Reply, Turn
from chatstate_discord.send import acknowledging

MODAL = 9


def greet(times: int, name: str) -> Reply:
    """Greet somebody so many times."""
    said = " ".join([f"Hello {name}!"] * times)
    return Reply(said, [Button("3"), Button("More"), Button("Again", command="/start")])


def greet_from(times: int, name: str, town: str) -> str:
    """Greet somebody from a town."""
    return f"{greet(times, name).text} How is {town}?"


def greeter() -> Interface:
    """Return a bot that greets."""
    inputs, examples = ["number", "text"], [[2, "Tom"]]
    return Interface(greet, inputs, ["text"], id="greeter", title="Greeter", examples=examples)


def later_greeter() -> Interface:
    """Return a later version of it, with one more question."""
    inputs = ["number", "text", "text"]
    return Interface(greet_from, inputs, ["text"], id="greeter", title="Greeter")


def questions(interaction: Interaction) -> dict[str, str]:
    """Return the questions of the modal that answers an interaction, with what is there already."""
    components = modal_of(interaction)["components"]
    return {label["label"]: label["component"].get("value", "") for label in components}


async def shown(server: DiscordServer, person: Person, count: int = 1) -> list[str]:
    """Return what the bot shows somebody in private, once there is so much."""
    place = server.dm(person)
    await server.wait_for(lambda: len(texts(server.messages(place))) >= count)
    return texts(server.messages(place))


async def opened(server: DiscordServer, person: Person) -> Interaction:
    """Return a /start of somebody's in private that is answered with a modal."""
    return await with_modal(server, await server.slash(person, server.dm(person), "start"))


async def with_modal(server: DiscordServer, asked: Interaction) -> Interaction:
    """Return an interaction once it is answered, with a modal."""
    await server.wait_for(lambda: asked.response)
    assert asked.response == MODAL
    return asked


async def test_a_command_that_begins_a_form_of_texts_is_one_modal(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """All is asked at once under the bot's title, and what is submitted is answered."""
    async with running(server, greeter(), path):
        asked = await opened(server, alice)
        assert (modal_of(asked)["title"], questions(asked)) == (
            "Greeter",
            {"Times": "", "Name": ""},
        )
        submitted = await server.submit(asked, {"Name": "Ann", "Times": "2"})
        assert await shown(server, alice) == ["Hello Ann! Hello Ann!"]
        assert submitted.original in server.messages(server.dm(alice))


async def test_a_press_that_begins_one_is_it_too_with_what_it_answers(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """Where a button's value fits the first question, it is there to be changed."""
    async with running(server, greeter(), path):
        await server.submit(await opened(server, alice), {"Name": "Ann", "Times": "1"})
        await shown(server, alice)
        (said,) = server.messages(server.dm(alice))
        for number, (label, times) in enumerate((("3", "3"), ("More", ""), ("Again", "")), 2):
            pressed = await with_modal(server, await server.press(alice, said, label))
            assert questions(pressed) == {"Times": times, "Name": ""}
            await server.submit(pressed, {"Name": "Eve", "Times": times or "1"})
            greeted = (await shown(server, alice, number))[-1]
            assert greeted == " ".join(["Hello Eve!"] * int(times or "1"))


async def test_the_button_of_an_example_answers_all(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """There is nothing left to ask, so there is no modal."""
    async with running(server, greeter(), path):
        await server.slash(alice, server.dm(alice), "help")
        await shown(server, alice)
        pressed = await server.press(alice, server.messages(server.dm(alice))[0], "2, Tom")
        assert (await shown(server, alice, 2))[-1] == "Hello Tom! Hello Tom!"
        assert pressed.response != MODAL


async def test_what_does_not_fit_is_asked_again_alone(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """With what is wrong with it, in the chat; what fits is not asked again."""
    async with running(server, greeter(), path):
        await server.submit(await opened(server, alice), {"Name": "Ann", "Times": "often"})
        (told,) = await shown(server, alice)
        assert "often" in told
        assert "Times" in told
        await server.say(alice, server.dm(alice), "1")
        assert (await shown(server, alice, 2))[-1] == "Hello Ann!"


async def test_a_modal_that_is_dismissed_has_begun_nothing(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """What is said next begins the form anew, and nothing is answered meanwhile."""
    async with running(server, greeter(), path):
        await opened(server, alice)
        await server.say(alice, server.dm(alice), "2")
        (asked,) = await shown(server, alice)
        assert "Name" in asked


async def test_what_is_submitted_to_a_later_version_is_answered(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """A modal is as good after a restart; a question that has come meanwhile is asked alone."""
    async with running(server, greeter(), path):
        asked = await opened(server, alice)
    async with running(server, later_greeter(), path):
        await server.submit(asked, {"Name": "Ann", "Times": "1"})
        (town,) = await shown(server, alice)
        assert "Town" in town
        await server.say(alice, server.dm(alice), "Ulm")
        assert (await shown(server, alice, 2))[-1] == "Hello Ann! How is Ulm?"


async def test_what_is_submitted_answers_the_questions_of_the_form_alone(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """Whoever makes up more answers than were asked for confirms nothing with them."""

    async def pay(name: str, amount: str, turn: Turn) -> str:
        return f"paid: {await turn.confirm(f'{amount} to {name}?', key='ok')}"

    async with running(server, Interface(pay, ["text", "text"], ["text"], id="b"), path):
        asked = await opened(server, alice)
        assert questions(asked) == {"Name": "", "Amount": ""}
        inputs = [*modal_of(asked)["components"], {"component": {"custom_id": "ok"}}]
        made_up = [{"component": label["component"] | {"value": "yes"}} for label in inputs]
        data = {"custom_id": "/start", "components": made_up}
        await server._interact(5, alice, server.dm(alice), data)
        assert await shown(server, alice) == ["yes to yes?"]


@pytest.mark.parametrize(
    ("fn", "inputs"),
    [
        (lambda text, file: f"{text} {file}", ["text", "file"]),
        (lambda text, sure: f"{text} {sure}", ["text", "checkbox"]),
        (lambda *texts: " ".join(texts), ["text"] * 6),
    ],
)
async def test_other_forms_are_asked_one_after_the_other(
    server: DiscordServer, alice: Person, path: Path, fn: Any, inputs: list[str]
) -> None:
    """One with a file, with choices, which are buttons, or with more than five questions."""
    async with running(server, Interface(fn, inputs, ["text"], id="bot"), path):
        asked = await server.slash(alice, server.dm(alice), "start")
        assert f"(1 of {len(inputs)};" in (await shown(server, alice, 2))[-1]
        assert asked.response != MODAL


async def test_what_is_not_known_in_time_is_asked_one_after_the_other(
    server: DiscordServer,
    alice: Person,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An interaction is acknowledged in time, however slow the store is."""
    monkeypatch.setattr(acknowledging, "_FORM_SECONDS", -1)
    with caplog.at_level(logging.WARNING, "chatstate.discord"):
        async with running(server, greeter(), path):
            asked = await server.slash(alice, server.dm(alice), "start")
            assert "Times" in (await shown(server, alice, 2))[-1]
    assert asked.response != MODAL
    assert "a form is asked one by one" in caplog.text


async def test_a_bot_without_forms_is_asked_for_none(
    server: DiscordServer, alice: Person, path: Path
) -> None:
    """Nothing is looked up for its commands and presses, and /start is no command of its menu."""
    bot = Interface(id="plain")
    bot.command(name="hi")(lambda: "hello")
    async with running(server, bot, path):
        assert "start" not in {command["name"] for command in server.commands}
        await server.slash(alice, server.dm(alice), "hi")
        assert await shown(server, alice) == ["hello"]
