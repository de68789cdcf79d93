"""The status of a tracked job, as resque-status has it (docs/protocol/core.md#resque-status)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import Any

from pyresque.model.enqueue_options import EnqueueOptions
from pyresque.store.statuses import NewStatus
from pyresque.usercode.safely import cut
from pyresque.wire import extra_keys
from pyresque.wire.encoding import Style, encode
from pyresque.wire.ruby_inspect import inspect

KEEP_SECONDS = 86_400
"""So long after its last change the status of a tracked job is kept; of a delayed one, after it is due."""

_LONGEST_NAME = 500


def fresh_status(job_id: str, class_name: str, args: Sequence[Any]) -> dict[str, Any]:
    """The status of a job that waits."""
    name = f"{class_name}({cut(inspect(args, _LONGEST_NAME)[1:-1], _LONGEST_NAME)})"
    return {"time": int(time.time()), "status": "queued", "uuid": job_id, "name": name}


def with_options(
    payload: bytes,
    options: EnqueueOptions,
    named: tuple[str, Sequence[Any]],
    style: Style,
    due: float | None,
) -> tuple[bytes, NewStatus | None]:
    """The payload with the keys that its options need, and the status that is written with it.

    Args:
        named: the class name and arguments of the job.
        due: when it goes to its queue; None: now.
    """
    if not options.track:
        return payload, None
    now, new_id = time.time(), uuid.uuid4().hex
    status = encode(fresh_status(new_id, *named), style)
    seconds = KEEP_SECONDS + max(0, int((due or now) - now))
    return (
        extra_keys.with_keys(payload, b'"%b":"%b"' % (extra_keys.TRACKED.encode(), new_id.encode())),
        NewStatus(new_id, status, seconds),
    )
