"""Guards of what leaves (`@bot.egress`): nothing goes around them, whatever it is and wherefrom."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import timedelta
from typing import Annotated, Any

import msgspec
import pytest
from msgspec.structs import replace

import chatstate.replies
from chatstate import (
    Button,
    Card,
    Complete,
    Contact,
    Delete,
    EgressError,
    File,
    Interface,
    Location,
    Markdown,
    Native,
    Option,
    Outgoing,
    Poll,
    React,
    Reply,
    Select,
    ShareContact,
    ShareLocation,
    State,
    Sticker,
    Turn,
    User,
    UserError,
)
from chatstate.adapter import Action, Adapter, Host, Sent
from chatstate.engine.egress import borders, words
from chatstate.language.en import ENGLISH
from chatstate.mentions import START
from chatstate.messages import Chat
from chatstate.stores.base import Outcome, TurnCommit
from chatstate.testing import FakePlatform, TestClient
from chatstate.testing.platform import FULL

WORD = "forbidden"
CLEAN = "seemly"
DOORS: dict[str, Callable[[TestClient], Awaitable[object]]] = {}
Guard = Callable[[Outgoing], Any]


class Border(FakePlatform):
    """A platform that keeps all that crosses to it, as it was given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.crossed: list[Any] = []

    async def perform(self, action: Action) -> Sent:
        self.crossed.append(action)
        return await super().perform(action)

    def has(self, word: str) -> bool:
        return any(word in repr(thing) for thing in self.crossed)


def stop(out: Outgoing) -> Outgoing | None:
    return None if WORD in out.words else out


async def change(out: Outgoing) -> Outgoing | None:
    return out.map(lambda text: text.replace(WORD, CLEAN))


GUARDS: list[Guard] = [stop, change]


def door(fn: Callable[[TestClient], Awaitable[object]]) -> None:
    """Note a way on which the word may leave."""
    DOORS[fn.__name__] = fn


SAID = State([], scope="global", name="said", type=list[str])


def guarded(guard: Any) -> Interface:
    """Return a bot whose every sentence, and all that it does, holds the word."""
    sentences = {name: f"{WORD} {text}" for name, text in ENGLISH.items()}
    bot = Interface(
        id="bot", title=f"A {WORD} bot", sentences=sentences, privacy=True, linking=True
    )
    bot.egress(guard)
    add_messages(bot)
    add_dialogues(bot)
    add_commands(bot)
    return bot


def add_messages(bot: Interface) -> None:
    @bot.on_timer
    def ring() -> str:
        return f"ding {WORD}"

    async def raises(_: Turn) -> None:
        raise UserError(WORD)

    async def fails(_: Turn) -> None:
        raise ValueError("nobody sees it")

    async def sends(turn: Turn) -> str:
        await turn.send(WORD)
        return "done"

    async def sends_elsewhere(turn: Turn) -> str:
        await turn.send(WORD, to=Chat("private-bob"))
        return "done"

    async def sets_a_timer(turn: Turn) -> None:
        turn.later(timedelta(minutes=1), ring)

    async def applies(turn: Turn) -> None:
        turn.apply(SAID, lambda said: [*said, "x"], reply=lambda _: WORD)

    does = {
        "raise": raises,
        "fail": fails,
        "send": sends,
        "elsewhere": sends_elsewhere,
        "later": sets_a_timer,
        "apply": applies,
    }

    @bot.on_message
    async def answer(text: str, turn: Turn, said: Annotated[list[str], SAID]) -> Any:
        return await does[text](turn) if text in does else f"{WORD} {len(said)}"

    @bot.every(timedelta(hours=1))
    async def hourly(turn: Turn) -> None:
        await turn.send(WORD, to=Chat("private-bob"))


def add_dialogues(bot: Interface) -> None:
    @bot.command
    async def ask(turn: Turn) -> str:
        return await turn.ask(f"{WORD}?", key="what")

    @bot.command
    async def choose(turn: Turn) -> str:
        return await turn.ask("Which?", key="what", choices=[WORD])

    @bot.command
    async def approve(turn: Turn) -> str:
        return str(await turn.confirm(f"{WORD}?", key="ok", of=User("bob")))

    @bot.command
    async def after(turn: Turn) -> str:
        return await turn.ask("What?", key="what")


