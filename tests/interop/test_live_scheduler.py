"""Our scheduler and a real resque-scheduler on one Redis: each does the other's work, and neither twice."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyresque import Resque, job
from pyresque.scheduler.due import Mover
from tests.interop.ruby import ROOT, Python, Ruby, eventually

LOCK = "resque:resque:resque_scheduler_master_lock"
NOTED = "resque:delayed:last_enqueued_at"

SETUP = """
require "json"
require "resque"
require "resque-scheduler"
Resque.redis = ENV.fetch("REDIS_URL")
class RubyMail; @queue = :mail; def self.perform(*); end; end
"""
SCHEDULER = (
    SETUP
    + """
$stdout.sync = true
Resque::Scheduler.configure do |c|
  c.poll_sleep_amount = 0.2
  c.dynamic = true
  c.quiet = true
end
puts "READY #{Process.pid}"
Resque::Scheduler.run
"""
)


@pytest.fixture
def scheduling(ruby: Ruby) -> Ruby:
    """A Ruby that has resque-scheduler."""
    if not ruby.has("resque-scheduler"):
        pytest.skip("this Ruby has no resque-scheduler")
    return ruby


@pytest.fixture
def mail(resque: Resque) -> Any:
    """The job that both languages know, on the queue `mail`."""

    @job(queue="mail", name="RubyMail", registry=resque.registry)
    def mail(*args: Any) -> None:
        """A job that takes anything."""

    return mail


def asked(ruby: Ruby, code: str) -> Any:
    """What Ruby prints as JSON after this code."""
    return json.loads(ruby.run("-e", f"{SETUP}\nputs JSON.generate([begin; {code}; end])"))[0]


class Running:
    """A scheduler process of either language."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, language: Ruby | Python) -> None:
        self.process, self.log, self._language = process, log, language
        eventually(lambda: self._pid() or self._ended(), "a scheduler that is ready")
        self.pid = self._pid() or process.pid

    @property
    def output(self) -> str:
        return self.log.read_text("utf-8", "replace")

    @property
    def title(self) -> str:
        return self._language.title(self.pid)

    def _pid(self) -> int | None:
        lines = [one for one in self.output.splitlines() if one.startswith("READY ")]
        return int(lines[0].split()[1]) if lines else None

    def _ended(self) -> bool:
        assert self.process.poll() is None, self.output
        return False

    def end(self, name: str = "TERM") -> int:
        if self.process.poll() is None:
            self._language.kill(self.pid, name)
        return self.process.wait(60)


@contextlib.contextmanager
def scheduler(language: Ruby | Python, timeout: float = 180.0) -> Iterator[Running]:
    """A scheduler of this language for the length of a block."""
    env = {"LOCK_TIMEOUT": f"{timeout:g}"}
    if isinstance(language, Ruby):
        command = language.command("-e", SCHEDULER, env=env)
    else:
        code = "import os; print('READY', os.getpid(), flush=True); from pyresque.cli import main; main()"
        command = [sys.executable, "-c", code, "scheduler", "-r", "tests.interop.scheduler_jobs"]
    descriptor, path = tempfile.mkstemp(suffix=".log", dir=language.folder)
    with open(descriptor, "wb") as out:
        process = subprocess.Popen(
            command, env=language.environment(env), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT
        )
    running = Running(process, Path(path), language)
    try:
        yield running
    finally:
        if process.poll() is None:
            running.end("KILL")


def elements(resque: Resque, queue: str) -> list[bytes]:
    return resque.link.execute("LRANGE", f"resque:queue:{queue}", 0, -1)


def test_what_ruby_delays_python_fires(scheduling: Ruby, python: Python, resque: Resque, mail: Any) -> None:
    """Ruby's own calls; our scheduler moves the jobs, and nothing of them is left."""
    asked(scheduling, 'Resque.enqueue_in(1, RubyMail, "a", 1.5, {"x" => nil}); '
          'Resque.enqueue_in_with_queue(:low, 1, RubyMail, 2)')  # fmt: skip
    with scheduler(python) as ours:
        eventually(lambda: elements(resque, "mail") and elements(resque, "low"), "the jobs")
        assert ours.end() == 0
    assert elements(resque, "mail") == [b'{"class":"RubyMail","args":["a",1.5,{"x":null}]}']
    assert elements(resque, "low") == [b'{"class":"RubyMail","args":[2]}']
    assert resque.link.execute("KEYS", "resque:*delayed*") == []
    assert resque.link.execute("KEYS", "resque:timestamps*") == []


