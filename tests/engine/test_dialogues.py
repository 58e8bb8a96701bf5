"""Questions that wait for their answer: `turn.ask` in one conversation."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from support import query, texts

from chatstate import (
    BindingError,
    Button,
    CallNext,
    Contact,
    File,
    Global,
    Interface,
    Location,
    PerUser,
    Ref,
    Reply,
    ReplyError,
    State,
    StateError,
    Turn,
    UserError,
)
from chatstate.testing import Delivered, FakePlatform, Person, TestClient


class Profile(msgspec.Struct):
    name: str = ""
    age: int = 0
    size: str = ""


def labels(reply: Delivered) -> list[str]:
    return [button.label for row in reply.buttons for button in row]


def asking(fn: Callable[..., Any], **options: Any) -> Interface:
    """Return a bot whose command /go is `fn`, and that repeats what else is said."""
    bot = Interface(id="bot", **options)
    bot.command(name="go")(fn)

    @bot.command
    def other() -> str:
        return "other"

    @bot.on_message
    async def echo(message: str) -> str:
        return f"echo {message}"

    return bot


def registering() -> Interface:
    async def register(turn: Turn, profile: PerUser[Profile]) -> str:
        name = await turn.ask("Your name?", key="name")
        age = await turn.ask(
            "How old are you?", type=int, key="age", check=lambda n: 0 < n < 150 or "Really?"
        )
        size = await turn.ask("Size?", choices=["S", "M", "L"], key="size")
        if await turn.confirm(f"{name}, {age}, {size}?", key="ok"):
            profile.name, profile.age, profile.size = name, age, size
            return f"Welcome, {profile.name}!"
        return "Not then."

    return asking(register)


async def test_a_handler_asks_for_what_it_needs() -> None:
    """It goes on with each answer, and its state is committed at its end."""
    async with TestClient(registering()) as client:
        alice = client.user("alice")
        assert await texts(alice, "/go") == ["Your name?"]
        assert await texts(alice, "Ann") == ["How old are you?"]
        (size,) = await alice.say("30")
        assert (size.text, labels(size)) == ("Size?", ["S", "M", "L"])
        (sure,) = await alice.press("M")
        assert (sure.text, labels(sure)) == ("Ann, 30, M?", ["Yes", "No"])
        assert [reply.text for reply in await alice.press("Yes")] == ["Welcome, Ann!"]
        assert await texts(alice, "hi") == ["echo hi"]


async def test_a_dialogue_outlives_a_restart_and_a_crash() -> None:
    """What was answered is not asked again."""
    async with TestClient(registering()) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await client.restart()
        await alice.say("Ann")
        await client.crash()
        await client.start()
        (size,) = await alice.say("30")
        assert size.text == "Size?"


async def test_what_does_not_fit_is_told_and_asked_again() -> None:
    """What a type, a check or choices refuse."""
    async with TestClient(registering()) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await alice.say("Ann")
        problem = "“old” is not a number. Send one like 7 or 7.5.\nHow old are you?"
        assert await texts(alice, "old") == [problem]
        assert await texts(alice, "200") == ["Really?\nHow old are you?"]
        await alice.say("30")
        (again,) = await alice.say("XXL")
        assert again.text == "“XXL” is not one of S, M, L. Send one like S.\nSize?"
        assert labels(again) == ["S", "M", "L"]
        (sure,) = await alice.say("m")
        assert sure.text == "Ann, 30, M?"


@pytest.mark.parametrize(
    ("said", "answer"), [("Ja", True), ("nein", False), ("yes", True), ("n", False)]
)
async def test_a_yes_or_no_is_in_the_persons_language(said: str, answer: bool) -> None:
    """On its buttons, and as it is typed."""

    async def sure(turn: Turn) -> str:
        return repr(await turn.confirm("Sicher?", key="sure"))

    async with TestClient(asking(sure)) as client:
        alice = client.user("alice", language="de")
        (question,) = await alice.say("/go")
        assert labels(question) == ["Ja", "Nein"]
        assert await texts(alice, said) == [repr(answer)]


async def test_choices_have_the_values_of_what_stands_on_their_buttons() -> None:
    """A mapping gives the values, a list those that are in it."""

    async def choose(turn: Turn) -> str:
        many = await turn.ask("Many?", key="many", choices={"One": 1, "Two": 2})
        more = await turn.ask("More?", key="more", choices=[3, 4])
        return repr((many, more))

    async with TestClient(asking(choose)) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await alice.press("Two")
        assert [reply.text for reply in await alice.press("4")] == ["(2, 4)"]


async def test_buttons_of_a_questions_own_answer_it_and_so_does_what_is_typed() -> None:
    """They offer some answers of many."""

    async def colour(turn: Turn) -> str:
        said = Reply("Colour?", buttons=[Button("Red", "#f00"), Button("Blue")])
        return await turn.ask(said, key="colour")

    async with TestClient(asking(colour)) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/go")
        assert [reply.text for reply in await alice.press("Red")] == ["#f00"]
        await bob.say("/go")
        assert await texts(bob, "Green") == ["Green"]


# What else happens meanwhile


async def test_a_command_runs_on_its_own_and_the_question_is_put_again() -> None:
    """Its buttons work as those of the first one."""
    async with TestClient(registering()) as client:
        alice = client.user("alice")
        for said in ("/go", "Ann", "30"):
            (first,) = await alice.say(said)
        other, again = await alice.say("/other")
        assert (other.text, again.text, labels(again)) == ("other", "Size?", ["S", "M", "L"])
        refused, again = await alice.say("/nothing")
        assert refused.text.startswith("There is no command /nothing.")
        assert again.text == "Size?"
        assert [reply.text for reply in await alice.press("M", on=first)] == ["Ann, 30, M?"]


async def test_cancel_gives_a_dialogue_up() -> None:
    """Nothing of it is left."""
    async with TestClient(registering()) as client:
        alice = client.user("alice")
        await alice.say("/go")
        assert await texts(alice, "/cancel") == ["Given up. Nothing was changed."]
        assert await texts(alice, "Ann") == ["echo Ann"]
        assert await texts(alice, "/go") == ["Your name?"]


async def test_a_cancel_of_the_bots_own_runs_and_ends_the_dialogue() -> None:
    """The framework says nothing beside it."""
    bot = registering()

    @bot.command
    def cancel() -> str:
        return "mine"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/go")
        assert await texts(alice, "/cancel") == ["mine"]
        assert await texts(alice, "Ann") == ["echo Ann"]


async def test_a_new_dialogue_takes_the_place_of_the_open_one() -> None:
    """A person has one in a conversation; buttons of the older say that it is not open."""

    async def sure(turn: Turn, what: str) -> str:
        return f"{what} {await turn.confirm(f'{what}?', key='sure')}"

    async with TestClient(asking(sure)) as client:
        alice = client.user("alice")
        (first,) = await alice.say("/go a")
        (second,) = await alice.say("/go b")
        closed = "This question is no longer open."
        assert [reply.text for reply in await alice.press("Yes", on=first)] == [closed]
        assert [reply.text for reply in await alice.press("Yes", on=second)] == ["b True"]
        assert [reply.text for reply in await alice.press("Yes", on=second)] == [closed]


async def test_people_have_dialogues_of_their_own() -> None:
    """In a group what others say is not taken, and nobody else can press the buttons."""
    async with TestClient(registering()) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        await alice.say("/go")
        assert await texts(bob, "Bob") == ["echo Bob"]
        await alice.say("Ann")
        (size,) = await alice.say("30")
        closed = "This question is no longer open."
        assert [reply.text for reply in await bob.press("M", on=size)] == [closed]
        assert [reply.text for reply in await alice.press("M", on=size)] == ["Ann, 30, M?"]


async def test_in_a_group_an_answer_is_for_the_bot() -> None:
    """It names the bot or answers its question, where the bot hears all that is said."""
    async with TestClient(registering()) as client:
        alice = client.user("alice", chat="room")
        (name,) = await alice.say("/go")
        (aside,) = await alice.say("how nice", addressed=False)
        assert aside.text == "echo how nice"
        (age,) = await alice.say("Ann", addressed=False, reply_to=name)
        assert age.text == "How old are you?"
        (size,) = await alice.say("30")
        assert size.text == "Size?"


# Answers of other kinds


def size_of(file: File) -> int:
    return len(Path(str(file.path)).read_bytes())


async def test_files_places_and_contacts_are_answers() -> None:
    """What is something else is told and asked again."""

    async def report(turn: Turn) -> str:
        picture = await turn.ask("A picture?", key="picture", type=File)
        more = await turn.ask("More?", key="more", type=list[File])
        place = await turn.ask("Where?", key="place", type=Location)
        who = await turn.ask("Who?", key="who", type=Contact)
        sizes = [size_of(file) for file in (picture, *more)]
        return f"{picture.name} {sizes} {place.words} {who.words}"

    async with TestClient(asking(report)) as client:
        alice = client.user("alice")
        files = [client.platform.upload(f"{n}.txt", b"x" * n, "text/plain") for n in (1, 2, 3)]
        await alice.say("/go")
        assert await texts(alice, "here") == ["Please send a file.\nA picture?"]
        await alice.say("", files=files[:1])
        await client.restart()
        (where,) = await alice.say("these", files=files[1:])
        assert [suggestion.label for suggestion in where.suggestions] == ["Share where I am"]
        assert await texts(alice, "home") == ["Please share a location.\nWhere?"]
        (who,) = await alice.choose("Share where I am", shared=Location(52.5, 13.4))
        assert [suggestion.label for suggestion in who.suggestions] == ["Share my contact"]
        (done,) = await alice.choose("Share my contact", shared=Contact("+49", "Ann"))
        assert done.text == "1.txt [1, 2, 3] 52.5, 13.4 Ann +49"


async def test_a_file_that_is_gone_is_asked_for_again() -> None:
    """The platform has it no more when a later answer comes."""

    async def report(turn: Turn) -> str:
        file = await turn.ask("A file?", key="file", type=File)
        return f"{file.name} {await turn.ask('Title?', key='title')}"

    async with TestClient(asking(report)) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await alice.say("", files=[client.platform.upload("a.txt", b"a", "text/plain")])
        client.platform.files.clear()
        (again,) = await alice.say("Mine")
        assert again.text == "I cannot get the file any more.\nA file?"
        (done,) = await alice.say("", files=[client.platform.upload("b.txt", b"b", "text/plain")])
        assert done.text == "b.txt Mine"


# Runs of one dialogue


async def test_each_run_sees_the_event_that_began_the_dialogue() -> None:
    """Its text, its arguments; what was answered last is `turn.answer`."""
    seen: list[tuple[Any, ...]] = []

    async def order(turn: Turn, count: int) -> str:
        answer = turn.answer.text if turn.answer else None
        seen.append((turn.message.text, turn.text, count, answer))
        await turn.ask("What?", key="what")
        return "done"

    async with TestClient(asking(order)) as client:
        alice = client.user("alice")
        await alice.say("/go 3")
        await alice.say("tea")
    assert seen == [("/go 3", "3", 3, None), ("/go 3", "3", 3, "tea")]


async def test_what_was_said_before_is_not_said_again() -> None:
    """Neither before an answered question, nor before the open one that is put again."""

    async def talk(turn: Turn) -> str:
        await turn.send("Hello.")
        name = await turn.ask("Name?", key="name")
        await turn.send(f"Nice, {name}.")
        await turn.send("Now:")
        await turn.ask("Age?", key="age", type=int)
        await turn.send("Thanks.")
        return "Bye."

    async with TestClient(asking(talk)) as client:
        alice = client.user("alice")
        assert await texts(alice, "/go") == ["Hello.", "Name?"]
        assert await texts(alice, "Ann") == ["Nice, Ann.", "Now:", "Age?"]
        assert [text.splitlines()[-1] for text in await texts(alice, "old")] == ["Age?"]
        assert await texts(alice, "7") == ["Thanks.", "Bye."]


async def test_what_was_sent_in_an_earlier_run_can_be_edited() -> None:
    """The reference leads to the message that was sent then."""

    async def talk(turn: Turn) -> Reply:
        first = await turn.send("Waiting.")
        name = await turn.ask("Name?", key="name")
        return Reply(f"It is {name}.", edit=first)

    async with TestClient(asking(talk)) as client:
        alice = client.user("alice")
        sent, _ = await alice.say("/go")
        (edited,) = await alice.say("Ann")
        assert (edited.text, edited.edits) == ("It is Ann.", sent.id)


async def test_a_step_is_done_once_in_a_dialogue() -> None:
    """Its result lives until the dialogue ends, and a restart loses nothing of it."""
    calls: list[int] = []

    def call() -> int:
        calls.append(1)
        return len(calls)

    async def work(turn: Turn) -> str:
        first = await turn.step("call", call)
        await turn.ask("On?", key="on")
        second = await turn.step("call", call)
        await turn.ask("On?", key="on again")
        return f"{first} {second}"

    async with TestClient(asking(work)) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await client.restart()
        await alice.say("a")
        assert await texts(alice, "b") == ["1 2"]
        await alice.say("/go")
        await alice.say("a")
        assert await texts(alice, "b") == ["3 4"]


async def test_time_and_chance_are_the_same_in_all_runs() -> None:
    """`turn.now` is when the dialogue began, and `turn.random` falls out as it did."""
    seen: list[tuple[datetime, float]] = []

    async def draw(turn: Turn) -> str:
        seen.append((turn.now, turn.random.random()))
        assert turn.random.random() != seen[-1][1]
        await turn.ask("On?", key="on")
        return "done"

    async with TestClient(asking(draw)) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await client.advance(60)
        await client.restart()
        await alice.say("yes")
        await alice.say("/go")
    assert seen[0] == seen[1]
    assert seen[2] != seen[0]


async def test_a_loop_numbers_its_keys() -> None:
    """Each call has its own; it may end when it likes."""

    async def gather(turn: Turn) -> str:
        items: list[str] = []
        while (item := await turn.ask("Item?", key=f"item-{len(items)}")) != "stop":
            items.append(item)
        return ", ".join(items)

    async with TestClient(asking(gather)) as client:
        alice = client.user("alice")
        for said in ("/go", "a", "b"):
            assert await texts(alice, said) == ["Item?"]
        assert await texts(alice, "stop") == ["a, b"]


# What may not be done


@pytest.mark.parametrize("changes", ["state", "apply", "elsewhere"])
async def test_what_would_be_done_again_is_refused_before_an_open_question(changes: str) -> None:
    """The error names the remedy, and nothing of it happens."""

    async def hasty(turn: Turn, count: Global[Ref[int]]) -> None:
        if changes == "state":
            count.value += 1
        elif changes == "apply":
            turn.apply(int, lambda count: count + 1)
        else:
            await turn.send("Hello!", to=turn.user)
        await turn.ask("Name?", key="name")

    async with TestClient(asking(hasty)) as client:
        alice = client.user("alice", chat="room")
        with pytest.raises(StateError, match=r"turn\.ask 'name': .* do that after the last ask"):
            await alice.say("/go")
        assert await texts(alice, "hi") == ["echo hi"]


async def test_a_change_after_an_answer_and_before_the_next_question_is_refused() -> None:
    """It would be made in each run to come."""

    async def hasty(turn: Turn, count: Global[Ref[int]]) -> None:
        await turn.ask("Name?", key="name")
        count.value += 1
        await turn.ask("Age?", key="age")

    async with TestClient(asking(hasty)) as client:
        alice = client.user("alice")
        await alice.say("/go")
        with pytest.raises(StateError, match="global state 'count' was changed before"):
            await alice.say("Ann")


async def test_a_key_used_twice_in_a_run_is_an_error() -> None:
    """Which tells how loops do it."""

    async def twice(turn: Turn) -> None:
        await turn.ask("A?", key="a")
        await turn.ask("B?", key="a")

    async with TestClient(asking(twice)) as client:
        alice = client.user("alice")
        await alice.say("/go")
        with pytest.raises(StateError, match=r'the key \'a\' was used before .* key=f"item-\{i\}"'):
            await alice.say("x")


def _of_middleware(bot: Interface) -> None:
    @bot.middleware
    async def around(turn: Turn, call_next: CallNext) -> Any:
        await turn.ask("A?", key="a")
        return await call_next()

    @bot.command
    async def go(turn: Turn) -> str:
        return turn.text


def _of_task(bot: Interface) -> None:
    @bot.command
    async def go(turn: Turn) -> None:
        await asyncio.gather(turn.ask("A?", key="a"), turn.ask("B?", key="b"))


def _of_generator(bot: Interface) -> None:
    @bot.command
    async def go(turn: Turn) -> AsyncIterator[str]:
        yield await turn.ask("A?", key="a")


@pytest.mark.parametrize("register", [_of_middleware, _of_task, _of_generator])
async def test_where_nothing_can_wait_nothing_is_asked(
    register: Callable[[Interface], None],
) -> None:
    """In middleware, in a task of a handler's own, in a generator."""
    bot = Interface(id="bot")
    register(bot)
    async with TestClient(bot) as client:
        with pytest.raises(StateError, match=r"turn\.ask waits in the body of an `async def`"):
            await client.user("alice").say("/go")


