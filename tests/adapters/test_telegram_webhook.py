"""What the Telegram adapter receives by webhook, and whom it lets in."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from adapters.telegram_host import FakeHost, adapter_on, received
from servers.telegram_server import TelegramServer
from starlette.applications import Starlette
from starlette.routing import Mount

from chatstate import AdapterError
from chatstate_telegram import TelegramAdapter
from chatstate_telegram.receive.webhook import BODY_BYTES, HEADER, secret_of

URL = "https://bot.example.org/telegram"


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as telegram:
        yield telegram
    assert telegram.violations == []


def listening(server: TelegramServer) -> TelegramAdapter:
    """Return an adapter that listens on loopback, to which the server can post."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    url = f"http://127.0.0.1:{port}/telegram"
    return adapter_on(server, webhook=url, listen=f"127.0.0.1:{port}")


def mounted(server: TelegramServer) -> TelegramAdapter:
    """Return an adapter that is part of another app."""
    return adapter_on(server, webhook=URL, listen=None)


def posting(adapter: TelegramAdapter, *, secret: str | None = None) -> httpx.AsyncClient:
    """Return a client of the adapter's app."""
    given = secret_of(adapter._client._token) if secret is None else secret
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(adapter.app),
        base_url="http://bot",
        headers={HEADER: given} if given else {},
    )


UPDATE = {
    "update_id": 7,
    "message": {
        "message_id": 5,
        "date": 1,
        "chat": {"id": 1001, "type": "private", "first_name": "Alice"},
        "from": {"id": 1001, "first_name": "Alice", "is_bot": False},
        "text": "hi",
    },
}


def numbered(number: int) -> dict[str, object]:
    """Return an update of this number."""
    return {**UPDATE, "update_id": number}


async def test_updates_are_posted_to_it(server: TelegramServer) -> None:
    """Over HTTP, to the address it has told Telegram, with the kinds that it reads."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    async with received(listening(server), host):
        server.say(alice, server.private_chat(alice), "hi")
        await host.until(lambda: host.texts == ["hi"])
        await server.wait_for(lambda: not server.updates.pending)
    (told,) = server.called("setWebhook")
    assert told["allowed_updates"][0] == "message"
    assert told["secret_token"] == secret_of(server.token)


async def test_an_update_is_taken_once_it_is_durable(server: TelegramServer) -> None:
    """Telegram gives it again until then."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    host.accepts.clear()
    async with received(listening(server), host):
        server.say(alice, server.private_chat(alice), "hi")
        await server.wait_for(lambda: server.called("setWebhook"))
        assert server.updates.pending
        host.accepts.set()
        await server.wait_for(lambda: not server.updates.pending)


async def test_an_album_is_one_message(server: TelegramServer) -> None:
    """Though each part is posted only when the one before it is taken."""
    alice = server.person(1001, "Alice")
    host = FakeHost()
    async with received(listening(server), host):
        server.album(alice, server.private_chat(alice), [("photo", None)] * 3, caption="look")
        await host.until(lambda: host.events)
    assert [len(event.message.attachments) for event in host.events] == [3]


@pytest.mark.parametrize("secret", ["", "wrong", "größe"])
async def test_nobody_else_is_let_in(server: TelegramServer, secret: str) -> None:
    """Without the secret nothing is read."""
    adapter = mounted(server)
    host = FakeHost()
    async with received(adapter, host), posting(adapter) as client:
        await server.wait_for(lambda: server.called("setWebhook"))
        answer = await client.post(
            "/", json=UPDATE, headers={HEADER.encode(): secret.encode("latin-1")}
        )
        assert answer.status_code == 403
    assert host.events == []


def test_the_secret_is_the_tokens_and_does_not_show_it() -> None:
    """Each process of a bot makes the same, of characters that Telegram allows."""
    assert secret_of("42:a") == secret_of("42:a") != secret_of("42:b")
    assert secret_of("42:a").isalnum()
    assert len(secret_of("42:a")) <= 256


async def test_what_is_too_long_is_not_read(server: TelegramServer) -> None:
    """Nor kept in memory."""
    adapter = mounted(server)
    async with posting(adapter) as client:
        answer = await client.post("/", content=b" " * (BODY_BYTES + 1))
    assert answer.status_code == 413


async def test_what_is_no_json_is_refused(server: TelegramServer) -> None:
    """It would be the same if it came again."""
    async with posting(mounted(server)) as client:
        assert (await client.post("/", content=b"{")).status_code == 400


async def test_only_posts_are_answered(server: TelegramServer) -> None:
    """A browser finds nothing there."""
    async with posting(mounted(server)) as client:
        assert (await client.get("/")).status_code == 405


