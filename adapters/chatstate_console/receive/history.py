"""What was entered at the prompt, kept from one run to the next.

1. A file holds one JSON text a line, the newest last. Only its owner may read it.
2. The newest 1,000 are remembered; a file that has twice as many is cut to these.
3. What cannot be kept is told once, and forgotten with the run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from prompt_toolkit.history import History

_REMEMBERED = 1000
_NOWHERE = "-"
_UNFIT = re.compile(r"[^\w.-]+")


def file_for(bot: str, given: str) -> Path | None:
    """Return where what is entered for a bot is kept: by default, with other such things."""
    if given == _NOWHERE:
        return None
    if given:
        return Path(given).expanduser()
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state, "chatstate", "history", _UNFIT.sub("_", bot).lstrip(".") or "bot")


class Kept(History):
    """Keeps what is entered in the file at `path`, once that is known; `tell` hears of trouble."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self.path: Path | None = None
        self._tell = tell

    def load_history_strings(self) -> Iterable[str]:
        """Return what was entered before, the newest first."""
        lines: list[bytes] = []
        if self.path:
            try:
                lines = self.path.read_bytes().splitlines()
                if len(lines) > 2 * _REMEMBERED:
                    self._replace(lines[-_REMEMBERED:])
            except FileNotFoundError:
                return
            except OSError as error:
                self._give_up(error)
        for line in reversed(lines[-_REMEMBERED:]):
            try:
                yield msgspec.json.decode(line, type=str)
            except msgspec.DecodeError:  # something else has written there
                continue

    def store_string(self, string: str) -> None:
        """Keep what is entered."""
        if self.path is None:
            return
        line = msgspec.json.encode(string.encode(errors="replace").decode())
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with open(self.path, "ab", opener=_private) as file:
                file.write(line + b"\n")
        except OSError as error:
            self._give_up(error)

    def erase(self) -> bool:
        """Forget all that was entered; tell whether a file held any."""
        self._loaded_strings.clear()
        if self.path is None or not self.path.exists():
            return False
        try:
            self.path.unlink()
        except OSError as error:
            self._tell(f"[what was entered is still in {self.path}: {error.strerror}]")
            return False
        return True

    def _replace(self, lines: list[bytes]) -> None:
        if self.path:
            new = self.path.with_name(f"{self.path.name}.new")
            with open(new, "wb", opener=_private) as file:
                file.writelines(line + b"\n" for line in lines)
            new.replace(self.path)

    def _give_up(self, error: OSError) -> None:
        self._tell(f"[what you enter is not kept: {self.path}: {error.strerror}]")
        self.path = None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
