"""Replies that may have been sent: the platform is asked, if it can tell, before the policy is."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace
from support import query

from chatstate import Ambiguous, Button, Interface, Rejected, Reply, RetryAfter, Unreachable
from chatstate.adapter import Action, Found, Part, Sent, Unknown
from chatstate.engine.outbox.delivery import Delivery
from chatstate.engine.outbox.outbound import Outbound
from chatstate.errors import StorageError
from chatstate.testing import FakeClock, FakePlatform, TestClient

echo = Interface(id="echo")


@echo.on_message
async def words(message: str) -> list[str]:
    return list(message.split())


editor = Interface(id="editor")


@editor.on_message
async def edit(message: str) -> Reply:
    return Reply(message, edit="message-1")


class Telling(FakePlatform):
    """A platform that can tell; `asked` are the keys of questions, `answers` what comes first."""

    def __init__(self, *answers: Exception | Found, **options: Any) -> None:
        super().__init__(finds=True, **options)
        self.answers = list(answers)
        self.asked: list[str] = []

    async def find(self, action: Action) -> Found:
        self.asked.append(action.key)
        answer = self.answers.pop(0) if self.answers else await super().find(action)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Late(Telling):
    """A platform on which the first message arrives `after` the call has failed, if it is asked."""

    async def perform(self, action: Action) -> Sent:
        if self.tries:
            return await super().perform(action)
        self.tries += 1
        self.late = action
        raise Ambiguous("no answer in time")

    async def find(self, action: Action) -> Found:
        found = await super().find(action)
        if len(self.asked) == 1:
            await super().perform(self.late)
        return found


class Forgetful(Telling):
    """A platform that knows no keys, whatever it says, as after a long time."""

    async def perform(self, action: Action) -> Sent:
        self.capabilities, promised = (
            replace(self.capabilities, idempotent_for=0.0),
            self.capabilities,
        )
        try:
            return await super().perform(action)
        finally:
            self.capabilities = promised


def sent(client: TestClient) -> list[str]:
    return [reply.text for reply in client.platform.delivered]


def letters(client: TestClient) -> list[str]:
    return [row[0] for row in query(client, "SELECT error FROM dead_letters")]


async def settled(client: TestClient, text: str) -> None:
    """Have something said, and let time pass until what it is answered is settled."""
    told = asyncio.create_task(client.user("alice").say(text))
    while not (await asyncio.wait([told], timeout=0.01))[0]:
        await client.advance(1)


async def never(action: Action) -> Any:
    return await asyncio.get_running_loop().create_future()


async def crash_while_sending(
    client: TestClient, text: str, *, arrives: bool = True, last: str = ""
) -> None:
    """Crash when the first reply is on its way, which `arrives` or not, by the `last` verb."""
    real, began = client.platform.perform, asyncio.Event()

    async def perform(action: Action) -> Any:
        done = await real(action) if arrives else None
        if last and action.verb != last:
            return done
        began.set()
        return await never(action)

    client.platform.perform = perform  # type: ignore[method-assign]  # it hangs
    await client.deliver_all([client.user("alice").event(text)])
    await began.wait()
    await client.crash()
    client.platform.perform = real  # type: ignore[method-assign]  # it works again


async def until_sent(client: TestClient, count: int) -> None:
    while len(sent(client)) < count:
        await client.advance(0.5)


both = pytest.mark.parametrize("policy", ["repeat", "hold"])


@both
async def test_what_was_sent_is_not_sent_again(policy: Any) -> None:
    """The answer was lost; the platform tells that it has the message."""
    async with TestClient(echo, platform=Telling(), on_ambiguous=policy) as client:
        client.platform.lose_next()
        await client.user("alice").say("a b")
        await client.restart()
        assert sent(client) == ["a", "b"]
        assert letters(client) == []


@both
async def test_what_was_sent_before_a_crash_is_not_sent_again(policy: Any) -> None:
    """The platform tells the next process, which knows nothing of the call's outcome."""
    async with TestClient(echo, platform=Telling(), on_ambiguous=policy) as client:
        await crash_while_sending(client, "a b")
        await client.start()
        await until_sent(client, 2)
        await client.restart()
        assert sent(client) == ["a", "b"]
        assert letters(client) == []


