"""A signal comes while a job is in the midst of a call of ours: what it raises comes out of the call."""

import random
import signal
import subprocess
import sys

import pytest
import redis

from pyresque import Resque, job
from pyresque.errors import TermException
from pyresque.usercode.guards import application_code, forget_due, raise_in_application

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""What comes up in a `__del__` is lost, whoever raises it: then the next signal counts."""


@pytest.fixture
def stopped():
    """Calls a function again and again, and lets a signal stop it, soon; returns what came out."""
    dice = random.Random(7)

    def stop(function, most):
        try:
            with application_code():
                signal.setitimer(signal.ITIMER_PROF, dice.uniform(1e-5, most), 0.2)
                while True:
                    function()
        except BaseException as error:
            return error
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    before = signal.signal(signal.SIGPROF, lambda *_: raise_in_application(TermException("SIGTERM")))
    yield stop
    signal.signal(signal.SIGPROF, before)
    forget_due()


@pytest.fixture(params=["ours", "redis-py"])
def client(request, server, resque):
    """A client on either link."""
    made = redis.Redis.from_url(server.url) if request.param == "redis-py" else server.url
    client = Resque(made, registry=resque.registry)
    yield client
    client.close()
    if request.param == "redis-py":
        made.close()


def test_while_a_reply_is_read(client, stopped):
    """It is not a fault of what came."""
    client.link.execute("RPUSH", "many", *range(20_000))
    for _ in range(40):
        assert type(stopped(lambda: client.link.execute("LRANGE", "many", 0, -1), 0.01)) is TermException
    assert client.link.execute("LLEN", "many") == 20_000


def test_while_arguments_are_judged(client, stopped):
    """They are not wrong because of that."""

    @job(queue="q", registry=client.registry)
    def adds(numbers: list[int], names: dict[str, list[float]]) -> None: ...

    numbers, names = list(range(5000)), {str(n): [n / 7] for n in range(2000)}
    for _ in range(40):
        assert type(stopped(lambda: client.enqueue(adds, numbers, names), 0.02)) is TermException


PACKING = """
import signal
import subprocess
import sys
from math import inf
from pyresque.store.connection.socket_link import Connection

class Silent:
    settimeout = sendall = lambda self, _: None

connection = Connection.__new__(Connection)
connection.socket, connection._limit = Silent(), -1.0
connection.begin(inf, inf)

class Stop(Exception):
    pass

def stop(*_):
    raise Stop

signal.signal(signal.SIGALRM, stop)
for _ in range(100):
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0005)
        while True:
            connection.send([("RPUSH", "x", *range(5000))])
    except Stop:
        pass
"""


def test_while_a_command_is_packed():
    """A number among its words was the end of the process (in hiredis)."""
    done = subprocess.run([sys.executable, "-c", PACKING], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
