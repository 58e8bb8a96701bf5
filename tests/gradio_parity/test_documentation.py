"""The app that the documentation shows is what runs."""

import re
from pathlib import Path
from typing import Any

import pytest
from support import texts

from chatstate.testing import TestClient

gr = pytest.importorskip("gradio", reason="the extra gradio is not installed")
PAGE = Path(__file__).parents[2] / "docs" / "from-gradio.md"


async def test_the_app_of_the_page_is_a_bot(load: Any) -> None:
    """It streams, has its history, and its setting."""
    found = re.search(r"```py\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    async with TestClient(load(found[1])) as client:
        alice = client.user("alice")
        assert await texts(alice, "hi") == ["hi, said kindly, after 0 messages"]
        await alice.say("/settings tone loudly")
        (answer,) = await texts(alice, "hi")
    assert answer.startswith("hi, said loudly, after")
