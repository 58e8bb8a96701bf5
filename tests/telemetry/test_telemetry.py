"""What an operator's systems are told: spans, figures, health. None of it names anybody."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from chatstate import (
    Chat,
    Event,
    Interface,
    Message,
    PerMember,
    Ref,
    Rejected,
    Turn,
    User,
)
from chatstate.adapter import Host
from chatstate.engine import Engine
from chatstate.engine.observing import Observers, Took
from chatstate.scope import Place
from chatstate.stores.base import Arrival, Ingested
from chatstate.stores.sqlite import SQLiteStore
from chatstate.telemetry.doors import Doors
from chatstate.telemetry.metrics import Metrics
from chatstate.telemetry.traces import Traces
from chatstate.testing import FakePlatform, TestClient

WORDS = "what nobody may read"
bot = Interface(id="bot")


@bot.on_message
async def answer(text: str, turn: Turn, count: PerMember[Ref[int]]) -> str:
    count.value += 1
    if text.startswith("fail"):
        raise ValueError(WORDS)
    if text.startswith("step"):
        return f"{await turn.step('price', lambda: 3)} {WORDS}"
    return WORDS


class Told:
    """The spans that were made so far."""

    def __init__(self) -> None:
        self._kept = InMemorySpanExporter()
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.traces = Traces(provider)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._kept.get_finished_spans())

    def of(self, trace_id: int) -> list[str]:
        return [span.name for span in self.spans if span.context.trace_id == trace_id]


def turns(told: Told) -> list[ReadableSpan]:
    return [span for span in told.spans if span.name.startswith("process")]


async def test_a_turn_is_one_trace_from_its_arrival_to_its_reply() -> None:
    """Received, handled with its steps, committed, sent: all in one trace."""
    told = Told()
    async with TestClient(bot, observer=told.traces) as client:
        await client.user("ann").say(f"step {WORDS}")
    (turn,) = turns(told)
    assert turn.name == "process answer()"
    assert turn.attributes
    assert turn.attributes["messaging.operation.type"] == "process"
    assert sorted(told.of(turn.context.trace_id)) == [
        *("commit", "process answer()", "receive", "send test", "step price"),
    ]
    (step,) = [span for span in told.spans if span.name == "step price"]
    assert step.parent
    assert step.parent.span_id == turn.context.span_id


async def test_a_trace_goes_on_after_a_crash() -> None:
    """What is sent by the next process belongs to the turn that owes it."""
    told, platform = Told(), FakePlatform()
    async with TestClient(bot, platform=platform, observer=told.traces) as client:
        platform.stall()
        event = client.user("ann").event("hi")
        await client.deliver_all([event])
        while not turns(told):
            await asyncio.sleep(0)
        await client.crash()
        platform.recover()
        await client.start()
        while "send test" not in told.of(turns(told)[0].context.trace_id):
            await client.advance(1)
    assert told.of(turns(told)[0].context.trace_id).count("commit") == 1


async def test_a_failure_is_told_by_its_type_alone() -> None:
    """On the commit that ends the turn, and on the call that was refused."""
    told = Told()
    async with TestClient(bot, observer=told.traces, raise_errors=False) as client:
        client.platform.fail_next(Rejected(WORDS))
        await client.user("ann").say("fail")
    types = {span.name: (span.attributes or {}).get("error.type") for span in told.spans}
    assert types["commit"] == "ValueError"
    assert types["send test"] == "Rejected"


async def test_no_span_names_anybody_or_tells_what_was_said() -> None:
    """Neither in its name, nor in what it says of itself."""
    told = Told()
    async with TestClient(bot, observer=told.traces, raise_errors=False) as client:
        for text in ("step", "fail", "hi"):
            await client.user("somebody", id="123456789", chat="-100987").say(f"{text} {WORDS}")
    for span in told.spans:
        for word in (WORDS, "somebody", "123456789", "-100987"):
            assert word not in span.to_json()


def figures(told: bytes) -> dict[tuple[str, ...], float]:
    """Return samples by their names, with the values of their labels."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(told.decode())
        for sample in family.samples
    }


async def test_what_is_done_is_counted() -> None:
    """Turns by outcome, calls by what came of them, what waits in the store; nobody is named."""
    metrics = Metrics()
    async with TestClient(bot, observer=metrics, raise_errors=False) as client:
        client.platform.fail_next(Rejected("no"))
        for said in ("hi", "fail", "again"):
            await client.user("somebody", id="123456789").say(said)
        engine = client._require_open()
        now = client.clock.time()
        text = metrics.text(
            await engine.inspection.figures(), await engine.inspection.workers(), now
        )
    counted = figures(text)
    assert counted["chatstate_events_total", "stored"] == 3
    assert counted["chatstate_turns_total", "applied"] == 2
    assert counted["chatstate_turns_total", "failed"] == 1
    assert counted["chatstate_sends_total", "ok", "send", "test"] == 2
    assert counted["chatstate_sends_total", "Rejected", "send", "test"] == 1
    assert counted["chatstate_turn_seconds_count", "answer()"] == 3
    assert counted["chatstate_turn_waiting_seconds_count",] == 3
    assert counted["chatstate_commit_turns_sum",] == 3
    assert counted["chatstate_dead_letters",] == 2  # the event, and the reply
    assert counted["chatstate_workers",] == 1
    assert b"somebody" not in text
    assert b"123456789" not in text