@both
async def test_what_never_arrived_is_sent_after_a_crash(policy: Any) -> None:
    """With "hold", too: the platform tells that there is no other copy."""
    async with TestClient(echo, platform=Telling(), on_ambiguous=policy) as client:
        await crash_while_sending(client, "a b", arrives=False)
        await client.start()
        await until_sent(client, 2)
        await client.restart()
        assert sent(client) == ["a", "b"]
        assert letters(client) == []


@both
async def test_that_it_is_absent_counts_two_seconds_after_the_failure(policy: Any) -> None:
    """Before, the call may still be on its way."""
    platform = Telling()
    async with TestClient(echo, platform=platform, on_ambiguous=policy) as client:
        platform.fail_next(Ambiguous("no answer"))
        told = asyncio.create_task(client.user("alice").say("a"))
        while not platform.asked:
            await asyncio.sleep(0)
        await client.advance(1.9)
        assert (platform.tries, len(platform.asked)) == (1, 1)
        await client.advance(0.2)
        while len(platform.asked) < 2:
            await asyncio.sleep(0)
        while not told.done():
            await client.advance(1)
        assert sent(client) == ["a"]
        assert letters(client) == []


@both
async def test_what_arrives_late_is_found(policy: Any) -> None:
    """It was not there when the platform was asked at once; two seconds later it is."""
    async with TestClient(echo, platform=Late(), on_ambiguous=policy) as client:
        await settled(client, "a")
        assert sent(client) == ["a"]
        assert letters(client) == []


async def test_rows_of_a_line_wait_together_after_a_crash() -> None:
    """The two seconds are those since the start; a long line does not take them for each reply."""
    async with TestClient(echo, platform=Telling()) as client:
        await crash_while_sending(client, "a b c d e f", arrives=False)
        await client.start()
        await client.advance(2)
        while len(sent(client)) < 6:  # and no more time passes
            await asyncio.sleep(0)
        assert sent(client) == ["a", "b", "c", "d", "e", "f"]


@both
@pytest.mark.parametrize("error", [Unreachable("down"), RetryAfter(5, account=True)])
async def test_a_question_that_does_not_get_through_is_asked_again(
    policy: Any, error: Exception
) -> None:
    """Nothing is sent until it is answered, however long that takes."""
    platform = Telling(*[error] * 9)
    async with TestClient(echo, platform=platform, on_ambiguous=policy) as client:
        platform.lose_next()
        await settled(client, "a b")
        await client.restart()
        assert len(platform.asked) == 10
        assert sent(client) == ["a", "b"]
        assert letters(client) == []


@pytest.mark.parametrize(
    "answers",
    [
        [Unknown()],
        [Ambiguous("no answer")] * 3,
        [Rejected("no right to look")],
        [RuntimeError("a bug")],
    ],
    ids=["unknown", "ambiguous", "rejected", "bug"],
)
@pytest.mark.parametrize(("policy", "shown"), [("repeat", ["a", "a"]), ("hold", ["a"])])
async def test_what_nobody_can_tell_is_up_to_the_policy(
    policy: Any, shown: list[str], answers: list[Any]
) -> None:
    """A platform that does not know, or does not answer, leaves it where it is without one."""
    async with TestClient(echo, platform=Telling(*answers), on_ambiguous=policy) as client:
        client.platform.lose_next()
        await settled(client, "a")
        await client.restart()
        assert sent(client) == shown
        held = [] if policy == "repeat" else ["held: it may have been sent (the answer was lost)"]
        assert letters(client) == held


@both
async def test_what_is_never_accepted_is_given_up(policy: Any) -> None:
    """Three calls whose outcome was unclear, though each surely did nothing."""
    platform = Telling()
    async with TestClient(echo, platform=platform, on_ambiguous=policy) as client:
        platform.fail_next(Ambiguous("server error"), 3)
        await settled(client, "a")
        await settled(client, "b")
        await client.restart()
        assert sent(client) == ["b"]
        assert letters(client) == ["given up: it was not sent (server error)"]


