"""One person on two platforms: /link, /unlink, and what becomes of their values."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from engine.linked import Linked, Someone, code_of, linked

from chatstate import (
    BindingError,
    Chat,
    Interface,
    PerMember,
    PerUser,
    Ref,
    State,
    Turn,
    User,
)
from chatstate.stores.base import Store
from chatstate.stores.links import identities
from chatstate.stores.sqlite import SQLiteStore
from chatstate.testing import FakeClock, MemoryData, MemoryStore, TestClient

POINTS = State(0, scope="user", name="points", merge=lambda mine, theirs: mine + theirs)
NAME = State("", scope="user", name="name")
DAY = 24 * 3600.0


def make_bot(**options: Any) -> Interface:
    """Return a bot that counts points, keeps a name, and tells who somebody is."""
    bot = Interface(id="bot", **{"linking": True, **options})

    @bot.command
    def add(points: Annotated[Ref[int], POINTS], n: int = 1) -> str:
        points.value += n
        return f"{points.value} points"

    @bot.command
    def name(name: Annotated[Ref[str], NAME], new: str = "") -> str:
        name.value = new or name.value
        return f"called {name.value}"

    @bot.command
    def who(turn: Turn, user: User) -> str:
        assert user == turn.user
        return f"{user.id} {user.person}"

    @bot.command
    async def of(turn: Turn, other: str) -> str:
        name: Ref[str] = await turn.state(NAME, of=User(other))
        return f"{name.value} of {other}"

    @bot.command
    def apply(turn: Turn) -> None:
        turn.apply(POINTS, lambda points: points + 1, reply=lambda points: f"{points} applied")

    @bot.on_timer
    def ring(turn: Turn, name: Annotated[Ref[str], NAME]) -> str:
        return f"ring {turn.user.id} {name.value}"

    @bot.command
    def later(turn: Turn) -> str:
        turn.later(timedelta(hours=1), ring, key="tea")
        return "it will"

    @bot.command
    async def timers(turn: Turn) -> str:
        return ", ".join(timer.key for timer in await turn.timers())

    @bot.on_message
    def count(message: str, said: PerMember[list[str]]) -> str:
        said.append(message)
        return f"{len(said)} said"

    return bot


@pytest.fixture
async def bots(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Linked]:
    """Run the bot on a store in memory, or of another kind; see `on_each_store`."""
    clock = FakeClock()
    store: Store = MemoryStore(MemoryData(), clock=clock.time)
    if getattr(request, "param", "") == "sqlite":
        store = SQLiteStore(tmp_path / "test.db", clock=clock.time)
    async with linked(make_bot(), store, clock) as made:
        yield made


on_each_store = pytest.mark.parametrize("bots", ["memory", "sqlite"], indirect=True)


@on_each_store
async def test_two_confirm_and_are_one_person(bots: Linked) -> None:
    """Each reads with whom; then their values are one, and what is a chat's own stays its own."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await eve.say("/add 2")
    await evelyn.say("/add 3")
    await evelyn.say("hi")
    (shown,) = await eve.say("/link")
    assert shown.startswith("Send me this on your other platform, in private, within 5 minutes")
    code = shown.rpartition(" ")[2]
    (asked,) = await evelyn.say(f"/link {code}")
    assert asked == "Link to Telegram Eve? They will see what I keep of you."
    await evelyn.press("Yes")
    assert await eve.told(3) == "Link to Discord Evelyn? They will see what I keep of you."
    assert await eve.say("/add") == ["3 points"]
    await eve.press("Yes")
    await bots.until(lambda: "You are linked" in eve.shown[-1])
    assert eve.shown[-1] == "You are linked with Discord Evelyn now. Send /unlink to end that."
    assert evelyn.shown[-1] == "You are linked with Telegram Eve now. Send /unlink to end that."
    assert await evelyn.say("/add") == ["7 points"]
    assert await eve.say("/add") == ["8 points"]
    assert await evelyn.say("hi") == ["2 said"]
    assert await eve.say("hi") == ["1 said"]


@pytest.mark.parametrize("first", [0, 1])
async def test_whoever_was_there_first_keeps_what_both_have(bots: Linked, first: int) -> None:
    """Whoever asks for the link; the rest is moved to them, or merged."""
    eve, evelyn = people = (bots.eve(), bots.evelyn())
    await eve.say("/name Eve")
    await evelyn.say("/name Lyn")
    await evelyn.say("/add 3")
    await bots.link(people[first], people[1 - first])
    for person in people:
        assert await person.say("/name") == ["called Eve"]
        assert await person.say("/add 0") == ["3 points"]


