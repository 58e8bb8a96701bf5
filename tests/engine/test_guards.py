"""Who may use a handler."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support import FAILED, query, texts

from chatstate import (
    Ambiguous,
    BindingError,
    Button,
    Chat,
    Interface,
    Message,
    PerThread,
    Ref,
    Rejected,
    Reply,
    RetryAfter,
    Turn,
    Unreachable,
    User,
    UserError,
)
from chatstate.testing import FakePlatform, TestClient

REFUSED = "Sorry, you may not do that."
ADMINS_ONLY = "Only admins of this chat may do that."


def guarded(who: Any, **options: Any) -> Interface:
    """Make a bot whose /reset and messages are for some only."""
    bot = Interface(id="bot", **options)

    @bot.command(allow=who)
    def reset(runs: PerThread[Ref[int]]) -> str:
        """Begin anew."""
        runs.value += 1
        return f"reset {runs.value}"

    @bot.on_message(allow=who)
    def talk(text: str) -> str:
        return text

    return bot


@pytest.mark.parametrize("owners", [["test:alice"], {"test": ["alice"]}, ("x:y", "test:alice")])
async def test_owners_are_named_by_platform_and_id(owners: Any) -> None:
    """They may, others are told politely, and nothing of theirs runs."""
    async with TestClient(guarded("owners", owners=owners)) as client:
        assert await texts(client.user("bob", chat="room"), "/reset") == [REFUSED]
        assert await texts(client.user("bob"), "hi") == [REFUSED]
        assert await texts(client.user("alice", chat="room"), "/reset") == ["reset 1"]
        assert await texts(client.user("alice"), "hi") == ["hi"]


@pytest.mark.parametrize("owner", ["other:alice", "test:bob", "test:Alice", "test:alice:2"])
async def test_nobody_is_taken_for_an_owner(owner: str) -> None:
    """The same id on another platform, or the same name, is somebody else."""
    async with TestClient(guarded("owners", owners=[owner])) as client:
        assert await texts(client.user("alice", id="alice"), "/reset") == [REFUSED]
        assert await texts(client.user("bob", id="test:bob"), "/reset") == [REFUSED]


@pytest.mark.parametrize(
    "owners", ["telegram:1", ["123"], [":123"], ["telegram:"], {"telegram": "123"}, [123]], ids=repr
)
def test_an_owner_without_a_platform_is_an_error(owners: Any) -> None:
    """The error says how one is written."""
    with pytest.raises(BindingError, match=r"owners: .*(telegram:123|an id is a text)"):
        Interface(id="bot", owners=owners)


async def test_a_bot_for_owners_that_has_none_does_not_start() -> None:
    """The error says where to name them; a router's are those of the including bot."""
    with pytest.raises(BindingError, match=r'reset\(\) is for "owners", and bot .bot. has none'):
        async with TestClient(guarded("owners")):
            pass
    bot = Interface(id="whole", owners=["test:alice"])
    bot.include(guarded("owners"))
    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "/reset") == ["reset 1"]


async def test_admins_are_those_of_the_chat() -> None:
    """The platform is asked each time; in a private chat everybody is one."""
    async with TestClient(guarded("admins")) as client:
        client.platform.admins = {"room": {"alice"}, "other": {"bob"}}
        assert await texts(client.user("alice", chat="room"), "/reset") == ["reset 1"]
        assert await texts(client.user("bob", chat="room"), "/reset") == [ADMINS_ONLY]
        assert await texts(client.user("bob"), "/reset") == ["reset 1"]
        client.platform.admins["room"].add("bob")
        assert await texts(client.user("bob", chat="room"), "/reset") == ["reset 2"]


async def test_nobody_is_admin_where_the_platform_cannot_tell() -> None:
    """As an adapter inherits it."""

    class Plain(FakePlatform):
        is_admin = FakePlatform.__bases__[0].is_admin  # type: ignore[attr-defined]  # the default

    async with TestClient(guarded("admins"), platform=Plain()) as client:
        assert await texts(client.user("alice", chat="room"), "/reset") == [ADMINS_ONLY]


