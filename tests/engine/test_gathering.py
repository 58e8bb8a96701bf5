"""Events that are delivered in one step of the loop are stored together, and fail alone."""

import asyncio
import threading
from typing import Any, cast

import pytest

from chatstate import Interface, Markdown
from chatstate.adapter import Post
from chatstate.testing import TestClient

echo = Interface(id="echo")


@echo.on_message
def _say_it_again(message: str) -> str:
    return message


async def test_deliveries_of_one_step_share_a_transaction() -> None:
    """Each still gets the receipts of its own events."""
    async with TestClient(echo) as client:
        people = [client.user(str(number)) for number in range(40)]
        host = await client.platform.connected()
        calls: list[int] = []
        real = client._store.ingest

        def ingest(account: int, events: Any, cursors: Any, **options: Any) -> Any:
            calls.append(len(events))
            return real(account, events, cursors, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(client._store, "ingest", ingest)
            delivered = [host.deliver([person.event("hi")]) for person in people]
            receipts = [receipt for (receipt,) in await asyncio.gather(*delivered)]
        await asyncio.gather(*(receipt.settled() for receipt in receipts))
        assert calls == [40]
        assert len(client.platform.delivered) == 40


async def test_what_cannot_be_stored_fails_its_own_delivery_alone() -> None:
    """Whatever it raises; the others of that step are stored."""
    async with TestClient(echo) as client:
        host = await client.platform.connected()
        good = [client.user(name).event(name) for name in ("a", "b")]
        no_cursor = cast("Any", ["no text"])
        outcomes = await asyncio.gather(
            host.deliver([good[0]]),
            host.deliver([client.user("c").event("bad")], no_cursor),
            host.deliver([good[1]]),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], Exception)
        for stored in (outcomes[0], outcomes[2]):
            (receipt,) = cast("Any", stored)
            await receipt.settled()
        assert [sent.text for sent in client.platform.delivered] == ["a", "b"]


@pytest.mark.parametrize(("words", "in_the_loop"), [(10, True), (2_000, False)])
async def test_long_markdown_is_rendered_outside_of_the_loop(words: int, in_the_loop: bool) -> None:
    """Since to parse and to cut it may take its time; a short one is not worth a thread."""
    bot = Interface(id="bot")

    @bot.on_message
    async def answer(_message: str) -> Markdown:
        return Markdown("**word** " * words)

    async with TestClient(bot) as client:
        rendered: list[threading.Thread] = []
        real = client.platform.render

        def render(post: Post) -> Any:
            rendered.append(threading.current_thread())
            return real(post)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(client.platform, "render", render)
            await client.user("alice").say("hi")
        assert [thread is threading.current_thread() for thread in rendered] == [in_the_loop]
