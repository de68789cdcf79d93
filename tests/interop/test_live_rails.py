"""A whole Rails application (interop/ruby/rails_app) with a Python worker beside its own processes."""

from __future__ import annotations

import json
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pyresque import Resque
from pyresque.testing.redis_server import DevRedis
from tests.interop.choice import ROOT, Found, url_for
from tests.interop.ruby import Ruby, eventually
from tests.interop.test_live_active_job import PythonWorkers

LOCK = "resque:resque:resque_scheduler_master_lock"

ENQUEUE = """
at = Time.zone.local(2026, 11, 24, 12, 30)
ann, bob, zoe, dan, eve = %w[Ann Bob Zoë Dan Eve].map { |name| User.create!(name: name) }
WelcomeJob.perform_later(ann, at: at)
ActiveJob.perform_all_later([bob, zoe].map { |user| WelcomeJob.new(user, at: at) })
WelcomeJob.set(wait: 1.second).perform_later(dan, at: at)
FlakyJob.perform_later(eve, at: at)
"""
RECORDS = "print User.order(:id).map { |one| [one.name, one.greeting, one.greeted_for&.iso8601] }.to_json"
PAGES = """
browser = Rack::MockRequest.new(Rails.application)
pages = ARGV.map { |path| browser.get("/resque/#{path}", "HTTP_HOST" => "localhost") }
print pages.map { |page| [page.status, page.body] }.to_json
"""


class Shop(Ruby):
    """The application, with a database of its own."""

    def __init__(self, found: Found, url: str, folder: Path) -> None:
        super().__init__(found, url, folder)
        place = f"/tmp/pyresque-{uuid.uuid4().hex}" if found.container else folder / "shop"
        self.app = f"{found.scripts}/rails_app"
        self._settings = {
            "DATABASE_URL": f"sqlite3:{place}.sqlite3",
            "RAILS_ENV": "production",
            "RAILS_LOG_LEVEL": "warn",
            "RESQUE_SCHEDULER_INTERVAL": "0.2",
            "INTERVAL": "0.1",
            "QUEUE": "ruby",
        }

    def rails(self, *words: str) -> str:
        """Run `bin/rails ...` to its end; returns what it printed."""
        return self.run("-C", self.app, "bin/rails", *words, **self._settings)

    @contextmanager
    def rake(self, task: str) -> Iterator[subprocess.Popen[bytes]]:
        """`rake TASK` for the length of a block, which must end it itself."""
        words = self.command("-C", self.app, "-S", "rake", task, env=self._settings)
        with tempfile.TemporaryFile(dir=self.folder) as log:
            process = subprocess.Popen(
                words, env=self.environment(self._settings), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                cwd=ROOT,
            )  # fmt: skip
            try:
                yield process
                assert process.wait(60) == 0
            except BaseException as error:
                log.seek(0)
                error.add_note(f"rake {task} said: {log.read().decode('utf-8', 'replace')[-3000:]}")
                raise
            finally:
                process.kill()
                process.wait()


@pytest.fixture
def shop(found_ruby: Found, server: DevRedis, resque: Resque, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(found_ruby, url_for(found_ruby, server.url), tmp_path)
    for library in ("rails", "active_record", "sqlite3"):
        if not shop.has(library):
            pytest.skip(f"this Ruby has no {library}")
    yield shop
    shop.close()


@pytest.mark.timeout(300)
def test_a_rails_application(shop: Shop, server: DevRedis, resque: Resque, tmp_path: Path) -> None:
    """It enqueues for Python, which retries through its scheduler and sends records back to its worker."""
    shop.rails("db:prepare")
    version = shop.rails("runner", "print Rails.version")
    python = PythonWorkers(server.url, tmp_path)
    with ExitStack() as running:
        running.enter_context(shop.rake("resque:work"))
        running.enter_context(shop.rake("resque:scheduler"))
        ours = running.enter_context(python.worker("python", RAILS=version))
        theirs = lambda: [one for one in resque.workers() if one.id.endswith(":ruby")]  # noqa: E731
        [worker] = eventually(theirs, "its worker", 60)
        eventually(lambda: resque.link.execute("GET", LOCK), "its scheduler", 60)
        shop.rails("runner", ENQUEUE)
        # Four welcomes, the flaky one twice, and five greetings.
        eventually(lambda: resque.stat("processed") == 11 and not resque.working(), "the eleventh job", 60)
        pages = json.loads(shop.rails("runner", PAGES, "overview", "workers", "delayed"))
        ours.stop()
        shop.kill(int(resque.link.execute("GET", LOCK).split(b":")[1]), "TERM")
        shop.kill(int(worker.id.split(":")[1]), "QUIT")

    assert resque.failures.list() == []
    assert resque.queues() == ["python", "ruby"]
    assert [resque.size(name) for name in resque.queues()] == [0, 0]
    assert resque.count_all_scheduled_jobs() == 0
    noon = "2026-11-24T12:30:00+01:00"
    assert json.loads(shop.rails("runner", RECORDS)) == [
        [name, f"Welcome, number {number}", noon]
        for number, name in enumerate(["Ann", "Bob", "Zoë", "Dan", "Eve"], 1)
    ]
    assert [status for status, _ in pages] == [200, 200, 200]
    assert "python" in pages[0][1]
    assert all(one.id.rpartition(":")[0] in pages[1][1] for one in (worker, ours))
