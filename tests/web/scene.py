"""What lies in the Redis that the browser looks at: the day of a shop, and what no one should write.

Everything is written with Redis commands, as Ruby and Python workers write it, for pages have to show rows
of any writer.
"""

from __future__ import annotations

import json
import math
import random
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pyresque import job
from pyresque.hooks import WorkerHooks
from pyresque.registry import Registry

Execute = Callable[..., Any]

RUBY = "web-1.shop.example:4711:mail,images"
PYTHON = "batch-1.shop.example:212:reports,embeddings"
DEAD = "batch-2.shop.example:97:reports"

SCRIPT = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">'\"><b>bold</b>"
"""A text that runs where a page does not write it as text."""


def dumps(value: object) -> str:
    """JSON as Ruby writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Scene:
    """Writes rows into a Redis, under the namespace `resque`."""

    def __init__(self, execute: Execute, seed: int = 16) -> None:
        self.execute = execute
        self.random = random.Random(seed)
        self.now = int(time.time())
        self.seconds: list[int] = []

    def __call__(self, *command: object) -> None:
        name, key, *rest = command
        self.execute(name, f"resque:{key}", *rest)

    def job(self, queue: str, class_name: object, *args: object, **more: object) -> None:
        """A job that waits."""
        self("SADD", "queues", queue)
        self("RPUSH", f"queue:{queue}", dumps({"class": class_name, "args": list(args), **more}))

    def worker(self, worker_id: str, job: dict[str, Any] | None = None, *, beat: int = 8, processed: int = 0,
               failed: int = 0, mark: str | None = None) -> None:  # fmt: skip
        """A worker; `beat`: seconds since its last heartbeat. `mark`: what a Python worker adds."""
        self("SADD", "workers", worker_id)
        zone = timezone(timedelta(hours=1))
        began = datetime.fromtimestamp(self.now - 3 * 3600, zone)
        self("SET", f"worker:{worker_id}:started", began.strftime("%Y-%m-%d %H:%M:%S %z"))
        seen = datetime.fromtimestamp(self.now - beat, UTC)
        self("HSET", "workers:heartbeat", worker_id, seen.isoformat(timespec="seconds"))
        self("SET", f"stat:processed:{worker_id}", processed)
        self("SET", f"stat:failed:{worker_id}", failed)
        if mark is not None:
            self("HSET", "pyresque:workers", worker_id, mark)
        if job is not None:
            self("SET", f"worker:{worker_id}", dumps(job))

    def working(self, queue: str, class_name: object, *args: object, since: int = 20) -> dict[str, Any]:
        """What a worker's record says of its job."""
        run_at = datetime.fromtimestamp(self.now - since, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"queue": queue, "run_at": run_at, "payload": {"class": class_name, "args": list(args)}}

    def failure(self, queue: str, class_name: object, args: object, exception: str, error: str,
                *, ago: int, worker: str = RUBY, backtrace: list[str] | None = None, retried: bool = False,
                failure_id: str | None = None) -> str:  # fmt: skip
        """A failed job; returns its id."""
        moment = datetime.fromtimestamp(self.now - ago, UTC)
        known = failure_id or str(uuid.UUID(int=self.random.getrandbits(128), version=4))
        record = {
            "failed_at": moment.strftime("%Y/%m/%d %H:%M:%S UTC"),
            "payload": {"class": class_name, "args": args},
            "exception": exception, "error": error, "backtrace": backtrace or [],
            "worker": worker, "queue": queue, "failure_id": known,
        }  # fmt: skip
        if retried:
            record["retried_at"] = datetime.fromtimestamp(self.now - ago + 60, UTC).strftime(
                "%Y/%m/%d %H:%M:%S"
            )
        self("RPUSH", "failed", dumps(record))
        return known

    def delay(self, seconds: int, queue: str, class_name: object, *args: object) -> int:
        """A job for so many seconds from now; returns its second."""
        second = self.now + seconds
        self.seconds.append(second)
        item = dumps({"class": class_name, "args": list(args), "queue": queue})
        self("RPUSH", f"delayed:{second}", item)
        self("SADD", f"timestamps:{item}", f"delayed:{second}")
        self("ZADD", "delayed_queue_schedule", second, second)
        return second

    def entry(self, name: str, last: int | None = None, **definition: object) -> None:
        """An entry of the schedule; `last`: seconds since its last run."""
        self("HSET", "persistent_schedules", name, dumps(definition))
        if last is not None:
            moment = datetime.fromtimestamp(self.now - last, UTC)
            self("HSET", "delayed:last_enqueued_at", name, moment.strftime("%Y-%m-%d %H:%M:%S +0000"))


RUBY_TRACE = [
    "/srv/shop/app/services/smtp.rb:41:in 'Smtp#deliver'",
    "/srv/shop/app/jobs/users/welcome_mail_job.rb:12:in 'Users::WelcomeMailJob.perform'",
]
PYTHON_TRACE = [
    'File "/srv/batch/reports/monthly.py", line 88, in total',
    "    return amount / months",
    'File "/srv/batch/reports/jobs.py", line 31, in monthly',
]


