"""A TCP proxy in front of a Redis server that does to chosen commands what networks do.

It understands as much of the protocol as it needs to count commands and to match replies to them:

    with FaultProxy(server) as proxy:
        proxy.arm("drop", number=3)          # the third command from now on
        Resque(proxy.url).enqueue(...)

Modes of a fault:

    drop ..... the server carries the command out; its reply is lost and the connection reset
    close .... the connection is reset before the command reaches the server
    hang ..... the server carries the command out; its reply comes after so many seconds
    delay .... the command reaches the server after so many seconds, even if the client has gone by then
    hole ..... the command and everything after it on this connection is swallowed, without an answer
    answer ... the server never sees the command; it is answered with `raw`, whatever that is
    swap ..... the server carries the command out; `raw` comes in place of its reply
    half ..... the server carries the command out; half of its reply comes, then the connection is closed
    more ..... the server carries the command out; behind its reply comes `raw`, too
    ahead .... the server carries the command out; `raw` comes before its reply

`hang` and `delay` end early when the fault is released. With `seconds`, `more` and `ahead` let so much time
pass between the two. Nothing here is random but for `chance`, which is a function of its seed and of the
order of the commands; or for what a test puts into `choose`.

`turn_away` makes the proxy answer connections as a server does that is full: an error, and the end.
"""

from __future__ import annotations

import contextlib
import random
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pyresque.testing.redis_server import DevRedis

Mode = Literal["drop", "close", "hang", "delay", "hole", "answer", "swap", "half", "more", "ahead"]
Words = tuple[bytes, ...]
Match = Callable[[Words], bool]


@dataclass(eq=False)
class Fault:
    """One thing to go wrong: at the command with this number or at those that match."""

    mode: Mode
    number: int | None = None
    match: Match | None = None
    seconds: float = 0.0
    times: int = 1
    raw: bytes = b""
    hits: list[Words] = field(default_factory=list)
    hit: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    def takes(self, number: int, words: Words) -> bool:
        """Whether this command is to suffer."""
        chosen = number == self.number if self.match is None else self.match(words)
        return chosen and len(self.hits) < self.times


def named(*names: str) -> Match:
    """Commands whose name is one of these."""
    wanted = {name.upper().encode() for name in names}
    return lambda words: words[0].upper() in wanted


def script(digest: str) -> Match:
    """A Lua script, by its digest."""
    return lambda words: words[0].upper() == b"EVALSHA" and words[1] == digest.encode()


def chance(seed: int, share: float) -> Match:
    """Any command, with this probability."""
    dice = random.Random(seed)
    return lambda words: dice.random() < share


class FaultProxy:
    """Listens on `port` and passes everything on to a Redis server, but for the faults that are armed.

    It gives the server its password by itself: its own clients need none.
    """

    def __init__(self, server: DevRedis, host: str = "127.0.0.1") -> None:
        self._server = server
        self._listener = socket.create_server((host, 0))
        self.port = int(self._listener.getsockname()[1])
        self.url = f"redis://{host}:{self.port}/0"
        self.commands: list[Words] = []
        """Every command since the last `begin`, in order; command number N is `commands[N - 1]`."""
        self.choose: Callable[[Words], Fault | None] = lambda words: None
        """Asked for each command that no armed fault takes."""
        self._faults: list[Fault] = []
        self._refusals: list[bytes] = []
        self._lock = threading.Lock()
        self._open: dict[int, _Pipe] = {}
        self._closing = False
        threading.Thread(target=self._accept, daemon=True, name="faultproxy").start()

    def arm(self, mode: Mode, number: int | None = None, **more: object) -> Fault:
        """Add a fault; returns it, so that one can wait for `hit` and `release` it."""
        fault = Fault(mode, number, **more)  # type: ignore[arg-type]
        with self._lock:
            self._faults.append(fault)
        return fault

    def turn_away(self, raw: bytes, times: int = 1) -> None:
        """Answer the next connections with this and close them."""
        with self._lock:
            self._refusals += [raw] * times

    def drain(self, left: int = 0, deadline: float = 30.0) -> None:
        """Wait until every client (but `left` of them) has gone and all that they sent has been passed on."""
        until = time.monotonic() + deadline
        while len(self._open) > left:
            assert time.monotonic() < until, f"still connected to the proxy: {len(self._open)}"
            time.sleep(0.001)

    def begin(self) -> None:
        """Wait until every client has gone, then forget all faults and count from one again."""
        self.drain()
        with self._lock:
            self._release()
            self._faults, self.commands, self._refusals = [], [], []

    def close(self) -> None:
        """End everything."""
        self._closing = True
        with self._lock:
            self._release()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for pipe in list(self._open.values()):
            pipe.reset()

    def __enter__(self) -> FaultProxy:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _release(self) -> None:
        for fault in self._faults:
            fault.release.set()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refusals:
                client.sendall(self._refusals.pop())
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._server.port), timeout=30)
            except OSError:
                _reset(client)
                continue
            pipe = _Pipe(self, client, server, self._server.password)
            self._open[id(pipe)] = pipe
            threading.Thread(target=self._serve, args=(pipe,), daemon=True).start()

    def _serve(self, pipe: _Pipe) -> None:
        try:
            pipe.run()
        except (OSError, ValueError):
            pipe.reset()
        finally:
            self._open.pop(id(pipe), None)

    def _judge(self, words: Words) -> Fault | None:
        with self._lock:
            self.commands.append(words)
            for fault in self._faults:
                if fault.takes(len(self.commands), words):
                    break
            else:
                chosen = self.choose(words)
                if chosen is None:
                    return None
                fault = chosen
            fault.hits.append(words)
            fault.hit.set()
            return fault


