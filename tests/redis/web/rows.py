"""Rows of any writer, for the pages that show them."""

from __future__ import annotations

import json
from typing import Any

HOSTILE = "<script>alert(1)</script>\"'&"

MALFORMED: list[bytes] = [
    b"oops", b"", b"null", b"[1]", b"7", b'"text"', b"{}", b"\xff\xfe", b'{"payload":7}', b'{"payload":[1]}',
    b'{"failed_at":1795457254,"payload":{"class":"NumberAsTime","args":[1]},"queue":"q"}',
    b'{"failed_at":"never","payload":{"class":"NoTime","args":null},"queue":"q","backtrace":"text"}',
    b'{"payload":{"class":7,"args":[1]},"exception":5,"error":["x"],"queue":["q"],"worker":{}}',
    b'{"payload":{"class":"HashArgs","args":{"a":1}},"backtrace":{"a":1},"queue":"q","failure_id":9}',
    b'{"payload":{"class":"Scalar","args":"one"},"backtrace":[1,null,{"a":2}],"queue":"","retried_at":7}',
    b'{"payload":{"class":"","args":[]},"retried_at":true}',
    b'{"failed_at":"2026/11/30 17:00:00 UTC","payload":{"class":"A\xff","args":[]}}',
    b'{"payload":{"class":"Surrogate","args":["\\ud800"]},"failure_id":"x/../y z?#\\ud800"}',
    b'{"payload":{"class":"Deep","args":' + b"[" * 300 + b"]" * 300 + b'},"queue":"q"}',
    b'{"payload":{"class":"Big","args":[1E400,123456789012345678901234567890]},"queue":"q"}',
    b'{"payload":{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper","args":[7]},"queue":"q"}',
    b'{"payload":{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper","args":[{}]},"queue":"q"}',
]  # fmt: skip


def failure(number: int = 1, **more: Any) -> bytes:
    """A record as Ruby writes it; `more` replaces keys, or adds them."""
    value = {
        "failed_at": "2026/11/30 12:00:00 UTC", "payload": {"class": "Mail", "args": [number]},
        "exception": "RuntimeError", "error": f"boom {number}",
        "backtrace": ["/srv/app/jobs/mail.rb:3:in `perform'", "/usr/lib/ruby/gems/resque/job.rb:9"],
        "worker": "h:1:q", "queue": "q", "failure_id": f"{number:08x}-0000-4000-8000-000000000000", **more,
    }  # fmt: skip
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def active_job(*args: Any, name: str = "WelcomeJob") -> dict[str, Any]:
    """The payload of an Active Job."""
    inner = {"job_class": name, "job_id": "id-1", "queue_name": "q", "arguments": list(args)}
    return {"class": "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper", "args": [inner]}