def test_what_python_delays_ruby_fires(scheduling: Ruby, resque: Resque, mail: Any) -> None:
    """Our calls; Ruby's scheduler moves the jobs, of classes that it knows and of others."""
    resque.enqueue_in(1, mail, "ü", 1)
    resque.enqueue_in(1, "OnlyPython", 2, queue="python")
    with scheduler(scheduling):
        eventually(lambda: elements(resque, "mail") and elements(resque, "python"), "the jobs")
    assert elements(resque, "mail") == ['{"class":"RubyMail","args":["ü",1]}'.encode()]
    assert elements(resque, "python") == [b'{"class":"OnlyPython","args":[2]}']
    assert resque.link.execute("KEYS", "resque:timestamps*") == []


def test_each_side_finds_and_removes_what_the_other_delayed(
    scheduling: Ruby, resque: Resque, mail: Any
) -> None:
    """By Ruby's bytes, and by our values."""
    far = 4000000000
    resque.enqueue_at(far, mail, 1, {"k": "ü"})
    resque.enqueue_at(far, mail, 2)
    assert asked(scheduling, 'Resque.scheduled_at(RubyMail, 1, {"k" => "ü"})') == [far]
    assert asked(scheduling, 'Resque.remove_delayed(RubyMail, 1, {"k" => "ü"})') == 1
    asked(scheduling, f"Resque.enqueue_at({far + 5}, RubyMail, 2)")
    assert resque.scheduled_at(mail, 2) == [far, far + 5]
    assert resque.remove_delayed(mail, 2) == 2
    assert asked(scheduling, "Resque.delayed?(RubyMail, 2)") is False
    assert asked(scheduling, "Resque.count_all_scheduled_jobs") == 0


def test_a_schedule_set_by_python_is_followed_by_ruby_and_back(
    scheduling: Ruby, python: Python, resque: Resque, mail: Any
) -> None:
    """Set here, fired there; changed there, fired here; removed here, gone there."""
    with scheduler(scheduling) as theirs:
        # Not only the lock: what is set while Ruby loads its schedule is not heard until the next change.
        eventually(lambda: "Schedules Loaded" in theirs.title, "Ruby's master with its schedule")
        resque.set_schedule("tick", job=mail, every="1s", args=[1])
        eventually(lambda: elements(resque, "mail"), "a run by Ruby")
        assert asked(scheduling, "Resque.schedule")["tick"]["every"] == "1s"
        theirs.end()
    change = {"class": "RubyMail", "cron": "* * * * * *", "args": [2], "queue": "mail", "persist": True}
    with scheduler(python):
        eventually(lambda: resque.link.execute("EXISTS", LOCK), "our master")
        asked(scheduling, f"Resque.set_schedule('tick', JSON.parse('{json.dumps(change)}'))")
        run = b'{"class":"RubyMail","args":[2]}'
        eventually(lambda: elements(resque, "mail")[-1] == run, "a changed run by us")
        eventually(lambda: not resque.link.execute("EXISTS", "resque:schedules_changed"), "the notice")
        asked(scheduling, "Resque.remove_schedule('tick')")
        eventually(lambda: not resque.link.execute("EXISTS", "resque:schedules_changed"), "the end")
    assert asked(scheduling, "Resque.schedule") == {}


@pytest.mark.parametrize("first", ["ruby", "python"])
@pytest.mark.parametrize("ending", ["TERM", "KILL"])
def test_the_lock_is_respected_and_taken_over(
    scheduling: Ruby, python: Python, resque: Resque, first: str, ending: str
) -> None:
    """Held by one language, respected by the other; stopped or killed, the other goes on. No run twice."""
    one, two = (scheduling, python) if first == "ruby" else (python, scheduling)
    resque.set_schedule("s", job="RubyMail", cron="* * * * * *", queue="mail", args=[])
    with scheduler(one, 2) as master:
        eventually(lambda: len(elements(resque, "mail")) >= 1, "runs of the first")
        held = resque.link.execute("GET", LOCK)
        with scheduler(two, 2) as child:
            count = len(elements(resque, "mail"))
            eventually(lambda: len(elements(resque, "mail")) >= count + 1, "more runs of the first")
            assert resque.link.execute("GET", LOCK) == held
            master.end(ending)
            eventually(lambda: resque.link.execute("GET", LOCK) not in (None, held), "the take-over")
            count = len(elements(resque, "mail"))
            began = time.time()
            eventually(lambda: len(elements(resque, "mail")) >= count + 2, "runs of the second")
            assert len(elements(resque, "mail")) - count <= time.time() - began + 2
            assert child.end() == 0, child.output
    assert resque.link.execute("EXISTS", LOCK) == 0