async def test_a_person_has_one_identity_and_each_platform_its_id(bots: Linked) -> None:
    """`user.id` never changes; votes by `user.person` count once."""
    eve, evelyn = bots.eve(), bots.evelyn()
    (before,) = await eve.say("/who")
    assert await evelyn.say("/who") != [before.replace("eve", "evelyn")]
    await bots.link(eve, evelyn)
    assert await eve.say("/who") == [before]
    assert await evelyn.say("/who") == [before.replace("eve", "evelyn")]
    await evelyn.say("/unlink")
    assert await evelyn.say("/who") != [before.replace("eve", "evelyn")]


async def test_without_linking_a_person_is_their_id() -> None:
    """There is no /link then."""
    async with TestClient(make_bot(linking=False)) as client:
        alice = client.user("alice")
        assert [reply.text for reply in await alice.say("/who")] == ["alice alice"]
        assert "no command /link" in (await alice.say("/link"))[0].text


# What both had before


@on_each_store
async def test_unlink_restores_what_both_had(bots: Linked) -> None:
    """Moved, merged, or kept aside."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await eve.say("/name Eve")
    await eve.say("/add 2")
    await evelyn.say("/name Lyn")
    await evelyn.say("/add 3")
    await bots.link(eve, evelyn)
    await bots.clock.jump(29 * DAY)
    told = await evelyn.say("/unlink")
    assert told == ["You are not linked with Telegram Eve any more."]
    await bots.until(lambda: "any more" in eve.shown[-1])
    assert eve.shown[-1] == "You are not linked with Discord Evelyn any more."
    assert (await eve.say("/name"), await eve.say("/add 0")) == (["called Eve"], ["2 points"])
    assert (await evelyn.say("/name"), await evelyn.say("/add 0")) == (["called Lyn"], ["3 points"])
    assert await eve.say("/unlink") == ["You are linked with nobody."]


async def test_what_has_changed_since_stays_with_whoever_was_there_first(bots: Linked) -> None:
    """The other has what they had before."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await eve.say("/add 2")
    await evelyn.say("/add 3")
    await bots.link(eve, evelyn)
    await evelyn.say("/add 4")
    await eve.say("/unlink")
    assert await eve.say("/add 0") == ["9 points"]
    assert await evelyn.say("/add 0") == ["3 points"]


async def test_what_only_one_had_goes_back_to_them(bots: Linked) -> None:
    """The other has a new session's value again."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await eve.say("hi")
    await evelyn.say("/name Lyn")
    await bots.link(eve, evelyn)
    assert await eve.say("/name") == ["called Lyn"]
    await eve.say("/unlink")
    assert (await eve.say("/name"), await evelyn.say("/name")) == (["called "], ["called Lyn"])


@on_each_store
async def test_after_thirty_days_what_was_kept_aside_is_gone(bots: Linked) -> None:
    """So a new life begins for whoever leaves, and nothing of it is in the store."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await eve.say("/name Eve")
    await evelyn.say("/name Lyn")
    await bots.link(eve, evelyn)
    await bots.clock.jump(31 * DAY)
    await bots.parts.expiries.settle(5)
    assert not [entry for entry in await bots.store.list("states") if "Lyn" in entry.body]
    await evelyn.say("/unlink")
    assert await evelyn.say("/name") == ["called "]
    assert await eve.say("/name") == ["called Eve"]


@on_each_store
async def test_what_was_moved_lies_in_one_place(bots: Linked) -> None:
    """A broadcast to all who have a value finds one person."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await eve.say("/name Eve")
    await evelyn.say("/name Lyn")
    await bots.link(eve, evelyn)
    await bots.parts.expiries.settle(5)
    named = [
        entry for entry in await bots.store.list("states") if entry.key and entry.key.name == "name"
    ]
    assert [entry.person for entry in named] == ["eve"]


async def test_they_may_link_again(bots: Linked) -> None:
    """What is kept aside then is what they have then."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await evelyn.say("/name Lyn")
    for new in ("Lyn", "Eva"):
        await bots.link(eve, evelyn)
        assert await eve.say("/name") == [f"called {new}"]
        await eve.say("/unlink")
        assert await evelyn.say("/name") == [f"called {new}"]
        await evelyn.say("/name Eva")


# Codes


