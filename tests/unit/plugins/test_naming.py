"""The names of plugins' keys: classes, and arguments in Ruby's string form (core.md section 19)."""

import pytest

from pyresque import Resque, job
from pyresque.errors import InvalidJob
from pyresque.plugins import Statuses
from pyresque.plugins.naming import class_of, joined


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ([], ""), ([1, "a"], "1-a"), ([None, True, False], "-true-false"), ([1.0, 1e20], "1.0-1.0e+20"),
        ([1, [2, [3, "x"]]], "1-2-3-x"), ((1, (2,)), "1-2"), ([{"x": 1}], '{"x"=>1}'), ([[], 1], "-1"),
        (["ä b", "-"], "ä b--"),
    ],
)  # fmt: skip
def test_arguments_are_joined_as_by_ruby(args, text):
    """nil is empty, lists are flattened, objects are inspected."""
    assert joined(args) == text


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
