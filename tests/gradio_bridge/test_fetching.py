"""What lies at an address is fetched from public addresses alone."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from chatstate_gradio.fetching import Fetcher, NotFetchedError, is_public


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - it is not bound
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.216.34", True),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::93.184.216.34", True),
        ("2002:7f00:1::", False),
    ],
)
def test_what_is_public_is_known(address: str, public: bool) -> None:
    """No address of a machine's own, of a network's, of a cloud's, in whatever form."""
    assert is_public(address) is public


Server = tuple[str, list[str]]


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    """Yield where a server listens, and which paths it was asked for."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(f"{request.host}{request.path_qs}")
        if request.path == "/to":
            raise web.HTTPFound(request.query["url"])
        if request.path == "/gone":
            raise web.HTTPNotFound
        if request.path == "/large":
            return web.Response(body=b"x" * 2000)
        return web.Response(body=b"a cat", content_type="image/png")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield f"http://localhost:{port}", asked
    await runner.cleanup()


def files_in(folder: Path) -> list[Path]:
    return [found for found in folder.rglob("*") if found.is_file()]


def lenient(**options: Any) -> Fetcher:
    """Return one that may connect to this machine, as no other may."""
    return Fetcher(lambda address: address in ("127.0.0.1", "::1"), **options)


async def test_a_file_is_fetched_once(server: Server, tmp_path: Path) -> None:
    """Under its own name, from the server that its address names."""
    url, asked = server
    fetcher = lenient()
    first = await fetcher.fetch(f"{url}/cat.png?a=1", tmp_path)
    assert (first.name, first.read_bytes()) == ("cat.png", b"a cat")
    assert await fetcher.fetch(f"{url}/cat.png?a=1", tmp_path) == first
    assert asked == [f"{url.removeprefix('http://')}/cat.png?a=1"]


async def test_a_name_without_an_ending_gets_one(server: Server, tmp_path: Path) -> None:
    """By what the server says that it is."""
    assert (await lenient().fetch(f"{server[0]}/cat", tmp_path)).name == "cat.png"


async def test_what_is_not_public_is_not_asked(server: Server, tmp_path: Path) -> None:
    """The name is looked up, and nothing is connected to."""
    url, asked = server
    with pytest.raises(NotFetchedError, match="is not public"):
        await Fetcher().fetch(f"{url}/secret?token=x", tmp_path)
    assert asked == []


async def test_a_redirect_is_looked_at_as_any_address(server: Server, tmp_path: Path) -> None:
    """One to a public place is followed, one to elsewhere is not."""
    url, asked = server
    assert (await lenient().fetch(f"{url}/to?url=/cat.png", tmp_path)).name == "cat.png"
    for target in ("http://10.0.0.1/", "http://[::ffff:10.0.0.1]/", "file:///etc/passwd"):
        with pytest.raises(NotFetchedError, match=r"is not public|no address of the web"):
            await lenient().fetch(f"{url}/to?url={target}", tmp_path)
    assert len(asked) == 5


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/to?url=/to?url=/to", "answers 500|leads on"),
        ("/gone", "answers 404"),
        ("/large", "more than 1,000"),
    ],
)
async def test_what_cannot_be_had_is_told(
    server: Server, tmp_path: Path, path: str, why: str
) -> None:
    """Without what may be secret in the address; nothing of it is kept."""
    with pytest.raises(NotFetchedError, match=why):
        await lenient(largest=1000).fetch(f"{server[0]}{path}", tmp_path)
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("url", ["ftp://a.b/c", "file:///etc/passwd", "http:///x", "data:,x"])
async def test_only_the_web_is_fetched(url: str, tmp_path: Path) -> None:
    """No other scheme, and no address without a host."""
    with pytest.raises(NotFetchedError, match="no address of the web"):
        await Fetcher().fetch(url, tmp_path)


async def test_a_name_that_leads_to_a_private_place_too_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that it leads to must be public: who answers may choose."""

    async def found(*_args: Any, **_options: Any) -> list[Any]:
        return [(0, 0, 0, "", ("93.184.216.34", 80)), (0, 0, 0, "", ("10.0.0.1", 80))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", found)
    with pytest.raises(NotFetchedError, match="is not public"):
        await Fetcher().fetch("http://a.b/c", tmp_path)
