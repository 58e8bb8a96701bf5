"""Two versions of one bot run side by side: what one cannot handle the other does.

Their handlers are async: the clock waits for the event loop, and for no thread.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

import pytest
from engine.workers import Office, Worker, office, settled, until
from msgspec.structs import replace

from chatstate import Button, Chat, Event, Interface, MessageRef, Ref, Reply, State, Turn
from chatstate.engine.turns.handover import AGAIN
from chatstate.engine.turns.refusals import PATIENCE


def older() -> Interface:
    """Return the version that runs first."""
    bot = Interface(id="bot")

    @bot.on_message
    async def say(message: str, said: Annotated[list[str], State([], name="said")]) -> str:
        said.append(message)
        return f"old {' '.join(said)}"

    return bot


def newer() -> Interface:
    """Return the next one: what was said is kept in another form, and there is more to do."""
    bot = Interface(id="bot")
    state = State("", name="said", version=2, migrations={1: " ".join})

    @bot.on_timer
    async def ring() -> str:
        return "ring"

    @bot.command
    async def later(turn: Turn) -> Reply:
        turn.later(timedelta(minutes=1), ring)
        return Reply("it will", buttons=[[Button("Now", command="/now")]])

    @bot.command
    async def now() -> str:
        return "now"

    @bot.every(timedelta(minutes=2))
    async def news(turn: Turn) -> None:
        await turn.send("news", to=Chat("news", "group"))

    @bot.on_message
    async def say(message: str, said: Annotated[Ref[str], state]) -> str:
        said.value = f"{said.value} {message}".strip()
        return f"new {said.value}"

    return bot


async def pass_time(workers: Office, seconds: float) -> None:
    """Let time go by, as the workers see it."""
    for _ in range(round(seconds / 10)):
        await workers.clock.advance(10)


async def idle(workers: Office) -> None:
    """Let conversations without work be let go of."""
    await pass_time(workers, 70)


def pressed(workers: Office, chat: str = "room") -> Event:
    """Return what the platform delivers if the newest button is pressed."""
    shown = [shown for shown in workers.delivered if shown.chat == chat and shown.buttons][-1]
    event = workers.event(shown.buttons[0][0].data)
    message = replace(event.message, kind="press", pressed=MessageRef(shown.id))
    return replace(event, message=message)


async def of_both(workers: Office) -> tuple[Worker, Worker]:
    """Return a worker of the older version, and one of the newer."""
    return workers.workers[0], await workers.start(newer())


async def test_a_value_that_newer_code_has_written_is_left_to_it() -> None:
    """Whatever comes to the older worker: in order, and answered once."""
    async with office(older(), 1) as workers:
        old, new = await of_both(workers)
        await settled(await old.deliver(workers.event("a")))
        await idle(workers)
        await settled(await new.deliver(workers.event("b")))
        await idle(workers)
        await settled(await old.deliver(*(workers.event(text) for text in "cde")))
        assert workers.texts() == ["old a", "new a b", "new a b c", "new a b c d", "new a b c d e"]


async def test_what_comes_while_a_conversation_is_left_keeps_its_place() -> None:
    """At either worker."""
    async with office(older(), 1) as workers:
        old, new = await of_both(workers)
        said = [str(number) for number in range(20)]
        await settled(await new.deliver(workers.event("first")))
        await idle(workers)
        receipts = [
            asyncio.ensure_future((old, new)[number % 3 == 0].deliver(workers.event(text)))
            for number, text in enumerate(said)
        ]
        for receipt in receipts:
            await settled(await receipt)
        (last,) = [text for text in workers.texts() if len(text.split()) == len(said) + 2]
        assert sorted(last.split()[2:]) == sorted(said)
        lines = [text.split() for text in workers.texts()]
        assert [len(line) for line in lines] == list(range(2, len(said) + 3))
        assert all(line[0] == "new" for line in lines)


async def test_a_timer_that_only_newer_code_has_is_left_to_it() -> None:
    """Though it fires at the older worker, which leads."""
    async with office(older(), 1) as workers:
        _, new = await of_both(workers)
        await settled(await new.deliver(workers.event("/later")))
        await new.store.release([1])
        await pass_time(workers, 120)
        assert workers.texts() == ["it will", "ring"]


async def test_a_schedule_that_only_newer_code_has_goes_on() -> None:
    """It is the older worker at which it fires, too."""
    other = older()

    @other.every(timedelta(days=7))
    async def tidy() -> None:
        pass

    async with office(other, 1) as workers:
        await of_both(workers)
        await pass_time(workers, 300)
        assert workers.texts("news") == ["news", "news"]


async def test_a_button_of_newer_code_is_left_to_it() -> None:
    """The person gets the answer of the command, not that there is none."""
    async with office(older(), 1) as workers:
        old, new = await of_both(workers)
        await settled(await new.deliver(workers.event("/later")))
        await idle(workers)
        await settled(await old.deliver(pressed(workers)))
        assert workers.texts()[-1] == "now"


async def test_a_button_whose_command_nobody_has_is_answered_at_once() -> None:
    """As soon as each worker has refused it."""
    async with office(older(), 2) as workers:
        old, _ = workers.workers
        new = await workers.start(newer())
        await settled(await new.deliver(workers.event("/later")))
        await workers.stop(new)
        await settled(await old.deliver(pressed(workers)))
        assert workers.texts()[-1] == "There is no command /now. Send /help to see what I can do."


@pytest.mark.parametrize("is_group", [True, False])
async def test_a_command_that_only_newer_code_has_in_a_group_is_left_to_it(
    *, is_group: bool
) -> None:
    """Whether the older has the group, or one command of its name; what nobody has is told of."""
    old, new = older(), newer()
    name = "show" if is_group else "settings"
    (old.group("settings") if is_group else old).command(name=name)(lambda: "all of them")
    settings = new.group("settings")
    settings.command(name="show")(lambda: "all of them")
    settings.command(name="volume")(lambda: "loud")
    async with office(old, 1) as workers:
        (first,) = workers.workers
        await workers.start(new)
        await settled(await first.deliver(workers.event("/settings volume")))
        await settled(await first.deliver(workers.event("/settings colour", chat="b")))
        assert workers.texts() == ["loud"]
        (told,) = workers.texts("b")
        assert "/settings" in told


async def test_what_nobody_can_handle_for_ten_minutes_is_a_dead_letter(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is reported, and what waits behind it goes on."""
    async with office(older(), 2) as workers:
        old, _ = workers.workers
        new = await workers.start(newer())
        await settled(await new.deliver(workers.event("a")))
        await workers.stop(new)
        (receipt,) = await old.deliver(workers.event("b"))
        await pass_time(workers, PATIENCE - 3 * AGAIN)
        assert await old.store.list("dead") == []
        assert "is left to other workers" in caplog.text
        await pass_time(workers, 5 * AGAIN)
        await settled([receipt])
        (letter,) = await old.store.list("dead")
        assert "is of version 2, this code's is 1" in letter.error
        assert len(workers.texts()) == 2


