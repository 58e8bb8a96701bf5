"""Whose a call of a tool is: a subject's of an issuer, or a guest's, whose state is not kept."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from adapters.test_web_tools import ADA, said
from adapters.web_issuer import SECRET, IssuerServer, issuing
from adapters.web_page import HOST, on
from adapters.web_signed import keys_in
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client

from chatstate import AdapterError, Global, Interface, Message, PerChat, PerMember, PerUser, Ref
from chatstate.inspection import Filter
from chatstate.stores.view import View
from chatstate.testing import MemoryData, MemoryStore
from chatstate_web import WebAdapter, WebOptions
from chatstate_web.receive import guests
from chatstate_web.receive.guests import Guests
from chatstate_web.receive.oauth import Issuer, UnreachableError

RESOURCE = "https://tea.example.org/mcp"
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
INITIALIZE = {
    **LIST,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
HEADERS = {"Accept": "application/json, text/event-stream"}


def tea() -> Interface:
    """Return a bot with a tool that counts, in each scope."""
    bot = Interface(id="tea", owners=["web:mcp-alice@127.0.0.1"])

    @bot.command(tool=True)
    def pour(
        message: Message,
        mine: PerMember[Ref[int]],
        user: PerUser[Ref[int]],
        chat: PerChat[Ref[int]],
        everybody: Global[Ref[int]],
    ) -> str:
        for cups in (mine, user, chat, everybody):
            cups.value += 1
        counts = f"{mine.value} {user.value} {chat.value} of {everybody.value}"
        return f"{message.sender.name}: {counts}"

    return bot


class Tokens:
    """Keeps what a client was given, as the library wants it."""

    def __init__(self) -> None:
        self.tokens: Any = None
        self.client: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


@contextlib.asynccontextmanager
async def serving(store: MemoryStore | None = None, **options: Any) -> AsyncIterator[str]:
    """Run the bot on a page that listens; give its address."""
    told: list[str] = []
    adapter = WebAdapter(**{"listen": "127.0.0.1:0", **options})
    async with on(tea(), adapter, store, told=told.append):
        yield told[0].partition("#")[0]


@contextlib.asynccontextmanager
async def calling(address: str, mode: str = "auto", auth: Any = None) -> AsyncIterator[Client]:
    """Give a client of the official library."""
    async with httpx2.AsyncClient(auth=auth) as http:
        transport = streamable_http_client(f"{address}mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


class Bearer(httpx2.Auth):
    def __init__(self, token: str) -> None:
        self.token = token

    def auth_flow(self, request: httpx2.Request) -> Any:
        request.headers["Authorization"] = f"Bearer {self.token}"
        yield request


# Subjects of an issuer


def oauth(address: str, issuer: IssuerServer, client: str) -> ClientCredentialsOAuthProvider:
    return ClientCredentialsOAuthProvider(
        server_url=f"{address}mcp",
        storage=Tokens(),
        client_id=client,
        client_secret=SECRET,
        scope="tools",
        issuer=issuer.url,
    )


async def test_a_client_finds_the_issuer_and_its_subject_has_state_of_their_own() -> None:
    """The official library is refused, asks who gives out tokens, has one, and calls."""
    data = MemoryData()
    async with issuing() as issuer:
        given = {"oauth_issuer": issuer.url, "oauth_scopes": ("tools",)}
        async with serving(MemoryStore(data), **given) as address:
            for name, told in (("alice", "alice: 1 1 1 of 1"), ("bob", "bob: 1 1 1 of 2")):
                auth = oauth(address, issuer, name)
                async with calling(address, auth=auth) as client:
                    assert await said(client, "pour") == [told]
        async with (
            serving(MemoryStore(data), **given) as address,
            calling(address, auth=oauth(address, issuer, "alice")) as client,
        ):
            assert await said(client, "pour") == ["alice: 2 2 2 of 3"]
        assert issuer.asked_for_keys == 2


@contextlib.asynccontextmanager
async def asking(page: WebAdapter) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(page.app)
    async with httpx2.AsyncClient(transport=transport, base_url=HOST, headers=HEADERS) as client:
        yield client


def page_for(issuer: IssuerServer, **options: Any) -> WebAdapter:
    given = {"listen": None, "oauth_issuer": issuer.url, "oauth_resource": RESOURCE, **options}
    return WebAdapter(**given)


async def status(client: httpx2.AsyncClient, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return (await client.post("/mcp", json=LIST, headers=headers)).status_code


async def test_tokens_that_do_not_count() -> None:
    """For another address, of another issuer, over, not yet, nobody's, or signed by others."""
    async with issuing() as issuer, issuing() as other:
        page = page_for(issuer)
        other.url = issuer.url
        async with on(tea(), page), asking(page) as client:
            assert await status(client, issuer.token(RESOURCE)) == 200
            assert await status(client, issuer.token([RESOURCE, "https://x.example"])) == 200
            for wrong in (
                issuer.token("https://other.example.org/mcp"),
                issuer.token(RESOURCE, iss="https://other.example.org"),
                issuer.token(RESOURCE, exp=1),
                issuer.token(RESOURCE, nbf=4e9),
                issuer.token(RESOURCE, subject=""),
                issuer.token(RESOURCE, subject="a\nb"),
                issuer.token(RESOURCE, subject="a" * 201),
                *(
                    issuer.token(RESOURCE, **cast("Any", {name: None}))
                    for name in ("sub", "aud", "exp", "iss")
                ),
                other.token(RESOURCE),
                issuer.token(RESOURCE, kid="unknown"),
                issuer.token(RESOURCE, key=b"x" * 32, kid="shared", algorithm="HS256"),
                issuer.token(RESOURCE, key=b"x" * 32, algorithm="HS256"),
                issuer.token(RESOURCE, algorithm="none"),
                issuer.token(RESOURCE)[:-4],
                "no token",
            ):
                assert await status(client, wrong) == 401, wrong
        assert issuer.asked_for_keys == 1  # who sends tokens at random makes nobody ask