async def test_a_code_counts_once_and_for_five_minutes(bots: Linked) -> None:
    """Another one, or one that is over, is told so; it may be written in any way."""
    eve, evelyn = bots.eve(), bots.evelyn()
    unknown = ["I do not know this code, or not any more. Send /link to get one."]
    assert await evelyn.say("/link ABCD-EFGH-JKMN") == unknown
    code = await code_of(eve)
    assert len(code.replace("-", "")) == 12
    await bots.clock.jump(301)
    assert await evelyn.say(f"/link {code}") == unknown
    code = await code_of(eve)
    (asked,) = await evelyn.say(f"/link {code.lower().replace('-', '')}")
    assert asked.startswith("Link to Telegram Eve?")
    await evelyn.press("Yes")
    await eve.told(3)
    await eve.press("Yes")
    await bots.until(lambda: "You are linked" in evelyn.shown[-1])
    await evelyn.say("/unlink")
    assert await evelyn.say(f"/link {code}") == unknown


async def test_a_new_code_takes_the_place_of_the_one_before(bots: Linked) -> None:
    """Of the same person: others' hold on."""
    eve, evelyn = bots.eve(), bots.evelyn()
    first = await code_of(eve)
    others = await code_of(Someone(bots.discord, "other", bots.numbers))
    await code_of(eve)
    assert (await evelyn.say(f"/link {first}"))[0].startswith("I do not know this code")
    assert (await evelyn.say(f"/link {others}"))[0].startswith("Link to Discord Other?")


async def test_codes_are_not_stored(bots: Linked) -> None:
    """Only what they are known by."""
    code = await code_of(bots.eve())
    entries = await bots.store.list("states")
    assert [entry for entry in entries if entry.key and entry.key.name == "chatstate.link.codes"]
    assert not [
        entry for entry in entries if code in entry.body or code.replace("-", "") in entry.body
    ]


async def test_tries_are_counted(bots: Linked) -> None:
    """Ten an hour."""
    evelyn = bots.evelyn()
    for _ in range(10):
        assert (await evelyn.say("/link ABCD-EFGH-JKMN"))[0].startswith("I do not know this code")
    assert (await evelyn.say("/link ABCD-EFGH-JKMN"))[0].startswith("That was often enough")


async def test_nobody_links_with_themselves_or_twice(bots: Linked) -> None:
    """They are told so."""
    eve, evelyn = bots.eve(), bots.evelyn()
    assert await eve.say(f"/link {await code_of(eve)}") == ["You are linked already."]
    await bots.link(eve, evelyn)
    assert await evelyn.say(f"/link {await code_of(eve)}") == ["You are linked already."]


@pytest.mark.parametrize("who", ["sender", "other"])
async def test_either_may_say_no(bots: Linked, who: str) -> None:
    """Both are told, nothing has changed, and the code is spent."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await evelyn.say("/name Lyn")
    code = await code_of(eve)
    await evelyn.say(f"/link {code}")
    await evelyn.press("Yes" if who == "other" else "No")
    if who == "other":
        await eve.told(2)
        await eve.press("No")
    await bots.until(lambda: "You are not linked" in evelyn.shown[-1])
    await bots.until(lambda: "You are not linked" in eve.shown[-1])
    assert await eve.say("/name") == ["called "]
    assert (await evelyn.say(f"/link {code}"))[0].startswith("I do not know this code")


async def test_who_says_nothing_says_no(bots: Linked) -> None:
    """For five minutes."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await evelyn.say(f"/link {await code_of(eve)}")
    await evelyn.press("Yes")
    await eve.told(2)
    await bots.clock.jump(301)
    await bots.parts.expiries.settle(5)
    await bots.until(lambda: "You are not linked" in evelyn.shown[-1])


async def test_of_two_who_send_one_code_one_is_linked(bots: Linked) -> None:
    """Whoever the first has said yes to; the other is told that the code is not known any more."""
    eve, evelyn = bots.eve(), bots.evelyn()
    thief = Someone(bots.discord, "thief", bots.numbers)
    code = await code_of(eve)
    for person in (thief, evelyn):
        await person.say(f"/link {code}")
        await person.press("Yes")
    await eve.told(3)
    await eve.press("Yes")  # on the newest: Evelyn's
    await bots.until(lambda: "You are linked" in evelyn.shown[-1])
    (stolen,) = [shown for shown in bots.telegram.shown(eve.chat.id) if "Thief" in shown.text]
    data = stolen.buttons[0][0].data
    await eve.press_data(data, stolen)
    await bots.until(lambda: "I do not know this code" in thief.shown[-1])
    assert await thief.say("/unlink") == ["You are linked with nobody."]


