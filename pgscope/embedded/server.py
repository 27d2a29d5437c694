"""A throwaway PostgreSQL server: unix socket only, gone with the process that started it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg.conninfo import make_conninfo

from pgscope.embedded.account import Account, server_account, within_reach
from pgscope.embedded.binaries import Binaries, find_binaries
from pgscope.embedded.errors import EmbeddedError
from pgscope.embedded.keeper import Keeper, Mode

PORT = 5432

INITDB_OPTIONS = (
    "--username=postgres",
    "--auth=trust",
    "--no-sync",
    "--encoding=UTF8",
    "--locale=C",
    "--wal-segsize=1",
    "--no-instructions",
)

# A unix socket's path has room for 104 bytes on the smallest system, the closing zero included.
_LONGEST_SOCKET = 103

_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "shared_preload_libraries": "pg_stat_statements,auto_explain",
    "compute_query_id": "on",
    "track_io_timing": "on",
    # Nothing here has to survive a crash of the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # POSIX shared memory would stay behind after a kill; files in the data folder do not.
    "dynamic_shared_memory_type": "mmap",
}

_START_SECONDS = 60.0

# initdb writes 2,000 small files: on a slow disk that takes three times as long as in memory.
_MEMORY = Path("/dev/shm")
_MEMORY_ROOM = 4 << 30  # bytes; a container's default is far less


class EmbeddedServer:
    """A running server, made by ``start``; a context manager that stops it.

    The superuser is ``postgres``, no password is asked for, and pg_stat_statements is there in every
    database (but not in those made from template0).
    """

    def __init__(self, keeper: Keeper, binaries: Binaries, account: Account | None) -> None:
        """For ``start`` only."""
        self._keeper = keeper
        self._binaries = binaries
        self._account = account
        self._pid = 0
        self.folder = keeper.folder
        self.data = keeper.folder / "data"
        self.socket_dir = keeper.folder / "s"
        self.log = keeper.folder / "server.log"
        self.port = PORT
        self.version_num = binaries.version_num()

    @classmethod
    def start(
        cls,
        binaries: Binaries | None = None,
        settings: Mapping[str, str] | None = None,
        root: Path | None = None,
    ) -> EmbeddedServer:
        """Make a server and start it; returns when it accepts connections.

        ``settings`` go into its postgresql.conf, over our own. ``root`` is where its folder is made
        (else TMPDIR, else /dev/shm if it is large, else /tmp).

        Raises EmbeddedError.
        """
        found = binaries if binaries is not None else find_binaries()
        account = server_account()
        keeper = Keeper(_root(root, account))
        try:
            server = cls(keeper, within_reach(found, account, keeper.folder), account)
            server._initialise({**_SETTINGS, **(settings or {})})
            server.start_again()
            server._create_extensions()
        except BaseException:
            keeper.close("immediate")
            raise
        return server

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        return self._pid

    @property
    def reaper_pid(self) -> int:
        """The process id of the reaper, parent of the postmaster."""
        return self._keeper.pid

    @property
    def conninfo(self) -> str:
        """How to connect, as key=value string: superuser, database postgres."""
        return self.conninfo_for()

    def conninfo_for(self, dbname: str = "postgres", user: str = "postgres", **more: str) -> str:
        """How to connect to another database, as another user, or with more libpq keywords."""
        return make_conninfo(host=str(self.socket_dir), port=self.port, user=user, dbname=dbname, **more)

    def spawn(self, argv: Sequence[str | Path], *, env: Mapping[str, str], log: Path | None = None) -> int:
        """Start a client process that cannot outlive the server; returns its pid.

        It runs as our own user. Raises EmbeddedError if it cannot be started.
        """
        return self._keeper.spawn(argv, env=env, log=log or self.folder / "clients.log")

    def poll(self, pid: int) -> int | None:
        """The exit status of the postmaster or of a spawned client; None while it runs."""
        return self._keeper.poll(pid)

    def end(self, pid: int) -> None:
        """End a spawned client, and wait for it."""
        self._keeper.end(pid)

    def stop(self, mode: Mode = "fast") -> None:
        """Shut down, end the spawned clients, remove the folder. May be called again."""
        self._keeper.close(mode)

    def shut_down(self, mode: Mode = "fast") -> None:
        """Shut the server down and keep its data, for ``start_again``."""
        self._keeper.end(self._pid, mode)

    def restart(self, mode: Mode = "fast") -> None:
        """Shut down and start again; "immediate" is a crash with recovery."""
        self.shut_down(mode)
        self.start_again()

    def start_again(self) -> None:
        """Start the server on its data folder after ``shut_down`` or a crash.

        Raises EmbeddedError if it is not ready in a minute.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not self._launch(deadline):
            # The last backends of a killed postmaster take a moment to go.
            if "is still in use" not in self._last_log() or time.monotonic() > deadline:
                raise EmbeddedError(f"the embedded PostgreSQL did not start: {self._last_log()}")
            time.sleep(0.1)

    def _launch(self, deadline: float) -> bool:
        pid_file = self.data / "postmaster.pid"
        self._pid = self._keeper.spawn(
            [self._binaries.program("postgres"), "-D", self.data],
            env=self._binaries.environment(),
            log=self.log,
            account=self._account,
            kind="server",
        )
        while time.monotonic() < deadline:
            try:
                lines = pid_file.read_text().splitlines()
            except OSError:
                lines = []
            if len(lines) >= 8 and lines[0] == str(self._pid) and lines[7].strip() == "ready":
                return True
            if self._keeper.poll(self._pid) is not None:
                return False
            time.sleep(0.005)
        raise EmbeddedError(f"the embedded PostgreSQL was not ready in time: {self._last_log()}")

    def _initialise(self, settings: Mapping[str, str]) -> None:
        for folder in (self.data, self.socket_dir):
            folder.mkdir(mode=0o700)
            if self._account is not None:
                os.chown(folder, self._account.uid, self._account.gid)
        if self._account is not None:
            # The account passes through; only root can list, and only the account opens the socket.
            self.folder.chmod(0o711)
        self._fill()
        lines = {"unix_socket_directories": str(self.socket_dir), **settings}
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as file:
            for name, value in lines.items():
                quoted = value.replace("'", "''")
                file.write(f"{name} = '{quoted}'\n")

    def _fill(self) -> None:
        """Make a new cluster in the empty data folder."""
        log = self.folder / "initdb.log"
        pid = self._keeper.spawn(
            [self._binaries.program("initdb"), f"--pgdata={self.data}", *INITDB_OPTIONS],
            env=self._binaries.environment(),
            log=log,
            account=self._account,
            kind="setup",
        )
        while (status := self._keeper.poll(pid)) is None:
            time.sleep(0.005)
        if status != 0:
            said = " ".join(log.read_text(errors="replace").split("\n")[-4:]).strip()
            raise EmbeddedError(f"initdb failed with status {status}: {said}")

    def _create_extensions(self) -> None:
        for dbname in ("template1", "postgres"):
            with psycopg.connect(self.conninfo_for(dbname), autocommit=True) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def _last_log(self) -> str:
        try:
            lines = self.log.read_text(errors="replace").strip().splitlines()
        except OSError:
            return "it wrote no log"
        return " / ".join(lines[-3:])


def _root(asked: Path | None, account: Account | None) -> Path:
    """Where folders can be made whose sockets have short enough paths, reachable by the account."""
    if asked is not None:
        return asked
    if "TMPDIR" not in os.environ and _has_room(_MEMORY):
        return _MEMORY
    tried = Path(tempfile.gettempdir()).resolve()
    longest = len(os.fsencode(tried)) + len("/pgscope-12345678/s/.s.PGSQL.5432")
    reached = account is None or all(folder.stat().st_mode & 0o001 for folder in (tried, *tried.parents))
    return tried if longest <= _LONGEST_SOCKET and reached else Path("/tmp")


def _has_room(folder: Path) -> bool:
    """Whether a file system in memory is there, writable, large enough, and lets programs run."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    room = found.f_bavail * found.f_frsize
    return os.access(folder, os.W_OK) and room >= _MEMORY_ROOM and not found.f_flag & os.ST_NOEXEC
