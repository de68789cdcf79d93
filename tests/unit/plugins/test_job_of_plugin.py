"""The names of plugins' keys: whose plugin it is (docs/protocol/core.md#arguments-as-text)."""

import pytest

from pyresque import Resque, job
from pyresque.errors import InvalidJob
from pyresque.plugins import Statuses
from pyresque.plugins.job_of_plugin import class_of


def test_a_plugin_knows_the_one_job_that_has_it(registry):
    """Hooks are not told whose they are; a plugin of two jobs, or of none, says what to do."""
    resque = Resque(registry=registry)
    plugin = Statuses(resque)
    with pytest.raises(InvalidJob, match=r"a Statuses is for one job .* has none"):
        class_of(plugin, resque)
    job(queue="q", name="Stats::One", plugins=[plugin], registry=registry)(lambda *args: None)
    assert class_of(plugin, resque) == "Stats::One"
    job(queue="q", name="Two", plugins=[plugin], registry=registry)(lambda *args: None)
    with pytest.raises(InvalidJob, match="Stats::One, Two: make one for each"):
        class_of(plugin, resque)
    resque.close()
