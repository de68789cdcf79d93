"""Pausing queues, on the keys of resque-pause (docs/protocol/core.md#resque-pause).

No worker of pyresque takes a job from a paused queue, nor does one of Ruby that has loaded resque-pause. Only
a job taken just before the pause is put back there, if its class extends the gem's module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyresque.store import pauses

if TYPE_CHECKING:
    from pyresque.client.resque import Resque


def pause(resque: Resque, queue: str | None = None) -> None:
    """Let nobody take jobs from a queue, or from any queue, until `resume`."""
    pauses.pause(resque.space, queue)


def resume(resque: Resque, queue: str | None = None) -> None:
    """End a pause. That of all queues and that of one are separate: what paused it must be taken back."""
    pauses.resume(resque.space, queue)


def paused(resque: Resque, queue: str | None = None) -> bool:
    """Whether a queue is paused (by itself, or as all are); without a queue: whether all are."""
    return pauses.is_paused(resque.space, queue)
