"""A search for jobs wherever they are."""

import json

from tests.redis.client.test_failure_selection import wrapped
from tests.redis.client.test_failures import BROKEN


def working(resque, worker, payload):
    resque.link.execute("SADD", "resque:workers", worker)
    value = {"queue": "q", "run_at": "2026-11-23T19:07:35Z", "payload": payload}
    resque.link.execute("SET", f"resque:worker:{worker}", json.dumps(value))


def test_every_place_in_any_case(resque):
    working(resque, "h:1:q", {"class": "Mail::Send", "args": ["Ada"]})
    working(resque, "h:2:q", {"class": "Other", "args": []})
    resque.enqueue_at_with_queue("later", 2_000_000_000, "Mail::Send", "ada")
    resque.enqueue("Reports", {"to": "\u00c5da"}, queue="q")
    resque.enqueue("Reports", "xADAx", queue="r")
    job = json.loads(wrapped(7))["payload"]
    resque.link.execute("RPUSH", "resque:queue:q", json.dumps(job), *BROKEN)
    found = resque.find_jobs("ADA")
    assert [(one.place, one.class_name) for one in found.working] == [("h:1:q", "Mail::Send")]
    assert [(one.place, one.at, one.args) for one in found.delayed] == [("later", 2_000_000_000, ["ada"])]
    assert [(one.place, one.index) for one in found.queued] == [("r", 0)]
    assert [one.place for one in resque.find_jobs("\u00e5DA").queued] == ["q"]
    assert [one.args for one in resque.find_jobs("7", class_name="Mailer").queued] == [[7]]
    everything = resque.find_jobs()
    assert everything.counts == {"working": 2, "delayed": 1, "queued": 3 + len(BROKEN)}
    assert everything.is_whole == {"working": True, "delayed": True, "queued": True}
    [one] = found.queued
    assert resque.jobs("r").these([(one.id, one.index)]).remove().done == 1
    [one] = found.delayed
    assert resque.delayed.select(ids=one.id).count() == 1


def test_a_long_search_ends_and_says_so(resque):
    for queue in "abc":
        resque.link.execute(
            "RPUSH", f"resque:queue:{queue}", *('{"class":"A","args":[]}' for _ in range(100))
        )
        resque.link.execute("SADD", "resque:queues", queue)
    for n in range(60):
        resque.enqueue_at_with_queue("q", 2_000_000_000 + n, "A", n)
    found = resque.find_jobs("a", budget=50)
    assert found.looked_at == {"working": 0, "delayed": 50, "queued": 50}
    assert (found.is_whole["delayed"], found.is_whole["queued"]) == (False, False)
    assert {one.place for one in found.queued} == {"a", "b", "c"}
    whole = resque.find_jobs("a", budget=1000)
    assert (whole.counts["queued"], len(whole.queued)) == (300, 100)
    assert all(whole.is_whole.values())
