"""What platforms tell of by names of their own: `@bot.on`."""

import logging
from typing import Any

import pytest
from support import in_full

from chatstate import Chat, Interface, Message, PerChat, PerMember, Ref, Turn, User, UserError
from chatstate.bot.interface import Interface as Bot
from chatstate.errors import ReplyError, StateError
from chatstate.messages import Event
from chatstate.testing import FakePlatform, Person, TestClient

POLL, ANSWER = "test:poll", "test:poll_answer"
VOTE = {"option_ids": [1]}


def polls() -> Bot:
    return Interface(id="polls")


async def test_it_comes_to_its_handler() -> None:
    """With what the platform tells, and with states as any handler has, also after a restart."""
    bot = polls()

    @bot.on(ANSWER)
    async def voted(message: Message, turn: Turn, votes: PerMember[Ref[int]]) -> str:
        votes.value += len((message.raw or {})["option_ids"])
        return f"{turn.user.name}: {votes.value} by {message.update} ({message.kind})"

    async with TestClient(bot) as client:
        for count in (1, 2):
            (reply,) = await client.user("alice").does(ANSWER, VOTE)
            assert reply.text == f"alice: {count} by {ANSWER} (other)"
            await client.restart()


async def test_each_is_one_turn_of_one_handler() -> None:
    """That of its kind, if it is of one of its own; then that of its name, then `on_other`."""
    bot = polls()

    def say(what: str) -> Any:
        def said(message: Message) -> str:
            return what

        return said

    bot.on_join(say("on_join"))
    bot.on(ANSWER)(say("on"))
    bot.on("test:join")(say("on, of a join"))
    bot.on_other(say("on_other"))
    async with TestClient(bot) as client:
        alice = client.user("alice")
        (reply,) = await alice.does(ANSWER)
        assert reply.text == "on"
        (reply,) = await alice.does(POLL)
        assert reply.text == "on_other"
        (reply,) = await client.deliver(of_kind(alice, "join", "test:join"))
        assert reply.text == "on_join"
        (reply,) = await client.deliver(of_kind(alice, "leave", "test:join"))
        assert reply.text == "on, of a join"
        (reply,) = await client.deliver(of_kind(alice, "leave", "test:leave"))
        assert reply.text == "on_other"
        assert await client.deliver(of_kind(alice, "leave", "")) == []


def of_kind(who: Person, kind: Any, update: str) -> Event:
    """Return an event of a kind of its own that has a platform's name, too."""
    event = who.event("", kind=kind)
    fields = {name: getattr(event.message, name) for name in event.message.__struct_fields__}
    return Event(event.id, Message(**{**fields, "update": update}), event.origin)


async def test_a_router_may_have_the_handler() -> None:
    """As of every kind."""
    router, bot = Interface(), polls()

    @router.on(ANSWER)
    def voted(message: Message) -> str:
        return "thanks"

    bot.include(router)
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").does(ANSWER)
        assert reply.text == "thanks"


async def test_the_adapter_is_told_what_is_wanted_of_its_platform() -> None:
    """By the platform's own names."""
    bot = polls()
    for name in (ANSWER, POLL, "telegram:poll"):
        bot.on(name)(lambda _: None)
    async with TestClient(bot) as client:
        assert (await client.platform.connected()).updates == {"poll", "poll_answer"}


async def test_what_nobody_handles_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """By its name, once; the others are kept with what the platform tells."""
    caplog.set_level(logging.DEBUG, "chatstate.engine")
    bot = polls()

    @bot.on(ANSWER)
    def shown(message: Message) -> str:
        return str(message.raw)

    async with TestClient(bot) as client:
        for _ in range(2):
            assert await client.user("alice").does(POLL, VOTE) == []
        (reply,) = await client.user("alice").does(ANSWER, VOTE)
        assert reply.text == str(VOTE)
    told = [record.message for record in caplog.records if "no handler" in record.message]
    assert told == [f"messages of the kind {POLL!r} have no handler, and are ignored"]


async def test_nobody_is_typing_for_it() -> None:
    """Whoever did it may not even be in a chat with the bot."""
    bot = polls()

    @bot.on(ANSWER)
    async def slow(turn: Turn) -> None:
        await turn.clock.sleep(5)

    async with TestClient(bot) as client:
        event = of_kind(client.user("alice"), "other", ANSWER)
        (receipt,) = await client.deliver_all([event])
        for _ in range(12):
            await client.clock.advance(0.5)
        await receipt.settled()
        assert client.platform.typing == []