async def test_a_worker_that_comes_in_time_handles_what_the_others_have_left() -> None:
    """With all that waits behind it."""
    async with office(older(), 2) as workers:
        old, other = workers.workers
        new = await workers.start(newer())
        await settled(await new.deliver(workers.event("a")))
        await workers.stop(new)
        receipts = await old.deliver(workers.event("b"))
        await pass_time(workers, PATIENCE / 2)
        receipts += await other.deliver(workers.event("c"))
        await workers.start(newer())
        await pass_time(workers, 2 * AGAIN)
        await settled(receipts)
        assert workers.texts() == ["new a", "new a b", "new a b c"]


async def test_nothing_is_left_before_what_is_owed_is_sent() -> None:
    """Else two workers might send it."""
    async with office(older(), 1) as workers:
        old, new = await of_both(workers)
        await settled(await new.deliver(workers.event("/later")))
        await idle(workers)
        await idle(workers)  # its timer has fired
        press = pressed(workers)
        before = workers.texts()
        old.platform.stall()
        receipts = await old.deliver(workers.event("owed", user="bob"), press)
        await pass_time(workers, 20)
        assert workers.texts() == before
        old.platform.recover()
        await pass_time(workers, 20)
        await settled(receipts)
        assert workers.texts() == [*before, "old owed", "now"]


async def test_a_bot_is_deployed_while_people_talk() -> None:
    """One worker after the other: nothing is lost, doubled or out of order."""
    async with office(older(), 2) as workers:
        said: dict[str, list[str]] = {str(chat): [] for chat in range(4)}
        for number in range(60):
            if number in (20, 40):
                await workers.start(newer())
            chat = str(number % 4)
            said[chat].append(str(number))
            at = workers.workers[number % len(workers.workers)]
            await at.deliver(workers.event(str(number), chat=chat))
            if number in (20, 40):
                await workers.stop(workers.workers[0])
        await until(lambda: sum(len(workers.texts(chat)) for chat in said) == 60)
        for chat, texts in said.items():
            every = [" ".join(texts[: end + 1]) for end in range(len(texts))]
            assert [text.partition(" ")[2] for text in workers.texts(chat)] == every


async def test_a_field_that_newer_code_has_added_is_left_to_it() -> None:
    """Also without a version: older code would lose it."""

    @dataclass
    class Old:
        name: str = ""

    @dataclass
    class New:
        name: str = ""
        city: str = ""

    def made(kind: type[Old | New]) -> Interface:
        bot = Interface(id="bot")
        state = State(kind, name="who")

        @bot.on_message
        async def say(message: str, who: Annotated[Any, state]) -> str:
            who.name += message
            return f"{who}".rpartition(".")[2]

        return bot

    async with office(made(Old), 1) as workers:
        (old,) = workers.workers
        new = await workers.start(made(New))
        await settled(await new.deliver(workers.event("a")))
        await idle(workers)
        await settled(await old.deliver(workers.event("b")))
        assert workers.texts() == ["New(name='a', city='')", "New(name='ab', city='')"]