async def test_nothing_is_asked_of_nobody() -> None:
    """In a schedule of the bot's own, and where a value has expired."""
    bot = Interface(id="bot")

    @bot.every(timedelta(hours=1))
    async def tick(turn: Turn) -> None:
        await turn.ask("A?", key="a")

    async with TestClient(bot) as client:
        with pytest.raises(StateError, match="there is nobody to ask"):
            await client.advance(2 * 3600)

    async def expired(_: list[str], turn: Turn) -> None:
        await turn.ask("A?", key="a")

    bot = Interface(id="bot")

    @bot.on_message
    async def keep(
        message: str, said: Annotated[list[str], State(ttl=60.0, on_expire=expired)]
    ) -> None:
        said.append(message)

    async with TestClient(bot) as client:
        await client.user("alice").say("hi")
        with pytest.raises(StateError, match="not in middleware, a generator, on_expire"):
            await client.advance(60)


async def test_a_sync_handler_is_told_to_be_async() -> None:
    """As for all that is awaited."""

    def go(turn: Turn) -> None:
        turn.ask("A?", key="a")

    async with TestClient(asking(go)) as client:
        with pytest.raises(RuntimeError, match=r"turn\.ask\(\) is awaited"):
            await client.user("alice").say("/go")


Asks = Callable[[Turn], Awaitable[Any]]
NO_QUESTIONS: list[tuple[Asks, type[Exception], str]] = [
    (lambda turn: turn.ask("A?", key=""), StateError, "kept under its key"),
    (lambda turn: turn.ask("A?", key="a", type=Turn), BindingError, "no text can give"),
    (lambda turn: turn.ask("A?", key="a", choices=[]), StateError, "one or more"),
    (lambda turn: turn.ask("A?", key="a", choices=["x", "x"]), StateError, "none of them"),
    (lambda turn: turn.ask("A?", key="a", timeout=0), StateError, "seconds above 0"),
    (lambda turn: turn.ask(None, key="a"), ReplyError, "a question ends with words"),
    (
        lambda turn: turn.ask(Reply("Hi?", best_before=timedelta(hours=1)), key="a"),
        ReplyError,
        "so it has no best_before",
    ),
    (lambda turn: turn.ask({1}, key="a"), ReplyError, "asked set"),
]


