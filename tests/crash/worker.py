"""A bot in a process of its own, whose platform is the parent: JSON lines over stdin and stdout.

`worker.py FILE POLICY KEYS_KNOWN_FOR [KILL_POINT]` reads {"event": ...}, {"sent": key} and
{"ask": text, "key": ...} for what the bot is to send by itself, {"tell": text, "key": ...} for what
it is to say to all groups; it writes {"ready": pid},
{"ack": id} when `deliver` has returned, {"asked": key} when `bot.send` has, {"called": n} from
within a step, and {"send": text, "key": ...} for each call of `perform`. At its kill point it ends
itself as SIGKILL ends a process (`fragile`).
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from fragile import Fuse

from chatstate import (
    Chat,
    Event,
    Global,
    Interface,
    PerChat,
    PerMember,
    PerThread,
    PerUser,
    Turn,
)
from chatstate.adapter import Action, Adapter, Capabilities, Host, Part, Post, Sent
from chatstate.cli.loops import loop_factory
from chatstate.engine import Engine
from chatstate.stores.sqlite import SQLiteStore

ELSEWHERE = Chat("elsewhere", "group")
bot = Interface(id="kept")
kill_point = sys.argv[4] if len(sys.argv) > 4 else ""
fuse = Fuse(lambda point: point == kill_point)
die_at = fuse.die_at


def write(line: dict[str, Any]) -> None:
    """Hand a line to the parent; it is the parent's, even if this process is killed at once."""
    os.write(1, json.dumps(line).encode() + b"\n")


def call(number: int) -> int:
    """Do something outside, which must not be repeated."""
    write({"called": number})
    return number


@bot.on_message
async def remember(
    message: str,
    member: PerMember[list[int]],
    thread: PerThread[list[int]],
    chat: PerChat[list[int]],
    user: PerUser[list[int]],
    everybody: Global[list[int]],
) -> str:
    """Append a number to the state of each scope, and reply what that made of them."""
    number, parts, pauses = (int(word) for word in message.split())
    for _ in range(pauses):
        await asyncio.sleep(0.001)
    lists = (member, thread, chat, user, everybody)
    for values in lists:
        values.append(number)
    die_at("handler")
    sizes = " ".join(str(len(values)) for values in lists)
    return "\n".join(f"{number}.{part} {sizes}" for part in range(parts))


@bot.on_edit
async def stream(message: str, member: PerMember[list[int]]) -> AsyncIterator[str]:
    """Reply in a stream."""
    member.append(int(message))
    yield "one"
    yield "one two"
    die_at("stream")
    yield "one two three"


@bot.command
async def step(number: int, turn: Turn, member: PerMember[list[int]]) -> str:
    """Call something outside, once."""
    result = await turn.step("call", lambda: call(number))
    member.append(result)
    die_at("step")
    return f"called {result}"


@bot.command
async def tell(number: int, turn: Turn, member: PerMember[list[int]]) -> str:
    """Tell somebody else, and say so."""
    member.append(number)
    await turn.send(f"told {number}", to=ELSEWHERE)
    die_at("told")
    return f"{number} is told"


@bot.on_timer
async def ring(number: int, rung: PerMember[list[int]]) -> str:
    """Note that a timer has fired, and say so."""
    rung.append(number)
    die_at("ringing")
    return f"ring {number}"


@bot.command
def later(number: int, turn: Turn) -> str:
    """Set a timer, or move it."""
    turn.later(timedelta(0), ring, key=str(number), number=number)
    return f"set {number}"


@bot.command
def wait(number: int, turn: Turn) -> str:
    """Set a timer for much later."""
    turn.later(timedelta(days=1), ring, key=str(number), number=number)
    return f"waits {number}"


@bot.command
def never(number: int, turn: Turn) -> str:
    """Cancel a timer."""
    turn.cancel(str(number))
    return f"cancelled {number}"


@bot.command
async def gather(turn: Turn, member: PerMember[list[int]]) -> str:
    """Ask for three numbers, and keep them."""
    numbers = [await turn.ask(f"number {n}?", key=f"n-{n}", type=int) for n in range(3)]
    member.extend(numbers)
    die_at("handler")
    return f"got {numbers}"


class PipeAdapter(Adapter):
    """Speaks with the parent."""

    name = "pipe"
    account = "bot"

    def __init__(self, keys_known_for: float) -> None:
        self.capabilities = Capabilities(idempotent_for=keys_known_for)
        self._events = asyncio.Queue[Event]()
        self._answers: dict[str, asyncio.Future[None]] = {}
        self._asking: list[asyncio.Task[None]] = []

    async def run(self, host: Host) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=1 << 20)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        delivering = asyncio.create_task(self._deliver(host))
        write({"ready": os.getpid()})
        try:
            async for line in reader:
                self._take(json.loads(line))
        finally:
            delivering.cancel()

    def render(self, post: Post) -> Sequence[Part]:
        return [Part({"text": line}) for line in post.text.text.split("\n")]

    async def perform(self, action: Action) -> Sent:
        die_at("begun")
        answer = asyncio.get_running_loop().create_future()
        self._answers[action.key] = answer
        write(
            {
                "send": action.part.content["text"],
                "key": action.key,
                "chat": action.chat,
                "thread": action.thread,
                "origin": action.origin,
            }
        )
        die_at("got")
        await answer
        return Sent()

    def _take(self, line: dict[str, Any]) -> None:
        if "ask" in line:
            self._asking.append(asyncio.create_task(self._ask(line["ask"], line["key"])))
        elif "tell" in line:
            self._asking.append(asyncio.create_task(self._tell(line["tell"], line["key"])))
        elif "sent" in line:
            self._answers.pop(line["sent"]).set_result(None)
        else:
            self._events.put_nowait(msgspec.convert(line["event"], Event))

    async def _ask(self, text: str, key: str) -> None:
        receipt = await bot.send(ELSEWHERE, text, key=key)
        write({"asked": key, "status": receipt.status})

    async def _tell(self, text: str, key: str) -> None:
        receipt = await bot.broadcast(text, to="groups", key=key)
        write({"asked": key, "status": receipt.status})

    async def _deliver(self, host: Host) -> None:
        while True:
            events = [await self._events.get()]
            while not self._events.empty():
                events.append(self._events.get_nowait())
            await host.deliver(events, cursor=events[-1].id)
            die_at("stored")
            for event in events:
                write({"ack": event.id})


async def main() -> None:
    path, policy, keys_known_for = sys.argv[1:4]
    if kill_point:
        fuse.around_the_store()
    adapter = PipeAdapter(float(keys_known_for))
    engine = Engine(bot, [adapter], SQLiteStore(path), on_ambiguous=policy)  # type: ignore[arg-type]  # from argv
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, engine.request_stop)
    await engine.run()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(main())
