"""Which files an app may send: what Gradio's page would serve, looked at through links.

1. A path is judged as what it is in the end, and so are the folders.
2. What is blocked is never sent. What is allowed is; else what lies in the working folder or in
   that for temporary files, but nothing hidden there.
3. A database is not sent unless it is allowed by name: the bot's own may lie in the working folder.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

_DATABASE = (b"SQLite format 3\x00", b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_LONGEST = max(map(len, _DATABASE))


def refusal(path: str | Path, allowed: Sequence[str], blocked: Sequence[str]) -> str | None:
    """Return why a file is not sent; None if it may be."""
    meant = Path(path).resolve()
    if _is_in(meant, blocked):
        return f"{path} is in blocked_paths"
    if _is_in(meant, allowed):
        return None
    usual = [
        folder for folder in (Path.cwd(), Path(tempfile.gettempdir())) if _is_in(meant, [folder])
    ]
    if not usual:
        return f"{path} is in no folder that may be seen: name it in allowed_paths"
    inside = meant.relative_to(usual[0].resolve())
    if usual[0] == Path.cwd() and any(part.startswith(".") for part in inside.parts):
        return f"{path} is hidden: name it in allowed_paths"
    if _is_database(meant):
        return f"{path} is a database: name it in allowed_paths"
    return None


def _is_in(path: Path, folders: Iterable[str | Path]) -> bool:
    return any(path.is_relative_to(Path(folder).resolve()) for folder in folders)


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(_LONGEST).startswith(_DATABASE)
