"""A job that is about to begin: whether it is too late, and what it holds until then."""

import pytest

from pyresque import job
from pyresque.model.perform import ReservedJob
from pyresque.wire.extra_keys import EXPIRES
from pyresque.wire.records import Payload
from pyresque.worker.beginning import at_expiry, freed_key, is_expired


@pytest.mark.parametrize(
    ("until", "expired"),
    [(0, True), (4_000_000_000, False), ("0", False), (None, False), (0.5, False), (True, False)],
)
def test_a_job_is_too_late_from_its_second_on(until, expired):
    payload = Payload(b"", {"class": "A", "args": [], EXPIRES: until})
    assert is_expired(ReservedJob("q", payload, None)) == expired


def reserved(resque, *args):
    raw = resque.link.execute("LINDEX", resque.space.keys.queue("mail"), 0)
    return ReservedJob.of("mail", Payload.parse(raw), resque.registry)


def test_a_unique_job_frees_its_key_and_is_counted_where_it_expires(resque, caplog):
    @job(queue="mail", unique=True, registry=resque.registry)
    def mail(number): ...

    resque.enqueue(mail, 1, ttl=3_600)
    waiting = reserved(resque)
    key = freed_key(resque.space, waiting)
    assert resque.link.execute("EXISTS", key) == 1
    commands = at_expiry(resque.space, waiting)
    assert ("UNLINK", key) in commands
    assert ("INCRBY", resque.space.keys.stat("expired"), 1) in commands
    assert "expired, and not run" in caplog.text


def test_another_job_holds_nothing(resque):
    @job(queue="mail", registry=resque.registry)
    def mail(number): ...

    resque.enqueue(mail, 1)
    assert freed_key(resque.space, reserved(resque)) is None
