"""What Gradio lays down for a page is removed while a bot runs."""

import os
import time
from pathlib import Path

from chatstate_gradio.sweeping import Sweeper


def lay(folder: Path, name: str, age: float) -> Path:
    """Lay down a file of some age, in seconds."""
    path = folder / name / "a.png"
    path.parent.mkdir()
    path.write_text("a")
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_what_is_old_is_removed(tmp_path: Path) -> None:
    """But for what was there at first: values and examples of the app."""
    first = lay(tmp_path, "first", 100)
    sweeper = Sweeper(tmp_path, age=50, pause=0)
    old, young = lay(tmp_path, "old", 100), lay(tmp_path, "young", 1)
    sweeper.sweep()
    assert [path.exists() for path in (first, old, young)] == [True, False, True]


def test_it_is_done_now_and_then(tmp_path: Path) -> None:
    """Each turn may ask for it."""
    sweeper = Sweeper(tmp_path, age=50, pause=1000)
    old = lay(tmp_path, "old", 100)
    sweeper.sweep()
    assert old.exists()