@pytest.mark.parametrize(("ask", "error", "told"), NO_QUESTIONS)
async def test_what_makes_no_question_is_an_error(
    ask: Asks, error: type[Exception], told: str
) -> None:
    """At the call, and it says what is possible."""

    async def go(turn: Turn) -> None:
        await ask(turn)

    async with TestClient(asking(go)) as client:
        with pytest.raises(error, match=told):
            await client.user("alice").say("/go")


# Being put aside


async def test_to_ask_raises_nothing_in_the_handler() -> None:
    """What catches all errors sees none; what is closed may clean up, and that is all."""
    seen: list[BaseException | str] = []

    async def careful(turn: Turn) -> str:
        try:
            return await turn.ask("Name?", key="name")
        except Exception as error:
            seen.append(error)
            raise
        finally:
            seen.append("closed")

    async with TestClient(asking(careful)) as client:
        alice = client.user("alice")
        assert await texts(alice, "/go") == ["Name?"]
        assert await texts(alice, "Ann") == ["Ann"]
    assert seen == ["closed", "closed"]


async def test_what_a_finally_does_to_the_turn_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It raises there, and that is logged."""

    async def noisy(turn: Turn) -> str:
        name = ""
        try:
            name = await turn.ask("Name?", key="name")
        finally:
            if not name:
                turn.apply(Profile, lambda profile: profile)
        return name

    bot = asking(noisy)
    bot.command(name="profile")(_profile)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        with caplog.at_level(logging.WARNING):
            assert await texts(alice, "/go") == ["Name?"]
        assert "must wait for nothing" in caplog.text
        assert "turn.apply() was called after the turn" in caplog.text
        assert await texts(alice, "Ann") == ["Ann"]


def _profile(profile: PerUser[Profile]) -> str:
    return profile.name


async def test_a_handler_is_closed_only_after_its_turn() -> None:
    """Its question is on its way by then."""
    platform = FakePlatform()
    order: list[str] = []

    async def go(turn: Turn, profile: PerUser[Profile]) -> str:
        try:
            return await turn.ask("Name?", key="name")
        finally:
            order.append("closed")
            await asyncio.sleep(0) if profile.name else None

    async def around(turn: Turn, call_next: CallNext) -> Any:
        answer = await call_next()
        order.append("middleware")
        await turn.send("from outside")
        return answer

    bot = asking(go)
    bot.middleware(around)
    async with TestClient(bot, platform=platform) as client:
        assert await texts(client.user("alice"), "/go") == ["from outside", "Name?"]
    assert order == ["middleware", "closed"]


# Failures


async def test_a_turn_that_fails_leaves_the_question_open() -> None:
    """The answer is not taken; it is put again, and may be answered in another way."""

    async def pay(turn: Turn) -> str:
        amount = await turn.ask("How much?", key="amount", type=int)
        if amount > 10:
            raise UserError("Too much.")
        return f"paid {amount // (amount - 1)}"

    async with TestClient(asking(pay), raise_errors=False) as client:
        alice = client.user("alice")
        await alice.say("/go")
        assert await texts(alice, "11") == ["Too much.", "How much?"]
        failed = "Sorry, something went wrong. Nothing was changed."
        assert await texts(alice, "1") == [failed, "How much?"]
        assert await texts(alice, "2") == ["paid 2"]


async def test_a_conflict_runs_the_same_answer_again() -> None:
    """A value that somebody else changed meanwhile; the answer is taken once."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def add(turn: Turn, total: Global[Ref[int]]) -> str:
        number = await turn.ask("Number?", key="number", type=int)
        before = total.value
        if number == 5 and not entered.is_set():
            entered.set()
            await go_on.wait()
        total.value = before + number
        return f"total {total.value}"

    async with TestClient(asking(add)) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/go")
        await bob.say("/go")
        slow = asyncio.create_task(alice.say("5"))
        await entered.wait()
        assert await texts(bob, "2") == ["total 2"]
        go_on.set()
        assert [reply.text for reply in await slow] == ["total 7"]