async def test_a_platform_that_fails_to_tell_fails_the_turn() -> None:
    """Nobody gets in by accident; the event is a dead letter that can be tried again."""

    class Broken(FakePlatform):
        async def is_admin(self, _chat: str, _user: str) -> bool:
            raise Rejected("no such group")

    async with TestClient(guarded("admins"), platform=Broken(), raise_errors=False) as client:
        assert await texts(client.user("alice", chat="room"), "/reset") == [FAILED]
        ((error,),) = query(client, "SELECT error FROM dead_letters")
        assert "no such group" in error


async def test_a_platform_that_cannot_tell_now_is_asked_again() -> None:
    """Within the turn's time; nobody is refused, and no message is lost, for what passes."""
    faults = [Ambiguous("no answer"), RetryAfter(20.0), Unreachable("no network")]

    class Slow(FakePlatform):
        async def is_admin(self, chat: str, user: str) -> bool:
            if faults:
                raise faults.pop()
            return await super().is_admin(chat, user)

    async with TestClient(guarded("admins"), platform=Slow()) as client:
        client.platform.admins = {"room": {"alice"}}
        asking = asyncio.create_task(texts(client.user("alice", chat="room"), "/reset"))
        while not asking.done():
            await client.advance(1)
        assert await asking == ["reset 1"]
        assert faults == []


async def _later(user: User, message: Message, chat: Chat) -> bool:
    await asyncio.sleep(0)
    return user.name == "alice" and message.sender == user and chat == message.chat


def _typed(message: Message) -> bool:
    return message.sender.name == "alice"


class _Callable:
    def __call__(self, user: User) -> bool:
        return user.name == "alice"


@pytest.mark.parametrize(
    "predicate",
    [lambda message: message.sender.name == "alice", _typed, _later, _Callable()],
    ids=["lambda", "sync", "async", "callable"],
)
async def test_a_predicate_decides(predicate: Any) -> None:
    """Sync or async, of the message or of what its parameters ask for."""
    async with TestClient(guarded(predicate)) as client:
        assert await texts(client.user("alice"), "/reset") == ["reset 1"]
        assert await texts(client.user("bob"), "/reset") == [REFUSED]


async def test_one_of_several_is_enough() -> None:
    """Owners, or admins, or whom a predicate lets in."""
    allow = ["owners", "admins", lambda message: message.sender.name == "carol"]
    async with TestClient(guarded(allow, owners=["test:alice"])) as client:
        client.platform.admins = {"room": {"bob"}}
        for name in ("alice", "bob", "carol"):
            (text,) = await texts(client.user(name, chat="room"), "/reset")
            assert text.startswith("reset")
        assert await texts(client.user("dave", chat="room"), "/reset") == [ADMINS_ONLY]


async def test_a_predicate_may_say_why_not() -> None:
    """What a `UserError` of it says is told; another error fails the turn."""

    def nearly(message: Message) -> bool:
        if message.sender.name == "bob":
            raise UserError("Not on Sundays.")
        return bool(1 / 0)

    async with TestClient(guarded(nearly), raise_errors=False) as client:
        assert await texts(client.user("bob"), "/reset") == ["Not on Sundays."]
        assert await texts(client.user("alice"), "/reset") == [FAILED]


@pytest.mark.parametrize("overlap", ["queue", "interrupt", "merge"])
async def test_a_predicate_that_never_ends_is_given_up(overlap: Any) -> None:
    """With the timeout of the handler; the conversation goes on."""
    asked, bot = asyncio.Event(), Interface(id="bot")

    async def forever(message: Message) -> bool:
        if message.text == "endless":
            asked.set()
            await asyncio.Event().wait()
        return True

    @bot.on_message(allow=forever, overlap=overlap)
    async def talk(text: str) -> str:
        return text

    async with TestClient(bot) as client:
        alice = client.user("alice")
        receipts = await client.deliver_all([alice.event("a"), alice.event("endless")])
        settled = asyncio.gather(*(receipt.settled() for receipt in receipts))
        await asked.wait()
        while not settled.done():
            await client.advance(301)
        assert await texts(alice, "hi") == ["hi"]
        assert FAILED in [reply.text for reply in client.platform.delivered]


