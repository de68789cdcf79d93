"""Attempts of ours that the pages and workers of real resque-retry see, cancel and make."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pyresque import Resque
from tests.interop.ruby import Python, Ruby

Evidence = Callable[[str], list[dict[str, Any]]]

SETUP = """
require "json"
require "resque"
require "resque-scheduler"
require "resque-retry"
Resque.redis = ENV.fetch("REDIS_URL")
class RetriedJob
  extend Resque::Plugins::Retry
  @queue = :retried
  @retry_limit = 3
  @retry_delay = 60
  def self.perform(*args)
    Resque.redis.rpush("interop:tried", JSON.generate({ class: name, args: args, lang: "ruby" }))
    raise "again"
  end
end
"""

PAGE = (
    SETUP
    + """
ENV["RACK_ENV"] = "test"
require "resque/server"
require "resque-retry/server"
require "rack/test"
Resque::Server.set :raise_errors, true
Resque::Server.set :show_exceptions, false
Resque::Server.set :host_authorization, { permitted_hosts: [] }
browser = Rack::Test::Session.new(Resque::Server.new)
browser.get("/retry")
shown = browser.last_response.body
browser.post(ARGV[0], {})
puts JSON.generate([shown.include?(ARGV[1]), browser.last_response.status])
"""
)

WORK = (
    SETUP
    + """
ENV["FORK_PER_JOB"] = "false"
Resque::Worker.new("retried").work_one_job
"""
)


@pytest.fixture
def retrying(ruby: Ruby) -> Ruby:
    """A Ruby that has resque-retry and resque-scheduler."""
    for gem in ("resque-scheduler", "resque-retry"):
        if not ruby.has(gem):
            pytest.skip(f"this Ruby has no {gem}")
    return ruby


def keys(resque: Resque) -> set[str]:
    """What there is of attempts: delayed jobs, counters, failure texts."""
    wanted = ("delayed:", "timestamps:", "resque-retry", "failure-")
    found = [key.decode().removeprefix("resque:") for key in resque.link.execute("KEYS", "*")]
    return {key for key in found if key.startswith(wanted)}


def test_the_page_cancels_our_next_attempt(retrying: Ruby, python: Python, resque: Resque) -> None:
    """Of a job that came over another queue than its class's, too: the job is gone, and everything of it."""
    resque.enqueue("RetriedJob", "ü", 1, queue="urgent")
    python.work_off("urgent")
    [second] = [key.rpartition(":")[2] for key in keys(resque) if key.startswith("delayed:")]
    assert len(keys(resque)) == 4
    answer = retrying.run("-e", PAGE, f"/retry/{second}/remove", "RetriedJob")
    assert json.loads(answer.splitlines()[-1]) == [True, 302]
    assert keys(resque) == set()
    assert resque.queues() == ["urgent"]


def test_a_ruby_worker_makes_our_next_attempt(
    retrying: Ruby, python: Python, resque: Resque, evidence: Evidence
) -> None:
    """It waits on the queue of the class, where the workers of the class look."""
    resque.enqueue("RetriedJob", 1, queue="urgent")
    python.work_off("urgent")
    assert resque.enqueue_delayed_selection(lambda args: True) == 1
    retrying.run("-e", WORK)
    assert [(note["lang"], note["args"]) for note in evidence("tried")] == [("python", [1]), ("ruby", [1])]
    [counter] = [key for key in keys(resque) if key.startswith("resque-retry")]
    assert resque.link.execute("GET", f"resque:{counter}") == b"1"