async def test_a_crash_at_any_moment_loses_no_answer_and_takes_none_twice() -> None:
    """The bot is killed between and within turns; each answer counts once."""
    luck = random.Random(7)

    async def gather(turn: Turn, total: PerUser[Ref[list[str]]]) -> str:
        got = [await turn.ask("Item?", key=f"item-{number}") for number in range(4)]
        total.value = [*total.value, *got]
        return " ".join(total.value)

    async with TestClient(asking(gather)) as client:
        alice = client.user("alice")
        for said in ("/go", "a", "b", "c", "d"):
            event = alice.event(said)
            delivery = asyncio.create_task(client.deliver(event))
            for _ in range(luck.randrange(12)):
                await asyncio.sleep(0)
            await client.crash()
            await asyncio.gather(delivery, return_exceptions=True)
            await client.start()
            (receipt,) = await client.deliver_all([event])
            await receipt.settled()
        assert await texts(alice, "/go") == ["Item?"]
        for said in ("e", "f", "g"):
            await alice.say(said)
        assert await texts(alice, "h") == ["a b c d e f g h"]


# Deploys: two versions of a bot on one store


@pytest.fixture
def store(tmp_path: Any) -> str:
    return f"sqlite:///{tmp_path / 'bot.db'}"


async def told(bot: Interface, store: str, *said: str) -> list[list[str]]:
    """Return what a version of a bot answers to Alice, on a store."""
    async with TestClient(bot, store=store) as client:
        alice = client.user("alice")
        return [await texts(alice, text) for text in said]