def add_commands(bot: Interface) -> None:
    @bot.command
    def number(count: int) -> str:
        return str(count)

    @bot.command
    def offer(what: Annotated[str, Complete(lambda _: [f"{WORD} tea"])]) -> str:
        return what

    @bot.command(description=f"{WORD} description")
    def described() -> None: ...

    @bot.command(timeout=2)
    async def forever() -> None:
        await asyncio.get_running_loop().create_future()

    @bot.command(limits="1/hour")
    def rarely() -> None: ...

    @bot.command(allow=lambda _: False)
    def refused() -> None: ...

    @bot.on("test:query")
    def query() -> str:
        return WORD

    bot.on_edit(lambda: WORD)


async def says(client: TestClient, text: str) -> None:
    await client.user("alice").say(text)


SAYINGS = (
    *("hi", "raise", "fail", "send", "elsewhere", "apply"),
    *("/forget", "/export", "/link", "/link x", "/unlink"),
    *("/help", "/unknown", "/number x", "/number", "/refused", "/ask", "/choose", "/start"),
)
for words_said in SAYINGS:
    DOORS[words_said] = functools.partial(says, text=words_said)


@door
async def a_timer(client: TestClient) -> None:
    await says(client, "later")
    await client.advance(61)


@door
async def a_schedule(client: TestClient) -> None:
    await client.advance(3601)


@door
async def a_limit(client: TestClient) -> None:
    await says(client, "/rarely")
    await says(client, "/rarely")


@door
async def a_dialogue_that_goes_on(client: TestClient) -> None:
    await says(client, "/after")
    await says(client, WORD)


@door
async def a_dialogue_that_is_given_up(client: TestClient) -> None:
    await says(client, "/after")
    await says(client, "/cancel")


@door
async def another_ones_approval(client: TestClient) -> None:
    await says(client, "/approve")
    await client.advance(0)


@door
async def an_edit(client: TestClient) -> None:
    alice = client.user("alice")
    event = alice.event("x")
    await client.deliver(replace(event, message=replace(event.message, kind="edit")))


@door
async def an_inline_query(client: TestClient) -> None:
    answers = await client.user("alice").ask("test:query")
    client.platform.crossed.append(answers)  # type: ignore[attr-defined]  # the recorder has it


@door
async def what_may_be_typed(client: TestClient) -> None:
    offered = await client.user("alice").complete("/offer ")
    client.platform.crossed.append(offered)  # type: ignore[attr-defined]  # the recorder has it


@door
async def menus(client: TestClient) -> None:
    host = await client.platform.connected()
    told = [host.commands, host.about, *(host.sentences(tag) for tag in ("de", "pt-BR", None))]
    client.platform.crossed += told  # type: ignore[attr-defined]  # the recorder has it


@door
async def a_refusal_before_delivery(client: TestClient) -> None:
    host = await client.platform.connected()
    refused = host.refusal(client.user("alice").event("/unknown").message)
    client.platform.crossed.append(refused)  # type: ignore[attr-defined]  # the recorder has it
    await says(client, "/unknown")


@door
async def something_sent_from_outside(client: TestClient) -> None:
    try:
        receipt = await client.bot.send(Chat("private-alice"), Reply(WORD))
    except EgressError:
        return
    await receipt.settled()


@door
async def a_broadcast(client: TestClient) -> None:
    await says(client, "hi")
    try:
        receipt = await client.bot.broadcast(Reply(WORD), to=[Chat("private-alice")], key="news")
    except EgressError:
        return
    while (await receipt.progress()).standing != "done":
        await client.advance(1)


@door
async def a_turn_that_takes_too_long(client: TestClient) -> None:
    said = asyncio.create_task(client.user("alice").say("/forever"))
    while not said.done():
        await client.advance(1)


@door
async def a_full_inbox(client: TestClient) -> None:
    alice = client.user("alice")
    receipts = await client.deliver_all([alice.event(str(n)) for n in range(9)])
    await asyncio.gather(*(receipt.settled() for receipt in receipts))
    await client._engine.idle()  # type: ignore[union-attr]  # it is open


ASKED_FOR_AFTER = ("apply", "a_turn_that_takes_too_long")
"""What is made within the commit, or told at once by whoever ends a turn."""


