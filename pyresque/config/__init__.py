"""The settings of pyresque: environment, options of worker and scheduler, the server."""

from pyresque.config.env import Config, environment, split_queues
from pyresque.config.options import Polling, Recover, SchedulerOptions, Stopping, Unknown, WorkerOptions
from pyresque.config.server_setting import Server, parse_server

__all__ = [
    "Config",
    "Polling",
    "Recover",
    "SchedulerOptions",
    "Server",
    "Stopping",
    "Unknown",
    "WorkerOptions",
    "environment",
    "parse_server",
    "split_queues",
]
