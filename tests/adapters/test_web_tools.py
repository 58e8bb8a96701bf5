"""Programs that call the bot's commands as tools, by the official library of the protocol."""

import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from adapters.web_page import HOST, on
from adapters.web_signed import keys_in
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ImageContent, TextContent

from chatstate import AdapterError, Interface, Message, PerMember, Ref, Reply, UserError
from chatstate.files import File
from chatstate.testing import MemoryData, MemoryStore
from chatstate_web import WebAdapter

ADA, BOB = "a-token-of-ada's", "a-token-of-bob's"


def tools() -> Interface:
    """Return a bot some commands of which are tools."""
    bot = Interface(id="tools", title="Tools", owners=["web:mcp-ada"])
    config = bot.group("config")

    @bot.command(tool=True)
    def add(amount: int, unit: Literal["cups", "pots"], total: PerMember[Ref[int]]) -> str:
        """Add to what there is."""
        total.value += amount
        return f"{total.value} {unit}"

    @config.command(name="set", tool=True)
    def set_(loud: bool, ratio: float = 1.5, note: str = "") -> list[Reply]:
        picture = File(b"PNG", "a.png", "image/png")
        return [Reply(f"{loud} {ratio} {note!r}"), Reply(files=[picture, File(b"x", "b.txt")])]

    @bot.command(tool=True, allow=lambda message: message.sender.id == "mcp-ada")
    def guarded(message: Message) -> str:
        return f"for {message.sender.name}"

    @bot.command(tool=True)
    def failing() -> str:
        raise UserError("no tea today")

    @bot.command
    def private() -> str:
        return "no tool"

    return bot


@contextlib.asynccontextmanager
async def calling(address: str, token: str, mode: str = "auto") -> AsyncIterator[Client]:
    """Give a client that has a token."""
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http:
        transport = streamable_http_client(f"{address}mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


@contextlib.asynccontextmanager
async def serving(tmp_path: Path, data: MemoryData | None = None) -> AsyncIterator[str]:
    """Run the bot on a page that listens; give its address."""
    told: list[str] = []
    adapter = WebAdapter(listen="127.0.0.1:0", keys=keys_in(tmp_path))
    store = MemoryStore(data or MemoryData())
    async with on(tools(), adapter, store, told=told.append):
        yield told[0].partition("#")[0]


async def said(client: Client, name: str, **arguments: Any) -> list[str]:
    """Return the words that a tool answers with, which must be no error."""
    result = await client.call_tool(name, arguments)
    assert not result.is_error
    return [block.text for block in result.content if isinstance(block, TextContent)]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_each_caller_has_state_of_their_own(tmp_path: Path, mode: str) -> None:
    """It is there at the next call, on another connection, and after a restart."""
    data = MemoryData()
    async with serving(tmp_path, data) as address:
        async with calling(address, ADA, mode) as ada, calling(address, BOB, mode) as bob:
            assert await said(ada, "add", amount=2, unit="cups") == ["2 cups"]
            assert await said(ada, "add", amount=3, unit="pots") == ["5 pots"]
            assert await said(bob, "add", amount=1, unit="cups") == ["1 cups"]
        async with calling(address, ADA, mode) as ada:
            assert await said(ada, "add", amount=1, unit="cups") == ["6 cups"]
    async with serving(tmp_path, data) as address, calling(address, ADA, mode) as ada:
        assert await said(ada, "add", amount=1, unit="cups") == ["7 cups"]


async def test_the_tools_are_commands_that_say_so(tmp_path: Path) -> None:
    """Each with what it takes; what is wrong with a call is told to whoever calls."""
    async with serving(tmp_path) as address, calling(address, ADA) as ada:
        listed = {tool.name: tool for tool in (await ada.list_tools()).tools}
        assert sorted(listed) == ["add", "config-set", "failing", "guarded"]
        assert listed["add"].description == "Add to what there is."
        assert listed["add"].input_schema == {
            "type": "object",
            "properties": {
                "amount": {"type": "integer"},
                "unit": {"type": "string", "enum": ["cups", "pots"]},
            },
            "required": ["amount", "unit"],
            "additionalProperties": False,
        }
        result = await ada.call_tool("config-set", {"loud": True, "note": "a  b"})
        words, picture, file = result.content
        assert words == TextContent(type="text", text="True 1.5 'a  b'")
        assert isinstance(picture, ImageContent)
        assert (picture.mime_type, picture.data) == ("image/png", "UE5H")
        assert file == TextContent(type="text", text="[b.txt, 1 bytes]")
        for name, arguments, told in (
            ("add", {"amount": "many", "unit": "cups"}, "many"),
            ("add", {"unit": "cups"}, "amount"),
            ("add", {"amount": 1, "unit": "cups", "of": "tea"}, "'of'"),
            ("private", {}, "no tool 'private'"),
        ):
            result = await ada.call_tool(name, arguments)
            assert result.is_error
            assert told in str(result.content)
        assert await said(ada, "failing") == ["no tea today"]


async def test_guards_hold_for_callers(tmp_path: Path) -> None:
    """A caller is somebody, whom a command may be for or not."""
    async with serving(tmp_path) as address:
        async with calling(address, ADA) as ada:
            assert await said(ada, "guarded") == ["for ada"]
        async with calling(address, BOB) as bob:
            assert await said(bob, "guarded") != ["for bob"]


async def test_who_has_no_token_calls_nothing(tmp_path: Path) -> None:
    """Nor does another site's page, or anybody where no tokens are."""
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    async with serving(tmp_path) as address, httpx2.AsyncClient(base_url=address) as client:
        for given in ("", "Bearer", "Bearer wrong", f"Basic {ADA}", f"Bearer {ADA[:-1]}"):
            answer = await client.post("mcp", json=call, headers={"Authorization": given})
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")
        headers = {"Authorization": f"Bearer {ADA}", "Origin": "https://evil.example"}
        assert (await client.post("mcp", json=call, headers=headers)).status_code == 403
    async with on(tools()) as page:
        transport = httpx2.ASGITransport(page.app)
        async with httpx2.AsyncClient(transport=transport, base_url=HOST) as client:
            assert (await client.post("/mcp", json=call)).status_code == 404
    stopped = WebAdapter(listen=None, keys=keys_in(tmp_path))
    transport = httpx2.ASGITransport(stopped.app)
    async with httpx2.AsyncClient(transport=transport, base_url=HOST) as client:
        assert (await client.post("/mcp", json=call)).status_code == 503


def test_what_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything runs, if somebody has a token; who has none needs no library."""
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    monkeypatch.delitem(sys.modules, "chatstate_web.receive.mcp", raising=False)
    with pytest.raises(AdapterError, match=r"chatstate\[mcp\]"):
        WebAdapter(keys=keys_in(tmp_path))
    assert WebAdapter().options.keys == ""


async def test_the_log_tells_of_the_tools(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Which there are, for whom; and that they are for nobody else."""
    with caplog.at_level("INFO", "chatstate.web"):
        async with serving(tmp_path):
            pass
    assert (
        "tools at /mcp, for ada, bob and nobody without a token: add, config-set, guarded, failing"
        in caplog.text
    )