async def test_a_message_in_a_group_is_refused_in_silence() -> None:
    """It may not be meant for the bot; a command is."""
    async with TestClient(guarded("admins")) as client:
        bob = client.user("bob", chat="room")
        assert await texts(bob, "hi") == []
        assert await texts(bob, "/reset") == [ADMINS_ONLY]


async def test_a_press_passes_the_guard_too_and_is_refused_in_private() -> None:
    """Whether it says something or runs a command; others do not see the refusal."""
    bot = guarded("admins")

    @bot.command
    def show() -> Reply:
        return Reply("Well?", buttons=[Button("Say"), Button("Do", command="/reset")])

    async with TestClient(bot) as client:
        client.platform.admins = {"room": {"alice"}}
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        await alice.say("/show")
        for label in ("Say", "Do"):
            (refused,) = await bob.press(label)
            assert (refused.text, refused.ephemeral) == (ADMINS_ONLY, True)
        assert [reply.text for reply in await alice.press("Do")] == ["reset 1"]
        assert [reply.text for reply in await alice.press("Say")] == ["Say"]


async def test_a_bots_guard_holds_for_all_its_handlers() -> None:
    """Beside their own, /help and a router's included; a router's for the router's alone."""
    bot = Interface(id="bot", owners=["test:alice"], allow=lambda message: message.text != "/not")
    tools = Interface(id="tools", allow="owners")

    @tools.command(allow=lambda _user: True)
    def tool() -> str:
        return "tool"

    @tools.command(name="not")
    def not_() -> str:
        return "not"

    @bot.command
    def open_() -> str:
        return "open"

    bot.include(tools)
    async with TestClient(bot) as client:
        alice, bob = client.user("alice"), client.user("bob")
        assert await texts(alice, "/tool") == ["tool"]
        assert await texts(bob, "/tool") == [REFUSED]
        assert await texts(alice, "/not") == [REFUSED]
        assert await texts(bob, "/open_") == ["open"]


async def test_a_bot_for_owners_helps_nobody_else() -> None:
    """A private bot is private in all it says."""
    async with TestClient(guarded("owners", owners=["test:alice"], allow="owners")) as client:
        assert await texts(client.user("bob"), "/help") == [REFUSED]
        assert "/reset" in (await texts(client.user("alice"), "/help"))[0]


async def test_help_shows_what_the_person_may_use() -> None:
    """Whether by being an owner, an admin or by a predicate; one that fails hides."""
    bot = guarded("owners", owners=["test:alice"])
    bot.command(name="kick", allow="admins")(lambda: "")
    bot.command(name="broken", allow=lambda _message: 1 / 0)(lambda: "")
    bot.command(name="sulking", allow=_sulks)(lambda: "")
    async with TestClient(bot) as client:
        client.platform.admins = {"room": {"bob"}}

        async def listed(name: str) -> list[str]:
            (text,) = await texts(client.user(name, chat="room"), "/help")
            return [line.split()[0] for line in text.splitlines() if line.startswith("/")]

        assert await listed("alice") == ["/reset", "/help"]
        assert await listed("bob") == ["/kick", "/help"]
        assert await listed("carol") == ["/help"]


def _sulks(_message: Message) -> bool:
    raise UserError("No.")


async def test_a_help_of_ones_own_can_ask_too() -> None:
    """`turn.may` tells whether the person may use a command; not of one that is none."""
    bot = guarded("owners", owners=["test:alice"])

    @bot.command
    async def help(turn: Turn) -> str:  # noqa: A001 - it is what people send
        return f"{await turn.may('reset')} {await turn.may('nope')}"

    async with TestClient(bot) as client:
        assert await texts(client.user("alice"), "/help") == ["True False"]
        assert await texts(client.user("bob"), "/help") == ["False False"]