async def _first(turn: Turn) -> str:
    name = await turn.ask("Name?", key="name")
    age = await turn.ask("Age?", key="age")
    return f"{name} {age}"


async def test_a_question_that_was_added_is_the_only_one_asked(store: str) -> None:
    """Before those that were answered, or behind them."""

    async def second(turn: Turn) -> str:
        city = await turn.ask("City?", key="city")
        name = await turn.ask("Name?", key="name")
        age = await turn.ask("Age?", key="age")
        return f"{name} {age} {city}"

    assert await told(asking(_first), store, "/go", "Ann") == [["Name?"], ["Age?"]]
    assert await told(asking(second), store, "7", "Rome") == [["City?"], ["Ann 7 Rome"]]


async def test_questions_that_were_reordered_are_not_asked_again(store: str) -> None:
    """Only what is not known yet."""

    async def second(turn: Turn) -> str:
        age = await turn.ask("Age?", key="age")
        name = await turn.ask("Name?", key="name")
        return f"{name} {age}"

    await told(asking(_first), store, "/go", "Ann")
    assert await told(asking(second), store, "7") == [["Ann 7"]]


async def test_a_changed_type_reads_the_raw_answer_anew(store: str) -> None:
    """What it cannot read is asked again."""

    async def second(turn: Turn) -> str:
        name = await turn.ask("Name?", key="name", type=int)
        age = await turn.ask("Age?", key="age", type=int)
        return f"{name + age}"

    await told(asking(_first), store, "/go", "12")
    assert await told(asking(second), store, "7") == [["19"]]
    await told(asking(_first), store, "/go", "Ann")
    again = "“Ann” is not a number. Send one like 7 or 7.5.\nName?"
    assert await told(asking(second), store, "7", "5") == [[again], ["12"]]


