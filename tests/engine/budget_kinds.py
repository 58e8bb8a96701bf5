"""The kinds of turns that are counted: for each a bot, and what everybody does.

1. A kind is one feature, beside what each turn has: a member's state of five lines, and a reply.
   What its turns cost more than "plain" is the feature's price.
2. Of what takes two turns, a question and its answer, the two are counted, and shown as shares of a
   message as all else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, NamedTuple

from chatstate import (
    Button,
    CallNext,
    Chat,
    File,
    Global,
    Interface,
    Message,
    PerChat,
    PerMember,
    PerUser,
    Ref,
    Reply,
    Select,
    State,
    Turn,
    User,
)

PRESS, CHOOSE = "(presses the button)", "(chooses an option)"
"""What people do who say nothing."""

Seen = PerMember[list[str]]
Told = Annotated[list[str], State(ttl=3600.0)]


class Kind(NamedTuple):
    """A kind of turn: its bot, and what everybody says or does, batch by batch and round again.

    - `before`: what everybody says before that, once.
    - `replies`: how many there are for each message.
    - `apart`: each event is delivered in a call of its own, all of them at once.
    - `is_again`: all batches are the same events. `is_edit`: they are edits.
    - `is_broadcast`: the bot tells everybody something in place of all that.
    - `people`: how many of them there are.
    - `links`: people are linked before, two and two.
    """

    bot: Callable[[], Interface]
    says: tuple[str, ...] = ("something that somebody says",)
    before: str = ""
    replies: float = 1
    apart: bool = False
    is_again: bool = False
    is_edit: bool = False
    is_broadcast: bool = False
    people: int = 100
    links: bool = False


def _kept(seen: list[str], message: str) -> str:
    seen[:] = [*seen[-4:], message]
    return "\n".join(seen)


async def _plain(message: str, seen: Seen) -> str:
    return _kept(seen, message)


def _sync(message: str, seen: Seen) -> str:
    return _kept(seen, message)


async def _command(number: int, what: str, seen: Seen) -> str:
    return _kept(seen, f"{number} of {what}")


async def _buttons() -> Reply:
    return Reply("choose", buttons=[Button("one of them", "what it sends")])


async def _select() -> Reply:
    return Reply("choose", select=Select(["one of them", "another"], "what"))


async def _chosen(message: Message, seen: Seen) -> str:
    return _kept(seen, ", ".join(message.selected or ()))


async def _ttl(message: str, seen: Told) -> str:
    return _kept(seen, message)


async def _around(call_next: CallNext) -> Any:
    return await call_next()


async def _unicode(message: str, seen: Seen) -> str:
    return f"☂ {_kept(seen, message)}"


async def _generator(message: str, seen: Seen) -> AsyncIterator[str]:
    yield "it begins"
    yield _kept(seen, message)


async def _ask(turn: Turn, seen: Seen) -> str:
    return _kept(seen, await turn.ask("which?", key="which"))


async def _confirm(turn: Turn, seen: Seen) -> str:
    return _kept(seen, str(await turn.confirm("sure?", key="sure")))


async def _form(number: float, what: str) -> str:
    return f"{number} of {what}"


async def _step(turn: Turn, message: str, seen: Seen) -> str:
    return _kept(seen, await turn.step("outside", lambda: message))


async def _timer(turn: Turn, message: str, seen: Seen) -> str:
    turn.later(timedelta(hours=1), "it is time", key="later")
    return _kept(seen, message)


async def _fires(turn: Turn, message: str, seen: Seen) -> str:
    turn.later(timedelta(0), "it is time", key="now")
    return _kept(seen, message)


async def _file(message: str, seen: Seen) -> Reply:
    return Reply(_kept(seen, message), files=[File(b"what it holds", name="file.txt")])


async def _reads_global(message: str, seen: Seen, rules: Global[list[str]]) -> str:
    return _kept(seen, f"{message} of {len(rules)}")


async def _changes_global(count: Global[Ref[int]]) -> str:
    count.value += 1
    return f"{count.value}"


@dataclass
class _Profile:
    name: str = ""
    seen: list[str] = field(default_factory=list)


async def _several(
    message: str, seen: Seen, profile: PerUser[_Profile], topics: PerChat[dict[str, int]]
) -> str:
    profile.name = message
    topics[message] = topics.get(message, 0) + 1
    return _kept(seen, message)


async def _elsewhere(message: str, turn: Turn, user: User, seen: Seen) -> str:
    number = int(user.id.rpartition("-")[2])
    await turn.send(f"{user.id}: {message}", to=Chat(f"chat-{number ^ 1}"))
    return _kept(seen, message)


async def _charges(message: str, turn: Turn, seen: Seen) -> str:
    turn.charge(2)
    return _kept(seen, message)


async def _number(number: float, history: list[float]) -> tuple[str, list[float]]:
    return f"{number}", [*history[-4:], number]


async def _edited(message: Message, seen: Seen) -> str:
    return _kept(seen, message.text)


def _answering(handler: Callable[..., Any], *, linking: bool = False, **options: Any) -> Interface:
    bot = Interface(id="budget", linking=linking)
    bot.on_message(**options)(handler)
    return bot


def _with(name: str, command: Callable[..., Any], other: Callable[..., Any] = _plain) -> Interface:
    bot = _answering(other)
    bot.command(name=name)(command)
    return bot


def _with_middleware() -> Interface:
    bot = _answering(_plain)
    bot.middleware(_around)
    return bot


def _on_edit() -> Interface:
    bot = _answering(_plain)
    bot.on_edit(_edited)
    return bot


def _of_number() -> Interface:
    history: Any = State([], name="history")
    return Interface(_number, inputs=["number", history], outputs=["text", history], id="budget")


def _of_form() -> Interface:
    return Interface(_form, inputs=["number", "text"], outputs="text", id="budget")


KINDS: Mapping[str, Kind] = {
    "plain": Kind(lambda: _answering(_plain)),
    "apart": Kind(lambda: _answering(_plain), apart=True),
    "sync": Kind(lambda: _answering(_sync)),
    "command": Kind(lambda: _with("add", _command), ("/add 3 pints of milk",)),
    "press": Kind(lambda: _with("buttons", _buttons), (PRESS,), "/buttons"),
    "select": Kind(lambda: _with("select", _select, _chosen), (CHOOSE,), "/select"),
    "ttl": Kind(lambda: _answering(_ttl)),
    "middleware": Kind(_with_middleware),
    "non-ascii": Kind(lambda: _answering(_unicode)),
    "generator": Kind(lambda: _answering(_generator)),
    "ask": Kind(lambda: _with("begin", _ask), ("/begin", "that")),
    "confirm": Kind(lambda: _with("begin", _confirm), ("/begin", PRESS)),
    "form": Kind(_of_form, ("3", "pints of milk")),
    "step": Kind(lambda: _answering(_step)),
    "timer": Kind(lambda: _answering(_timer)),
    "timer fires": Kind(lambda: _answering(_fires), replies=2),
    "broadcast": Kind(lambda: _answering(_plain), before="hello", is_broadcast=True, people=4),
    "file": Kind(lambda: _answering(_file)),
    "reads global": Kind(lambda: _answering(_reads_global)),
    "changes global": Kind(lambda: _answering(_changes_global)),
    "several states": Kind(lambda: _answering(_several)),
    "elsewhere": Kind(lambda: _answering(_elsewhere), replies=2),
    "charge": Kind(lambda: _answering(_charges, limits="1000000/day")),
    "number": Kind(_of_number, ("3",)),
    "edit": Kind(_on_edit, is_edit=True),
    "linked": Kind(lambda: _answering(_plain, linking=True), links=True, people=10),
    "duplicate": Kind(lambda: _answering(_plain), is_again=True, replies=0),
}
