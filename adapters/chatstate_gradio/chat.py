"""A `gr.ChatInterface` as a bot: the history is the bot's, and what it knows to do with it.

1. The function gets the history as its own chatbot would give it, in the form of its version.
2. What it answers is what the chatbot shows behind the person's message.
3. Further inputs are settings, in what they are on a page: `/settings temperature 0.5`.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from typing import Any

from chatstate import ChatInterface, File, Reply, Turn
from chatstate_gradio.asking import default_of, is_asked, kind_of, refuse_larger, sent_file
from chatstate_gradio.calls import Call
from chatstate_gradio.handlers import Asked, last_of, signed, streams
from chatstate_gradio.library import plain, value_of
from chatstate_gradio.messages import Message, message_of, past, shown_after
from chatstate_gradio.sessions import Held, Sessions
from chatstate_gradio.setting import Setting
from chatstate_gradio.showing import shown

log = logging.getLogger("chatstate.gradio")
_MOST_EXAMPLES = 25


class Chat:
    """The function of a `gr.ChatInterface`, with what it is given and what it gives."""

    def __init__(self, demo: Any, setting: Setting) -> None:
        self._demo = demo
        self._setting = setting
        self.fn = _function(demo, setting.app)
        own = (demo.saved_input, demo.chatbot_state, demo.null_component)
        self.sessions = Sessions([self.fn], setting.names, own)
        self.set = [part for part in demo.additional_inputs if _is_setting(part)]
        self._others = list(demo.additional_outputs or ())
        told = [part for part in demo.additional_inputs if not (part.stateful or part in self.set)]
        if told:
            names = ", ".join(str(getattr(part, "label", None) or part) for part in told)
            log.warning("additional inputs that nobody can type have their values: %s", names)

    async def answers(
        self,
        message: Any,
        history: list[dict[str, Any]],
        values: Sequence[Any],
        turn: Turn,
        held: Mapping[str, Held],
    ) -> AsyncGenerator[list[Any]]:
        """Yield what is said each time that the function answers."""
        demo, call = self._demo, Call(self._setting.app, turn)
        self.sessions.load(call, held)
        sent, typed = self._typed(message)
        session = call.session
        try:
            await call.validate_as(_submit(demo, self._setting.app), [typed])
            session[demo.saved_input._id] = value_of(demo.textbox, typed)
            session[demo.chatbot_state._id] = past(demo, history)
            data = [None, None, *self._additional(values)]
            async with contextlib.aclosing(call.outputs(self.fn, data)) as outputs:
                async for payloads in outputs:
                    self.sessions.save(call, held)
                    yield [*map(Reply, call.told), *await self._said(payloads, turn)]
        finally:
            self._setting.tidy(sent)

    def _typed(self, message: Any) -> tuple[list[dict[str, Any]], Any]:
        """Return the files of a message, and what the textbox has of it."""
        if not isinstance(message, dict):
            return [], message
        files = [File(path) for path in message["files"]]
        for file in files:
            refuse_larger(file, self._setting.largest)
        sent = [sent_file(file) for file in files]
        return sent, {"text": message["text"], "files": sent}

    def _additional(self, values: Sequence[Any]) -> Iterator[Any]:
        given = iter(values)
        for part in self._demo.additional_inputs:
            yield next(given) if part in self.set else default_of(part)

    async def _said(self, payloads: Sequence[Any], turn: Turn) -> list[Any]:
        demo = self._demo
        _, conversation, *others = payloads
        said: list[Any] = []
        for message in shown_after(demo.chatbot, plain(conversation)):
            said += await message_of(message, turn)
        for component, payload in zip(self._others, others, strict=False):
            if not component.stateful:
                said += await shown(component, payload, turn)
        return said


def chat_of(demo: Any, setting: Setting) -> ChatInterface:
    """Return the bot that a `gr.ChatInterface` is."""
    chat = Chat(demo, setting)

    async def answer(
        message: Any, history: Any, /, *values: Any, turn: Turn, **held: Held
    ) -> list[Message]:
        return await last_of(chat.answers(message, history, values, turn, held))

    async def stream(
        message: Any, history: Any, /, *values: Any, turn: Turn, **held: Held
    ) -> AsyncGenerator[list[Message]]:
        async with contextlib.aclosing(
            chat.answers(message, history, values, turn, held)
        ) as answers:
            async for said in answers:
                yield said

    run: Any = stream if streams(demo.fn) else answer
    names = [Asked(name, default_of(part)) for name, part in _names(chat.set)]
    asked = [Asked("message"), Asked("history"), *names]
    kinds = [kind_of(part, name) for name, part in _names(chat.set)]
    return ChatInterface(
        signed(run, asked, chat.sessions.states, demo.fn),
        multimodal=demo.multimodal,
        history_form="list",
        additional_inputs=kinds,
        markdown=getattr(demo.chatbot, "render_markdown", True),
        title=_plain_title(demo),
        description=demo.description or None,
        examples=_examples(demo),
        **setting.options(chat.fn),
    )


def _function(demo: Any, app: Any) -> Any:
    """Return the function of an app that answers a message of a chat."""
    for fn in app.fns.values():
        answers = fn.outputs[:2] == [demo.null_component, demo.chatbot]
        if answers and demo.saved_input in fn.inputs:
            return fn
    raise LookupError("the gr.ChatInterface has no function that answers")


def _submit(demo: Any, app: Any) -> Any:
    """Return the function that takes what was typed: its validator looks at that."""
    return next(fn for fn in app.fns.values() if fn.outputs == [demo.textbox, demo.saved_input])


def _is_setting(component: Any) -> bool:
    """Tell whether somebody can type a further input's value."""
    return is_asked(component) and kind_of(component, "").takes in ("text", "both")


def _names(components: Sequence[Any]) -> list[tuple[str, Any]]:
    """Return what settings are called: by their labels, each in its own way."""
    names: dict[str, Any] = {}
    for component in components:
        label = str(getattr(component, "label", None) or type(component).__name__)
        name = re.sub(r"\W+", "_", label.lower()).strip("_") or "setting"
        name = f"_{name}" if name[0].isdigit() or name in ("message", "history", "turn") else name
        names[name if name not in names else f"{name}_{len(names)}"] = component
    return list(names.items())


def _plain_title(demo: Any) -> str | None:
    return str(demo.title) if demo.title and demo.title != "Gradio" else None


def _examples(demo: Any) -> list[Any]:
    """Return the examples that buttons can send: those that have a text."""
    said = [row[0] if isinstance(row, list) else row for row in demo.examples or ()]
    texts = [row.get("text", "") if isinstance(row, dict) else row for row in said]
    return [text for text in texts if isinstance(text, str) and text.strip()][:_MOST_EXAMPLES]
