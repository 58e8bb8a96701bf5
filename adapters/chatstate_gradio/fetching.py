"""The one way in which what lies at an address of the web is fetched: from public addresses alone.

1. A name is looked up first, and all that it leads to must be public; then that very address is
   connected to, so that the name cannot lead elsewhere meanwhile.
2. A redirect is an address as any other, and there are a few at most.
3. What is fetched has a limit of size and of time. No proxy, no cookies, no password.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import mimetypes
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import httpx

from chatstate.files import safe_name

LARGEST = 50_000_000
_HOPS = 5
_SECONDS = 20.0
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}


class NotFetchedError(Exception):
    """What lies at an address cannot be had, or must not be. It says why."""


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet's, and what is wrapped in it."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and (inner := _wrapped(found)):
        return is_public(str(inner))
    return found.is_global and not found.is_multicast


def _wrapped(found: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if found in _NAT64:
        return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
    return found.ipv4_mapped or found.sixtofour


class Fetcher:
    """Fetches files. `allows` tells which IP addresses it may connect to."""

    def __init__(self, allows: Callable[[str], bool] = is_public, largest: int = LARGEST) -> None:
        self._allows = allows
        self._largest = largest

    async def fetch(self, url: str, folder: Path) -> Path:
        """Return where in a folder a file lies that was at an address. Raises `NotFetchedError`."""
        place = folder / f"fetched-{hashlib.sha256(url.encode()).hexdigest()[:16]}"
        known = sorted(place.glob("*")) if place.is_dir() else []
        if known:
            return known[0]
        try:
            async with asyncio.timeout(_SECONDS):
                return await self._follow(url, place)
        except TimeoutError as error:
            raise NotFetchedError(f"{_shown(url)} takes longer than {_SECONDS:g} s") from error
        except (httpx.HTTPError, OSError, ValueError) as error:
            raise NotFetchedError(f"{_shown(url)}: {error}") from error

    async def _follow(self, url: str, place: Path) -> Path:
        for _ in range(_HOPS):
            target, found = await self._get(url, place)
            if found is not None:
                return found
            url = target
        raise NotFetchedError(f"{_shown(url)} leads on and on")

    async def _get(self, url: str, place: Path) -> tuple[str, Path | None]:
        """Return where a redirect leads, or the file that was written."""
        address, host = await self._address(url)
        client = httpx.AsyncClient(trust_env=False, timeout=_SECONDS)
        headers, extensions = (
            {"host": host, "accept": "*/*"},
            {"sni_hostname": urlsplit(url).hostname},
        )
        async with (
            client,
            client.stream("GET", address, headers=headers, extensions=extensions) as response,
        ):
            if response.status_code in _REDIRECTS and "location" in response.headers:
                return urljoin(url, response.headers["location"]), None
            if not response.is_success:
                raise NotFetchedError(f"{_shown(url)} answers {response.status_code}")
            return url, await self._write(response, place, _name(url, response))

    async def _address(self, url: str) -> tuple[str, str]:
        """Return an address by its number, and the name that it has. Raises `NotFetchedError`."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise NotFetchedError(f"{_shown(url)} is no address of the web")
        port = parts.port or _PORTS[parts.scheme]
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        numbers = [str(address[0]) for *_, address in found]
        if not numbers or not all(map(self._allows, numbers)):
            raise NotFetchedError(f"{_shown(url)} is not public")
        number = f"[{numbers[0]}]" if ":" in numbers[0] else numbers[0]
        host = parts.netloc.rpartition("@")[2]
        path = parts.path or "/"
        asked = f"{path}?{parts.query}" if parts.query else path
        return f"{parts.scheme}://{number}:{port}{asked}", host

    async def _write(self, response: httpx.Response, place: Path, name: str) -> Path:
        data = bytearray()
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > self._largest:
                raise NotFetchedError(f"{name} has more than {self._largest:,} bytes")
        await asyncio.to_thread(_write, place, name, bytes(data))
        return place / name


def _write(place: Path, name: str, data: bytes) -> None:
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_bytes(data)


def _name(url: str, response: httpx.Response) -> str:
    name = safe_name(unquote(urlsplit(url).path).rpartition("/")[2])
    if Path(name).suffix:
        return name
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    return f"{name}{mimetypes.guess_extension(kind) or ''}"


def _shown(url: str) -> str:
    """Return an address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


_fetcher = Fetcher()
fetched = _fetcher.fetch
