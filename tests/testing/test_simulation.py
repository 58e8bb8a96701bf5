"""Simulations find what is wrong with a bot, and show it by little."""

import asyncio
import math
import os
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from showcase.bot import bot as showcase

from chatstate import (
    Button,
    Clock,
    Global,
    Interface,
    Message,
    PerUser,
    Ref,
    Reply,
    Turn,
    User,
)
from chatstate.cli.templates import assistant, echo, form, game, reminder
from chatstate.testing import TestClient
from chatstate.testing.simulation import SimulationError, simulate
from chatstate.testing.simulation.running import overtaken
from chatstate.testing.transcripts.checking import played
from chatstate.testing.transcripts.comparing import Outcome, outcome
from chatstate.testing.transcripts.reading import parse
from chatstate.testing.transcripts.script import Act, private
from chatstate.testing.transcripts.writing import step_of
from chatstate.testing.virtual import loop
from chatstate_bots import history_echo, score_tracker

Make = Callable[[], Interface]
States = dict[str, dict[str, Any]]


class Bank:
    """Something outside of the bot: it charges whoever asks, once for each key."""

    def __init__(self) -> None:
        self.charges: Counter[str] = Counter()
        self.keys: set[str] = set()

    async def charge(self, who: str, key: str = "") -> int:
        """Charge somebody, and return how often that was done."""
        if not key or key not in self.keys:
            self.charges[who] += 1
        self.keys.add(key)
        return self.charges[who]

    def reset(self) -> None:
        """Begin anew."""
        self.charges.clear()
        self.keys.clear()

    def was_paid_for(self, states: States) -> bool:
        """Tell whether people have paid for what they have bought, and for nothing else."""
        return dict(self.charges) == states.get("bought", {})


def counting(*, orders: list[str] | None = None) -> Interface:
    """Return a bot that counts in a state, or in a variable of its process."""
    bot = Interface(id="bot")

    @bot.command
    def order(tea: str, kept: PerUser[list[str]]) -> str:
        given = kept if orders is None else orders
        given.append(tea)
        return f"Order {len(given)}"

    return bot


def with_a_global() -> Interface:
    """Return a bot that counts in a variable of its process."""
    return counting(orders=[])


def with_a_late_change() -> Interface:
    """Return a bot that changes a value when its turn is over."""
    bot = Interface(id="bot")

    @bot.on_message
    async def remember(message: str, said: PerUser[list[str]]) -> str:
        asyncio.get_running_loop().call_later(1.0, said.append, message)
        return f"{len(said)} so far"

    return bot


def paying(pay: Callable[[Turn], Awaitable[int]]) -> Interface:
    """Return a bot that charges people."""
    bot = Interface(id="bot")

    @bot.command
    async def buy(turn: Turn, bought: PerUser[Ref[int]]) -> Reply:
        number = await pay(turn)
        bought.value += 1
        return Reply(f"Charge {number}", buttons=[Button("Again", command="/buy")])

    return bot


def with_what_is_asked_in_a_global() -> Interface:
    """Return a bot that answers what was asked last, whoever asked."""
    bot, asked = Interface(id="bot"), list[str]()

    @bot.on_message
    async def answer(message: str) -> str:
        asked.append(message)
        await asyncio.sleep(0.1)
        return f"You said {asked.pop()}"

    return bot


def with_the_time_since() -> Interface:
    """Return a bot that believes that clocks only go forward."""
    bot = Interface(id="bot")

    @bot.on_message
    def answer(clock: Clock, before: PerUser[Ref[float]]) -> str:
        passed, before.value = clock.time() - before.value, clock.time()
        return f"Level {int(math.sqrt(passed)) // 100}"

    return bot


def with_a_log() -> Interface:
    """Return a bot that believes that what is said first arrives first, wherever that is."""
    bot = Interface(id="bot")

    @bot.on_message
    def note(message: Message, log: Global[list[str]]) -> str:
        log.append(str(message.time))
        return "Noted."

    return bot