class _Pipe:
    """One client and its connection to the server."""

    def __init__(
        self, proxy: FaultProxy, client: socket.socket, server: socket.socket, password: str
    ) -> None:
        self._proxy, self._client, self._server = proxy, client, server
        self._password, self._let_in = password, False
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._asked, self._answered = b"", b""
        self._expected: deque[Fault | None] = deque()
        """What is to happen to the replies that are to come, or, with `answer`, in the place of one."""
        self._gone = False  # the client has, but its delayed command must still be passed on

    def run(self) -> None:
        self._server.sendall(f"AUTH {self._password}\r\n".encode())
        while not self._gone:
            for one in select.select([self._client, self._server], [], [])[0]:
                data = one.recv(1 << 20)
                if one is self._client:
                    self._asked += data
                    self._pass_commands()
                else:
                    self._answered += data
                    self._pass_replies()
                if not data:
                    self._gone = True
        self._client.close()
        self._server.close()

    def reset(self) -> None:
        for one in (self._client, self._server):
            _reset(one)

    def _pass_commands(self) -> None:
        while (end := _end(self._asked, 0)) is not None:
            raw, self._asked = self._asked[:end], self._asked[end:]
            words = _words(raw)
            fault = self._proxy._judge(words)
            mode = fault.mode if fault else None
            if fault and mode == "close":
                raise OSError("closed on purpose")
            if fault and mode == "hole":
                while self._client.recv(1 << 16):
                    pass
                raise OSError("swallowed on purpose")
            if fault and mode == "delay":
                fault.release.wait(fault.seconds)
            if mode != "answer":
                self._server.sendall(raw)
            self._expected.append(fault)
            self._answer()

    def _pass_replies(self) -> None:
        while (end := _end(self._answered, 0)) is not None:
            raw, self._answered = self._answered[:end], self._answered[end:]
            if not self._let_in:
                self._let_in = True
                if raw == b"+OK\r\n":
                    continue  # the answer to our own AUTH; an error is passed on
            fault = self._expected.popleft() if raw[:1] != b">" and self._expected else None
            if fault is None:
                self._client.sendall(raw)
            else:
                self._pass_reply(raw, fault)
            self._answer()

    def _pass_reply(self, raw: bytes, fault: Fault) -> None:
        if fault.mode == "drop":
            raise OSError("dropped on purpose")
        if fault.mode == "hang":
            fault.release.wait(fault.seconds)
        if fault.mode == "half":
            self._client.sendall(raw[: len(raw) // 2])
            self._client.shutdown(socket.SHUT_WR)
            raise OSError("closed in the middle on purpose")
        first, second = {
            "swap": (fault.raw, b""), "more": (raw, fault.raw), "ahead": (fault.raw, raw),
        }.get(fault.mode, (raw, b""))  # fmt: skip
        if fault.seconds and fault.mode in ("more", "ahead"):
            self._client.sendall(first)
            fault.release.wait(fault.seconds)
            first = b""
        self._client.sendall(first + second)

    def _answer(self) -> None:
        """Give the answers of our own whose turn it is."""
        while self._expected and (fault := self._expected[0]) is not None and fault.mode == "answer":
            self._expected.popleft()
            self._client.sendall(fault.raw)


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    one.close()


def _end(data: bytes, at: int) -> int | None:
    """Where the protocol element that begins at `at` ends; None if it is not complete."""
    line = data.find(b"\r\n", at)
    if line < 0:
        return None
    kind, after = data[at : at + 1], line + 2
    if kind not in b"$=!*~>%|":
        return after
    size = int(data[at + 1 : line])
    if kind in b"$=!":
        after += 0 if size < 0 else size + 2
        return after if after <= len(data) else None
    for _ in range(size * 2 if kind in b"%|" else size):
        inner = _end(data, after)
        if inner is None:
            return None
        after = inner
    return after


def _words(raw: bytes) -> Words:
    words, at = [], raw.index(b"\r\n") + 2
    while at < len(raw):
        line = raw.index(b"\r\n", at)
        size = int(raw[at + 1 : line])
        words.append(raw[line + 2 : line + 2 + size])
        at = line + 4 + size
    return tuple(words)