def test_menus_do_not_show_what_is_for_owners() -> None:
    """A menu is the same for all; what admins may use is there."""
    bot = guarded("owners", owners=["test:alice"])
    bot.command(name="kick", allow=["admins", "owners"])(lambda: "")
    assert [command.name for command in bot.commands] == ["kick", "help"]


async def test_who_may_not_use_a_command_interrupts_nothing_with_it() -> None:
    """A /stop for admins ends no turn when somebody else sends it."""
    bot, entered, left = Interface(id="bot"), asyncio.Event(), asyncio.Event()

    @bot.on_message
    async def work(_text: str) -> str:
        entered.set()
        await left.wait()
        return "done"

    @bot.command(overlap="interrupt", allow="admins")
    async def stop() -> str:
        return "Stopped."

    async with TestClient(bot) as client:
        client.platform.admins = {"room": {"alice"}}
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        working = asyncio.create_task(texts(bob, "go"))
        await entered.wait()
        refused = asyncio.create_task(texts(bob, "/stop"))
        while client.platform.delivered or not await _is_waiting(client, 2):
            await asyncio.sleep(0)
        left.set()
        assert (await working, await refused) == (["done"], [ADMINS_ONLY])
        entered.clear()
        left.clear()
        working = asyncio.create_task(texts(bob, "go"))
        await entered.wait()
        assert await texts(alice, "/stop") == ["Stopped."]
        assert await working == []


async def _is_waiting(client: TestClient, events: int) -> bool:
    ((count,),) = query(client, "SELECT count(*) FROM inbox WHERE done_at IS NULL")
    return bool(count == events)


@pytest.mark.parametrize("allow", ["everybody", 7, [], [None], ["owner"]], ids=repr)
def test_what_is_no_guard_is_an_error(allow: Any) -> None:
    """The error says what is possible."""
    with pytest.raises(BindingError, match=r"allow="):
        guarded(allow)


def test_a_predicate_that_cannot_be_called_is_an_error() -> None:
    """A generator is always true; an unknown parameter has no value."""

    def generates(_message: Message) -> Any:
        yield True

    def wants(_turn: Turn) -> bool:
        return True

    with pytest.raises(BindingError, match="must return True or False"):
        guarded(generates)
    with pytest.raises(BindingError, match="possible: Message, User, Chat, or a resource"):
        guarded(wants)


async def test_a_predicate_may_use_what_the_lifespan_has_opened() -> None:
    """By the type of a parameter, as handlers do."""

    class Members:
        names = ("alice",)

    @contextlib.asynccontextmanager
    async def lifespan(_bot: Interface) -> AsyncIterator[Members]:
        yield Members()

    def is_member(user: User, members: Members) -> bool:
        return user.name in members.names

    async with TestClient(guarded(is_member, lifespan=lifespan)) as client:
        assert await texts(client.user("alice"), "/reset") == ["reset 1"]
        assert await texts(client.user("bob"), "/reset") == [REFUSED]


async def test_merged_messages_are_those_that_the_guard_lets_in() -> None:
    """One that it refuses is no part of the turn, and is told so."""
    entered, left = asyncio.Event(), asyncio.Event()
    bot = Interface(id="bot")

    @bot.on_message(overlap="merge", allow=lambda message: message.text != "bad")
    async def work(text: str) -> str:
        if text == "first":
            entered.set()
            await left.wait()
        return text

    async with TestClient(bot) as client:
        alice = client.user("alice")
        first = asyncio.create_task(alice.say("first"))
        await entered.wait()
        receipts = await client.deliver_all([alice.event(text) for text in ("a", "b", "bad", "c")])
        left.set()
        await first
        for receipt in receipts:
            await receipt.settled()
        assert [reply.text for reply in client.platform.delivered] == [
            "first",
            "a\nb",
            REFUSED,
            "c",
        ]