# Of nobody


async def test_what_is_nobodys_has_its_chat() -> None:
    """The chat's states are there; the sender has no id, and `turn.user` says so."""
    bot = polls()

    @bot.on(POLL)
    def closed(message: Message, chat: Chat, turn: Turn, polls: PerChat[Ref[int]]) -> str:
        polls.value += 1
        with pytest.raises(StateError, match=f"{POLL} names nobody who did it"):
            _ = turn.user
        return f"{polls.value} in {chat.id}, by {message.sender.id!r}"

    async with TestClient(bot) as client:
        for count in (1, 2):
            (reply,) = await client.happens(POLL, {}, chat="room")
            assert (reply.text, reply.chat) == (f"{count} in room, by ''", "room")


async def test_what_is_of_no_chat_has_the_accounts_lane() -> None:
    """In its order, with the states that are nobody's and no chat's."""
    bot = polls()
    seen: list[str] = []

    @bot.on(POLL)
    def closed(message: Message, count: PerChat[Ref[int]]) -> None:
        count.value += 1
        seen.append(f"{count.value} {(message.raw or {})['id']} {message.chat.id!r}")

    async with TestClient(bot) as client:
        for number in "ab":
            assert await client.happens(POLL, {"id": number}) == []
        await client.restart()
        await client.happens(POLL, {"id": "c"})
    assert seen == ["1 a ''", "2 b ''", "3 c ''"]


def with_user(user: User) -> None:
    """Want to know who it was."""


def with_state(mine: PerMember[Ref[int]]) -> None:
    """Want a person's state."""
    mine.value += 1


@pytest.mark.parametrize(
    ("handler", "error", "why"),
    [
        (with_user, StateError, "names nobody who did it"),
        (with_state, StateError, "is a person's, and nobody speaks here"),
        (lambda _: "hello", ReplyError, "has nowhere to go"),
    ],
)
async def test_what_there_is_not_without_a_person_fails(
    handler: Any, error: type[Exception], why: str
) -> None:
    """Of no chat: the turn is a dead letter, and nobody is told a sentence."""
    bot = polls()
    bot.on(POLL)(handler)
    async with TestClient(bot) as client:
        with pytest.raises(error, match=why):
            await client.happens(POLL)
        assert client.platform.delivered == []


async def test_a_person_is_not_told_of_no_chat() -> None:
    """A `UserError` fails the turn, as any other error does, where nobody could read it."""
    bot = polls()

    @bot.on(POLL)
    def closed(message: Message) -> None:
        raise UserError("sold out")

    async with TestClient(bot) as client:
        with pytest.raises(UserError):
            await client.happens(POLL)
        assert client.platform.delivered == []
        (reply,) = await client.happens(POLL, chat="room")
        assert reply.text == "sold out"


async def test_a_failure_names_what_it_was(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever reads of it knows the platform's name for that."""
    bot = polls()
    bot.on(ANSWER)(with_error)
    async with TestClient(bot, raise_errors=False) as client:
        await client.user("alice").does(ANSWER)
    assert f"answering the {ANSWER} of alice" in in_full(caplog.records[-1])


def with_error(message: Message) -> None:
    """Fail."""
    raise RuntimeError(message.update)


async def test_guards_hold_and_limits_count_people_alone() -> None:
    """Nobody is no owner, and has nothing that could be used up."""
    bot = Interface(id="polls", owners=["test:alice"], limits="1/minute")
    seen: list[str] = []

    @bot.on(POLL)
    def note(message: Message) -> None:
        seen.append(message.update)

    async with TestClient(bot) as client:
        for _ in range(3):
            await client.happens(POLL)
    assert seen == [POLL] * 3
    guarded = Interface(id="polls", owners=["test:alice"], allow="owners")
    guarded.on(POLL)(lambda _: "told")
    async with TestClient(guarded, platform=FakePlatform()) as client:
        assert await client.happens(POLL, chat="room") == []
        assert await client.happens(POLL) == []
        (reply,) = await client.user("alice").does(POLL)
        assert reply.text == "told"