async def test_who_confirms_too_late_is_told_where_they_are() -> None:
    """The other has given it up while the press was on its way."""
    bot, gate = make_bot(), asyncio.Event()

    @bot.command
    async def wait() -> None:
        await gate.wait()

    async with linked(bot) as bots:
        eve, evelyn = bots.eve(), bots.evelyn()
        await evelyn.say(f"/link {await code_of(eve)}")
        await evelyn.press("Yes")
        await eve.told(2)
        waiting = [asyncio.create_task(evelyn.say(text)) for text in ("/wait", "/cancel")]
        await bots.until(lambda: bool(bots.parts.turns.unended))
        await eve.press("Yes")
        gate.set()
        await asyncio.gather(*waiting)
        assert await eve.told(3) == "Eve, somebody has answered this before."
        assert await eve.say("/unlink") == ["You are linked with nobody."]


async def test_it_is_for_private_chats() -> None:
    """In a group nobody is shown a code."""
    async with TestClient(make_bot()) as client:
        alice = client.user("alice", chat="room")
        for command in ("/link", "/unlink"):
            assert [r.text for r in await alice.say(command)] == ["Please send me that in private."]


async def test_it_is_said_in_each_persons_language(bots: Linked) -> None:
    """Each reads with whom in their own."""
    eve, evelyn = bots.eve(), bots.evelyn()
    eve.user = User("eve", "Eve", "de")
    (shown,) = await eve.say("/link")
    assert shown.startswith("Schicke mir das")
    (asked,) = await evelyn.say(f"/link {shown.rpartition(' ')[2]}")
    assert asked.startswith("Link to Telegram Eve?")
    await evelyn.press("Yes")
    assert (await eve.told(2)).startswith("Mit Discord Evelyn verbinden?")


# Turns that run meanwhile, and others' values


async def test_a_persons_values_are_found_by_any_of_their_ids(bots: Linked) -> None:
    """By whoever looks at another's state."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await eve.say("/name Eve")
    await evelyn.say("/name Lyn")
    other = Someone(bots.discord, "other", bots.numbers)
    assert await other.say("/of evelyn") == ["Lyn of evelyn"]
    await bots.link(eve, evelyn)
    assert await other.say("/of evelyn") == ["Eve of evelyn"]


async def test_what_is_applied_is_applied_to_the_values_of_both(bots: Linked) -> None:
    """Whoever speaks."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await evelyn.say("/add 3")
    await bots.link(eve, evelyn)
    assert await evelyn.say("/apply") == ["4 applied"]
    assert await eve.say("/apply") == ["5 applied"]


@pytest.mark.parametrize("had_before", [True, False])
async def test_a_turn_that_runs_while_a_link_is_made_changes_the_values_of_both(
    had_before: bool,
) -> None:
    """It began before, and ends behind: it runs again."""
    gate, entered = asyncio.Event(), asyncio.Event()
    bot = make_bot()
    runs: list[str] = []

    @bot.command
    async def slow(turn: Turn, found: PerUser[list[str]]) -> str:
        runs.append(turn.user.person)
        found.append(f"slow{len(found)}")
        entered.set()
        await gate.wait()
        return f"{found}"

    @bot.command
    def quick(found: PerUser[list[str]]) -> str:
        found.append("quick")
        return f"{found}"

    async with linked(bot) as bots:
        eve, evelyn = bots.eve(), bots.evelyn()
        await eve.say("/quick")
        if had_before:
            await evelyn.say("/quick")
        aside = Someone(bots.discord, "evelyn", bots.numbers)
        aside.chat = Chat("elsewhere", "group")
        running = asyncio.create_task(aside.say("/slow"))
        await entered.wait()
        await bots.link(eve, evelyn)
        gate.set()
        assert await running == ["['quick', 'slow1']"]
        assert len(set(runs)) == 2
        assert await eve.say("/quick") == ["['quick', 'slow1', 'quick']"]


async def test_an_open_question_goes_on_in_the_name_that_is_its_persons_then() -> None:
    """It began before the link."""
    bot = make_bot()

    @bot.command
    async def ask(turn: Turn, name: Annotated[Ref[str], NAME]) -> str:
        said = await turn.ask("What?", key="what")
        return f"{said} {turn.user.person} {name.value}"

    async with linked(bot) as bots:
        eve, evelyn = bots.eve(), bots.evelyn()
        await eve.say("/name Eve")
        person = (await eve.say("/who"))[0].split()[1]
        aside = Someone(bots.discord, "evelyn", bots.numbers)
        aside.chat = Chat("elsewhere", "group")
        assert await aside.say("/ask") == ["What?"]
        await bots.link(eve, evelyn)
        assert await aside.say("tea") == [f"tea {person} Eve"]


