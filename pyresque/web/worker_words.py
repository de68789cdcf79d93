"""What templates need to show workers: on their own pages, and on the first one."""

from __future__ import annotations

from pyresque.client.info import WorkerInfo
from pyresque.client.worker_signs import version_in
from pyresque.system.processes import process_title
from pyresque.web.names import handle, shown
from pyresque.wire.records import shown as job_shown

KINDS = {"working": "ok", "idle": "calm", "paused": "warn", "silent": "warn", "dead": "bad"}
"""How a state is coloured."""
TITLES = {
    "working": "It lives, and has a job.",
    "idle": "It lives, and waits for a job.",
    "paused": "It lives, but each of its queues is paused.",
    "silent": "No heartbeat for two minutes: nobody can tell from here whether it lives.",
    "dead": "Its process is gone, or it has sent no heartbeat for five minutes.",
}
"""What a state means."""


def version_of(worker: WorkerInfo) -> str:
    """The version of a worker that runs on this host, by its title; empty where it is not known."""
    return version_in(process_title(int(worker.pid))) if worker.can_be_signalled else ""


WORDS: dict[str, object] = {
    "handle": handle,
    "shown": shown,
    "kinds": KINDS,
    "titles": TITLES,
    "job_shown": job_shown,
    "version_of": version_of,
}
