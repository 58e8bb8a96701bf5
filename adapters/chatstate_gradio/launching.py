"""What a file says of how its app is served: it is noted, and nothing is served.

1. While a file is loaded, `launch` and `mount_gradio_app` only note what they were given, and the
   file goes on behind them.
2. What is noted holds here as it does there: who may come in, which files may be seen, how large
   those may be that are sent.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from chatstate_gradio.library import bytes_of, gr, routes

_SECRETS = ("auth", "auth_dependency")


class Launch(NamedTuple):
    """One app that a file would serve, and with which options."""

    app: Any
    options: dict[str, Any]

    @property
    def is_protected(self) -> bool:
        """Whether whoever comes has to say who they are."""
        return any(self.options.get(name) for name in _SECRETS)

    def paths(self, name: str) -> list[str]:
        """Return `allowed_paths` or `blocked_paths`: as given, or as the environment has them."""
        variable = os.environ.get(f"GRADIO_{name.upper()}", "")
        given = self.options.get(name) or [part for part in variable.split(",") if part]
        return [str(path) for path in _flat([given] if isinstance(given, str) else given)]

    @property
    def largest(self) -> int | None:
        """How many bytes a file that is sent may have."""
        return bytes_of(self.options.get("max_file_size"))


def _flat(paths: Iterable[Any]) -> Iterator[Any]:
    """Yield paths, also of lists in a list, which Gradio does not mind."""
    for path in paths:
        if isinstance(path, list | tuple):
            yield from _flat(path)
        else:
            yield path


class Launches:
    """Notes what is served while a file is loaded."""

    def __init__(self) -> None:
        self.noted: list[Launch] = []
        self._replaced: list[tuple[Any, str, Any]] = []
        self._replace(gr.Blocks, "launch", self._launch)
        self._replace(gr.Blocks, "block_thread", lambda _original: lambda _app: None)
        self._replace(gr, "mount_gradio_app", self._mount)
        self._replace(routes, "mount_gradio_app", self._mount)

    def _replace(self, owner: Any, name: str, stand_in: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        self._replaced.append((owner, name, original))
        setattr(owner, name, functools.wraps(original)(stand_in(original)))

    def _launch(self, original: Any) -> Callable[..., Any]:
        signature = inspect.signature(original)

        def launch(*given: Any, **options: Any) -> tuple[None, str, str]:
            told = signature.bind(*given, **options).arguments
            app = told.pop("self")
            self.noted.append(Launch(app, told))
            app.local_url = app.share_url = app.local_api_url = ""
            return None, "", ""

        return launch

    def _mount(self, original: Any) -> Callable[..., Any]:
        signature = inspect.signature(original)

        def mount(*given: Any, **options: Any) -> Any:
            told = signature.bind(*given, **options).arguments
            self.noted.append(Launch(told.pop("blocks"), told))
            return told["app"]

        return mount

    def close(self) -> None:
        """Let apps be served again."""
        for owner, name, original in reversed(self._replaced):
            setattr(owner, name, original)

    def of(self, app: Any) -> Launch:
        """Return how an app would be served, all that was said of it taken together."""
        options: dict[str, Any] = {}
        for launch in self.noted:
            if launch.app is app:
                options |= {name: value for name, value in launch.options.items() if value}
        return Launch(app, options)

    @property
    def apps(self) -> Sequence[Any]:
        """The apps that the file would serve."""
        return list({id(launch.app): launch.app for launch in self.noted}.values())