async def test_timers_of_both_go_on(bots: Linked) -> None:
    """Where they were set, in whose name they were; with the values of both."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await eve.say("/name Eve")
    await evelyn.say("/later")
    await bots.link(eve, evelyn)
    assert await evelyn.say("/timers") == ["tea"]
    await bots.clock.jump(3600)
    await bots.parts.timers.settle(5)
    await bots.until(lambda: "ring" in evelyn.shown[-1])
    assert evelyn.shown[-1] == "ring evelyn Eve"


async def test_a_merge_that_fails_links_nobody() -> None:
    """Both keep what they had, and may try again."""
    wrong = State(0, scope="user", name="wrong", merge=lambda mine, theirs: mine[theirs])
    bot = make_bot()

    @bot.command
    def count(wrong: Annotated[Ref[int], wrong]) -> str:
        wrong.value += 1
        return f"{wrong.value}"

    async with TestClient(bot, raise_errors=False) as client:
        alice, bob = client.user("alice"), client.user("bob")
        for person in (alice, bob):
            await person.say("/count")
        code = (await alice.say("/link"))[0].text.rpartition(" ")[2]
        await bob.say(f"/link {code}")
        await bob.press("Yes")
        await client.advance(0)
        await alice.press("Yes")
        await client.advance(0)
        assert client.platform.shown(bob.chat.id)[-1].text.startswith("Sorry, something went wrong")
        assert [reply.text for reply in await bob.say("/count")] == ["2"]
        assert [r.text for r in await bob.say("/unlink")] == ["You are linked with nobody."]


async def test_a_part_that_links_needs_a_whole_that_does() -> None:
    """Its people would not find their values."""
    whole = Interface(id="whole")
    whole.include(make_bot())
    with pytest.raises(BindingError, match=r"say Interface\(\.\.\., linking=True\) of the whole"):
        whole.check()


async def test_a_part_that_links_joins_a_whole_that_does() -> None:
    """With its states."""
    whole = Interface(id="whole", linking=True)
    whole.include(make_bot())
    async with TestClient(whole) as client:
        alice, bob = client.user("alice"), client.user("bob")
        await alice.say("/add 2")
        code = (await alice.say("/link"))[0].text.rpartition(" ")[2]
        await bob.say(f"/link {code}")
        await bob.press("Yes")
        await client.advance(0)
        await alice.press("Yes")
        await client.advance(0)
        assert [reply.text for reply in await bob.say("/add")] == ["3 points"]


# What a store tells


@on_each_store
async def test_a_store_tells_which_identities_belong_to_a_person(bots: Linked) -> None:
    """By any of their internal ids; of who is not linked it tells none."""
    eve, evelyn = bots.eve(), bots.evelyn()
    account = (await bots.store.accounts())[0].id
    await eve.say("hi")
    person = await bots.store.person(account, eve.user)
    assert await identities(bots.store, "bot", person) == ()
    await bots.link(eve, evelyn)
    found = await identities(bots.store, "bot", person)
    assert [(each.at, each.id) for each in found] == [
        ("telegram:bot", "eve"),
        ("discord:bot", "evelyn"),
    ]
    for each in found:
        assert await identities(bots.store, "bot", each.person) == found
    await evelyn.say("/unlink")
    assert await identities(bots.store, "bot", person) == ()


async def test_each_link_leaves_a_row_that_tells_of_it(bots: Linked) -> None:
    """With whom, when, and by whom it was ended."""
    eve, evelyn = bots.eve(), bots.evelyn()
    await bots.link(eve, evelyn)
    await evelyn.say("/unlink")
    rows = [e for e in await bots.store.list("states") if e.key and e.key.name == "chatstate.link"]
    assert {row.person for row in rows} == {"eve", "evelyn"}
    assert all('"linked"' in row.body and '"unlinked"' in row.body for row in rows)


async def test_three_are_one_and_one_of_them_leaves(bots: Linked) -> None:
    """The others stay together; if the first leaves, all go their own ways."""
    eve, evelyn = bots.eve(), bots.evelyn()
    third = Someone(bots.discord, "third", bots.numbers)
    people = (eve, evelyn, third)
    for number, person in enumerate(people, 1):
        await person.say(f"/add {number}")
    await bots.link(eve, evelyn)
    await bots.link(third, evelyn)
    assert [await person.say("/add 0") for person in people] == [["6 points"]] * 3
    await evelyn.say("/unlink")
    assert await evelyn.say("/add 0") == ["2 points"]
    assert [await person.say("/add 0") for person in (eve, third)] == [["6 points"]] * 2
    await eve.say("/unlink")
    assert [await person.say("/add 0") for person in people] == [
        ["3 points"],
        ["2 points"],
        ["3 points"],
    ]
