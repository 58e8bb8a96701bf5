"""A worker in a process of its own, on a store that others share; its platform is the parent.

`fleet_worker.py URL` reads {"event": ...} and {"sent": key} as JSON lines from stdin; it writes
{"ready": pid}, {"ack": id} once an event is durable and {"send": text, "key": ..., "chat": ...} for
each call on the platform. Events come to any worker, as those of a webhook do.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from chatstate import Event, Global, Interface, PerChat, PerMember, PerUser, Ref, Turn
from chatstate.adapter import Action, Adapter, Capabilities, Host, Part, Post, Sent
from chatstate.cli.loops import loop_factory
from chatstate.engine import Engine
from chatstate.stores import open_store

bot = Interface(id="bot")


def write(line: dict[str, Any]) -> None:
    """Hand a line to the parent; it is the parent's, even if this process is killed at once."""
    os.write(1, json.dumps(line).encode() + b"\n")


@bot.on_message
async def count(
    message: str,
    said: PerMember[list[int]],
    here: PerChat[Ref[int]],
    person: PerUser[Ref[int]],
    total: Global[Ref[int]],
    turn: Turn,
) -> str:
    """Count a number everywhere, some of it by steps, and tell how many there were before."""
    number = int(message)
    if number % 5 == 0:
        await turn.step("pause", lambda: asyncio.sleep(0.002))
    said.append(number)
    here.value += 1
    person.value += 1
    total.value += 1
    return f"{number} {len(said)}"


class PipeAdapter(Adapter):
    """Speaks with the parent."""

    name = "pipe"
    account = "bot"
    capabilities = Capabilities(idempotent_for=3600.0)

    def __init__(self) -> None:
        self._answers: dict[str, asyncio.Future[None]] = {}

    async def run(self, host: Host) -> None:  # noqa: ARG002 - events come to all workers
        await asyncio.get_running_loop().create_future()

    def render(self, post: Post) -> Sequence[Part]:
        return [Part({"text": post.text.text})]

    async def perform(self, action: Action) -> Sent:
        if action.verb != "send":
            return Sent()
        self._answers[action.key] = asyncio.get_running_loop().create_future()
        write({"send": action.part.content["text"], "key": action.key, "chat": action.chat})
        await self._answers[action.key]
        return Sent()

    def sent(self, key: str) -> None:
        """Go on after a call."""
        answer = self._answers.pop(key, None)
        if answer and not answer.done():
            answer.set_result(None)


async def receive(engine: Engine, adapter: PipeAdapter) -> None:
    """Take what the parent writes."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    assert engine._connections
    (host,) = engine._connections.hosts
    write({"ready": os.getpid()})
    async with asyncio.TaskGroup() as delivering:
        async for line in reader:
            told = json.loads(line)
            if "sent" in told:
                adapter.sent(told["sent"])
            else:
                event = msgspec.convert(told["event"], Event)
                delivering.create_task(deliver(host, event))


async def deliver(host: Host, event: Event) -> None:
    """Store an event, and say so."""
    await host.deliver([event])
    write({"ack": event.id})


async def main() -> None:
    """Run until SIGTERM."""
    adapter = PipeAdapter()
    engine = Engine(bot, [adapter], open_store(sys.argv[1]))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, engine.request_stop)
    await engine.start()
    receiving = asyncio.create_task(receive(engine, adapter))
    try:
        await engine.wait()
    finally:
        receiving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await receiving
        await engine.stop()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(main())