async def test_a_client_is_told_where_tokens_are_had_and_what_they_must_allow() -> None:
    """As RFC 6750 and RFC 9728 say, whatever is missing."""
    async with issuing() as issuer:
        page = page_for(issuer, oauth_scopes="tools,more")
        async with on(tea(), page), asking(page) as client:
            metadata = "https://tea.example.org/.well-known/oauth-protected-resource/mcp"
            told = f'scope="tools more", resource_metadata="{metadata}"'
            answer = await client.post("/mcp", json=LIST)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == f"Bearer {told}"
            headers = {"Authorization": f"Bearer {issuer.token(RESOURCE)}"}
            answer = await client.post("/mcp", json=LIST, headers=headers)
            assert answer.status_code == 403
            assert answer.headers["www-authenticate"] == (
                f'Bearer error="insufficient_scope", {told}'
            )
            assert await status(client, issuer.token(RESOURCE, scope="more tools a")) == 200
            assert (
                await status(client, issuer.token(RESOURCE, scope=None, scp=["more", "tools"]))
                == 200
            )
            answer = await client.get("/.well-known/oauth-protected-resource/mcp")
            assert answer.json() == {
                "resource": RESOURCE,
                "authorization_servers": [issuer.url],
                "bearer_methods_supported": ["header"],
                "scopes_supported": ["tools", "more"],
            }
    page = WebAdapter(listen=None)
    async with on(tea(), page), asking(page) as client:
        answer = await client.get("/.well-known/oauth-protected-resource/mcp")
        assert answer.status_code == 404


async def test_a_new_key_counts_and_an_issuer_that_is_down_is_no_refusal() -> None:
    """Known keys count on; without any it is asked again soon."""
    now = [0.0]
    async with issuing() as server:
        options = WebOptions(oauth_issuer=server.url)
        issuer = Issuer(options, RESOURCE, lambda: now[0])

        async def counts() -> bool:
            return await issuer.verify_token(server.token(RESOURCE)) is not None

        server.is_down = True
        for _ in range(2):
            with pytest.raises(UnreachableError):
                await counts()
        assert server.asked_for_keys == 1
        server.is_down, now[0] = False, now[0] + 5
        assert await counts()
        server.signing = server.add_key("second")
        assert not await counts()
        now[0] += 60
        assert await counts()
        server.is_down, now[0] = True, now[0] + 3600
        assert await counts()
        assert server.asked_for_keys == 4
        await issuer.close()


async def test_an_issuer_may_be_asked_about_each_token() -> None:
    """Then one counts until it is withdrawn."""
    async with issuing() as issuer:
        page = page_for(
            issuer,
            oauth_introspection=f"{issuer.url}/introspect",
            oauth_client="page",
            oauth_secret=SECRET,
        )
        good = {"active": True, "sub": "alice", "aud": RESOURCE, "exp": 4e9}
        async with on(tea(), page), asking(page) as client:
            for told, expected in (
                (good, 200),
                ({**good, "iss": issuer.url, "aud": [RESOURCE]}, 200),
                ({**good, "active": False}, 401),
                ({**good, "active": "true"}, 401),
                ({**good, "iss": "https://other.example.org"}, 401),
                ({**good, "aud": "https://other.example.org"}, 401),
                ({**good, "exp": 1}, 401),
                ({"active": True, "sub": "alice", "aud": RESOURCE}, 401),
                ({"active": True, "aud": RESOURCE, "exp": 4e9}, 401),
            ):
                issuer.active["opaque"] = told
                assert await status(client, "opaque") == expected, told
            assert await status(client, "unknown") == 401
    page = page_for(issuer, oauth_introspection=f"{issuer.url}/introspect")
    async with on(tea(), page), asking(page) as client:
        assert await status(client, "opaque") == 503