async def test_the_answer_to_a_question_that_was_removed_is_ignored(store: str) -> None:
    """The function goes on without it."""

    async def second(turn: Turn) -> str:
        return f"{await turn.ask('Name?', key='name')}!"

    await told(asking(_first), store, "/go", "Ann")
    assert await told(asking(second), store, "7", "8") == [["Ann!"], ["echo 8"]]


async def test_what_a_deploy_says_before_an_answered_question_is_not_said(store: str) -> None:
    """It is too late for that; behind the answers it is said."""

    async def second(turn: Turn) -> str:
        await turn.send("Welcome!")
        name = await turn.ask("Name?", key="name")
        await turn.send("Now:")
        return f"{name} {await turn.ask('Age?', key='age')}"

    await told(asking(_first), store, "/go", "Ann")
    assert await told(asking(second), store, "7") == [["Ann 7"]]
    await told(asking(_first), store, "/go")
    assert await told(asking(second), store, "Ann") == [["Now:", "Age?"]]


async def test_a_function_that_asks_no_more_ends_the_dialogue(store: str) -> None:
    """It runs once, with what began it."""

    def second() -> str:
        return "done"

    await told(asking(_first), store, "/go")
    assert await told(asking(second), store, "Ann", "hi") == [["done"], ["echo hi"]]


