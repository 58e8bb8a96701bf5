"""What the bridge's tests share: a file with an app of Gradio's, as a bot."""

import itertools
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatstate import Interface
from chatstate.cli.loading import load_bot

NUMBERS = itertools.count(1)
Load = Callable[..., Interface]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    """Return what writes a file, and gives the bot that its app is."""
    monkeypatch.chdir(tmp_path)
    path = list(sys.path)

    def load(text: str, allow: Any = None, name: str = "") -> Interface:
        file = tmp_path / f"app_{os.getpid()}_{next(NUMBERS)}.py"
        file.write_text(f"import gradio as gr\n{textwrap.dedent(text)}")
        return load_bot(f"{file}:{name}" if name else str(file), allow)

    yield load
    sys.path[:] = path


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Gradio warn of what it likes: it is not ours."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here:
            item.add_marker(pytest.mark.filterwarnings("default"))
