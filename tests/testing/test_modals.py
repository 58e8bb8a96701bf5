"""Forms that are asked at once, as an author tests them: `FakePlatform(modals=...)`."""

import asyncio

import pytest

from chatstate import Button, Interface, PerUser, Reply
from chatstate.testing import FakePlatform, TestClient


def greet(times: int, name: str) -> Reply:
    """Greet somebody so many times."""
    return Reply(" ".join([f"Hello {name}!"] * times), [Button("3"), Button("More")])


def greeter() -> Interface:
    """Return a bot that greets."""
    return Interface(greet, ["number", "text"], ["text"], id="greeter", title="Greeter")


def client_of(bot: Interface, modals: int = 5) -> TestClient:
    return TestClient(bot, platform=FakePlatform(modals=modals))


async def test_a_command_is_answered_by_a_form_that_is_submitted() -> None:
    """Nothing else is shown before that."""
    async with client_of(greeter()) as client:
        alice = client.user("alice")
        assert await alice.say("/start") == []
        assert alice.form
        assert alice.form.title == "Greeter"
        assert [field.label for field in alice.form.fields] == ["Times", "Name"]
        (reply,) = await alice.submit({"Times": "2", "Name": "Ann"})
        assert reply.text == "Hello Ann! Hello Ann!"


async def test_what_a_button_sends_is_there_already() -> None:
    """If it answers the first question; then it need not be given."""
    async with client_of(greeter()) as client:
        alice = client.user("alice")
        await alice.say("/start")
        await alice.submit({"Times": "1", "Name": "Ann"})
        for label, answer in (("3", "3"), ("More", "")):
            assert await alice.press(label) == []
            assert alice.form
            assert alice.form.fields[0].answer == answer
        await alice.press("3")
        (reply,) = await alice.submit({"Name": "Ed"})
        assert reply.text == "Hello Ed! Hello Ed! Hello Ed!"


async def test_what_does_not_fit_is_asked_in_the_chat() -> None:
    """It alone, also after a restart."""
    async with client_of(greeter()) as client:
        alice = client.user("alice")
        await alice.say("/start")
        await client.restart()
        (again,) = await alice.submit({"Times": "often", "Name": "Ann"})
        assert "Times" in again.text
        assert [reply.text for reply in await alice.say("1")] == ["Hello Ann!"]


async def test_what_is_no_command_is_asked_one_by_one() -> None:
    """And all is, where the platform has no modals, or room for fewer questions."""
    for modals in (0, 1):
        async with client_of(greeter(), modals) as client:
            alice = client.user("alice")
            (_, asked) = await alice.say("/start")
            assert alice.form is None
            assert "Times" in asked.text
    async with client_of(greeter()) as client:
        (asked,) = await client.user("alice").say("2")
        assert "Name" in asked.text


@pytest.mark.parametrize("answers", [{"Name": "Ann"}, {"Name": "Ann", "Times": "1", "Town": "Ulm"}])
async def test_only_a_form_that_is_shown_is_submitted(answers: dict[str, str]) -> None:
    """With all its labels, and no others."""
    async with client_of(greeter()) as client:
        alice = client.user("alice")
        with pytest.raises(LookupError, match="is shown no form"):
            await alice.submit(answers)
        await alice.say("/start")
        with pytest.raises(LookupError, match="cannot be submitted"):
            await alice.submit(answers)


@pytest.mark.parametrize("crash", range(8))
async def test_what_is_submitted_counts_once_wherever_the_process_dies(crash: int) -> None:
    """It is delivered again, as anything is; nobody is asked anew."""

    def order(cups: int, name: str, orders: PerUser[list[str]]) -> str:
        orders.append(name)
        return f"{cups} for {name}, {len(orders)}"

    bot = Interface(order, ["number", "text"], ["text"], id="tea")
    async with client_of(bot) as client:
        alice = client.user("alice")
        await alice.say("/start")
        submitted = alice.submitted({"Cups": "2", "Name": "Ann"})
        delivering = asyncio.create_task(client.deliver(submitted))
        for _ in range(crash * 3):
            await asyncio.sleep(0)
        await client.crash()
        await asyncio.gather(delivering, return_exceptions=True)
        await client.start()
        (receipt,) = await client.deliver_all([submitted])
        await receipt.settled()
        assert [message.text for message in client.platform.shown("private-alice")] == [
            "2 for Ann, 1"
        ]