def the_log_is_in_order(states: States) -> bool:
    """Tell whether what was said first stands first."""
    log: list[str] = states.get("log", {}).get("", [])
    return log == sorted(log)


def found_in(bot: Interface | Make, **options: Any) -> SimulationError:
    with pytest.raises(SimulationError) as raised:
        simulate(bot, **{"people": 2, "steps": 20, **options})
    return raised.value


def replayed(found: SimulationError, make: Make) -> Outcome:
    """Return what becomes of what was found, with this bot."""
    transcript = parse(found.transcript, Path("found.chat"))
    return outcome(transcript, loop.run(played(transcript, make)))


def acts(found: SimulationError) -> int:
    """Return how many things people do in what was found."""
    steps = parse(found.transcript, Path("found.chat")).steps
    return len([step for step in steps if isinstance(step.what, Act)])


def test_a_global_that_a_restart_resets_is_found() -> None:
    """What is shown is a test: it fails as long as the bot is wrong."""
    found = found_in(with_a_global, people=1)
    assert found.told.startswith("with seed 0: without the trouble it is 'Order ")
    assert acts(found) <= 3
    assert not replayed(found, with_a_global).is_as_expected
    assert replayed(found, counting).is_as_expected


def test_a_value_that_is_changed_after_its_turn_is_found() -> None:
    """It is lost: the state is named."""
    found = found_in(with_a_late_change)
    assert found.told == "with seed 0: a value of the state 'said' was changed after its turn"
    assert acts(found) <= 2


def test_an_outside_call_that_is_no_step_is_found() -> None:
    """It is made again by the turn that runs again."""
    bank = Bank()

    def wrong() -> Interface:
        return paying(lambda turn: bank.charge(turn.user.id))

    found = found_in(wrong, reset=bank.reset, seed=4)
    assert found.told.startswith("with seed 4: without the trouble it is 'Charge ")
    assert acts(found) <= 2
    assert "! crash at commit" in found.transcript


def test_a_step_that_is_not_idempotent_is_found() -> None:
    """Its result is not remembered if the process is killed before: by an invariant."""
    bank = Bank()

    def wrong() -> Interface:
        return paying(lambda turn: turn.step("pay", lambda: bank.charge(turn.user.id)))

    found = found_in(wrong, reset=bank.reset, invariants=[bank.was_paid_for])
    assert found.told == "with seed 0: was_paid_for does not hold"
    assert acts(found) <= 2
    assert "! crash at step" in found.transcript


def test_a_step_that_has_a_key_is_right() -> None:
    """Whatever happens: the same key is given again."""
    bank = Bank()

    def right() -> Interface:
        return paying(
            lambda turn: turn.step("pay", lambda: bank.charge(turn.user.id, str(turn.message.id)))
        )

    simulate(right, reset=bank.reset, invariants=[bank.was_paid_for], steps=60)


def test_what_is_mixed_up_at_the_same_moment_is_found() -> None:
    """Two people at once, and no restart, show that a handler waits in between."""
    found = found_in(with_what_is_asked_in_a_global, people=3, seed=3)
    assert found.told.startswith("with seed 3: without the trouble it is 'You said ")
    assert acts(found) == 2
    assert "\n& " in found.transcript
    assert not replayed(found, with_what_is_asked_in_a_global).is_as_expected


def test_a_clock_that_goes_back_is_found() -> None:
    """By what it makes a handler raise."""
    found = found_in(with_the_time_since, seed=3)
    assert found.told.startswith("with seed 3: a handler raised ValueError: math domain error")
    assert acts(found) == 2
    assert "! clock -" in found.transcript


def test_what_arrives_late_is_found() -> None:
    """By an invariant that goes by the order of all that is said."""
    found = found_in(with_a_log, invariants=[the_log_is_in_order])
    assert found.told == "with seed 0: the_log_is_in_order does not hold"
    assert acts(found) == 2
    assert "! late " in found.transcript or "! clock -" in found.transcript


