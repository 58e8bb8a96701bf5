"""A replica is promoted at another address: workers begin anew on it, and lose nothing."""

import os
import shutil
import tempfile
from pathlib import Path

import asyncpg
import pytest
from fleet import fleet
from servers.postgres_server import PostgresServer


@pytest.mark.skipif(not os.environ.get("CHATSTATE_LONG"), reason="CHATSTATE_LONG is not set")
async def test_a_failover_is_survived(tmp_path: Path) -> None:
    """With a synchronous standby: each worker sees that it is another server, and ends."""
    folders = [Path(tempfile.mkdtemp(prefix="chatstate-")) for _ in range(2)]
    primary, standby = (PostgresServer(folder, synchronous_commit="on") for folder in folders)
    primary.start()
    try:
        source = f"host=127.0.0.1 port={primary.port} user=postgres sslmode=disable"
        os.chown(folders[1], *primary.owner)
        primary.run("pg_basebackup", "-D", standby.data, "-R", "-d", source, "-X", "stream")
        standby.start()
        await _is_synchronous(primary)
        hosts = f"127.0.0.1:{primary.port},127.0.0.1:{standby.port}"
        url = f"postgresql://postgres@{hosts}/postgres?sslmode=disable&lease=2"
        async with fleet(url, tmp_path) as workers:
            workers.say(range(60), 6)
            await workers.until_called(10)
            primary.stop()
            standby.run("pg_ctl", "-D", standby.data, "-w", "promote")
            for worker in list(workers.workers):
                assert await worker.ended() != 0
            log = (tmp_path / "workers.log").read_text()
            assert log.count("is another server than before") >= 2
            for _ in range(2):
                await workers.start()
            await workers.until_done()
            await workers.check()
    finally:
        for server in (primary, standby):
            if (server.data / "postmaster.pid").exists():
                server.stop()
        for folder in folders:
            shutil.rmtree(folder)


async def _is_synchronous(primary: PostgresServer) -> None:
    """Let commits wait for the standby, once it is there."""
    connection = await asyncpg.connect(primary.url)
    while not await connection.fetchval("SELECT count(*) FROM pg_stat_replication"):
        await connection.execute("SELECT pg_sleep(0.1)")
    await connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
