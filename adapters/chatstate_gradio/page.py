"""A `gr.Blocks` with a chat as a bot: a page without a browser.

1. A message is typed into the page's textbox, and submitted. What the page does then, it does: the
   functions that this triggers, and those that stand behind them (`.then`, `.success`).
2. What is new in the chatbot behind the person's message is the answer. What other components show
   is not said, but kept.
3. The page is each person's own, and kept: what its components hold, by their names in the file.
   `gr.State` is kept as it is everywhere.
4. Who comes for the first time has loaded the page.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from chatstate import Interface, LoadError, Reply, State, Turn, UserError
from chatstate_gradio.asking import default_of, refuse_larger, sent_file
from chatstate_gradio.calls import Call
from chatstate_gradio.handlers import last_of, signed, streams
from chatstate_gradio.library import base_kind, plain
from chatstate_gradio.messages import message_of, shown_after
from chatstate_gradio.sessions import Held, Sessions
from chatstate_gradio.setting import Setting
from chatstate_gradio.showing import is_file, is_update

_GONE = "[file]"
_TYPED = ("Textbox", "MultimodalTextbox")
_BEHIND = {"then": None, "success": True, "failure": False}


class Page:
    """What a page does with a message."""

    def __init__(self, app: Any, setting: Setting) -> None:
        self._app = app
        self._setting = setting
        self._fns: Sequence[Any] = list(app.fns.values())
        self.chatbot = _only_chatbot(app, setting.id)
        self.textbox, self.first = self._submitted(setting.id)
        self.loaded = [fn for fn in self._fns if (app._id, "load") in fn.targets]
        self.sessions = Sessions(self._fns, setting.names)
        self._keys = _keys(app, setting.names)
        self.state = State({}, name="page", type=dict[str, Any])

    def _submitted(self, id_: str) -> tuple[Any, list[Any]]:
        """Return what is typed into, and the functions that submitting it triggers."""
        for event in ("submit", "click"):
            for fn in self._fns:
                for part in self._triggers(fn, event):
                    wanted = [other for other in self._fns if part in self._triggers(other, event)]
                    return part, wanted
        raise LoadError(f"{id_}: nothing can be typed on this page, so it is no chat")

    def _triggers(self, fn: Any, event: str) -> Iterator[Any]:
        """Yield what is typed into, if its submitting, or a button beside it, triggers `fn`."""
        for target, name in fn.targets:
            part = self._app.blocks.get(target)
            if name != event or part is None:
                continue
            if event == "submit" and base_kind(part) in _TYPED:
                yield part
            elif event == "click" and base_kind(part) == "Button":
                yield from (given for given in fn.inputs if base_kind(given) in _TYPED)

    async def answers(
        self, turn: Turn, page: dict[str, Any], held: Mapping[str, Held]
    ) -> AsyncGenerator[list[Any]]:
        """Yield what is said each time that the page shows more behind the message."""
        call = Call(self._app, turn)
        self.sessions.load(call, held)
        name_lost_files(page)
        if not page:
            for fn in self.loaded:
                async with contextlib.aclosing(self._follow(call, fn, page)) as steps:
                    async for _ in steps:
                        pass
        sent = await self._type(turn, page)
        before = len(page.get(self._key(self.chatbot), default_of(self.chatbot)) or ())
        try:
            for fn in self.first:
                async with contextlib.aclosing(self._follow(call, fn, page)) as steps:
                    async for _ in steps:
                        self.sessions.save(call, held)
                        yield [*map(Reply, call.told), *await self._new(page, before, turn)]
        finally:
            self._setting.tidy(sent)

    async def _type(self, turn: Turn, page: dict[str, Any]) -> list[dict[str, Any]]:
        """Put a message into the textbox; return the files that it has there."""
        if base_kind(self.textbox) == "Textbox":
            page[self._key(self.textbox)] = turn.text
            return []
        files = [await turn.download(attachment) for attachment in turn.message.attachments]
        for file in files:
            refuse_larger(file, self._setting.largest)
        sent = [sent_file(file) for file in files]
        page[self._key(self.textbox)] = {"text": turn.text, "files": sent}
        return sent

    async def _follow(self, call: Call, fn: Any, page: dict[str, Any]) -> AsyncGenerator[None]:
        """Call a function and what stands behind it; yield whenever the page has changed."""
        went_well, failed = True, None
        if fn.fn is not None:
            try:
                async with contextlib.aclosing(call.outputs(fn, self._data(fn, page))) as outputs:
                    async for payloads in outputs:
                        self._put(fn, payloads, page)
                        yield
            except UserError as error:
                went_well, failed = False, error
        behind = [other for other in self._fns if other.trigger_after == fn._id]
        for other in behind:
            if _BEHIND.get(_when(other)) in (None, went_well):
                async with contextlib.aclosing(self._follow(call, other, page)) as steps:
                    async for _ in steps:
                        yield
        if failed:
            raise failed

    def _data(self, fn: Any, page: dict[str, Any]) -> list[Any]:
        return [page.get(self._key(part), default_of(part)) for part in fn.inputs]

    def _put(self, fn: Any, payloads: Sequence[Any], page: dict[str, Any]) -> None:
        for component, payload in zip(fn.outputs, payloads, strict=True):
            shown = plain(payload)
            if component.stateful or (is_update(shown) and "value" not in shown):
                continue
            page[self._key(component)] = plain(shown["value"]) if is_update(shown) else shown

    async def _new(self, page: dict[str, Any], before: int, turn: Turn) -> list[Any]:
        """Return what the chatbot shows behind the message; what it showed before is not new."""
        conversation = page.get(self._key(self.chatbot)) or []
        said: list[Any] = []
        for message in shown_after(self.chatbot, conversation[before:] or conversation):
            if message["role"] == "assistant":
                said += await message_of(message, turn)
        return said

    def _key(self, component: Any) -> str:
        return self._keys[component._id]


def _only_chatbot(app: Any, id_: str) -> Any:
    found = [part for part in app.blocks.values() if base_kind(part) == "Chatbot"]
    if len(found) != 1:
        raise LoadError(
            f"{id_} is a page with {len(found)} chats; what can be a bot is a gr.ChatInterface, a "
            "gr.Interface, or a page with one gr.Chatbot and a textbox to submit"
        )
    return found[0]


def name_lost_files(payload: Any) -> Any:
    """Return a payload in which files that are gone are named: they end with the process."""
    if isinstance(payload, dict):
        if _is_lost(payload):
            return None
        for key, part in payload.items():
            payload[key] = name_lost_files(part)
        if "alt_text" in payload and payload.get("file") is None:  # a message, or a part of one
            return {"type": "text", "text": _GONE} if "type" in payload else _GONE
    elif isinstance(payload, list):
        payload[:] = [name_lost_files(part) for part in payload]
    return payload


def _is_lost(payload: dict[str, Any]) -> bool:
    return is_file(payload) and not Path(str(payload.get("path"))).exists()


def _when(fn: Any) -> str:
    return next((name for target, name in fn.targets if target is None), "then")


def _keys(app: Any, names: Mapping[int, str]) -> dict[int, str]:
    """Return what the components of a page are kept under: as named, or by kind and number."""
    counted: dict[str, int] = {}
    keys: dict[int, str] = {}
    for id_, part in app.blocks.items():
        kind = base_kind(part)
        counted[kind] = counted.get(kind, 0) + 1
        keys[id_] = names.get(id_) or f"{kind} {counted[kind]}"
    return keys


def page_of(app: Any, setting: Setting) -> Interface:
    """Return the bot that a page with one chat is. Raises `LoadError` for any other page."""
    page = Page(app, setting)

    async def answer(*, turn: Turn, page_held: Held, **held: Held) -> list[Any]:
        return await last_of(page.answers(turn, page_held, held))

    async def stream(*, turn: Turn, page_held: Held, **held: Held) -> AsyncGenerator[list[Any]]:
        async with contextlib.aclosing(page.answers(turn, page_held, held)) as answers:
            async for said in answers:
                yield said

    async def clear(*, turn: Turn, page_held: Held, **held: Held) -> str:
        """Load the page anew."""
        del turn
        for kept in (page_held, *held.values()):
            kept.clear()
        return "Forgotten."

    several = any(fn.trigger_after is not None for fn in app.fns.values())
    run: Any = stream if several or any(streams(fn.fn) for fn in page.first) else answer
    states = {"page_held": page.state, **page.sessions.states}
    main = page.first[0]
    bot = Interface(signed(run, [], states, main.fn), title=_title(app), **setting.options(main))
    bot.command(signed(clear, [], states, clear))
    return bot


def _title(app: Any) -> str | None:
    return str(app.title) if app.title and app.title != "Gradio" else None
