"""What one calls on a Resque: enqueueing, delaying, scheduling, looking."""

from pyresque.client.resque import Resque

__all__ = ["Resque"]
