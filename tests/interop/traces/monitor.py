"""Redis's MONITOR: every command that the server carries out, those inside scripts too."""

from __future__ import annotations

import re
import socket

import redis

from pyresque.testing.redis_server import DevRedis

_LINE = re.compile(r"\+[\d.]+ \[(\d+) (\S+)\] (.*)")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Monitor:
    """Listens from its making to `stop()`; leaves out what `ignored` (a single connection) sends."""

    def __init__(self, server: DevRedis, ignored: redis.Redis) -> None:
        self._ignored = ignored
        self._address = ignored.client_info()["addr"]
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=10)
        self._file = self._socket.makefile("r", encoding="ascii", newline="\r\n")
        self._socket.sendall(f"AUTH {server.password}\r\nMONITOR\r\n".encode())
        assert [self._file.readline() for _ in range(2)] == ["+OK\r\n"] * 2

    def stop(self) -> list[list[str]]:
        """The commands until now, each as its words; names in upper case."""
        self._ignored.echo("the end of the trace")
        commands = []
        for line in self._file:
            match = _LINE.match(line)
            assert match, line
            words = [_word(raw) for raw in _WORD.findall(match[3])]
            if match[2] == self._address:
                if words[1:] == ["the end of the trace"]:
                    break
                continue
            commands.append([words[0].upper(), *words[1:]])
        self.close()
        return commands

    def close(self) -> None:
        """Stop listening."""
        self._file.close()
        self._socket.close()


def _word(raw: str) -> str:
    return raw.encode().decode("unicode_escape").encode("latin-1").decode("utf-8", "surrogateescape")
