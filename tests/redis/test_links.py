"""The ways to reach a Redis: passwords, users, sockets, TLS, Sentinel; with the same worker and client."""

import contextlib
import secrets
import shutil
import signal
import subprocess
import threading
import time

import pytest
import redis

from pyresque import Resque, job
from pyresque.errors import ConfigError, RedisRefused, RedisReplied, RedisUnavailable, TermException
from pyresque.store.connection.address import Address
from pyresque.store.connection.socket_link import SocketLink
from pyresque.testing.redis_server import DevRedis, running
from pyresque.usercode.guards import by_signal
from tests.redis.bench import add_echo, eventually, failed, note, seen


def works(bench, resque):
    """Whether a job that is enqueued here is run by a worker that is woken here."""
    echo = add_echo(resque)
    worker = bench.start(resque=resque, interval=3600)
    eventually(resque.workers)
    resque.enqueue(echo, 1)
    eventually(lambda: seen(resque) == ["[1]"])
    worker.send(signal.SIGQUIT)
    assert worker.wait() == 0
    assert failed(resque) == []


def test_a_unix_socket(bench, registry):
    """unix:///path reaches a server, wake-up included."""
    with running() as server:
        works(bench, Resque(f"unix://:{server.password}@{server.socket_path}", registry=registry))


def test_a_password(bench, registry):
    """The password of the default user, with signs that a URL must escape."""
    with running(password="p@ss/w:rd") as server:
        works(bench, Resque(f"redis://:p%40ss%2Fw%3Ard@{server.address}/2", registry=registry))
        with pytest.raises(RedisRefused, match="NOAUTH"):
            Resque(f"redis://{server.address}/0").queues()
        with pytest.raises(RedisRefused, match="WRONGPASS"):
            Resque(f"redis://:wrong@{server.address}/0").queues()


@pytest.mark.parametrize("login", ["resque:p%40ss", "h:p%40ss", "p%40ss:other", "p%40ss:p%40ss"])
def test_a_user_name_with_the_password_of_the_default_user(login):
    """redis-rb 4 takes it; here it is refused with the form that all read. Nothing of a login is shown."""
    with running(password="p@ss") as server:
        with pytest.raises(
            RedisRefused, match=r"WRONGPASS.*without one: redis://:password@host:port/0"
        ) as caught:
            Resque(f"redis://{login}@{server.address}/0").queues()
        assert not any(part in str(caught.value) for part in ("p@ss", "p%40ss", "resque:", "other"))
        assert Resque(f"redis://:p%40ss@{server.address}/0").queues() == []
        with pytest.raises(RedisRefused, match=r"user is disabled\.$"):
            Resque(f"redis://:wrong@{server.address}/0").queues()


def test_a_user_with_few_rights(bench, registry):
    """An ACL user that may do what pyresque needs, and no more; what is missing is said."""
    with running() as server:
        admin = Resque(server.url)
        rights = ["on", ">secret", "~resque:*", "~seen", "+@all", "-@dangerous", "+keys", "+info"]
        admin.link.execute("ACL", "SETUSER", "jobs", *rights)
        url = f"redis://jobs:secret@{server.address}/0"
        works(bench, Resque(url, registry=registry))
        admin.link.execute("ACL", "SETUSER", "jobs", "-llen")
        with pytest.raises(RedisRefused, match="extend the user's ACL"):
            Resque(url).size("q")


def test_a_database_that_is_not_there():
    """A number beyond the server's databases is a clear error."""
    with (
        running() as server,
        pytest.raises(RedisRefused, match="has no database 99: ERR DB index is out of range"),
    ):
        Resque(f"redis://:{server.password}@{server.address}/99").queues()


@pytest.fixture
def tls(tmp_path):
    """A server that speaks TLS too; where it does, with its password, and the file of its authority."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    kind = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    words = ["req", *kind, "-keyout", str(key), "-out", str(certificate), "-addext", names]
    subprocess.run(["openssl", *words], check=True, capture_output=True)
    with running() as probe:
        port = probe.port
    files = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate]
    try:
        with running("--tls-port", str(port), *map(str, files), "--tls-auth-clients", "no") as server:
            yield f"rediss://:{server.password}@localhost:{port}/0", certificate
    except ConfigError as error:
        pytest.skip(f"this redis-server has no TLS: {error}")


def test_tls(bench, registry, tls):
    """rediss:// with the authority's file; a certificate that nobody vouches for is refused."""
    url, certificate = tls
    works(bench, Resque(f"{url}?ssl_ca_certs={certificate}", registry=registry))
    with pytest.raises(RedisUnavailable, match="certificate verify failed"):
        SocketLink(url).execute("PING")
    unchecked = SocketLink(f"{url}?ssl_cert_reqs=none")
    assert unchecked.execute("PING") == b"PONG"


PASSWORD = secrets.token_hex(16)  # one for all that may become master of each other


def replica_of(master):
    """What makes a server a replica of another."""
    return "--replicaof", "127.0.0.1", str(master.port), "--masterauth", master.password