def test_rubys_pages_show_what_we_wrote(scheduling: Ruby, resque: Resque, mail: Any) -> None:
    """The delayed and schedule tabs of resque-web over jobs, entries and a lock of ours."""
    resque.enqueue_at(4000000000, mail, "hello page", {"a": 1})
    resque.enqueue_at(4000000000, "OnlyPython", 2, queue="python")
    resque.set_schedule("nightly", job=mail, cron="0 3 * * * Europe/Berlin", description="of ours")
    resque.link.execute("HSET", NOTED, "nightly", "2026-11-23 03:00:00 +0100")
    resque.link.execute("SET", LOCK, "host:5:1800000000-0123456789ab")
    code = (
        SETUP
        + """
    ENV["RACK_ENV"] = "test"
    require "resque/server"; require "resque/scheduler/server"; require "rack/test"
    Resque::Scheduler.dynamic = true
    Resque::Server.set :raise_errors, true
    Resque::Server.set :show_exceptions, false
    Resque::Server.set :host_authorization, { permitted_hosts: [] }
    browser = Rack::Test::Session.new(Resque::Server.new)
    pages = %w[/delayed /delayed/4000000000 /schedule].map do |path|
      browser.get(path)
      [browser.last_response.status, browser.last_response.body.force_encoding("UTF-8")]
    end
    puts JSON.generate(pages)
    """
    )
    pages = json.loads(scheduling.run("-e", code))
    assert [status for status, _ in pages] == [200, 200, 200]
    assert "hello page" in pages[1][1]
    assert "OnlyPython" in pages[1][1]
    assert all(text in pages[2][1] for text in ("nightly", "of ours", "host:5:", "2026-11-23 03:00:00"))


CUSTOM = """
class Own
  @queue = :mail
  def self.scheduled(queue, name, *args)
    raise "no" if args[0] == BAD
    Resque::Job.create(queue, "Pushed", *args)
  end
  def self.perform(*); end
end
class Asks
  @queue = :mail
  def self.before_enqueue_check(number); raise "no" if number == BAD; number != 8; end
  def self.perform(*); end
end
"""
ITEMS = [
    '{"class":"RubyMail","args":[0],"queue":"mail"}',
    '{"class":"Own","args":[1],"queue":"mail"}',
    '{"args":[2],"class":"RubyMail","queue":"mail"}',
    '{"class":"Other","args":[3],"queue":"mail","custom_job_class":"Own"}',
    '{"class":"Asks","args":[4],"queue":"mail"}',
    '{"class":"Own","args":[5],"queue":"mail"}',
    '{"class":"RubyMail","args":[6],"queue":"mail"}',
    '{"class":"Asks","args":[7],"queue":"mail"}',
    '{"class":"Asks","args":[8],"queue":"mail"}',
    '{"class":"RubyMail","args":[9],"queue":"mail"}',
]


ITEMS_THAT_RUBY_FINDS = [*ITEMS[:2], *ITEMS[4:]]
"""Its selections look for classes that it knows, and for the bytes that it would write itself."""


def delay(resque: Resque, second: int, items: list[str]) -> None:
    resque.link.execute("FLUSHALL")
    for item in items:
        resque.link.execute("RPUSH", f"resque:delayed:{second}", item)
        resque.link.execute("SADD", f"resque:timestamps:{item}", f"delayed:{second}")
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", second, second)


def ours(resque: Resque, bad: int) -> None:
    """The same classes in Python."""

    def scheduled(queue: str, name: str, number: int) -> None:
        if number == bad:
            raise ValueError("no")
        resque.push(queue, {"class": "Pushed", "args": [number]})

    def before_enqueue_check(number: int) -> bool:
        if number == bad:
            raise ValueError("no")
        return number != 8

    perform = staticmethod(lambda *args: None)
    for name, code in (("Own", scheduled), ("Asks", before_enqueue_check)):
        body = {"perform": perform, code.__name__: staticmethod(code)}
        job(queue="mail", name=name, registry=resque.registry)(type(name, (), body))


