"""What an adapter finds out about its account by asking the platform, for `chatstate doctor`."""

import socket
import time
from pathlib import Path
from typing import Any

import pytest
from adapters.discord_driver import TOKEN, addresses
from adapters.web_issuer import issuing
from adapters.web_signed import keys_in
from servers.discord_gateway import MESSAGE_CONTENT
from servers.discord_server import DiscordServer
from servers.telegram_server import TelegramServer

from chatstate.adapter import Finding, of_clocks
from chatstate_discord import DiscordAdapter
from chatstate_telegram import TelegramAdapter
from chatstate_web import WebAdapter

NO_KINDS = frozenset[str]()


def told(findings: Any) -> dict[str, str]:
    """Return how each thing is that was looked at; what is not fine has a remedy."""
    assert all(found.remedy for found in findings if found.level != "ok")
    return {found.what: f"{found.level}: {found.told}" for found in findings}


async def on_telegram(server: TelegramServer, **options: Any) -> dict[str, str]:
    adapter = TelegramAdapter(**{"token": server.token, "api": server.base_url, **options})
    return told(await adapter.examine(NO_KINDS))


async def on_discord(server: DiscordServer, *kinds: str, **options: Any) -> dict[str, str]:
    adapter = DiscordAdapter(**{"token": TOKEN, **addresses(server), **options})
    return told(await adapter.examine(frozenset(kinds)))


async def test_an_account_on_telegram_that_is_well() -> None:
    """The token, the groups, the webhook and the clock are fine."""
    async with TelegramServer() as server:
        found = await on_telegram(server)
        assert found.keys() == {"token", "groups", "webhook", "clock"}
        assert all(how.startswith("ok: ") for how in found.values())
        assert found["token"].endswith(" is that of @test_bot")


async def test_a_token_that_telegram_refuses() -> None:
    """Nothing else is asked for then."""
    async with TelegramServer() as server:
        found = await on_telegram(server, token="1:nobodys")
        assert list(found) == ["token"]
        assert found["token"].startswith("failed: is refused by Telegram (401 ")


async def test_a_platform_that_cannot_be_reached() -> None:
    """That is told with the address, and without the token."""
    async with TelegramServer() as server:
        pass
    found = await on_telegram(server)
    assert found["token"].startswith("failed: cannot be asked for at 127.0.0.1:")
    assert server.token not in found["token"]


async def test_groups_of_which_telegram_tells_only_what_is_addressed() -> None:
    """A warning if the bot is to hear all."""
    async with TelegramServer() as server:
        server.has_privacy_mode = True
        assert (await on_telegram(server))["groups"].startswith("ok: ")
        found = await on_telegram(server, groups="all")
        assert found["groups"].startswith("warning: the bot is to hear all")


async def test_a_webhook_of_others_and_of_ones_own() -> None:
    """Somebody else's is a warning, and so is one that Telegram cannot post to."""
    async with TelegramServer() as server:
        url = "http://127.0.0.1:9/hook"
        server.updates.webhook = {"url": url}
        assert (await on_telegram(server))["webhook"].startswith(f"warning: one is set, at {url}; ")
        assert (await on_telegram(server, webhook=url))["webhook"] == f"ok: is {url}"
        found = await on_telegram(server, webhook="https://example.org/")
        assert found["webhook"].startswith(f"warning: is set to {url}, and not to https://")
        server.updates.webhook |= {"last_error_date": 1, "last_error_message": "no route"}
        found = await on_telegram(server, webhook=url)
        assert found["webhook"] == "warning: Telegram could not post to it: no route"
        assert "post to it: no route" in (await on_telegram(server))["webhook"]


async def test_an_account_on_discord_that_is_well(server: DiscordServer) -> None:
    """The token, the intents that something needs, and no others, sessions, shards, clock."""
    found = await on_discord(server, groups="all")
    assert found.keys() == {"token", "Message Content Intent", "sessions", "shards", "clock"}
    assert all(how.startswith("ok: ") for how in found.values())
    assert "Message Content Intent" not in await on_discord(server)