async def test_before_it_runs_and_after_it_asks_for_patience(server: TelegramServer) -> None:
    """So that Telegram gives the update again."""
    adapter = mounted(server)
    async with posting(adapter) as client:
        assert (await client.post("/", json=UPDATE)).status_code == 503
        async with received(adapter, FakeHost()):
            await server.wait_for(lambda: server.called("setWebhook"))
            assert (await client.post("/", json=UPDATE)).status_code == 200
        assert (await client.post("/", json=UPDATE)).status_code == 503


async def test_what_is_posted_when_it_stops_is_not_taken(server: TelegramServer) -> None:
    """It was not stored."""
    adapter = mounted(server)
    host = FakeHost()
    host.accepts.clear()
    async with posting(adapter) as client:
        async with received(adapter, host):
            await server.wait_for(lambda: server.called("setWebhook"))
            answering = asyncio.create_task(client.post("/", json=UPDATE))
            while not adapter.app.requests:
                await asyncio.sleep(0)
        assert (await answering).status_code == 503


async def test_a_wrong_secret_is_told(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Once in a while, however many come with it: it may be Telegram, or anybody."""
    async with posting(mounted(server), secret="wrong") as client:
        for _ in range(3):
            assert (await client.post("/", json=UPDATE)).status_code == 403
    told = [record.getMessage() for record in caplog.records if "secret" in record.getMessage()]
    assert len(told) == 1
    assert "another process has set the webhook" in told[0]
    assert "wrong" not in told[0].replace("wrong secret", "")


async def test_updates_are_put_in_their_order(server: TelegramServer) -> None:
    """Telegram posts several at once, and a later one may come a little before an earlier one."""
    adapter = mounted(server)
    host = FakeHost()
    async with received(adapter, host), posting(adapter) as client:
        await server.wait_for(lambda: server.called("setWebhook"))
        for numbers in ([11, 10], [12], [15, 13, 14], [13], [20]):
            posts = [asyncio.create_task(client.post("/", json=numbered(n))) for n in numbers]
            answers = await asyncio.gather(*posts)
            assert {answer.status_code for answer in answers} == {200}
    assert [event.id for event in host.events] == ["10", "11", "12", "13", "14", "15", "20"]


async def test_what_waits_for_an_earlier_update_is_posted_again_if_it_stops(
    server: TelegramServer,
) -> None:
    """It is not taken: nothing is lost."""
    adapter = mounted(server)
    host = FakeHost()
    async with posting(adapter) as client:
        async with received(adapter, host):
            await server.wait_for(lambda: server.called("setWebhook"))
            answering = asyncio.create_task(client.post("/", json=numbered(9)))
            while not adapter.app.requests:
                await asyncio.sleep(0)
        assert (await answering).status_code == 503
    assert host.events == []


async def test_how_many_are_posted_at_once_is_told(server: TelegramServer) -> None:
    """As it is set, and as Telegram does by itself otherwise."""
    for given, told in (({}, 40), ({"max_connections": 3}, 3)):
        before = len(server.called("setWebhook"))
        adapter = adapter_on(server, webhook=URL, listen=None, **given)
        async with received(adapter, FakeHost()):
            await server.wait_for(lambda: len(server.called("setWebhook")) > before)  # noqa: B023 - waited for here
        assert server.called("setWebhook")[-1]["max_connections"] == told


async def test_what_is_nested_too_deeply_is_left_out(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """And told; it would be so again, and nothing else would come."""
    adapter = mounted(server)
    host = FakeHost()
    async with received(adapter, host), posting(adapter) as client:
        await server.wait_for(lambda: server.called("setWebhook"))
        for depth in (500, 900, 1000, 100_000):
            body = f'{{"update_id": {depth}, "message": {"[" * depth}{"]" * depth}}}'
            assert (await client.post("/", content=body)).status_code == 200
            assert sum("is left out" in r.getMessage() for r in caplog.records) == 1
            caplog.clear()
        deep = json.dumps(numbered(7)).replace('"hi"', f'"hi", "x": {"[" * 900}{"]" * 900}')
        assert (await client.post("/", content=deep)).status_code == 200
        assert (await client.post("/", json=numbered(8))).status_code == 200
    assert host.texts[-1] == "hi"


async def test_an_update_that_cannot_be_read_is_taken(server: TelegramServer) -> None:
    """Or it would come again and again, and nothing else."""
    adapter = mounted(server)
    async with received(adapter, FakeHost()), posting(adapter) as client:
        await server.wait_for(lambda: server.called("setWebhook"))
        for odd in ({"update_id": 8, "message": {"text": "hi"}}, [1], {"update_id": "x"}):
            assert (await client.post("/", content=json.dumps(odd))).status_code == 200


async def test_it_can_be_mounted_in_another_app(server: TelegramServer) -> None:
    """At any path."""
    adapter = mounted(server)
    host = FakeHost()
    app = Starlette(routes=[Mount("/hooks/telegram", app=adapter.app)])
    transport = httpx.ASGITransport(app)
    headers = {HEADER: secret_of(server.token)}
    async with received(adapter, host), httpx.AsyncClient(transport=transport) as client:
        await server.wait_for(lambda: server.called("setWebhook"))
        url = "http://bot/hooks/telegram/"
        assert (await client.post(url, json=UPDATE, headers=headers)).status_code == 200
    assert host.texts == ["hi"]


async def test_other_paths_lead_nowhere(server: TelegramServer) -> None:
    """Only the URL's own is served."""
    adapter = listening(server)
    async with received(adapter, FakeHost()), httpx.AsyncClient() as client:
        await server.wait_for(lambda: server.called("setWebhook"))
        url = server.called("setWebhook")[0]["url"]
        answer = await client.post(url + "/other", headers={HEADER: secret_of(server.token)})
        assert answer.status_code == 404


async def test_an_address_in_use_is_told(server: TelegramServer) -> None:
    """In one line, at once."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AdapterError, match=f"cannot listen on {listen}"):
            await adapter_on(server, webhook=URL, listen=listen).run(FakeHost())


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1", "127.0.0.1:http"])
async def test_an_address_that_is_none_is_told(server: TelegramServer, listen: str) -> None:
    """With the form that it must have."""
    with pytest.raises(AdapterError, match="HOST:PORT"):
        await adapter_on(server, webhook=URL, listen=listen).run(FakeHost())


async def test_a_webhook_that_was_taken_away_is_set_again(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """And told, because another process must have done so."""
    adapter = adapter_on(server, webhook=URL, listen=None, look_seconds=0.02)
    async with received(adapter, FakeHost()):
        await server.wait_for(lambda: server.updates.webhook)
        server.updates.webhook = {}
        await server.wait_for(lambda: len(server.called("setWebhook")) == 2)
    assert "another process has taken this bot's webhook away" in caplog.text


async def test_a_look_that_is_answered_oddly_ends_nothing(server: TelegramServer) -> None:
    """The next one is answered as it should be."""
    adapter = adapter_on(server, webhook=URL, listen=None, look_seconds=0.02)
    async with received(adapter, FakeHost()) as running:
        await server.wait_for(lambda: server.updates.webhook)
        server.fail("getWebhookInfo", 200, body='{"ok": true, "result": [{}]}', times=2)
        looked = len(server.called("getWebhookInfo"))
        await server.wait_for(lambda: len(server.called("getWebhookInfo")) > looked + 2)
        assert not running.done()


async def test_whoever_watches_is_told_once_of_a_webhook_that_is_not_reached(
    server: TelegramServer,
) -> None:
    """And once that it is reached again: when nothing waits there any more."""
    adapter = adapter_on(server, webhook=URL, listen=None, look_seconds=0.02)
    host = FakeHost()

    def told(pending: int) -> str:
        error = {"last_error_date": 1_700_000_000, "last_error_message": "no route"}
        info = {"url": URL, "has_custom_certificate": False, "pending_update_count": pending}
        return json.dumps({"ok": True, "result": {**info, **error}})

    async with received(adapter, host):
        await server.wait_for(lambda: server.updates.webhook)
        for pending in (2, 1, 0, 0):
            looked = len(server.called("getWebhookInfo"))
            server.fail("getWebhookInfo", 200, body=told(pending))
            await server.wait_for(lambda: len(server.called("getWebhookInfo")) > looked + 1)  # noqa: B023 - called here
    (why,) = host.lost_by
    assert why.startswith("Telegram could not post to the webhook: no route; let https://")
    assert len(host.names) == 2


async def test_a_webhook_that_telegram_cannot_reach_is_told(
    server: TelegramServer, caplog: pytest.LogCaptureFixture
) -> None:
    """As Telegram tells it, once."""
    alice = server.person(1001, "Alice")
    adapter = adapter_on(server, webhook="http://127.0.0.1:9/", listen=None, look_seconds=0.02)
    async with received(adapter, FakeHost()):
        server.say(alice, server.private_chat(alice), "hi")
        await server.wait_for(lambda: "Connection failed" in caplog.text)
    assert "Telegram could not post to the webhook" in caplog.text