def everyday(execute: Execute, failures: int = 12) -> Scene:
    """A shop at work: both languages, some failures, a paused queue, a worker that is gone."""
    scene = Scene(execute)
    _queues(scene)
    _workers(scene)
    for ago, failure in zip(_moments(scene, failures), _failures(scene), strict=False):
        scene.failure(*failure, ago=ago, worker=PYTHON if failure[0] in ("reports", "embeddings") else RUBY,
                      backtrace=PYTHON_TRACE if failure[0] in ("reports", "embeddings") else RUBY_TRACE,
                      retried=ago > 30_000 and ago % 3 == 0)  # fmt: skip
    for number in range(failures):
        scene.delay(40 + number * number * 97, "mail", "Users::ReminderJob", 1200 + number)
    scene.delay(-30, "images", "ImageConversionJob", 77, "webp")
    scene.delay(3600, "reports", "Reports::Monthly", {"month": "2026-11", "currency": "EUR"})
    _schedule(scene)
    _history(scene)
    _audit(scene)
    return scene


def _history(scene: Scene) -> None:
    """How many jobs there were in each minute, hour and day, and of which classes on each day."""
    scene("SET", "stat:processed", 184_223)
    scene("SET", "stat:failed", 1_207)
    for name, length, kept in (("minute", 60, 180), ("hour", 3600, 336), ("day", 86400, 400)):
        last = scene.now // length
        for number in range(last - min(kept, 336) + 1, last + 1):
            busy = 1.3 + math.sin(number * length / 86400 * 2 * math.pi) + scene.random.random()
            processed = int(busy * length / 30)
            failed = int(processed * 0.01 * scene.random.random() * 3)
            scene("HSET", f"pyresque:history:{name}", number % kept, f"{number} {processed} {failed} 0")
    told = {"at": scene.now, "processed": 184_223, "failed": 1_207, "since": scene.now - 336 * 86400}
    for field, value in told.items():
        scene("HSET", "pyresque:history:seen", field, value)
    classes = {
        "ruby Users::WelcomeMailJob": 900, "ruby ImageConversionJob": 2300, "ruby InvoiceJob": 120,
        "ruby ChargeJob": 300, "python Reports::Monthly": 40, "python embed.product": 610,
    }  # fmt: skip
    today = scene.now // 86400
    for day in range(today - 13, today + 1):
        for field, count in classes.items():
            processed = int(count * (0.6 + scene.random.random()))
            first, last = day * 86400, min(day * 86400 + 80_000, scene.now)
            counted = f"{processed} {processed // 90} {first} {max(first, last)}"
            scene("HSET", f"pyresque:counts:{day}", field, counted)


def _audit(scene: Scene) -> None:
    done = [
        ("ada", "failed.retry", "class_name=Users::*", 12, 4000),
        ("ada", "queues.pause", "queue=images", None, 900),
        ("eve", "schedule.run", "name=nightly_report", 1, 300),
    ]  # fmt: skip
    for number, (who, action, what, count, ago) in enumerate(done):
        entry = {"at": scene.now - ago, "who": who, "address": "10.0.0.7", "action": action, "what": what,
                 "count": count, "id": f"{number:032x}"}  # fmt: skip
        scene(
            "LPUSH",
            "pyresque:audit",
            dumps({name: value for name, value in entry.items() if value is not None}),
        )


def registry() -> Registry:
    """What the dashboard's own application knows of the jobs of this shop."""
    known = Registry(WorkerHooks())
    for queue, name in (
        ("reports", "Reports::Monthly"),
        ("embeddings", "embed.product"),
        ("embeddings", "embed.refresh"),
    ):
        job(queue=queue, name=name, registry=known)(lambda *args: None)
    return known


def _moments(scene: Scene, count: int) -> Iterator[int]:
    """Seconds ago, the longest first, as a list is filled."""
    yield from sorted((int(scene.random.expovariate(1 / 14_000)) + 45 for _ in range(count)), reverse=True)


def _queues(scene: Scene) -> None:
    for number in range(37):
        scene.job("mail", "Users::WelcomeMailJob", f"user-{4200 + number}@shop.example", {"lang": "de"})
    for number in range(212):
        scene.job("images", "ImageConversionJob", 9000 + number, ("png", "webp")[number % 2])
    for number in range(5):
        scene.job("reports", "Reports::Monthly", {"month": f"2026-{7 + number:02}", "currency": "EUR"})
    for number in range(18):
        scene.job("embeddings", "embed.product", 300 + number, model="small")
    wrapped = {"job_class": "InvoiceJob", "job_id": str(uuid.UUID(int=16)), "queue_name": "billing",
               "arguments": [{"_aj_globalid": "gid://shop/Order/9915"}], "executions": 0, "locale": "en",
               "provider_job_id": None, "priority": None, "exception_executions": {}, "timezone": "UTC",
               "enqueued_at": "2026-11-30T12:00:00Z", "scheduled_at": None}  # fmt: skip
    for _ in range(4):
        scene.job("billing", "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper", wrapped)
    scene("SADD", "queues", "newsletter")
    scene("SET", "pause:queue:images", "true")