def watched(client: TestClient) -> list[str]:
    """Return what will be stored of replies that are owed."""
    store, owed = client._store, list[str]()
    commit = store.commit

    async def watching(turns: Sequence[TurnCommit]) -> Sequence[Outcome]:
        owed.extend(reply.body for turn in turns for reply in turn.owed)
        return await commit(turns)

    vars(store)["commit"] = watching
    return owed


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize("name", list(DOORS))
async def test_nothing_goes_around_a_guard(name: str, guard: Guard) -> None:
    """Whoever says it, on whatever way: what is stopped is not even stored."""
    platform, raises = Border(), guard is change and name != "fail"
    options: dict[str, Any] = {"raise_errors": raises, "store_options": {"waiting_limit": 3}}
    async with TestClient(guarded(guard), store=":memory:", platform=platform, **options) as client:
        owed = watched(client)
        await DOORS[name](client)
    assert not platform.has(WORD)
    assert (WORD in "".join(owed)) == (name in ASKED_FOR_AFTER)
    if guard is change:
        assert platform.has(CLEAN)
    assert [verdict for verdict in client.verdicts if verdict.out.kind != "menu"] or name == "menus"


def test_each_member_of_the_border_is_known() -> None:
    """What is added to what an adapter is asked, or may ask, is guarded, or tells nothing."""
    asks = {name for name in dir(Host) if not name.startswith("_")}
    asked = {name for name in dir(Adapter) if not name.startswith("_")}
    assert asks - set(vars(borders._GuardedHost)) == {
        *("assure", "connected", "cursor", "cursor_of", "deliver", "interrupt", "kinds", "lead"),
        *("lost", "moved", "pass_on", "passed", "peers", "recall", "remember", "share", "updates"),
        *("guest", "time_there"),
        *("inspect", "witness"),  # an operator's, of the store and of turns
        "transcript",  # what adapters put there themselves
    }
    assert asked - set(vars(borders._GuardedAdapter)) == {
        *("attach", "examine", "export", "find", "forget", "is_admin", "label", "on_each_worker"),
        *("open", "private_chat", "run", "updates"),
        "client",  # outside of all promises
    }


# Whatever it is

PERSON = User("bob", WORD)
CONTENTS: dict[str, Any] = {
    "text": WORD,
    "markdown": Markdown(f"# {WORD}"),
    "markdown across marks": Markdown(f"{WORD[:3]}**{WORD[3:]}**"),
    "link": Markdown(f"[here](https://{WORD}.example)"),
    "code's language": Markdown(f"```{WORD}\nx\n```"),
    "table": Markdown(f"| a | b |\n|---|---|\n| {WORD} | 1 |"),
    "mention": f"Hello {PERSON.mention}",
    "mention in markdown": Markdown(f"*Hello* {PERSON.mention}"),
    "label": Reply("x", [Button(f"Say {WORD}", value="y")]),
    "value": Reply("x", [Button("y", value=WORD)]),
    "command": Reply("x", [Button("y", command=f"/say {WORD}")]),
    "address": Reply("x", [Button("y", url=f"https://{WORD}.example")]),
    "file": File(b"x", f"{WORD}.txt"),
    "file's type": File(b"x", "x", f"text/{WORD}"),
    "file's id": File(id=WORD),
    "file's address": File(url=f"https://x.example/{WORD}"),
    "title": Card(title=WORD),
    "card": Card(text=Markdown(f"*{WORD}*")),
    "card's text": Card(text=WORD),
    "field": Card(fields={"x": WORD}),
    "field's name": Card(fields={WORD: "x"}),
    "footer": Card(title="x", footer=WORD),
    "title's address": Card(title="x", url=f"https://{WORD}.example"),
    "picture": Card(title="x", image=f"https://{WORD}.example"),
    "picture's name": Card(title="x", image=File(b"x", f"{WORD}.png")),
    "option": Reply("x", select=Select([Option(WORD, "x"), Option("y")])),
    "option's value": Reply("x", select=Select([Option("x", WORD), Option("y")])),
    "option's description": Reply("x", select=Select([Option("x", description=WORD), "y"])),
    "options": Reply("x", select=Select([WORD, "y"], max_values=2)),
    "placeholder": Reply("x", select=Select(["x", "y"], placeholder=WORD)),
    "suggestion": Reply("x", suggestions=[WORD]),
    "wish": Reply("x", suggestions=[ShareContact(WORD)]),
    "wish for a place": Reply("x", suggestions=[ShareLocation(WORD)]),
    "contact": Reply(contact=Contact("123", WORD)),
    "number": Reply(contact=Contact(WORD, "x")),
    "place": Reply(location=Location(1.0, 2.0, WORD)),
    "place's address": Reply(location=Location(1.0, 2.0, "x", WORD)),
    "question": Reply(poll=Poll(WORD, ["x", "y"])),
    "poll's option": Reply(poll=Poll("x", [WORD, "y"])),
    "sticker": Reply(sticker=Sticker("x", "", WORD)),
    "sticker's emoji": Reply(sticker=Sticker("x", WORD)),
    "sticker's id": Reply(sticker=Sticker(WORD)),
    "native": Reply("x", native={"test": {"x": [{"y": WORD}]}}),
    "native's name": Reply("x", native={"test": {"x": {WORD: "y"}}}),
    "call": Native("say", on="test", x=WORD),
    "call's name": Native("say", on="test", x={WORD: 1}),
    "call's file": Native("say", on="test", x=[File(b"x", f"{WORD}.txt")]),
    "call's method": Native(WORD, on="test"),
    "otherwise": Native("say", on="another", otherwise=WORD),
    "reaction": React(WORD),
    "second of two": ["x", WORD],
    "edit": Reply(WORD, edit="message-1"),
}
LACKING = replace(
    FULL,
    **{field.name: False for field in msgspec.structs.fields(type(FULL)) if field.type is bool},
)


