"""A function of an app, called as Gradio calls it: with payloads in, payloads out.

1. Gradio's own `process_api` does it: each component's `preprocess` and `postprocess`, the injected
   `gr.Request` and `gr.Progress`, batches, updates, generators.
2. A validator is asked before. What it refuses, and `gr.Error`, is told to the person.
3. What `gr.Info` and its kin say in a turn is kept with the call, and said before its answer.
"""

from __future__ import annotations

import contextlib
import html
import re
import uuid
from collections.abc import AsyncGenerator, Generator, Sequence
from typing import Any

from chatstate import Turn, UserError
from chatstate_gradio.fetching import NotFetchedError
from chatstate_gradio.library import BlockFunction, SessionState, gr

_TAG = re.compile(r"<[^>]+>")


class Call:
    """What one turn asks of an app: its session, and what was told beside the answers."""

    def __init__(self, app: Any, turn: Turn) -> None:
        self.app = app
        self.turn = turn
        self.session: Any = SessionState(app)
        self.told: list[str] = []
        person = f"{turn.platform}:{turn.chat.id}:{turn.user.id}"
        self.request: Any = gr.Request(
            username=turn.user.name or turn.user.id,
            session_hash=uuid.uuid5(uuid.NAMESPACE_URL, person).hex,
            headers={"user-agent": f"chatstate ({turn.platform})"},
            query_params={},
            path_params={},
            cookies={},
            client={"host": turn.platform, "port": 0},
            url="",
        )

    async def outputs(self, fn: Any, data: Sequence[Any]) -> AsyncGenerator[list[Any]]:
        """Yield the payloads that a function gives, once, or each time that it yields.

        Raises `UserError` for what it, or its validator, does not accept.
        """
        await self.validate_as(fn, data)
        iterator: Any = None
        try:
            while True:
                result = await self._process(fn, data, iterator)
                was_running, iterator = iterator is not None, result["iterator"]
                if result["is_generating"] or not was_running:
                    yield list(result["data"])
                if not result["is_generating"]:
                    return
        finally:
            if hasattr(iterator, "aclose"):
                await iterator.aclose()

    async def _process(self, fn: Any, data: Sequence[Any], iterator: Any) -> dict[str, Any]:
        inputs = [[payload] for payload in data] if fn.batch else list(data)
        with self.app._queue.heard(self) as event, _refusals_told():
            result: dict[str, Any] = await self.app.process_api(
                fn,
                inputs,
                state=self.session,
                request=self.request,
                iterator=iterator,
                event_id=event,
            )
        if fn.batch:
            result["data"] = [payloads[0] for payloads in result["data"]]
        return result

    async def validate_as(self, fn: Any, data: Sequence[Any]) -> None:
        """Ask the validator of a function. Raises `UserError` for what it refuses."""
        if getattr(fn, "validator", None) is None:
            return
        result = await self._process(validator_of(fn), data, None)
        verdicts = result["data"] if isinstance(result["data"], list | tuple) else [result["data"]]
        refused = [told for told in _verdicts(verdicts) if not told.get("is_valid", True)]
        if refused:
            raise UserError("\n".join(_words(told.get("message")) for told in refused))


def _verdicts(found: Any) -> Generator[dict[str, Any]]:
    """Yield the verdicts of a validator, however deep in lists they are."""
    if isinstance(found, dict) and found.get("__type__") == "validate":
        yield found
    elif isinstance(found, list | tuple):
        for part in found:
            yield from _verdicts(part)


def validator_of(fn: Any) -> Any:
    """Return the validator of a function as a function of the app: of the same inputs."""
    return BlockFunction(
        fn=fn.validator,
        inputs=fn.inputs,
        outputs=fn.inputs,
        preprocess=fn.preprocess,
        postprocess=False,
        inputs_as_dict=fn.inputs_as_dict,
        targets=[],
        _id=-1,
        batch=fn.batch,
        max_batch_size=fn.max_batch_size,
        concurrency_limit=None,
        concurrency_id=None,
        tracks_progress=fn.tracks_progress,
        api_name=False,
        js=None,
        show_progress="hidden",
        show_progress_on=fn.show_progress_on,
        cancels=fn.cancels,
        collects_event_data=fn.collects_event_data,
        **({"is_validator_function": True} if hasattr(fn, "is_validator_function") else {}),
    )


@contextlib.contextmanager
def _refusals_told() -> Generator[None]:
    try:
        yield
    except gr.Error as error:
        raise UserError(_words(error.message) or "Error") from error
    except NotFetchedError as error:
        raise UserError(f"(not shown: {error})") from error


def _words(told: Any) -> str:
    """Return what somebody is told, which may be HTML, as text."""
    return html.unescape(_TAG.sub("", str(told or ""))).strip()


class Heard:
    """Stands for the queue of an app, which `gr.Info` and `gr.Progress` tell what they know."""

    def __init__(self, default_concurrency_limit: int | None) -> None:
        self.default_concurrency_limit = default_concurrency_limit
        self._calls: dict[str, Call] = {}

    @contextlib.contextmanager
    def heard(self, call: Call) -> Generator[str]:
        """While a function runs, know of which call it is, by the name that is yielded."""
        event = uuid.uuid4().hex
        self._calls[event] = call
        try:
            yield event
        finally:
            del self._calls[event]

    def log_message(self, event_id: str, log: str, **_how: Any) -> None:
        """Keep what `gr.Info`, `gr.Warning` or `gr.Success` says."""
        if call := self._calls.get(event_id):
            call.told.append(_words(log))

    def set_progress(self, event_id: str, iterables: Sequence[Any] | None) -> None:
        """Show how far the innermost of what `gr.Progress` counts is."""
        call = self._calls.get(event_id)
        if call is None or not iterables:
            return
        counted = iterables[-1]
        if counted.progress is not None:
            call.turn.progress(counted.progress, counted.desc)
        else:
            call.turn.progress(
                (counted.index or 0, counted.length), counted.desc, None, counted.unit
            )