class Sentinels:
    """A master, a replica and one sentinel that fails over by itself."""

    def __init__(self, folder):
        self.master = DevRedis("--masterauth", PASSWORD, password=PASSWORD)
        self.replica = DevRedis(*replica_of(self.master), password=PASSWORD)
        probe = DevRedis()
        self.port = probe.port
        probe.stop()
        config = folder / "sentinel.conf"
        config.write_text(
            f"port {self.port}\nsentinel monitor jobs 127.0.0.1 {self.master.port} 1\n"
            f"sentinel auth-pass jobs {PASSWORD}\n"
            "sentinel down-after-milliseconds jobs 300\nsentinel failover-timeout jobs 1000\n"
        )
        program = [str(self.master.program), str(config), "--sentinel"]
        self.process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"redis+sentinel://:{PASSWORD}@127.0.0.1:1,127.0.0.1:{self.port}/jobs/0"
        sentinel = Resque(f"redis://127.0.0.1:{self.port}/0").link
        eventually(lambda: self._knows_the_replica(sentinel), 30)

    def _knows_the_replica(self, sentinel):
        try:
            [replica] = sentinel.execute("SENTINEL", "REPLICAS", "jobs")
        except (RedisUnavailable, RedisReplied, ValueError):
            return False
        return b"master-link-status" in replica and replica[replica.index(b"master-link-status") + 1] == b"ok"

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.replica.stop()
        self.master.stop()


@pytest.fixture
def sentinels(tmp_path):
    sentinels = Sentinels(tmp_path)
    yield sentinels
    sentinels.stop()


def test_sentinel_failover_under_load(bench, registry, sentinels):
    """The master dies: client and worker find the new one through the sentinel; every job is run."""
    resque = Resque(sentinels.url, registry=registry)
    assert resque.link.address == f"jobs of sentinels 127.0.0.1:1,127.0.0.1:{sentinels.port}"

    @job(queue="q", name="Note", registry=registry)
    def run(number: int) -> None:
        note(resque, number)

    bench.start(resque=resque, interval=0.05)
    eventually(resque.workers)
    enqueued = []

    def enqueue():
        for number in range(60):
            until = time.monotonic() + 40
            while time.monotonic() < until:
                try:
                    resque.enqueue(run, number)
                except RedisUnavailable as error:
                    if error.maybe_done:
                        break  # a job that the old master took to its grave, or not
                    continue
                enqueued.append(number)
                break
            time.sleep(0.02)

    thread = threading.Thread(target=enqueue)
    thread.start()
    eventually(lambda: len(enqueued) > 15)
    resque.link.execute("WAIT", 1, 2000)
    sentinels.master.kill()
    thread.join()
    late = [number for number in enqueued if number >= 40]
    assert late, "nothing was enqueued after the failover"
    eventually(lambda: set(late) <= {int(number) for number in seen(resque)}, 30)
    assert sentinels.replica.port == int(resque.link.execute("CONFIG", "GET", "port")[1])


def test_a_replica_is_left_for_its_master(server):
    """READONLY means: not done, and the next try looks for the master anew."""
    with running(*replica_of(server)) as replica:
        link = SocketLink(replica.url)
        with pytest.raises(RedisUnavailable, match="READONLY") as caught:
            link.execute("SET", "x", 1)
        assert caught.value.maybe_done is False
        assert link._free == []


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://localhost", Address("localhost", 6379)),
        ("redis://h:7000/3", Address("h", 7000, db=3)),
        ("redis://u:p%40@h/", Address("h", username="u", password="p@")),
        ("redis://[::1]:7000/1", Address("::1", 7000, db=1)),
        ("unix:///tmp/x.sock?db=2", Address(path="/tmp/x.sock", db=2)),
        ("rediss://h:1?ssl_ca_certs=/ca", Address("h", 1, tls={"ssl_ca_certs": "/ca"})),
        (
            "redis+sentinel://:pw@a,b:27000/jobs/4",
            Address(db=4, password="pw", sentinels=(("a", 26379), ("b", 27000)), service="jobs"),
        ),
    ],
)
def test_urls(url, address):
    """Each form is read as what it says."""
    assert Address.parse(url) == address


def test_an_address_never_shows_its_password():
    """Neither as text nor in a debugger."""
    address = Address.parse("redis://user:secret@h:7000/0")
    assert str(address) == "h:7000"
    assert "secret" not in repr(address)


def test_a_signal_while_redis_py_logs_in(server, registry):
    """The connection is not used half made: not without its parser, nor on another database."""
    begun = []

    class Interrupted(redis.Connection):
        """A connection in whose log-in a signal raises, once before it has a parser and once after that."""

        def on_connect_check_health(self, check_health=True):
            begun.append(self)
            if len(begun) == 1:
                raise by_signal(TermException("SIGTERM"))
            super().on_connect_check_health(check_health)

        def send_command(self, *words, **more):
            if words[0] == "SELECT" and len(begun) == 2:
                raise by_signal(TermException("SIGTERM"))
            super().send_command(*words, **more)

    url = server.url.rsplit("/", 1)[0] + "/5"
    pool = redis.ConnectionPool.from_url(url, connection_class=Interrupted)
    with contextlib.closing(Resque(redis.Redis(connection_pool=pool), registry=registry)) as client:
        for _ in range(2):
            with pytest.raises(TermException):
                client.queues()
        client.push("q", {"class": "A", "args": []})
        with contextlib.closing(Resque(url)) as ours:
            assert ours.size("q") == 1
            ours.remove_queue("q")
    assert len(set(begun)) == 1  # the pool has given it out again, each time