@pytest.mark.parametrize("asks", [True, False])
async def test_a_function_that_is_gone_is_told_of_in_one_sentence(store: str, asks: bool) -> None:
    """The dialogue is forgotten, also by a bot that asks nothing any more."""
    bot = Interface(id="bot")

    @bot.on_message
    async def echo(message: str) -> str:
        return f"echo {message}"

    if asks:
        bot.command(name="ask")(_first)
    await told(asking(_first), store, "/go")
    gone = "What I asked belongs to something that I no longer do."
    assert await told(bot, store, "Ann", "hi") == [[gone], ["echo hi"]]


# Guards and limits


async def test_guards_are_checked_at_each_answer() -> None:
    """Who may not any more is told so, and the question stays open."""
    allowed = {"alice"}

    async def go(turn: Turn) -> str:
        return await turn.ask("Name?", key="name")

    bot = Interface(id="bot")
    bot.command(allow=lambda message: message.sender.id in allowed)(go)
    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/go")
        allowed.clear()
        assert await texts(alice, "Ann") == ["Sorry, you may not do that.", "Name?"]
        allowed.add("alice")
        assert await texts(alice, "Ann") == ["Ann"]


async def test_a_dialogue_counts_once_for_a_limit_and_may_charge_at_its_end() -> None:
    """However many answers it takes; a charge before an open question is refused."""

    async def go(turn: Turn, early: int = 0) -> str:
        if early:
            turn.charge(early)
        names = [await turn.ask("Name?", key=f"name-{number}") for number in range(3)]
        turn.charge(2)
        return ", ".join(names)

    bot = Interface(id="bot")
    bot.command(limits="4/day")(go)
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        for said in ("/go", "a", "b"):
            assert await texts(alice, said) == ["Name?"]
        assert await texts(alice, "c") == ["a, b, c"]
        assert await texts(alice, "/go") == ["Name?"]
        await alice.say("/cancel")
        (refused,) = await texts(alice, "/go")
        assert refused.startswith("That was often enough")
        with pytest.raises(StateError, match=r"turn\.charge\(\) was called before"):
            await bob.say("/go 1")


# Time


async def test_what_nobody_answers_is_answered_by_its_default() -> None:
    """Once its time is over, by the bot's clock."""

    async def choose(turn: Turn) -> str:
        size = await turn.ask("Size?", key="size", timeout=timedelta(hours=1), default="M")
        sure = await turn.confirm("Sure?", key="sure", timeout=60)
        return f"{size} {sure}"

    async with TestClient(asking(choose)) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await client.advance(3599)
        assert said(client, alice) == ["Size?"]
        await client.advance(1)
        assert said(client, alice) == ["Size?", "Sure?"]
        await client.advance(60)
        assert said(client, alice) == ["Size?", "Sure?", "M False"]
        assert await texts(alice, "hi") == ["echo hi"]


def said(client: TestClient, person: Person) -> list[str]:
    return [message.text for message in client.platform.shown(person.chat.id)]


async def test_without_a_default_a_dialogue_ends_after_a_day() -> None:
    """In silence; its buttons say so, and what is said is said to the bot again."""

    async def sure(turn: Turn) -> str:
        return await turn.ask("Sure?", key="sure", choices=["Well"])

    async with TestClient(asking(sure)) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await client.advance(24 * 3600 - 1)
        await alice.say("/other")
        await client.advance(24 * 3600)
        assert said(client, alice) == ["Sure?", "other", "Sure?"]
        closed = "This question is no longer open."
        assert [reply.text for reply in await alice.press("Well")] == [closed]
        assert await texts(alice, "hi") == ["echo hi"]