def counting(*, is_newer: bool) -> Interface:
    """Return a bot that counts for all: the newer version keeps the count in another form."""
    bot = Interface(id="bot")
    old = State(0, name="count", scope="global")
    new = State("0", name="count", scope="global", version=2, migrations={1: str})

    @bot.command
    async def add(count: Annotated[Ref[int], old]) -> str:
        count.value += 1
        return f"old {count.value}"

    return bot if not is_newer else _newer_count(new)


def _newer_count(state: State) -> Interface:
    bot = Interface(id="bot")

    @bot.command
    async def add(count: Annotated[Ref[str], state]) -> str:
        count.value = str(int(count.value) + 1)
        return f"new {count.value}"

    @bot.command
    async def put(turn: Turn) -> str:
        turn.apply(state, lambda count: str(int(count) + 1))
        return "put"

    @bot.command
    async def look(count: Annotated[Ref[str], state]) -> str:
        return f"new {count.value}"

    return bot


async def test_a_shared_value_is_migrated_once_no_older_run_lives() -> None:
    """Until then what changes it is done by these; what only reads it is done by any."""
    async with office(counting(is_newer=False), 1) as workers:
        (old,) = workers.workers
        await settled(await old.deliver(workers.event("/add", chat="1")))
        new = await workers.start(counting(is_newer=True))
        for chat, command in enumerate(("/add", "/look", "/add"), start=2):
            await settled(await new.deliver(workers.event(command, chat=str(chat))))
        await settled(await old.deliver(workers.event("/add", chat="5")))
        await workers.stop(old)
        await pass_time(workers, 10)
        await settled(await new.deliver(workers.event("/add", chat="6")))
        texts = [text for chat in "123456" for text in workers.texts(chat)]
        assert texts == ["old 1", "old 2", "new 2", "old 3", "old 4", "new 5"]


async def test_what_is_applied_to_a_shared_value_waits_for_the_end_of_an_older_run() -> None:
    """Its command is the newer version's: nobody handles it meanwhile, and it is not lost."""
    async with office(counting(is_newer=False), 1) as workers:
        (old,) = workers.workers
        await settled(await old.deliver(workers.event("/add", chat="1")))
        new = await workers.start(counting(is_newer=True))
        receipts = await new.deliver(workers.event("/put", chat="2"))
        await pass_time(workers, 60)
        assert workers.texts("2") == []
        await workers.stop(old)
        await pass_time(workers, 20)
        await settled(receipts)
        await settled(await new.deliver(workers.event("/look", chat="2")))
        assert workers.texts("2") == ["put", "new 2"]


def asking(*, is_newer: bool, has_asked: bool = True) -> Interface:
    """Return a bot that repeats what is said; the newer version asks by /ask.

    The older asks something else by /old, if it has ever asked.
    """
    bot = Interface(id="bot")

    async def ask(turn: Turn) -> str:
        return f"got {await turn.ask('What?', key='what', timeout=120, default='nothing')}"

    if is_newer or has_asked:
        bot.command(name="ask" if is_newer else "old")(ask)

    @bot.on_message
    async def say(message: str) -> str:
        return f"{'new' if is_newer else 'old'} {message}"

    return bot


@pytest.mark.parametrize("has_asked", [True, False])
async def test_a_dialogue_of_newer_code_is_left_to_it(has_asked: bool) -> None:
    """Whatever answers it at the older worker, also if that has never asked anything."""
    async with office(asking(is_newer=False, has_asked=has_asked), 1) as workers:
        old, new = workers.workers[0], await workers.start(asking(is_newer=True))
        await settled(await new.deliver(workers.event("/ask")))
        await idle(workers)
        await settled(await old.deliver(workers.event("tea")))
        await settled(await old.deliver(workers.event("hi")))
        assert workers.texts() == ["What?", "got tea", "new hi"]


@pytest.mark.parametrize("has_asked", [True, False])
async def test_a_dialogue_of_newer_code_ends_late_in_its_function(has_asked: bool) -> None:
    """Though it is the older worker that finds that nobody has answered."""
    async with office(asking(is_newer=False, has_asked=has_asked), 1) as workers:
        new = await workers.start(asking(is_newer=True))
        await settled(await new.deliver(workers.event("/ask")))
        await pass_time(workers, 200)
        await workers.stop(workers.workers[0])
        await pass_time(workers, 20)
        assert workers.texts() == ["What?", "got nothing"]


async def test_a_dialogue_whose_function_no_worker_has_ends_at_once() -> None:
    """As soon as each of them has refused its answer."""
    async with office(asking(is_newer=False), 2) as workers:
        old = workers.workers[0]
        new = await workers.start(asking(is_newer=True))
        await settled(await new.deliver(workers.event("/ask")))
        await workers.stop(new)
        await settled(await old.deliver(workers.event("tea")))
        await settled(await old.deliver(workers.event("hi")))
        gone = "What I asked belongs to something that I no longer do."
        assert workers.texts() == ["What?", gone, "old hi"]