async def test_buttons_hang_on_the_message_that_was_found() -> None:
    """Its id is as good as one that a call has returned."""
    bot = Interface(id="buttons")

    @bot.on_message
    async def ask() -> Reply:
        return Reply("?", buttons=[Button("yes", "y" * 200)])

    async with TestClient(bot, platform=Telling()) as client:
        client.platform.lose_next()
        await client.user("alice").say("hi")
        await client.restart()
        assert query(client, "SELECT message FROM buttons") == [("message-1",)]


@pytest.mark.parametrize(
    ("finds", "held"), [(False, ["held: it may have been sent (the answer was lost)"]), (True, [])]
)
async def test_a_key_that_is_known_no_more_is_no_reason_to_repeat(
    finds: bool, held: list[str]
) -> None:
    """With "hold", though it was known when the call failed: the platform was away since then."""
    platform = Forgetful(Unknown(), idempotent_for=60) if finds else Forgetful(idempotent_for=60)
    platform.finds = finds
    async with TestClient(echo, platform=platform, on_ambiguous="hold") as client:
        platform.lose_next()
        platform.fail_next(RetryAfter(120))
        await settled(client, "a")
        await client.restart()
        assert sent(client) == ["a"]
        assert letters(client) == held


@both
async def test_a_doubt_outlives_a_try_that_does_not_get_through(policy: Any) -> None:
    """After two crashes in a row its reply is tried alone, while the platform cannot be reached."""
    platform = Telling()
    async with TestClient(echo, platform=platform, on_ambiguous=policy) as client:
        await crash_while_sending(client, "a b")
        platform.find = never  # type: ignore[method-assign]  # it hangs
        await client.start()
        await client.crash()
        del platform.find
        platform.answers.append(Unreachable("down"))
        platform.fail_next(Unreachable("down"))
        await client.start()
        await until_sent(client, 2)
        await client.restart()
        assert sent(client) == ["a", "b"]
        assert letters(client) == []


@both
async def test_what_was_found_alone_is_settled(policy: Any) -> None:
    """After two crashes in a row, too, it is no dead letter, nor sent again."""
    platform = Telling()
    async with TestClient(echo, platform=platform, on_ambiguous=policy) as client:
        await crash_while_sending(client, "a b")
        platform.find = never  # type: ignore[method-assign]  # it hangs
        await client.start()
        await client.crash()
        del platform.find
        await client.start()
        await until_sent(client, 2)
        await client.restart()
        assert sent(client) == ["a", "b"]
        assert letters(client) == []


@pytest.mark.parametrize(("finds", "held"), [(False, 1), (True, 0)])
async def test_what_took_the_place_of_an_edit_before_a_crash_is_in_doubt(
    finds: bool, held: int
) -> None:
    """The row says "edit"; an earlier process may have sent it, when the message was gone."""
    platform = FakePlatform(finds=finds)
    async with TestClient(editor, platform=platform, on_ambiguous="hold") as client:
        platform.deleted.append("message-1")
        await crash_while_sending(client, "a", last="send")
        await client.start()
        while query(client, "SELECT 1 FROM outbox"):
            await client.advance(1)
        await client.restart()
        assert sent(client) == ["a"]
        assert len(letters(client)) == held


async def test_a_store_that_fails_makes_no_dead_letter_of_what_is_tried_again() -> None:
    """It is owed as before: whoever asks the store next is told."""
    action = Action("key", "chat", None, Part({}))
    clock = FakeClock()
    delivery = Delivery(Outbound(1, 1, 1, 0, action), clock, Ambiguous("lost"))
    calls = 0

    async def perform() -> Exception | None:
        nonlocal calls
        calls += 1
        raise StorageError("the store is gone")

    async def nothing() -> None:
        pass

    async def unknown() -> bool:
        return False

    delivery.perform, delivery.pass_gate, delivery.was_sent = perform, nothing, unknown
    delivery.repeats = lambda: True
    trying = asyncio.create_task(delivery.run())
    await clock.advance(10)
    with pytest.raises(StorageError):
        await trying
    assert calls == 1
