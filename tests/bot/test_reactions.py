"""`@bot.on_reaction`: what its parameters get, and what cannot be one."""

from typing import Any

import pytest
from msgspec.structs import replace

from chatstate import (
    BindingError,
    Interface,
    Message,
    MessageRef,
    PerChat,
    PerUser,
    React,
    Reaction,
    Ref,
    User,
)
from chatstate.errors import StateError
from chatstate.testing import TestClient


def bot_with(handler: Any) -> Interface:
    """Return a bot that answers, and is told of reactions."""
    bot = Interface(id="bot")
    bot.on_message(lambda message: message)
    bot.on_reaction(handler)
    return bot


async def test_parameters_get_it_by_their_names() -> None:
    """Annotated or not; a reaction that changes is one that goes and one that comes."""
    seen: list[Any] = []

    def handler(
        added: tuple[str, ...], removed: Any, by: User | None, target: MessageRef, message: Message
    ) -> None:
        seen.append((added, removed, by and by.id, target, message.kind))

    async with TestClient(bot_with(handler)) as client:
        alice = client.user("alice")
        (reply,) = await alice.say("hi")
        for emoji in ("👍", "🔥", None, None):
            assert await alice.react(emoji, reply) == []
    target = MessageRef(reply.id, "hi")
    assert seen == [
        (("👍",), (), "alice", target, "reaction"),
        (("🔥",), ("👍",), "alice", target, "reaction"),
        ((), ("🔥",), "alice", target, "reaction"),
    ]


async def test_names_may_stand_unannotated_and_in_any_order() -> None:
    """As few of them as are wanted, beside states."""
    bot = Interface(id="bot")
    bot.on_message(lambda message: message)

    @bot.on_reaction
    async def count(removed, votes: PerChat[Ref[int]], *, added):  # type: ignore[no-untyped-def]  # a handler without annotations
        votes.value += len(added) - len(removed)
        return f"{votes.value} votes"

    async with TestClient(bot) as client:
        alice, bob = client.user("alice", chat="room"), client.user("bob", chat="room")
        (reply,) = await alice.say("hi")
        assert (await alice.react("👍", reply))[0].text == "1 votes"
        assert (await bob.react("👍", reply))[0].text == "2 votes"
        assert (await alice.react("", reply))[0].text == "1 votes"


async def test_a_reaction_may_be_given_back() -> None:
    """To the message that has it; a reply answers it."""
    async with TestClient(bot_with(lambda added: React(added[0]))) as client:
        (reply,) = await client.user("alice").say("hi")
        await client.user("alice").react("👍", reply)
        assert client.platform.reactions == {reply.id: "👍"}


async def test_who_it_was_may_be_unknown() -> None:
    """An anonymous admin, say; then there is no person, and no person's state."""
    seen: list[Any] = []

    def notes(by: User | None) -> None:
        seen.append(by)

    async with TestClient(bot_with(notes)) as client:
        await client.deliver(_anonymous(client))
    assert seen == [None]

    def counts(by: User | None, karma: PerUser[Ref[int]]) -> None:
        karma.value += 1

    async with TestClient(bot_with(counts)) as client:
        with pytest.raises(StateError, match="'karma' is a person's, and nobody speaks here"):
            await client.deliver(_anonymous(client))


def _anonymous(client: TestClient) -> Any:
    event = client.user("alice", chat="room").event("", kind="reaction")
    reaction = Reaction(("👍",), (), MessageRef("5"))
    return replace(event, message=replace(event.message, sender=User(""), reaction=reaction))


async def test_without_a_handler_it_is_ignored() -> None:
    """Nobody is answered."""
    bot = Interface(id="bot")
    bot.on_message(lambda message: message)
    async with TestClient(bot) as client:
        (reply,) = await client.user("alice").say("hi")
        assert await client.user("alice").react("👍", reply) == []


@pytest.mark.parametrize(
    ("hint", "name", "error"),
    [
        (str, "emoji", "'emoji' of handler.. would take a text, and there is none; by name there "),
        (str, "added", r"'added' of handler.. gets tuple\[str, ...\]: annotate it so"),
        (list[str], "removed", r"'removed' of handler.. gets tuple\[str, ...\]"),
        (int, "by", r"'by' of handler.. gets User . None"),
        (object, "target", "'target' of handler.. cannot be bound to object"),
    ],
)
def test_what_would_get_nothing_is_refused(hint: Any, name: str, error: str) -> None:
    """With what there is instead."""
    source = f"def handler({name}: hint) -> None: ..."
    scope: dict[str, Any] = {"hint": hint}
    exec(source, scope)  # noqa: S102 - a parameter of a given name
    with pytest.raises(BindingError, match=error):
        Interface(id="bot").on_reaction(scope["handler"])


def test_each_bot_has_one_handler_of_them() -> None:
    """As of each other kind."""
    bot = bot_with(lambda added: None)  # noqa: ARG005 - its name says what it gets
    with pytest.raises(BindingError, match="gets each reaction already"):
        bot.on_reaction(lambda removed: None)  # noqa: ARG005 - the same
