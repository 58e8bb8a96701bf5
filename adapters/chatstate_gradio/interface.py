"""A `gr.Interface` as a bot: its inputs are asked for, its outputs are replies.

1. Several inputs are a form; what a page would not let people change is not asked for.
2. Several outputs are replies behind their labels; states are kept, and not said.
3. Examples are buttons, if what is asked for can be sent by one.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from chatstate import BindingError, Interface, Kind, Reply, Said, Turn, UserError
from chatstate_gradio.asking import default_of, is_asked, kind_of
from chatstate_gradio.calls import Call
from chatstate_gradio.handlers import Asked, last_of, signed, streams
from chatstate_gradio.sessions import Held, Sessions
from chatstate_gradio.setting import Setting
from chatstate_gradio.showing import shown

log = logging.getLogger("chatstate.gradio")
_MOST_EXAMPLES = 25  # buttons, for which each platform with buttons has room


class Form:
    """The function of a `gr.Interface`, with what people are asked for and what they get."""

    def __init__(self, demo: Any, setting: Setting) -> None:
        self._setting = setting
        self._app = setting.app
        self.fn = _function(demo, setting.app)
        self.inputs: Sequence[Any] = demo.input_components
        self._outputs: Sequence[Any] = demo.output_components
        self.sessions = Sessions([self.fn], setting.names)
        self.asked = [component for component in self.inputs if is_asked(component)]
        labels = _labels(self.asked)
        self.kinds = [
            kind_of(component, label, setting.largest)
            for component, label in zip(self.asked, labels, strict=True)
        ]
        told = [component for component in self._outputs if not component.stateful]
        self._labels = _labels(told) if len(told) > 1 else [""] * len(told)
        self._told = told

    async def answers(
        self, values: Sequence[Any], turn: Turn, held: Mapping[str, Held]
    ) -> AsyncGenerator[list[Reply]]:
        """Yield the replies of each time that the function answers."""
        call = Call(self._app, turn)
        self.sessions.load(call, held)
        given = iter(values)
        data = [next(given) if part in self.asked else default_of(part) for part in self.inputs]
        try:
            async with contextlib.aclosing(call.outputs(self.fn, data)) as outputs:
                async for payloads in outputs:
                    self.sessions.save(call, held)
                    yield [*map(Reply, call.told), *await self._replies(payloads, turn)]
        finally:
            self._setting.tidy(values)

    async def _replies(self, payloads: Sequence[Any], turn: Turn) -> list[Reply]:
        replies: list[Reply] = []
        labels = iter(self._labels)
        for component, payload in zip(self._outputs, payloads, strict=True):
            if not component.stateful:
                replies += await shown(component, payload, turn, next(labels))
        return replies


def interface_of(demo: Any, setting: Setting) -> Interface:
    """Return the bot that a `gr.Interface` is."""
    form = Form(demo, setting)

    async def answer(*values: Any, turn: Turn, **held: Held) -> list[Reply]:
        return await last_of(form.answers(values, turn, held))

    async def stream(*values: Any, turn: Turn, **held: Held) -> AsyncGenerator[list[Reply]]:
        async with contextlib.aclosing(form.answers(values, turn, held)) as answers:
            async for replies in answers:
                yield replies

    run: Any = stream if streams(demo.fn) else answer
    names = [Asked(f"input_{number}") for number in range(len(form.kinds))]
    handler = signed(run, names, form.sessions.states, demo.fn)
    return Interface(
        handler,
        inputs=form.kinds,
        title=demo.title or None,
        description=demo.description or None,
        article=demo.article or None,
        examples=_examples(demo, form),
        **setting.options(form.fn),
    )


def _function(demo: Any, app: Any) -> Any:
    """Return the function of an app that an interface's button calls."""
    wanted = (_ids(demo.input_components), _ids(demo.output_components))
    for fn in app.fns.values():
        if fn.fn is not None and (_ids(fn.inputs), _ids(fn.outputs)) == wanted:
            return fn
    raise BindingError("a gr.Interface that has no function cannot be a bot")


def _ids(components: Sequence[Any]) -> list[int]:
    return [component._id for component in components]


def _labels(components: Sequence[Any]) -> list[str]:
    """Return what to call components, each in its own way."""
    labels: list[str] = []
    for component in components:
        label = str(getattr(component, "label", None) or type(component).__name__)
        same = sum(other == label or other.startswith(f"{label} (") for other in labels)
        labels.append(f"{label} ({same + 1})" if same else label)
    return labels


def _examples(demo: Any, form: Form) -> list[Any]:
    """Return the examples that buttons can send: what is asked for, where that fits."""
    rows = demo.examples if isinstance(demo.examples, list) else []
    if not form.kinds:
        return ["Generate"]
    found: list[Any] = []
    for row in rows:
        values = row if isinstance(row, list) else [row]
        by_input = dict(zip(map(id, form.inputs), values, strict=False))
        told = [by_input.get(id(component)) for component in form.asked]
        if all(_fits(kind, value) for kind, value in zip(form.kinds, told, strict=True)):
            found.append(told[0] if len(told) == 1 else ["" if v is None else v for v in told])
    if len(found) < len(rows):
        log.warning("%d examples cannot be buttons: these send text", len(rows) - len(found))
    return found[:_MOST_EXAMPLES]


def _fits(kind: Kind, value: Any) -> bool:
    if kind.takes in ("file", "files"):
        return True
    text = {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else value
    try:
        kind.read(Said(text if isinstance(text, str) else str(text)))
    except (UserError, TypeError, ValueError):
        return False
    return value is not None and not isinstance(value, list | dict)
