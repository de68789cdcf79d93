"""The job that has a plugin: its class is a part of the plugin's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyresque.errors import InvalidJob

if TYPE_CHECKING:
    from pyresque.client.resque import Resque


def class_of(plugin: object, resque: Resque) -> str:
    """The class name of the one job that has this plugin (hooks are not told whose they are).

    Raises:
        InvalidJob: it has none, or several.
    """
    names = [
        job.name for job in resque.registry.jobs() if any(own_plugin is plugin for own_plugin in job.plugins)
    ]
    if len(names) != 1:
        raise InvalidJob(
            f"a {type(plugin).__name__} is for one job of this Resque, and this one has "
            f"{', '.join(names) or 'none'}: make one for each"
        )
    return names[0]