def test_what_all_share_is_as_in_some_order() -> None:
    """However many change it at the very same moment, and whoever looks at it for longer."""
    bot = Interface(id="bot")

    @bot.command
    async def add(number: int, total: Global[Ref[int]], log: Global[list[int]]) -> str:
        await asyncio.sleep(0.01)
        total.value += number
        log.append(total.value)
        return f"{total.value} of {len(log)}"

    @bot.on_message
    async def look(total: Global[Ref[int]], seen: PerUser[list[int]]) -> str:
        await asyncio.sleep(0.05)
        seen.append(total.value)
        return f"{total.value}"

    simulate(bot, people=6, steps=40)


def test_what_overtakes_in_a_conversation_is_odd() -> None:
    """What takes effect before what was delivered there earlier, and nothing else."""
    said = [Act(who, private(who), text="hi", at_once=True) for who in ("alice", "bob", "alice")]
    same = [step_of(act, number) for number, act in enumerate(said)]
    assert overtaken([1, 0, 2], same, 2) == []
    assert overtaken([0, 2], same, 2) == []
    (odd,) = overtaken([2, 1, 0], same, 2)
    assert odd.told == "'& alice: hi' took effect before what came first"


def test_what_one_person_tells_another_without_a_state_is_found() -> None:
    """What all share by no state is a leak, unless the author says that it is none."""
    seen: set[str] = set()

    def make() -> Interface:
        bot = Interface(id="bot")

        @bot.on_message
        def remember(user: User) -> str:
            seen.add(user.id)
            return f"{len(seen)} were here"

        return bot

    found = found_in(make, reset=seen.clear)
    assert found.told.startswith("with seed 0: without the others alice is answered")
    assert acts(found) == 2
    simulate(make, reset=seen.clear, shared=True, steps=20)


def test_errors_are_found_and_randomness_is_none() -> None:
    """What a handler raises is told; what it draws at random is the same again."""
    bot = Interface(id="bot")

    @bot.command
    def draw(number: int) -> str:
        return f"{random.random()} {100 // number}"

    found = found_in(bot, steps=40)
    assert found.told.startswith("with seed 0: a handler raised ZeroDivisionError: ")
    assert "/draw 0" in found.transcript
    assert acts(found) == 1


def test_the_same_seed_finds_the_same() -> None:
    """All follows from it, whatever the ids of events are."""
    first, second = (found_in(with_a_global, seed=3, steps=20) for _ in range(2))
    assert str(first) == str(second)


async def test_a_client_simulates_and_goes_on() -> None:
    """Its bot stands still meanwhile; a bot of a module is loaded anew."""
    async with TestClient(with_a_global) as client:
        alice = client.user("alice")
        await alice.say("/order tea")
        with pytest.raises(SimulationError):
            await client.simulate(people=1, steps=20)
        assert [reply.text for reply in await alice.say("/order tea")] == ["Order 1"]


SHIPPED = {
    "history": history_echo.bot,
    "scores": score_tracker.bot,
    "assistant": assistant.bot,
    "echo": echo.bot,
    "form": form.bot,
    "game": game.bot,
    "reminder": reminder.bot,
}
SEEDS = range(100) if os.environ.get("CHATSTATE_LONG") else range(2)


@pytest.mark.parametrize("bot", SHIPPED.values(), ids=SHIPPED)
def test_nothing_is_wrong_with_a_shipped_bot(bot: Interface) -> None:
    """Whatever people say to it, and whatever befalls it."""
    for seed in SEEDS:
        simulate(bot, seed=seed, people=4, steps=20)


def test_nothing_is_wrong_with_what_uses_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cards, forms, approvals, timers, reactions, steps, calls by their own names."""
    monkeypatch.setenv("SHOWCASE_HALL", "hall")
    monkeypatch.setenv("SHOWCASE_FRIEND", "bob")
    for seed in SEEDS:
        simulate(showcase, seed=seed, people=3, steps=20)
