"""Dialogues where several engines share the work: whoever holds a conversation goes on with it."""

from engine.workers import Office, Worker, office, settled, until
from msgspec.structs import replace

from chatstate import Chat, Event, Interface, MessageRef, Turn, User

PRIVATE = Chat("private-alice")


def bot() -> Interface:
    """Return a bot that asks two questions, or Bob."""
    made = Interface(id="shared")

    @made.command
    async def two(turn: Turn) -> str:
        first = await turn.ask("First?", key="first")
        return f"{first} {await turn.ask('Second?', key='second')}"

    @made.command
    async def approve(turn: Turn) -> str:
        return repr(await turn.confirm("May she?", key="may", of=User("bob")))

    @made.command
    async def guess(turn: Turn) -> str:
        return f"guessed {await turn.ask('How many?', key='many', type=int, of=User('bob'))}"

    @made.on_message
    async def echo(message: str) -> str:
        return message

    return made


def pressed(workers: Office, label: str, chat: str) -> Event:
    """Return what the platform delivers if Bob presses a button of the newest question."""
    question = [shown for shown in workers.delivered if shown.chat == chat and shown.buttons][-1]
    data = {button.label: button.data for row in question.buttons for button in row}
    event = workers.event(data[label], user="bob")
    ref = MessageRef(question.edits or question.id)
    message = replace(event.message, chat=Chat(chat), kind="press", pressed=ref)
    return replace(event, message=message)


async def begun(workers: Office, worker: Worker, command: str = "/approve") -> None:
    """Let Alice ask Bob, at a worker."""
    event = workers.event(command)
    event = replace(event, message=replace(event.message, chat=PRIVATE))
    await settled(await worker.deliver(event))
    await until(lambda: workers.texts("private-bob"))


async def test_another_worker_goes_on_with_a_dialogue() -> None:
    """After the first has died, or stopped: what was answered is not asked again."""
    async with office(bot()) as workers:
        here, there = workers.workers
        await settled(await here.deliver(workers.event("/two")))
        await settled(await here.deliver(workers.event("a")))
        await workers.stop(here)
        await settled(await there.deliver(workers.event("b")))
        assert workers.texts() == ["First?", "Second?", "a b"]


async def test_an_approval_goes_to_the_worker_that_holds_the_dialogue() -> None:
    """Which is pressed at another one."""
    async with office(bot()) as workers:
        here, there = workers.workers
        await begun(workers, here)
        held = workers.event("hi", user="bob")
        held = replace(held, message=replace(held.message, chat=Chat("private-bob")))
        await settled(await there.deliver(held))
        await settled(await there.deliver(pressed(workers, "Yes", "private-bob")))
        await until(lambda: workers.texts("private-alice"))
        assert workers.texts("private-alice") == ["True"]
        await until(lambda: "May she?\nYes (bob)" in workers.texts("private-bob"))


async def test_an_approval_waits_for_whoever_holds_the_dialogue_next() -> None:
    """The worker that held it has died: nothing of the press is lost."""
    async with office(bot()) as workers:
        here, there = workers.workers
        await begun(workers, here)
        await workers.kill(here)
        await workers.outlive()
        await settled(await there.deliver(pressed(workers, "No", "private-bob")))
        await until(lambda: workers.texts("private-alice"))
        assert workers.texts("private-alice") == ["False"]


async def test_what_others_say_at_another_worker_answers_a_dialogue() -> None:
    """That has never been told of it; what does not fit is told there."""
    async with office(bot()) as workers:
        here, there = workers.workers
        await begun(workers, here, "/guess")
        for text in ("many", "7"):
            said = workers.event(text, user="bob")
            private = Chat("private-bob", "private")
            said = replace(said, message=replace(said.message, chat=private))
            await settled(await there.deliver(said))
        await until(lambda: workers.texts("private-alice"))
        assert workers.texts("private-alice") == ["guessed 7"]
        await until(lambda: len(workers.texts("private-bob")) == 4)
        assert "How many?\n7 (bob)" in workers.texts("private-bob")