@pytest.mark.parametrize("bad", [0, 1, 3, 4, 5, 7])
@pytest.mark.parametrize("verb", ["drain", "enqueue_delayed_selection"])
def test_jobs_with_code_of_their_own_go_as_in_ruby(
    scheduling: Ruby, resque: Resque, mail: Any, verb: str, bad: int
) -> None:
    """The same elements in the same order, and the same jobs left; what raises is kept, which Ruby drops."""
    code = {
        "drain": "Resque::Scheduler.quiet = true; Resque::Scheduler.handle_delayed_items",
        "enqueue_delayed_selection": "Resque.enqueue_delayed_selection { true }",
    }[verb]
    second, items = (10, ITEMS) if verb == "drain" else (4000000000, ITEMS_THAT_RUBY_FINDS)
    delay(resque, second, items)
    scheduling.run("-e", f"{SETUP}\nBAD = {bad}\n{CUSTOM}begin; {code}; rescue => error; puts error; end")
    queued, left = elements(resque, "mail"), resque.link.execute("LRANGE", f"resque:delayed:{second}", 0, -1)
    delay(resque, second, items)
    ours(resque, bad)
    if verb == "drain":
        Mover(resque.space, resque.registry).move_all(now=20)
    elif f'"args":[{bad}]' in "".join(items) and bad:
        with pytest.raises(ValueError, match="no"):
            resque.enqueue_delayed_selection(lambda args: True)
    else:
        resque.enqueue_delayed_selection(lambda args: True)
    kept = [item.encode() for item in items if bad and f'"args":[{bad}]' in item]
    assert elements(resque, "mail") == queued
    assert resque.link.execute("LRANGE", f"resque:delayed:{second}", 0, -1) == (
        left if verb == "drain" else [*kept, *left]
    )
    if verb == "drain":
        assert [one.payload["args"] for one in resque.failures.list()] == [[bad]] * len(kept)


def test_ruby_s_buttons_over_what_was_put_aside(
    scheduling: Ruby, python: Python, resque: Resque, mail: Any
) -> None:
    """Retry all goes through every row, once; what it pushes exists, and brings the bytes back; and so on."""
    rows = [
        '{"class":"RubyMail","args":[1],"queue":"mail"}',
        "not json",
        '{"class": "OddJob","args":[NaN]}',
        "[5]",
    ]
    put = lambda key, *raws: resque.link.execute("RPUSH", key, *raws)  # noqa: E731
    record = (
        '{"failed_at":"2026/11/30 01:00:00 UTC","payload":{"class":"RubyMail","args":[%d]},"exception":"E",'
        '"error":"e","worker":"h:1:mail","queue":"mail"}'
    )
    put("resque:failed", record % 1)
    put("resque:delayed:10", '{"class":"NoQueueJob","args":[1]}', *rows[1:3])
    resque.link.execute("ZADD", "resque:delayed_queue_schedule", 10, 10)
    Mover(resque.space, resque.registry).move_all(now=20)
    put("resque:queue:mail", *rows[1:])
    resque.link.execute("SADD", "resque:queues", "mail")
    python.work_off("mail")
    put("resque:failed", record % 2)
    assert resque.failures.count() == 8
    asked(scheduling, "Resque::Failure.requeue_all")
    waiting = {name: [json.loads(raw) for raw in elements(resque, name)] for name in resque.queues()}
    classes = {name: [one["class"] for one in values] for name, values in waiting.items()}
    pointers = ["Pyresque::SetAside"]
    assert classes == {
        "mail": ["RubyMail", *pointers * 3, "RubyMail"],
        "no_queue": ["NoQueueJob", *pointers * 2],
    }
    assert [one.text("retried_at") is not None for one in resque.failures.list()] == [True] * 8
    resque.link.execute("LTRIM", "resque:queue:mail", 1, -2)
    python.work_off("mail,no_queue")
    assert [one.raw for one in resque.each_delayed()] == [raw.encode() for raw in rows[1:3]]
    again = [one.payload["args"][1] for one in resque.failures.list() if one.text("retried_at") is None]
    assert again == rows[1:]  # they are not jobs still
    assert resque.failures.clear_retried() == 8
    assert resque.failures.count() == 3
