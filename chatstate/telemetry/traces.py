"""Traces: what became of each event, as spans of OpenTelemetry's API.

1. Whoever runs the bot chooses what becomes of spans, by OpenTelemetry's SDK and its variables.
2. All that belongs to one event is one trace, also through a restart: its id is made from the
   event's number, keyed with the bot's secret. So the span above all is not told of.
3. A span tells of no person and holds no words: of what was raised it has the type alone.
4. Names are those of OpenTelemetry's conventions for messaging.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from chatstate.adapter import Action, Adapter
from chatstate.bot.outgoing import Verdict
from chatstate.engine.observing import Took
from chatstate.engine.turns.turn import RunningTurn
from chatstate.signature import label
from chatstate.stores.base import APPLIED, Ingested, Outcome, Run, TurnCommit

_NANO = 1_000_000_000


class Traces:
    """Makes spans of what an engine does; `provider` as in `opentelemetry.trace.get_tracer`."""

    def __init__(self, provider: trace.TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("chatstate", tracer_provider=provider)
        self._secret = b""
        self._bot = ""

    def began(self, bot: str, run: Run) -> None:
        """See `Observer`."""
        self._bot, self._secret = bot, run.secret

    def delivered(self, ingested: Sequence[Ingested], took: Took) -> None:
        """See `Observer`."""
        told = {"messaging.operation.type": "receive"}
        for taken in ingested:
            if taken.arrival and taken.status == "stored":
                self._over("receive", taken.arrival.seq, told, took, SpanKind.CONSUMER)

    @contextlib.contextmanager
    def turn(self, turn: RunningTurn) -> Generator[None]:
        """See `Observer`."""
        arrival = turn.arrivals[0]
        told = self._told(arrival.seq, {"messaging.operation.type": "process"})
        kind = arrival.event.message.kind
        with self._tracer.start_as_current_span(
            f"process {kind}",
            self._context(arrival.seq),
            SpanKind.CONSUMER,
            told,
            record_exception=False,
        ) as span:
            yield
            if turn.plan:
                span.update_name(f"process {label(turn.plan.fn)}")
            span.set_attribute("chatstate.conversation", turn.place.conversation)

    def step(self, turn: RunningTurn, name: str) -> AbstractContextManager[object]:
        """See `Observer`."""
        return _typed(self._tracer, f"step {name}", self._told(turn.arrivals[0].seq, {}))

    def committing(self, turns: Sequence[TurnCommit]) -> None:
        """See `Observer`."""

    def committed(
        self, turns: Sequence[TurnCommit], outcomes: Sequence[Outcome], took: Took
    ) -> None:
        """See `Observer`."""
        for turn, outcome in zip(turns, outcomes, strict=True):
            told: dict[str, AttributeValue] = {
                "chatstate.outcome": outcome,
                "messaging.batch.message_count": len(turns),
                "chatstate.replies": len(turn.owed),
            }
            error = error_type(turn) if outcome in APPLIED else str(outcome)
            self._over("commit", turn.seq, told, took, SpanKind.INTERNAL, error)

    def performed(
        self, adapter: Adapter, action: Action, error: BaseException | None, took: Took
    ) -> None:
        """See `Observer`."""
        told: dict[str, AttributeValue] = {
            "messaging.operation.type": "send",
            "messaging.system": adapter.name,
            "chatstate.verb": action.verb,
        }
        name = f"{action.verb} {adapter.name}"
        raised = type(error).__qualname__ if error else None
        self._over(name, turn_of(action), told, took, SpanKind.PRODUCER, raised)

    def guarded(self, verdict: Verdict) -> None:
        """See `Observer`: the span of the turn or the call tells that it failed."""

    def _told(
        self, seq: int | None, more: Mapping[str, AttributeValue]
    ) -> dict[str, AttributeValue]:
        mine: dict[str, AttributeValue] = {"chatstate.bot": self._bot, **more}
        return mine if seq is None else {**mine, "chatstate.turn": seq}

    def _over(
        self,
        name: str,
        seq: int | None,
        told: Mapping[str, AttributeValue],
        took: Took,
        kind: SpanKind,
        error: str | None = None,
    ) -> None:
        """Make a span of what is over."""
        began = int(took.began_at * _NANO)
        context = Context() if seq is None else self._context(seq)
        span = self._tracer.start_span(name, context, kind, self._told(seq, told), None, began)
        if error:
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(began + int(took.seconds * _NANO))

    def _context(self, seq: int) -> Context:
        """Return that of all that belongs to an event, in whichever process."""
        made = hashlib.blake2b(b"%d" % seq, digest_size=24, key=self._secret[:64]).digest()
        above = SpanContext(
            int.from_bytes(made[:16]),
            int.from_bytes(made[16:]),
            is_remote=True,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
        )
        return trace.set_span_in_context(NonRecordingSpan(above), Context())


def error_type(turn: TurnCommit) -> str | None:
    """Return the type of what has ended a turn, without its words; None if it went well."""
    if turn.dead is None:
        return None
    name = turn.dead.error.partition(":")[0]
    return name if name.isidentifier() else turn.dead.kind


def turn_of(action: Action) -> int | None:
    """Return the number of the turn that owes an action; None if it is nobody's, as typing is."""
    _, _, rest = action.key.partition("-")
    number = rest.partition("-")[0]
    return int(number) if number.isdecimal() else None


@contextlib.contextmanager
def _typed(tracer: trace.Tracer, name: str, told: Mapping[str, AttributeValue]) -> Generator[None]:
    """Be in a span that tells of what is raised by its type alone."""
    with tracer.start_as_current_span(
        name, attributes=told, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield
        except BaseException as error:
            _note(span, error)
            raise


def _note(span: Span, error: BaseException) -> None:
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(Status(StatusCode.ERROR))