async def test_an_intent_that_is_switched_off(server: DiscordServer) -> None:
    """It is told what needs it."""
    server.world.disallowed_intents = MESSAGE_CONTENT
    found = await on_discord(server, groups="all")
    assert found["Message Content Intent"] == "failed: is switched off, and --groups all needs it"
    found = await on_discord(server, "presence_update")
    assert found["Presence Intent"].startswith("ok: is switched on, for @bot.on(")


async def test_a_token_that_discord_refuses(server: DiscordServer) -> None:
    """Nothing else is asked for then."""
    found = await on_discord(server, token=f"{TOKEN}x")
    assert list(found) == ["token"]
    assert found["token"].startswith("failed: Discord refuses the bot's token")


async def test_sessions_and_shards_that_are_too_few(server: DiscordServer) -> None:
    """Discord lets a bot begin so many sessions a day, and advises how many shards."""
    server.application.session_limit = 3
    server.application.shards = 4
    found = await on_discord(server, shards="2")
    assert found["sessions"] == "warning: 3 of 1000 are left today"
    assert found["shards"] == "warning: Discord advises 4, not 2"


@pytest.mark.parametrize(
    ("ahead", "level", "said"),
    [
        (0.5, "ok", "agrees with that of it"),
        (-30, "warning", "30 s behind that of it"),
        (90, "failed", "90 s ahead of that of it"),
    ],
)
def test_a_clock_that_is_wrong(ahead: float, level: str, said: str) -> None:
    """By seconds it is a warning, by a minute a failure."""
    found = of_clocks(time.time() - ahead, "it")
    assert isinstance(found, Finding)
    assert (found.level, found.told) == (level, said)


async def on_a_page(**options: Any) -> dict[str, str]:
    adapter = WebAdapter(**{"listen": "127.0.0.1:0", **options})
    return told(await adapter.examine(NO_KINDS))


async def test_a_page_of_this_machine_is_well() -> None:
    """By the defaults; with an address that others listen at it may not be."""
    found = await on_a_page()
    assert found.keys() == {"address", "entrance", "inspector", "tools"}
    assert all(how.startswith("ok: ") for how in found.values())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = await on_a_page(listen=f"127.0.0.1:{taken.getsockname()[1]}")
    assert found["address"].startswith("warning: cannot listen on 127.0.0.1:")
    assert (await on_a_page(listen=None))["address"].startswith("ok: is another app's")


async def test_a_page_that_others_open_and_how_they_get_there() -> None:
    """It should have a name, a proxy and a long password; the password is not shown."""
    found = await on_a_page(listen="0.0.0.0:0", web_auth="hunter2", guests="all")
    warned = {what for what, how in found.items() if how.startswith("warning: ")}
    assert warned == {"entrance", "names", "way", "tools"}
    assert "hunter2" not in str(found)
    assert found["inspector"].startswith("ok: is for nobody")
    safe = {"hosts": "tea.example.org", "proxies": "10.0.0.1", "guests": "none"}
    found = await on_a_page(listen="0.0.0.0:0", web_auth="hunter2hunter2", **safe)
    assert all(how.startswith("ok: ") for how in found.values())
    check = {"web_auth": lambda _name, _password: True}
    assert (await on_a_page(**check))["inspector"].startswith("warning: is for nobody")
    assert (await on_a_page(**check, owners="ada"))["inspector"] == "ok: is for ada"
    assert (await on_a_page(inspector=False))["inspector"] == "ok: is switched off"


async def test_an_issuer_that_tells_its_keys_or_does_not(tmp_path: Path) -> None:
    """That is a failure: nobody could call anything."""
    async with issuing() as issuer:
        found = await on_a_page(oauth_issuer=issuer.url, keys=keys_in(tmp_path))
        assert found["issuer"] == f"ok: {issuer.url} signs with 1 keys"
        assert found["tools"] == f"ok: are for ada, bob, {issuer.url}"
        asked = {"oauth_issuer": issuer.url, "oauth_introspection": f"{issuer.url}/introspect"}
        assert (await on_a_page(**asked))["issuer"].startswith("ok: is asked about each token")
    found = await on_a_page(oauth_issuer=issuer.url)
    assert found["issuer"].startswith(f"failed: {issuer.url} tells no keys: ")
