"""Settings of the scheduler from the environment."""

import pytest

from pyresque.config import SchedulerOptions
from pyresque.config.env import local_zone, scheduler_options
from pyresque.errors import ConfigError


def test_an_empty_environment_means_rubys_defaults():
    """Five seconds, three minutes, batches of a hundred."""
    assert scheduler_options({}) == SchedulerOptions(interval=5.0, lock_timeout=180.0, batch=100)


def test_every_variable_is_read():
    """Under Ruby's names (docs/protocol/scheduler.md#settings)."""
    env = {
        "RESQUE_SCHEDULER_INTERVAL": "0.5", "LOCK_TIMEOUT": "30", "DELAYED_REQUEUE_BATCH_SIZE": "7",
        "RESQUE_SCHEDULER_MASTER_LOCK_PREFIX": "blue", "RAILS_ENV": "test", "APP_NAME": "shop",
        "QUIET": "true",
    }  # fmt: skip
    assert scheduler_options(env) == SchedulerOptions(
        interval=0.5, lock_timeout=30.0, lock_prefix="blue", batch=7, environment="test", app_name="shop",
        quiet=True,
    )  # fmt: skip


@pytest.mark.parametrize(("size", "batch"), [("1", 1), ("0", 1), ("-5", 1), ("250", 250)])
def test_a_batch_of_one_or_less_is_one_by_one(size, batch):
    """As since 5.1."""
    assert scheduler_options({"DELAYED_REQUEUE_BATCH_SIZE": size}).batch == batch
    assert scheduler_options({"DISABLE_DELAYED_REQUEUE_BATCHES": ""}).batch == 1


@pytest.mark.parametrize("size", ["", "many", "1.5"])
def test_a_batch_size_that_is_no_number_is_refused(size):
    """An empty one too, as in Ruby."""
    with pytest.raises(ConfigError, match="DELAYED_REQUEUE_BATCH_SIZE"):
        scheduler_options({"DELAYED_REQUEUE_BATCH_SIZE": size})


@pytest.mark.parametrize(
    ("tz", "zone"),
    [("Europe/Berlin", "Europe/Berlin"), (":Asia/Tokyo", "Asia/Tokyo"), ("CET-1CEST,M3.5.0", "UTC")],
)
def test_the_zone_is_that_of_tz(tz, zone):
    """What is not a name of a zone counts as UTC."""
    assert local_zone({"TZ": tz}) == zone


def test_without_tz_the_zone_is_the_machines():
    """Whatever that is, it has a name."""
    assert local_zone({})
