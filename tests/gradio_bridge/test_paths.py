"""Which files an app may send."""

import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from chatstate_gradio.paths import refusal


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder; the one for temporary files, and another, lie beside it."""
    for name in ("work", "temporary", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("a")
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return tmp_path / "work"


def why(path: Path, allowed: Sequence[Path] = (), blocked: Sequence[Path] = ()) -> str:
    return refusal(path, [str(p) for p in allowed], [str(p) for p in blocked]) or ""


def test_what_a_page_would_serve_is_sent(work: Path) -> None:
    """What lies in the working folder, in that for temporary files, and in what is allowed."""
    other = work.parent / "elsewhere"
    assert why(work / "a.txt") == ""
    assert why(work.parent / "temporary" / "a.txt") == ""
    assert why(other / "a.txt", allowed=[other]) == ""


def test_all_else_is_not_sent(work: Path) -> None:
    """The remedy is named."""
    assert "name it in allowed_paths" in why(work.parent / "elsewhere" / "a.txt")
    assert "name it in allowed_paths" in why(work / ".." / "elsewhere" / "a.txt")


def test_a_link_is_what_it_leads_to(work: Path) -> None:
    """Neither a file nor a folder that is one leads out; what is allowed may lie behind one."""
    other = work.parent / "elsewhere"
    (work / "file.txt").symlink_to(other / "a.txt")
    (work / "folder").symlink_to(other)
    assert "allowed_paths" in why(work / "file.txt")
    assert "allowed_paths" in why(work / "folder" / "a.txt")
    assert why(work / "folder" / "a.txt", allowed=[work / "folder"]) == ""


def test_what_is_blocked_is_never_sent(work: Path) -> None:
    """Whatever else allows it, and by whatever name."""
    (work / "link.txt").symlink_to(work / "a.txt")
    assert "blocked_paths" in why(work / "a.txt", allowed=[work], blocked=[work / "a.txt"])
    assert "blocked_paths" in why(work / "link.txt", allowed=[work], blocked=[work / "a.txt"])


def test_what_is_hidden_is_not_sent(work: Path) -> None:
    """Secrets lie in `.env` and `.git`, unless somebody names them."""
    (work / ".git").mkdir()
    for path in (work / ".env", work / ".git" / "config"):
        path.write_text("secret")
        assert "is hidden" in why(path)
        assert why(path, allowed=[path]) == ""


def test_a_database_is_not_sent(work: Path) -> None:
    """The bot's own lies in the working folder, whatever it is called."""
    connection = sqlite3.connect(work / "bot.txt")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE a (b)")
    assert "is a database" in why(work / "bot.txt")
    assert "is a database" in why(work / "bot.txt-wal")
    connection.close()