def _workers(scene: Scene) -> None:
    scene.worker(RUBY, scene.working("images", "ImageConversionJob", 8999, "png", since=4),
                 processed=120_411, failed=803)  # fmt: skip
    scene.worker("web-1.shop.example:4712:mail,images", processed=58_112, failed=377)
    scene.worker("web-2.shop.example:881:*", scene.working("billing", "InvoiceJob", 9914, since=95),
                 processed=3_204, failed=2)  # fmt: skip
    mark = "boot pid:[4026531836]#0123456789abcdef"
    scene.worker(PYTHON, scene.working("embeddings", "embed.product", 299, since=12),
                 processed=2_391, failed=24, mark=mark)  # fmt: skip
    scene.worker(PYTHON + ",", processed=88, mark=mark)
    scene.worker(DEAD, scene.working("reports", "Reports::Monthly", {"month": "2026-06"}, since=4000),
                 beat=3900, processed=17, failed=1, mark=mark)  # fmt: skip


def _failures(scene: Scene) -> Iterator[tuple[str, str, list[Any], str, str]]:
    kinds = [
        ("mail", "Users::WelcomeMailJob", "Net::ReadTimeout",
         "Net::ReadTimeout with #<TCPSocket:smtp.shop.example:587>"),
        ("images", "ImageConversionJob", "Vips::Error", "VipsJpeg: Premature end of input file"),
        ("billing", "ChargeJob", "Stripe::CardError", "Your card was declined."),
        ("reports", "Reports::Monthly", "ZeroDivisionError", "division by zero"),
        ("embeddings", "embed.product", "TimeoutError", "no answer from the model within 30 s"),
        ("reports", "Reports::Monthly", "Resque::PruneDeadWorkerDirtyExit",
         f"Worker {DEAD} did not gracefully exit while processing Reports::Monthly"),
    ]  # fmt: skip
    for number in range(200):
        queue, name, exception, error = scene.random.choices(kinds, weights=(30, 20, 9, 12, 7, 2))[0]
        args: list[Any] = [4200 + number]
        if name == "Reports::Monthly":
            args = [{"month": f"2026-{1 + number % 11:02}", "currency": "EUR", "api_token": "t0p-s3cret"}]
        yield queue, name, args, exception, error


def _schedule(scene: Scene) -> None:
    scene.entry("nightly_report", 9 * 3600, cron="0 4 * * *", queue="reports", args=[{"month": "last"}],
                description="The report of the day before", **{"class": "Reports::Monthly"})  # fmt: skip
    scene.entry("clean_carts", 140, every="5m", queue="mail", args=[], **{"class": "Carts::CleanJob"})
    scene.entry("refresh_embeddings", 1800, cron="*/30 * * * * Europe/Berlin", queue="embeddings",
                args=["all"], **{"class": "embed.refresh"})  # fmt: skip
    scene.entry("newsletter", cron="0 9 * * 1", queue="newsletter", args={"segment": "active"},
                parameters={"segment": {"description": "whom", "default": "active"}},
                **{"class": "NewsletterJob"})  # fmt: skip
    scene("SET", "resque:resque_scheduler_master_lock", "web-1.shop.example:4700:1", "EX", 3600)
    scene.entry("wrong", cron="61 * * * *", queue="mail", **{"class": "NeverJob"})


def hostile(execute: Execute) -> Scene:
    """Texts that would run as script, wherever a text may be."""
    scene = Scene(execute)
    scene.job(SCRIPT, SCRIPT, SCRIPT, {SCRIPT: SCRIPT})
    worker = f"host:1:{SCRIPT}"
    scene.worker(worker, scene.working(SCRIPT, SCRIPT, SCRIPT))
    scene.failure(SCRIPT, SCRIPT, [SCRIPT, {SCRIPT: SCRIPT}], SCRIPT, SCRIPT, ago=60, worker=worker,
                  backtrace=[SCRIPT])  # fmt: skip
    scene.failure(SCRIPT, SCRIPT, [SCRIPT], SCRIPT, SCRIPT, ago=60, failure_id=SCRIPT)
    scene.delay(600, SCRIPT, SCRIPT, SCRIPT)
    scene.entry(SCRIPT, 60, cron="0 4 * * *", queue=SCRIPT, args=[SCRIPT], description=SCRIPT,
                **{"class": SCRIPT})  # fmt: skip
    scene.entry(f"{SCRIPT} wrong", cron=SCRIPT, queue=SCRIPT, **{"class": SCRIPT})
    scene("SET", f"stat:{SCRIPT}", 5)
    scene("HSET", f"strange:{SCRIPT}", SCRIPT, SCRIPT)
    scene("RPUSH", "failed", SCRIPT)
    return scene