async def test_an_old_dialogue_that_ends_late_leaves_a_new_one_alone() -> None:
    """The person has begun it after the older one's time, and before that was found to be over."""
    async with TestClient(asking(_first)) as client:
        alice = client.user("alice")
        await alice.say("/go")
        client.clock.set(client.clock.time() + 2 * 24 * 3600)  # nobody is woken for it
        assert await texts(alice, "/go") == ["Name?"]
        assert await texts(alice, "Ann") == ["Age?"]
        assert await texts(alice, "7") == ["Ann 7"]


async def test_a_default_counts_in_later_runs_too() -> None:
    """An answer to a later question does not ask the earlier one again."""

    async def two(turn: Turn) -> str:
        first = await turn.ask("First?", key="first", timeout=60, default="none")
        second = await turn.ask("Second?", key="second")
        return f"{first} {second}"

    async with TestClient(asking(two)) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await client.advance(60)
        assert await texts(alice, "b") == ["none b"]


# What came too early


async def test_a_yes_from_before_the_question_does_not_count() -> None:
    """It was queued behind a slow turn of another command, and would have paid."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def pay(turn: Turn) -> str:
        entered.set()
        await go_on.wait()
        return "paid" if await turn.confirm("Pay?", key="pay") else "not paid"

    async with TestClient(asking(pay)) as client:
        alice = client.user("alice")
        first = asyncio.create_task(alice.say("/go"))
        await entered.wait()
        early = asyncio.create_task(alice.say("yes"))
        await asyncio.sleep(0)
        go_on.set()
        await first
        question = (await early)[0]
        assert question.text == "That came before the question. Please answer it now:"
        assert await texts(alice, "yes") == ["paid"]


async def test_a_yes_while_the_question_is_on_its_way_does_not_count() -> None:
    """During an outage nobody has seen it; a restart changes nothing about that."""
    async with TestClient(asking(_sure)) as client:
        alice = client.user("alice")
        client.platform.stall()
        asked = asyncio.create_task(alice.say("/go"))
        early = asyncio.create_task(alice.say("yes"))
        while len(query(client, "SELECT * FROM outbox")) < 2:
            await asyncio.sleep(0)
        client.platform.recover()
        await asked
        assert (await early)[0].text.startswith("That came before the question.")
        await client.restart()
        assert await texts(alice, "yes") == ["True"]


async def test_a_yes_that_waits_while_the_process_dies_counts() -> None:
    """It came when the question had been shown: that is stored, too."""
    entered, go_on = asyncio.Event(), asyncio.Event()
    bot = asking(_sure)

    @bot.command
    async def slow() -> str:
        entered.set()
        await go_on.wait()
        return "done"

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await client.deliver_all([alice.event("/slow")])
        await entered.wait()
        await client.deliver_all([alice.event("yes")])
        await client.crash()
        go_on.set()
        await client.start()
        await alice.say("/slow")
        shown = [message.text for message in client.platform.shown(alice.chat.id)]
        assert shown[1:] == ["done", "Sure?", "True", "done"]


async def _sure(turn: Turn) -> str:
    return repr(await turn.confirm("Sure?", key="sure"))


# Timers


async def test_a_timers_handler_asks_whoever_has_set_it() -> None:
    """It runs again with what the timer was set for."""
    bot = Interface(id="bot")

    @bot.on_timer
    async def remind(turn: Turn, what: str) -> str:
        done = await turn.confirm(f"Is {what} done?", key="done")
        return f"{what} {done}"

    @bot.command
    def go(turn: Turn) -> None:
        turn.later(timedelta(hours=1), remind, what="tea")

    async with TestClient(bot) as client:
        alice = client.user("alice")
        await alice.say("/go")
        await client.advance(3600)
        assert said(client, alice) == ["Is tea done?"]
        await client.restart()
        assert [reply.text for reply in await alice.press("Yes")] == ["tea True"]


async def test_a_timer_is_set_after_the_last_question() -> None:
    """It would be set again in each run."""
    bot = Interface(id="bot")

    @bot.command
    async def go(turn: Turn) -> None:
        turn.later(timedelta(hours=1), "Tea!")
        await turn.ask("Tea?", key="tea")

    async with TestClient(bot) as client:
        with pytest.raises(StateError, match="a timer was set or cancelled before"):
            await client.user("alice").say("/go")
