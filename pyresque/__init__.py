"""Python workers and clients on the Redis keys of Ruby Resque."""

from pyresque._version import __version__
from pyresque.client import Resque
from pyresque.errors import DontPerform, ResqueError
from pyresque.overview import WorkerInfo
from pyresque.registry import job
from pyresque.worker import Worker

__all__ = ["DontPerform", "Resque", "ResqueError", "Worker", "WorkerInfo", "__version__", "job"]