def saying(guard: Any, **options: Any) -> Interface:
    """Return a bot that says each of the contents by its name."""
    bot = Interface(id="bot", sentences={"withheld": "I may not."}, **options)
    bot.egress(guard)

    @bot.on_message
    def say(text: str) -> Any:
        return CONTENTS.get(text, text)

    return bot


@pytest.mark.parametrize("capabilities", [FULL, LACKING], ids=["full", "lacking"])
@pytest.mark.parametrize("guard", GUARDS)
async def test_no_content_goes_around_a_guard(guard: Guard, capabilities: Any) -> None:
    """Whatever it is made of, and however a platform shows it."""
    platform = Border(capabilities=capabilities)
    async with TestClient(
        saying(guard), store=":memory:", platform=platform, raise_errors=False
    ) as client:
        alice = client.user("alice")
        await alice.say("hello")
        for name, content in CONTENTS.items():
            if isinstance(content, Native) and not (capabilities.native or content.otherwise):
                continue
            platform.crossed.clear()
            seen = len(client.verdicts)
            await alice.say(name)
            assert not platform.has(WORD), name
            assert len(client.verdicts) > seen, name
            assert START not in client.verdicts[-1].out.words  # it is read as people read it
            if guard is stop:
                assert [reply.text for reply in platform.delivered[-1:]] == ["I may not."], name


def fields_with_texts(kind: type[msgspec.Struct]) -> set[str]:
    found = msgspec.structs.fields(kind)
    return {f"{kind.__name__}.{field.name}" for field in found if "str" in repr(field.type)}


AUTHORS: list[Any] = [
    *(getattr(chatstate.replies, name) for name in chatstate.replies.__all__),
    *(Contact, File, Location, Poll, Sticker),
]
ALL_TEXTS = {
    name
    for kind in AUTHORS
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not Delete
    for name in fields_with_texts(kind)
}


def places(value: Any, at: str) -> Iterator[str]:
    """Yield the fields in which the word stands."""
    if isinstance(value, str) and WORD in value:
        yield at
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from places(getattr(value, name), f"{type(value).__name__}.{name}")
    elif isinstance(value, dict):
        yield from places([*value, *value.values()], at)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from places(item, at)


def test_each_text_that_an_author_can_give_is_tried() -> None:
    """A field that is added wants a content above, or is none that is shown."""
    tried = {place for content in CONTENTS.values() for place in places(content, "")}
    ours = {name for name in ALL_TEXTS if name.partition(".")[2] in words._OURS}
    made_of_others = {"Reply.text", "Reply.buttons", "Select.options"}
    assert ALL_TEXTS - ours - tried - made_of_others == {"Card.colour"}
    assert ours == {
        "Contact.user_id",
        "File.source",
        "React.to",
        "Reply.edit",
        "Reply.reply_to",
    }
