"""The app of a file, found and made a bot: what `chatstate run` asks for of Gradio.

1. It is what the file would serve; else what is called `demo`, or the only one that there is.
2. A chat or a form that stands in a `gr.Blocks` alone is the bot; else the page is one, if it has
   one chat.
3. An app that asks for a password is refused, unless somebody says who may use it here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from chatstate import Interface, LoadError
from chatstate_gradio.calls import Heard
from chatstate_gradio.chat import chat_of
from chatstate_gradio.interface import interface_of
from chatstate_gradio.launching import Launch, Launches
from chatstate_gradio.library import cache_folder, gr, is_app, is_own_folder
from chatstate_gradio.page import page_of
from chatstate_gradio.serving import guard_fetching, guard_files
from chatstate_gradio.sessions import names_in
from chatstate_gradio.setting import Setting
from chatstate_gradio.sweeping import Sweeper

EVERYBODY = "everybody"


class GradioApps:
    """The apps of Gradio in a file, from the moment on that it imports Gradio."""

    def __init__(self) -> None:
        self._launches = Launches()
        guard_files()
        guard_fetching()

    def close(self) -> None:
        """Let apps be served again."""
        self._launches.close()

    def bot(self, module: ModuleType, name: str, allow: Sequence[str] | None) -> Interface | None:
        """Return the bot that the app of a file is, or that of a name; None if there is none.

        Raises `LoadError` for an app that cannot be a bot, or must not.
        """
        file = Path(str(module.__file__))
        app = self._named(module, name) if name else self._only(module, file)
        if app is None:
            return None
        launch = self._launches.of(app)
        _refuse_strangers(launch, file, allow)
        _serve(app, launch)
        people = [] if allow is None or EVERYBODY in allow else list(allow)
        sweeper = Sweeper(Path(cache_folder())) if is_own_folder else None
        setting = Setting(app, name or file.stem, names_in(module), launch.largest, people, sweeper)
        return _bot(app, setting)

    def _named(self, module: ModuleType, name: str) -> Any:
        value = getattr(module, name, None)
        return value if is_app(value) else None

    def _only(self, module: ModuleType, file: Path) -> Any:
        if len(self._launches.apps) == 1:
            return self._launches.apps[0]
        there = {name: value for name, value in vars(module).items() if is_app(value)}
        whole = {name: app for name, app in there.items() if app.parent is None}
        if len({id(app) for app in whole.values()}) > 1 and "demo" not in whole:
            named = " or ".join(f"{file}:{name}" for name in whole)
            raise LoadError(f"{file} has several apps; name one: {named}")
        return whole.get("demo") or next(iter(whole.values()), None)


def _refuse_strangers(launch: Launch, file: Path, allow: Sequence[str] | None) -> None:
    if launch.is_protected and allow is not None and not allow:
        raise LoadError(
            f"{file} asks for a password (auth=), which nobody gives in a chat: say who may use "
            "it, with --allow telegram:123 for each of them, or --allow everybody"
        )


def _serve(app: Any, launch: Launch) -> None:
    """Let an app be as one that is served, but for the serving."""
    limit = app._queue.default_concurrency_limit
    app._queue = Heard(limit)
    app.has_launched = app.is_running = True
    app.allowed_paths, app.blocked_paths = (
        launch.paths(f"{what}_paths") for what in ("allowed", "blocked")
    )
    app.max_file_size = launch.largest
    app.max_threads = launch.options.get("max_threads", app.max_threads)
    app.create_limiter()


def _bot(app: Any, setting: Setting) -> Interface:
    chats = _within(app, gr.ChatInterface, lambda chat: chat.chatbot)
    forms = _within(
        app, gr.Interface, lambda form: [*form.input_components, *form.output_components][0]
    )
    if len(chats) == 1:
        return chat_of(chats[0], setting)
    if len(forms) == 1 and not chats:
        return interface_of(forms[0], setting)
    if len(chats) + len(forms) > 1:
        raise LoadError(
            f"{setting.id} has {len(chats) + len(forms)} chats and forms on one page; give the one "
            "that is to be the bot a name of its own in the file, and name that: app.py:NAME"
        )
    return page_of(app, setting)


def _within(app: Any, kind: Any, part: Callable[[Any], Any]) -> list[Any]:
    """Return the apps of a kind that an app is, or has on its page: `part` is one of theirs."""
    if isinstance(app, kind):
        return [app]
    others = [other for other in gr.Blocks.get_instances() if isinstance(other, kind)]
    return [other for other in others if any(part(other) is each for each in app.blocks.values())]
