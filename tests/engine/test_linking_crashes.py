"""Links of people where processes die, and where several share the work."""

import asyncio

import pytest
from engine.test_linking import make_bot
from engine.workers import Office, Worker, office, settled, until
from msgspec.structs import replace

from chatstate import Chat, Event, MessageRef
from chatstate.testing import Person, TestClient


@pytest.mark.parametrize("crash", range(0, 10, 2))
async def test_a_link_is_made_whole_wherever_the_process_dies(crash: int) -> None:
    """When the second one confirms: that comes again, and both are one person then."""
    async with TestClient(make_bot()) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/add 2")
        await bob.say("/add 3")
        code = (await alice.say("/link"))[0].text.rpartition(" ")[2]
        await bob.say(f"/link {code}")
        await bob.press("Yes")
        await client.advance(0)
        question = client.platform.shown(alice.chat.id)[-1]
        press = alice._press(question.buttons[0][0].data, question)
        pressing = asyncio.create_task(client.deliver(press))
        for _ in range(crash * 4):
            await asyncio.sleep(0)
        await client.crash()
        await asyncio.gather(pressing, return_exceptions=True)
        await client.start()
        (receipt,) = await client.deliver_all([press])
        await receipt.settled()
        await told(client, bob, "You are linked with")
        assert [reply.text for reply in await bob.say("/add")] == ["6 points"]
        assert [reply.text for reply in await alice.say("/add")] == ["7 points"]


async def told(client: TestClient, person: Person, beginning: str) -> None:
    """Return once somebody is told something."""
    while not client.platform.shown(person.chat.id)[-1].text.startswith(beginning):
        await asyncio.sleep(0)


def said(workers: Office, text: str, user: str) -> Event:
    """Return what the platform delivers if somebody says something in private."""
    event = workers.event(text, user=user)
    return replace(event, message=replace(event.message, chat=Chat(f"private-{user}")))


def pressed(workers: Office, label: str, user: str) -> Event:
    """Return what it delivers if they press a button of the newest message."""
    chat = f"private-{user}"
    shown = [shown for shown in workers.delivered if shown.chat == chat and shown.buttons][-1]
    data = {button.label: button.data for row in shown.buttons for button in row}
    event = said(workers, data[label], user)
    ref = MessageRef(shown.edits or shown.id)
    return replace(event, message=replace(event.message, kind="press", pressed=ref))


async def linked(workers: Office, here: Worker, there: Worker) -> None:
    """Let Alice and Bob be one person, each at a worker."""
    await settled(await here.deliver(said(workers, "/link", "alice")))
    code = workers.texts("private-alice")[-1].rpartition(" ")[2]
    await settled(await there.deliver(said(workers, f"/link {code}", "bob")))
    await settled(await there.deliver(pressed(workers, "Yes", "bob")))
    await until(lambda: "Link to" in workers.texts("private-alice")[-1])
    await settled(await here.deliver(pressed(workers, "Yes", "alice")))
    await until(lambda: "You are linked" in workers.texts("private-bob")[-1])


async def test_people_whom_different_workers_hold_are_linked() -> None:
    """From then on each worker finds the values of both, and none of theirs is lost."""
    async with office(make_bot()) as workers:
        here, there = workers.workers
        await settled(await here.deliver(said(workers, "/add 2", "alice")))
        await settled(await there.deliver(said(workers, "/add 3", "bob")))
        await linked(workers, here, there)
        receipts = []
        for number in range(10):
            user, worker = (("alice", here), ("bob", there))[number % 2]
            receipts += await worker.deliver(
                said(workers, ("/add", "/apply")[number % 4 > 1], user)
            )
        await settled(receipts)
        await settled(await there.deliver(said(workers, "/add 0", "bob")))
        assert workers.texts("private-bob")[-1] == "15 points"


async def test_a_link_is_known_to_a_worker_that_comes_later() -> None:
    """Those that made it are gone."""
    async with office(make_bot()) as workers:
        here, there = workers.workers
        await settled(await here.deliver(said(workers, "/add 2", "alice")))
        await linked(workers, here, there)
        new = await workers.start()
        await workers.stop(here)
        await workers.kill(there)
        await workers.outlive()
        await settled(await new.deliver(said(workers, "/add", "bob")))
        assert workers.texts("private-bob")[-1] == "3 points"
