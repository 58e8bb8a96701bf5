"""What holds for files while an app is a bot, beside what Gradio itself looks at.

Both are put around functions of Gradio's once for a process: each looks up, when it is called, for
which app that is.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chatstate_gradio.fetching import fetched
from chatstate_gradio.library import context, processing
from chatstate_gradio.paths import refusal

_AROUND = "__chatstate__"


class NotSeenError(Exception):
    """A file that nobody may see. It says why."""


def guard_files() -> None:
    """Let each path that a function returns be looked at through links, too."""

    def around(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def check(path: str | Path, check_in_upload_folder: bool) -> None:  # noqa: FBT001 - Gradio's
            app = context.LocalContext.blocks.get(None)
            original(path, check_in_upload_folder)
            if app is None or check_in_upload_folder:
                return
            if why := refusal(path, app.allowed_paths, app.blocked_paths):
                raise NotSeenError(why)

        return check

    _replace("_check_allowed", around)


def guard_fetching() -> None:
    """Let Gradio fetch what lies at an address in our way."""

    async def fetch(url: str, cache_dir: str) -> str:
        return str(await fetched(url, Path(cache_dir)))

    def fetch_now(url: str, cache_dir: str) -> str:
        return asyncio.run(fetch(url, cache_dir))

    _replace("async_ssrf_protected_download", lambda _original: fetch)
    for name in ("ssrf_protected_download", "save_url_to_cache", "unsafe_download"):
        _replace(name, lambda _original: fetch_now)


def _replace(name: str, around: Callable[[Any], Any]) -> None:
    original = getattr(processing, name)
    if not hasattr(original, _AROUND):
        replaced = around(original)
        setattr(replaced, _AROUND, True)
        setattr(processing, name, replaced)
