"""Plugins on the keys of Ruby's plugins (docs/protocol/core.md#resque-retry); see docs/plugins.md.

Retry .......... run a failed job again (resque-retry)
Lock ........... one job with the same arguments at a time (resque-lock-timeout)
Loner .......... one such job in the queue at a time (resque-lock-timeout)
Statuses ....... how far a job is, where anybody can see it (resque-status)
pause .......... stop and resume queues (resque-pause)
"""

from pyresque.plugins.lock import Lock, Loner
from pyresque.plugins.pausing import pause, paused, resume
from pyresque.plugins.retry import Retry
from pyresque.plugins.status import Status, Statuses, current_status

__all__ = ["Lock", "Loner", "Retry", "Status", "Statuses", "current_status", "pause", "paused", "resume"]
