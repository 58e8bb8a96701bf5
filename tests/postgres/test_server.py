"""What a store tells of its server: another one than before, TLS, PgBouncer."""

import asyncio
import contextlib
import logging
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from servers.postgres_server import skip_or_fail
from stores.schemas import Schemas

from chatstate import Chat, Event, Message, User
from chatstate.errors import LeaseLostError, StorageError
from chatstate.stores.base import Run
from chatstate.stores.postgres import PostgresStore
from chatstate.stores.postgres.address import parsed
from chatstate.stores.postgres.connection import Server
from chatstate.stores.postgres.errors import is_passing, storage_error
from chatstate.stores.postgres.trouble import Trouble

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
EVENT = Event("1", Message("hi", User("u"), Chat("c")))


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncGenerator[tuple[PostgresStore, Run]]:
    store = PostgresStore(url)
    run = await store.open("bot")
    try:
        yield store, run
    finally:
        await store.end(clean=True)


@pytest.fixture
def url(schemas: Schemas, tmp_path: Path) -> str:
    """Return the URL of a store."""
    return schemas.url_of(tmp_path)


async def execute(url: str, statement: str) -> None:
    address = parsed(url)
    connection = await asyncpg.connect(address.dsn, server_settings={"search_path": address.schema})
    await connection.execute(statement)
    await connection.close()


async def test_a_run_is_over_when_the_server_is_another(url: str) -> None:
    """It sees so on the next connection that it makes: what it has seen may not be there."""
    async with opened(url) as (store, _):
        store._connections.server = Server("another", "00000002")
        assert store._connections._pool
        await store._connections._pool.expire_connections()
        with pytest.raises(LeaseLostError, match="another server than before"):
            await store.account("test", "1")


async def test_a_server_that_is_another_begins_with_new_numbers(url: str) -> None:
    """All runs of before are over; numbers of runs, and so versions, were maybe given away."""
    async with opened(url) as (store, run):
        account = await store.account("test", "1")
        await store.ingest(account.id, [EVENT])
        await execute(url, "UPDATE server SET timeline = '00000000'")
        async with opened(url) as (other, later):
            assert later.id > run.id + 900
            await other.account("test", "1")
            (claim,) = await other.claim(10)
            assert claim.crashes == 1
            with pytest.raises(LeaseLostError):
                await store.beat()


async def test_a_newer_schema_is_refused(url: str) -> None:
    """Nothing of it is touched."""
    await execute(url, "INSERT INTO migrations VALUES ('m999', now())")
    try:
        with pytest.raises(StorageError, match=r"by a newer chatstate \(it has m999\)"):
            async with opened(url):
                pass
    finally:
        await execute(url, "DELETE FROM migrations WHERE name = 'm999'")


@pytest.mark.parametrize(
    ("error", "passes", "told"),
    [
        (asyncpg.ReadOnlySQLTransactionError("no"), True, "is read-only"),
        (asyncpg.TargetServerAttributeNotMatched("no"), True, "is read-only"),
        (asyncpg.ObjectNotInPrerequisiteStateError("no"), True, "is recovering"),
        (asyncpg.TooManyConnectionsError("no"), True, "raise max_connections"),
        (asyncpg.DiskFullError("no"), True, "make room"),
        (asyncpg.QueryCanceledError("no"), True, "took too long"),
        (asyncpg.DeadlockDetectedError("no"), True, "deadlock"),
        (ConnectionRefusedError("refused"), True, "see that the server runs"),
        (asyncpg.ConnectionDoesNotExistError("gone"), True, "failed"),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), False, "there is no such host"),
        (asyncpg.InvalidPasswordError("no"), False, "refuses the password"),
        (asyncpg.InvalidCatalogNameError("no"), False, "createdb"),
        (asyncpg.InsufficientPrivilegeError("no"), False, "grant the user CREATE"),
    ],
)
def test_an_error_says_what_to_do(error: Exception, *, passes: bool, told: str) -> None:
    """And whether it is waited for."""
    assert is_passing(error) is passes
    assert told in str(storage_error(error, "postgresql://host/db"))


