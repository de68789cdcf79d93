"""No page reads a whole list: what Redis sends for one is bounded, however much there is."""

from __future__ import annotations

import json

from flask.testing import FlaskClient

from pyresque import Resque
from tests.redis.web.rows import failure
from tests.redis.web.test_failed import links_on, rows_on

LARGE = 20_000
MOST = 6_000_000
"""Bytes that Redis may send for one page; each of these lists has more than 8,000,000."""


def sent(resque: Resque) -> int:
    """The bytes that this Redis has sent until now."""
    found: bytes = resque.link.execute("INFO", "stats")
    return int(found.split(b"total_net_output_bytes:")[1].split()[0])


def test_pages_of_long_lists_read_a_part(resque: Resque, browser: FlaskClient) -> None:
    records = [failure(n, error="x" * 200) for n in range(LARGE)]
    jobs = [json.dumps({"class": "A", "args": [n, "y" * 400]}).encode() for n in range(LARGE)]
    for first in range(0, LARGE, 5000):
        resque.link.execute("RPUSH", "resque:failed", *records[first : first + 5000])
        resque.link.execute("RPUSH", "resque:queue:big", *jobs[first : first + 5000])
    resque.link.execute("SADD", "resque:queues", "big")
    assert min(sum(map(len, records)), sum(map(len, jobs))) > 8_000_000
    oldest = browser.get("/failed?order=oldest").text
    assert len(rows_on(oldest)) == 50
    paths = [
        "/", "/failed", "/failed?page=300", "/failed?text=nobody", "/failed?class_name=nobody&order=oldest",
        "/failed?retried=yes", "/failed/groups", "/failed/groups?by=frame", links_on(oldest)[0],
        "/queues", "/queues/big", "/queues/big?page=300",
        "/queues/big?text=nobody", "/search?text=nobody",
    ]  # fmt: skip
    for path in paths:
        before = sent(resque)
        assert browser.get(path).status_code in (200, 404), path
        assert sent(resque) - before < MOST, path