async def test_a_named_token_and_a_subject_of_its_name_are_two(tmp_path: Path) -> None:
    """Named tokens count beside an issuer's."""
    async with issuing() as issuer:
        given = {"oauth_issuer": issuer.url, "oauth_resource": RESOURCE}
        async with serving(None, keys=keys_in(tmp_path), **given) as address:
            for token, told in (
                (ADA, "ada: 1 1 1 of 1"),
                (issuer.token(RESOURCE, "ada"), "ada: 1 1 1 of 2"),
                (ADA, "ada: 2 2 2 of 3"),
            ):
                async with calling(address, auth=Bearer(token)) as client:
                    assert await said(client, "pour") == [told]


@pytest.mark.parametrize(
    "wrong",
    [
        {"oauth_issuer": "http://issuer.example.org"},
        {"oauth_issuer": "https://user@issuer.example.org"},
        {"oauth_issuer": "issuer.example.org"},
        {"oauth_resource": "https://x.example/mcp?a=1"},
        {"oauth_jwks": "ftp://127.0.0.1/keys"},
        {"oauth_introspection": "http://issuer.example.org/introspect"},
    ],
)
def test_addresses_that_others_on_the_way_could_read(wrong: dict[str, str]) -> None:
    """They are refused, and so is what is none."""
    with pytest.raises(AdapterError, match="takes an https URL"):
        WebAdapter(**cast("Any", wrong))


def test_where_tokens_would_be_for_an_address_that_nobody_knows() -> None:
    """It is to be told where the page is not on this machine alone."""
    for elsewhere in ({"listen": None}, {"listen": "0.0.0.0:8000", "web_auth": "hunter2"}):
        with pytest.raises(AdapterError, match="--oauth-issuer needs --oauth-resource"):
            WebAdapter(**cast("Any", elsewhere), oauth_issuer="https://issuer.example.org")


# Guests


@pytest.mark.parametrize(("mode", "second"), [("legacy", "2 2 2 of 2"), ("auto", "1 1 1 of 2")])
async def test_a_guest_has_state_of_its_session_which_is_not_kept(mode: str, second: str) -> None:
    """Where the protocol has none, of each call; what is everybody's is everybody's."""
    data = MemoryData()
    async with serving(MemoryStore(data)) as address:
        async with calling(address, mode) as guest, calling(address, mode) as other:
            assert await said(guest, "pour") == ["guest: 1 1 1 of 1"]
            assert await said(guest, "pour") == [f"guest: {second}"]
            assert await said(other, "pour") == ["guest: 1 1 1 of 3"]
        async with calling(address, mode) as again:
            assert await said(again, "pour") == ["guest: 1 1 1 of 4"]
    store = MemoryStore(data)
    await store.open("tea")
    kept = await View(store, bot="tea", reveal=True).list("states", Filter(limit=10))
    assert [(entry.key.scope, entry.body) for entry in kept if entry.key] == [("global", "4")]


async def test_guests_are_those_of_this_machine_and_where_nobody_has_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Else they are refused; that they come, and what is kept of them, is said at start."""
    for options, expected in (
        ({"listen": "127.0.0.1:8000"}, 200),
        ({"listen": "127.0.0.1:8000", "guests": "none"}, 404),
        ({"listen": "127.0.0.1:8000", "keys": keys_in(tmp_path)}, 401),
        ({"listen": "127.0.0.1:8000", "hosts": "tea.example.org"}, 404),
        ({"listen": None}, 404),
        ({"listen": None, "guests": "all"}, 200),
    ):
        page = WebAdapter(**cast("Any", options))
        monkeypatch.setattr(page, "_listener", lambda: None)  # another may have that port
        caplog.clear()
        with caplog.at_level("INFO", "chatstate.web"):
            async with on(tea(), page), asking(page) as client:
                answer = await client.post("/mcp", json=INITIALIZE)
                assert answer.status_code == expected, options
        assert ("not stored: pour" in caplog.text) == (expected == 200)


class Stays:
    """A host that notes who is its guest; and what was erased."""

    def __init__(self) -> None:
        self.here: list[str] = []
        self.erased: list[str] = []
        self.transcript = self

    @contextlib.asynccontextmanager
    async def guest(self, user: str) -> AsyncIterator[None]:
        self.here.append(user)
        await asyncio.sleep(0)
        yield
        self.here.remove(user)

    async def erase(self, chat: str) -> None:
        self.erased.append(chat)


async def test_a_session_ends_when_its_client_says_so_or_is_silent_for_long() -> None:
    """Those that call are one guest each, however many of their calls come at once."""
    host, now = Stays(), [0.0]
    visiting = Guests(cast("Any", host), lambda: now[0])

    async def call(session: str | None) -> str:
        async with visiting.calling(session) as caller:
            assert caller.id in host.here
            return caller.id

    first, again, other = await asyncio.gather(call("a"), call("a"), call("b"))
    assert first == again != other
    assert sorted(host.here) == sorted([first, other])
    assert host.erased.count(first) == 2
    assert await call(None) not in host.here
    await visiting.leave("b")
    assert host.here == [first]
    now[0] += guests.LASTS + 1
    assert await call("c") in host.here
    assert first not in host.here
    await visiting.close()
    assert host.here == []