def test_what_lasts_is_told_ever_more_seldom(caplog: pytest.LogCaptureFixture) -> None:
    """Once in the same words, then with how long it has been; and when it is over."""
    now = 0
    trouble = Trouble("postgresql://host/db", lambda: now)
    gone = StorageError("gone")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            trouble.begin()
        trouble.tell(gone, 0.1)
        for second in range(100):
            now = second
            trouble.tell(gone, 5)
        trouble.tell(StorageError("starting"), 5)
        for _ in range(3):
            trouble.end(is_done=True)
        trouble.begin()
        trouble.tell(gone, 0.1)
        trouble.end(is_done=True)
    assert caplog.messages == [
        "gone; trying again",
        "gone; still so after 10 s and 12 tries",
        "gone; still so after 30 s and 32 tries",
        "gone; still so after 70 s and 72 tries",
        "starting; trying again",
        "postgresql://host/db: all goes on, after 99 s and 102 tries",
    ]


@contextlib.asynccontextmanager
async def encrypting(port: int, certificate: Path) -> AsyncGenerator[int]:
    """Serve what a server with TLS does, before one that has none; return the port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            assert await reader.readexactly(8) == SSL_REQUEST
            writer.write(b"S")
            await writer.start_tls(context)
            server, to_server = await asyncio.open_connection("127.0.0.1", port)
            async with asyncio.TaskGroup() as both:
                both.create_task(pump(reader, to_server))
                both.create_task(pump(server, writer))

    served = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield served.sockets[0].getsockname()[1]
    finally:
        served.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, and its end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(1 << 16):
            writer.write(data)
    writer.close()


async def test_a_connection_is_encrypted_as_the_url_asks(url: str, tmp_path: Path) -> None:
    """One whose certificate is not the one that is known is refused; so is none at all."""
    certificate, stranger = tmp_path / "server.crt", tmp_path / "stranger.crt"
    for name in (certificate, stranger):
        _certify(name)
    server = urlsplit(url)
    plain = url.replace("sslmode=disable", "sslmode=verify-full")
    async with encrypting(server.port or 0, certificate) as port:
        encrypted = plain.replace(f":{server.port}/", f":{port}/")
        async with opened(f"{encrypted}&sslrootcert={certificate}") as (store, _):
            await store.check()
        with pytest.raises(StorageError, match="sslrootcert=/path"):
            async with opened(f"{encrypted}&sslrootcert={stranger}"):
                pass
    with pytest.raises(StorageError, match="offers no TLS"):
        async with opened(f"{plain}&sslrootcert={certificate}"):
            pass


def _certify(certificate: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        skip_or_fail("openssl is not installed")
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    command = [
        str(openssl),
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        *subject,
    ]
    made = [*command, "-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)


@pytest.fixture
def bouncer(url: str, tmp_path: Path) -> Generator[str]:
    """Return the address of a PgBouncer in transaction mode, before the server."""
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.skip("pgbouncer is not installed (Debian's package pgbouncer)")
    server = urlsplit(url)
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    settings = tmp_path / "pgbouncer.ini"
    users = tmp_path / "users.txt"
    users.write_text('"postgres" ""\n')
    settings.write_text(
        f"[databases]\npostgres = host=127.0.0.1 port={server.port}\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = trust\n"
        f"auth_file = {users}\npool_mode = transaction\nunix_socket_dir =\n"
        "ignore_startup_parameters = extra_float_digits\nlogfile =\n"
    )
    tmp_path.chmod(0o755)
    process = subprocess.Popen(
        [program or "", "-u", "nobody", str(settings)], stderr=subprocess.DEVNULL
    )
    try:
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


async def test_behind_pgbouncer_all_works_but_notices(
    url: str, bouncer: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is noticed, and told; what others store is found all the same."""
    server = urlsplit(url)
    through = url.replace(f"{server.hostname}:{server.port}", bouncer)
    with caplog.at_level(logging.WARNING):
        async with (
            opened(through) as (store, _),
            opened(f"{through}&listen=127.0.0.1:{server.port}") as (other, _),
        ):
            account = await store.account("test", "1")
            await other.account("test", "1")
            (stored,) = await store.ingest(account.id, [EVENT])
            assert stored.arrival
            (elsewhere,) = await other.ingest(account.id, [Event("2", EVENT.message)])
            assert elsewhere.elsewhere
            async with asyncio.timeout(10):
                while not (claims := await store.claim(10)):
                    await store.wait()
            assert claims[0].is_news
            assert len(await store.events(claims[0].conversation, 0, 10)) == 2
            assert len(await store.list("inbox")) == 2
    assert caplog.text.count("behind PgBouncer") == 1
