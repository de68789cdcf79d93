"""The status of a tracked job, as resque-status has it (docs/protocol/core.md#resque-status)."""

from __future__ import annotations

import math
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
    """The payload with the keys that its options ask for, and the status that is written with it.

    Args:
        named: the class name and arguments of the job.
        due: when it goes to its queue; None: now.
    """
    now, keys, status = time.time(), list[bytes](), None
    if options.track:
        new_id = uuid.uuid4().hex
        keys.append(b'"%b":"%b"' % (extra_keys.TRACKED.encode(), new_id.encode()))
        seconds = KEEP_SECONDS + max(0, int((due or now) - now))
        status = NewStatus(new_id, encode(fresh_status(new_id, *named), style), seconds)
    if options.ttl is not None:
        until = math.ceil(max(due or now, now) + options.ttl)
        keys.append(b'"%b":%d' % (extra_keys.EXPIRES.encode(), until))
    if options.unique:
        keys.append(b'"%b":%d' % (extra_keys.UNIQUE.encode(), options.unique))
    return extra_keys.with_keys(payload, b",".join(keys)) if keys else payload, status
