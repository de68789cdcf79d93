"""Which traces we play as recorded, which deliberately otherwise, which not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.interop.traces import clients, failing, working
from tests.interop.traces.trace import Keyspace, Trace

_FILL_SCENARIOS = (clients, failing, working)


@dataclass(frozen=True)
class Different:
    """Where we do otherwise than Ruby on purpose.

    `keyspace` names the keys that end otherwise: a text, a list, a set (as such), None for "not there".
    `returned` is what our calls answer, where that differs.
    """

    reason: str
    keyspace: Mapping[str, Any] = field(default_factory=dict)
    returned: list[Any] | None = None
    wrote: str = ""
    """A value that was written on the way (the keyspace does not show it any more)."""

    def after(self, trace: Trace) -> Keyspace:
        """What Redis holds at our end."""
        changes = {key: value for key, value in self.keyspace.items() if value is not None}
        kept = {key: entry for key, entry in trace.after.items() if key not in self.keyspace}
        return kept | {key: _entry(key, value) for key, value in changes.items()}


def _entry(key: str, value: Any) -> dict[str, Any]:
    if key == LOCK:
        return {"type": "string", "ttl": "<= 60", "value": value}
    kind = {str: "string", list: "list", set: "set"}[type(value)]
    return {"type": kind, "value": sorted(value) if kind == "set" else value}


LOCK = "resque:pruning_dead_workers_in_progress"
FAILED, QUEUE, ASIDE = "resque:failed", "resque:queue:jobs", "resque:pyresque:aside:queue:jobs"


def record(payload: str, exception: str, error: str, number: str = "", backtrace: str = "") -> str:
    """A failure record of this run; `payload` is JSON."""
    return (
        f'{{"failed_at":"<SLASH_TIME_ZONE>","payload":{payload},"exception":"{exception}",'
        f'"error":{json.dumps(error)},"backtrace":[{backtrace}],"worker":"<HOST>:<PID>:jobs","queue":"jobs",'
        f'"failure_id":"<UUID{number}>"}}'
    )


def aside(element: str, why: str, number: str = "") -> str:
    """The record of an element that is not a job."""
    hint = f"{why}. The bytes lie in the list {ASIDE}; `pyresque failed retry` puts them back"
    link = f"queue:jobs {hashlib.sha1(element.encode()).hexdigest()}"
    return record(job("Pyresque::SetAside", link, element), "Resque::Helpers::DecodeException", hint, number)


def job(name: str, *args: Any) -> str:
    """A payload."""
    return json.dumps({"class": name, "args": list(args)}, separators=(",", ":"))


CUT = '{"class":"OkJob","args":[1'
NAN, INFINITY = '{"class":"OkJob","args":[NaN]}', '{"class":"OkJob","args":[Infinity]}'
KILLED = "Child process received unhandled signal pid <CHILD_PID> SIGKILL (signal 9)"
ENDED = "Child process ended without finishing its job pid <CHILD_PID{}> exit 3"
NO_NUMBER = "not JSON: invalid character (byte 25)"
NO_QUEUE = (
    "Resque::NoQueueError: Jobs must be placed onto a queue. No queue could be inferred for class String"
)
UNKNOWN = "uninitialized constant Nope::Missing: no @job with this name is registered"
BEGUN = ("before_perform_x", "around in", "perform")
WORKING = 'SET resque:worker:<HOST>:<PID>:jobs {"queue":"jobs","run_at":"<ISO8601_Z>","payload":'
OK = [{"class": "OkJob", "args": [number]} for number in (1, 2)]

DIFFERENT: dict[str, Different] = {
    "always_hook_child_gone": Different(
        "a job is done only if its child says so: `os._exit(3)` is a failure too, and its on_failure runs",
        {
            FAILED: [
                record(job("AlwaysTrace", "kill"), "Resque::DirtyExit", KILLED),
                record(job("AlwaysTrace", "exit!"), "Resque::DirtyExit", ENDED.format(2), "2"),
                record(job("AlwaysTrace", "exit"), "SystemExit", "exit", "3", "<LINES>"),
            ],
            "resque:hooklog": [
                *BEGUN,
                f"on_failure_x Resque::DirtyExit: {KILLED}",
                *BEGUN,
                f"on_failure_x Resque::DirtyExit: {ENDED.format(2)}",
                *BEGUN,
                "on_failure_x SystemExit: exit",
                *(f'{name} ["exit"]' for name in ("always", "always_a", "always_b")),
            ],
        },
    ),
    "child_exit_bang": Different(
        "a job is done only if its child says so; to Ruby it is done if the child just ends (resque#1646)",
        {FAILED: [record(job("ExitBangJob", 3), "Resque::DirtyExit", ENDED.format(""))]},
    ),
    "dequeue_with_args": Different(
        "decoded values are compared, so jobs that Rails, Oj or Python wrote differently are found too",
        {QUEUE: [job("OkJob", 2), job("EchoJob", 1, "a")]},
        returned=[4],
    ),
    "dirty_exit_hook_raises": Different(
        "one record (of the wrapping error), the hook runs once, and the worker goes on with the next job",
        {
            FAILED: [
                record(
                    job("KillHookBroken", 1),
                    "RuntimeError",
                    "Additional error (KeyError: hook broke) occurred in running failure hooks for job "
                    "(Job{jobs} | KillHookBroken | [1])\n"
                    f"Original error that caused job failure was KeyError: Resque::DirtyExit: {KILLED}",
                )
            ],
            "resque:hooklog": ["on_failure_x Resque::DirtyExit"],
            QUEUE: None,
            "resque:stat:processed": "2",
        },
    ),
    "duplicate_key_payload": Different(
        "the job is run with the last value, as every Ruby before json 3 does; with json 3 it is lost",
        {QUEUE: None, "resque:stat:processed": "2"},
        wrote=WORKING + job("OkJob", 2) + "}",
    ),
    "enqueue_nan": Different(
        "NaN and Infinity are refused when they are enqueued, and nothing is sent: Ruby cannot read them",
        {QUEUE: None, "resque:queues": None},
    ),
    "enqueue_nan__as_ruby_does_it": Different(
        "an element that Ruby wrote is never lost: its bytes go to the aside list, and a failure says why",
        {
            ASIDE: [NAN, INFINITY],
            FAILED: [aside(NAN, NO_NUMBER), aside(INFINITY, NO_NUMBER, "2")],
            QUEUE: None,
        },
    ),
    "enqueue_rejected": Different(
        "the message of NoQueueError also says what to do",
        returned=[
            None,
            f"{NO_QUEUE}: give one with queue=...",
            "Resque::NoClassError: Jobs must be given a class.",
        ],
    ),
    "heartbeat_wrong_type_at_shutdown": Different(
        "the worker shuts down cleanly with status 0, and unregisters all that it can",
    ),
    "heartbeat_wrong_type_at_start": Different(
        "the worker logs it and works without a heartbeat instead of ending",
        {QUEUE: None, LOCK: "<HOST>:<PID>:jobs", "resque:stat:processed": "1"},
    ),
    "invalid_json_payload": Different(
        "the element is never lost: its bytes go to the aside list, a failure says why, the worker goes on",
        {
            ASIDE: [CUT],
            FAILED: [aside(CUT, "not JSON: Input data was truncated")],
            QUEUE: None,
            "resque:stat:processed": "1",
        },
    ),
    "worker_unknown_class": Different(
        "by default a job of a class that is not registered here stays on its queue, for Ruby workers",
        {
            QUEUE: [job("Nope::Missing", 1)],
            FAILED: None,
            "resque:stat:failed": None,
            "resque:stat:processed": "1",
        },
    ),
    "worker_unknown_class__fail": Different(
        "`--unknown fail` fails it as Ruby does; the message names the whole class and what is missing",
        {FAILED: [record(job("Nope::Missing", 1), "NameError", UNKNOWN)]},
    ),
}
LEFT_OUT = {
    "web_failed_single": "a route of resque-web: this release has no web pages (Ruby's shows the keys)",
    "web_remove_job": "a route of resque-web: this release has no web pages (`dequeue` removes jobs)",
}
