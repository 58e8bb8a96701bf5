"""The decorators for what is no new message: one for each kind of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from chatstate.bot.injected import OF_REACTION

F = TypeVar("F", bound=Callable[..., Any])


class KindSet:
    """Something that the handlers of such kinds can be registered with, by `_on`."""

    def _on(self, kind: str, fn: F, **binding: Any) -> F:
        raise NotImplementedError

    def on_edit(self, fn: F) -> F:
        """Register the handler of edited messages; without one, edits are ignored."""
        return self._on("edit", fn)

    def on_join(self, fn: F) -> F:
        """Register the handler of people who join a chat."""
        return self._on("join", fn)

    def on_leave(self, fn: F) -> F:
        """Register the handler of people who leave a chat."""
        return self._on("leave", fn)

    def on_reaction(self, fn: F) -> F:
        """Register the handler of people's reactions to messages; without one, they are ignored.

        `def f(added, removed, by, target)`: parameters of these names get the emoji that were added
        and taken away, who did it (None if that is not told), and to which message (`MessageRef`);
        others are bound by annotation. The bot's own reactions are none. Raises `BindingError`.
        """
        return self._on("reaction", fn, names=OF_REACTION)

    def on_other(self, fn: F) -> F:
        """Register the handler of what has neither words nor files; without one, it is ignored.

        `message.raw` is what the platform tells of it: a payment, a story, a pinned message.
        """
        return self._on("other", fn)

    def on_sent(self, fn: F) -> F:
        """Register the handler of what a platform returns for a `Native` call.

        It comes to the conversation of the call, once it is made and after what was there before:
        `message.text` is the method, `message.raw["result"]` what was returned and
        `message.raw["arguments"]` what for. A call that is refused or held comes to nobody.
        """
        return self._on("sent", fn)