async def test_events_that_others_handle_are_not_remembered_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of those whose turn never begins here, the oldest are forgotten."""
    monkeypatch.setattr("chatstate.telemetry.metrics._REMEMBERED", 2)
    metrics = Metrics()
    place = Place(1, 1, 1, 1)
    event = Event("1", Message("hi", User("ann"), Chat("c")))
    arrived = [Ingested("stored", Arrival(number, place, event)) for number in range(5)]
    metrics.delivered(arrived, Took(0.0, 0.0))
    assert list(metrics._arrived) == [3, 4]


async def test_several_are_told_of_all() -> None:
    """Each observer of several sees what it would see alone."""
    told, metrics = Told(), Metrics()
    async with TestClient(bot, observer=Observers([metrics, told.traces])) as client:
        await client.user("ann").say("step")
        engine = client._require_open()
        text = metrics.text(await engine.inspection.figures(), [], 0.0)
    assert figures(text)["chatstate_turns_total", "applied"] == 1
    assert [span.name for span in turns(told)] == ["process answer()"]


# Health


class Slow(FakePlatform):
    """A platform that is reached when it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.host: asyncio.Future[Host] = asyncio.get_running_loop().create_future()

    async def run(self, host: Host) -> None:
        self.host.set_result(host)
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def answering(
    engine: Engine, metrics: Metrics | None = None
) -> AsyncGenerator[httpx.AsyncClient]:
    """Return what asks how an engine is."""
    doors = Doors("127.0.0.1:0", engine, engine.inspection, metrics)
    over = asyncio.Event()

    async def until_over() -> None:
        await over.wait()

    serving = asyncio.create_task(doors.beside(until_over()))
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{doors.port}") as asking:
            yield asking
    finally:
        over.set()
        await serving


async def ready(asking: httpx.AsyncClient) -> tuple[int, str, list[str]]:
    told = await asking.get("/ready")
    return told.status_code, told.json()["status"], told.json()["reasons"]


@contextlib.asynccontextmanager
async def running(path: Path, platform: FakePlatform, **options: Any) -> AsyncGenerator[Engine]:
    engine = Engine(bot, [platform], SQLiteStore(path), grace=0.1, **options)
    await engine.start()
    try:
        yield engine
    finally:
        engine.request_stop()
        await engine.stop()


async def test_whoever_handles_what_comes_is_ready(tmp_path: Path) -> None:
    """And lives; its figures are there, too."""
    metrics = Metrics()
    async with (
        running(tmp_path / "a.db", FakePlatform(), observer=metrics) as engine,
        answering(engine, metrics) as asking,
    ):
        assert await ready(asking) == (200, "ready", [])
        assert (await asking.get("/live")).status_code == 200
        assert "chatstate_outbox_replies 0.0" in (await asking.get("/metrics")).text
    assert engine.standing == "stopping"


async def test_who_has_not_begun_or_stops_is_not_ready(tmp_path: Path) -> None:
    """It lives all the same."""
    engine = Engine(bot, [FakePlatform()], SQLiteStore(tmp_path / "a.db"), grace=0.1)
    async with answering(engine) as asking:
        assert await ready(asking) == (503, "starting", [])
        assert (await asking.get("/live")).status_code == 200
        await engine.start()
        assert (await ready(asking))[0] == 200
        engine.request_stop()
        assert await ready(asking) == (503, "stopping", [])
        await engine.stop()


async def test_a_platform_that_is_not_reached_is_told(tmp_path: Path) -> None:
    """Before it ever was, and when it is lost; others are served meanwhile."""
    platform = Slow()
    async with running(tmp_path / "a.db", platform) as engine, answering(engine) as asking:
        host = await platform.host
        host.lost("the network is gone")
        assert await ready(asking) == (200, "degraded", ["test:bot: the network is gone"])
        host.connected("it")
        assert await ready(asking) == (200, "ready", [])
        host.lost("the token is refused")
        assert await ready(asking) == (200, "degraded", ["test:bot: the token is refused"])


async def test_an_event_that_waits_too_long_is_told(tmp_path: Path) -> None:
    """One lane that stands still takes no worker out of service."""
    path, stuck = tmp_path / "a.db", Interface(id="bot")

    @stuck.on_message
    async def hang() -> None:
        await asyncio.Event().wait()

    async with TestClient(stuck, store=f"sqlite:///{path}", grace=0.1) as client:
        engine = client._require_open()
        await client.deliver_all([client.user("ann").event("hi")])
        async with answering(engine) as asking:
            with contextlib.closing(sqlite3.connect(path)) as db, db:
                db.execute("UPDATE inbox SET arrived_at = unixepoch() - 100")
            status, standing, reasons = await ready(asking)
        assert (status, standing) == (200, "degraded")
        assert reasons[0].startswith("an event waits for 1")
        engine.request_stop()


async def test_a_store_that_takes_no_write_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, though nothing comes that would have to be stored; and when it is over."""
    monkeypatch.setattr("chatstate.telemetry.health._STORE_TAKES", 0.2)
    path = tmp_path / "a.db"
    async with running(path, FakePlatform()) as engine, answering(engine) as asking:
        assert (await ready(asking))[0] == 200
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            status, standing, (reason,) = await ready(asking)
            assert (status, standing) == (503, "failing")
            assert "has not taken a write" in reason
            other.execute("ROLLBACK")
        while (await ready(asking))[0] != 200:
            await asyncio.sleep(0.01)
