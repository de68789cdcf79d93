"""Right and wrong calls of the public API: mypy refuses exactly the lines marked `# error`."""

import functools
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID

from pyresque import AsyncResque, JobHandle, Resque, active_job, job
from pyresque.plugins import Statuses
from pyresque.testing import delayed, drain, enqueued, inline


@job(queue="images", name="ImageConversionJob")
def convert(image_id: int, fmt: str = "png") -> None: ...


@job(queue="numbers")
def double(number: int) -> int:
    return number * 2


@job(queue="llm")
async def summarise(doc_id: int) -> None: ...


@job(queue="file_serve", name="Archive")
class Archive:
    @staticmethod
    def perform(repo_id: int, branch: str = "master") -> None: ...

    @staticmethod
    def before_perform_check_disk(repo_id: int, branch: str = "master") -> None: ...


@job(queue="file_serve", name="Restore")
class Restore:
    def perform(self, repo_id: int, branch: str = "master") -> None: ...


class Colour(Enum):
    RED = "red"


@dataclass
class Order:
    number: int
    at: date


@job(queue="orders")
def ship(order: Order, key: UUID, price: Decimal, colour: Colour = Colour.RED) -> None: ...


@job(queue="orders")
def tidy(day: date, *, dry_run: bool = False) -> None: ...


@job(queue="orders")
def collect(*numbers: int, **options: str) -> None: ...


class Service:
    def run(self, number: int) -> None: ...


tidy_now = job(queue="orders", name="TidyNow")(functools.partial(tidy, date(2026, 1, 2)))
service = Service()
job(queue="orders", name="Run")(service.run)

resque = Resque("redis://localhost:6379/0", namespace="resque")

resque.enqueue(convert, 42)
resque.enqueue(convert, 42, "webp")
resque.enqueue(convert, 42, fmt="webp")
resque.enqueue(convert, image_id=42, fmt="webp")
resque.enqueue(convert, "x")  # error
resque.enqueue(convert)  # error
resque.enqueue(convert, 42, 43)  # error
resque.enqueue(convert, 42, "webp", 1)  # error
resque.enqueue(convert, 42, size=1)  # error
resque.enqueue(convert, 42, fmt=1)  # error
resque.enqueue(convert, None)  # error

resque.enqueue(Archive, 1)
resque.enqueue(Archive, 1, "main")
resque.enqueue(Archive, 1, branch="main")
resque.enqueue(Archive, "x")  # error
resque.enqueue(Archive, 1, 2)  # error
resque.enqueue(Archive, 1, tag="x")  # error
resque.enqueue(Archive)  # error

resque.enqueue(Restore, 1, branch="main")
resque.enqueue(Restore, "x")  # error
resque.enqueue(Restore)  # error
resque.enqueue(int, 1)  # error

resque.enqueue(summarise, 7)
resque.enqueue(summarise, doc_id=7)
resque.enqueue(summarise, "x")  # error
resque.enqueue(summarise)  # error

resque.enqueue("Reports::Monthly", 2026, 11, queue="reports")
resque.enqueue("Reports::Monthly", 2026, 11)  # error
resque.enqueue("Reports::Monthly", queue=5)  # error
resque.enqueue(42)  # error

resque.enqueue(ship, Order(1, date(2026, 1, 2)), UUID(int=5), Decimal("1.5"), Colour.RED)
resque.enqueue(ship, Order(1, date(2026, 1, 2)), UUID(int=5), price=Decimal("1.5"))
resque.enqueue(ship, 1, UUID(int=5), Decimal("1.5"))  # error
resque.enqueue(ship, Order(1, date(2026, 1, 2)), "key", Decimal("1.5"))  # error
resque.enqueue(tidy, date(2026, 1, 2), dry_run=True)
resque.enqueue(tidy, date(2026, 1, 2), True)  # error
resque.enqueue(tidy, date(2026, 1, 2), dry=True)  # error
resque.enqueue(collect, 1, 2, mode="fast")
resque.enqueue(collect, 1, 2, mode=3)  # error
resque.enqueue(service.run, 1)
resque.enqueue(service.run, "x")  # error
resque.enqueue(tidy_now, dry_run=True)

answer: bool | None = resque.enqueue(convert, 1)
number: int = resque.enqueue(convert, 1)  # error

convert(42, fmt="webp")
eight: int = double(4)
text: str = double(4)  # error
convert("x")  # error
Archive.perform(1, "main")
Archive.perform("x")  # error

resque.enqueue(convert, 42, queue="elsewhere")
resque.enqueue(convert, 42, queue=5)  # error

handle: JobHandle | None = resque.enqueue(convert, 42, track=True)
handle = resque.enqueue(Archive, 1, branch="main", queue="elsewhere", track=True, at_front=True)
handle = resque.enqueue("Reports::Monthly", 2026, queue="reports", track=True)
handle = resque.enqueue(tidy_now, dry_run=True, track=True)
handle = resque.enqueue_to("elsewhere", convert, 42, track=True, at_front=True)
handle = resque.enqueue_to("elsewhere", "Reports::Monthly", 2026, track=True)
handle = resque.enqueue_in(60, convert, 42, track=True)
handle = resque.enqueue_at_with_queue("slow", 1_900_000_000, "Reports::Monthly", track=True)
handle = resque.enqueue(convert, 42, track=False)  # error
handle = resque.enqueue(convert, 42, track="yes")  # error
handle = resque.enqueue(convert, 42)  # error
answer = resque.enqueue(convert, 42, at_front=True)
answer = resque.enqueue("Reports::Monthly", 2026, queue="reports", at_front=True)
answer = resque.enqueue(convert, 42, track=True)  # error
resque.enqueue(convert, 42, at_front="yes")  # error
resque.enqueue("Reports::Monthly", 2026, at_front=True)  # error
resque.enqueue("Reports::Monthly", 2026, queue="reports", at_front=1)  # error
resque.enqueue_to("elsewhere", convert, 42, track=1)  # error
resque.enqueue_in(60, "Reports::Monthly", queue="reports", at_front=True)  # error
if handle is not None:
    text = handle.id
    text = handle.status
    done: bool = handle.wait(timeout=1)
    result = handle.result(timeout=1.5)
    fraction: float | None = handle.progress.fraction
    was_there: bool = handle.cancel()
    handle.result("soon")  # error
    handle.status = "done"  # error
answer = resque.enqueue(convert, 42, ttl=60)
answer = resque.enqueue(convert, 42, fmt="webp", ttl=timedelta(hours=1), unique=True)
answer = resque.enqueue(convert, 42, unique=600)
answer = resque.enqueue_to("elsewhere", convert, 42, ttl=60, unique=True)
answer = resque.enqueue("Reports::Monthly", 2026, queue="reports", ttl=60, unique=True)
handle = resque.enqueue(convert, 42, queue="slow", ttl=60, unique=True, at_front=True, track=True)
handle = resque.enqueue_in(60, convert, 42, ttl=60, unique=True, track=True)
resque.enqueue_in(60, convert, 42, ttl=60)
resque.enqueue_at_with_queue("slow", 1_900_000_000, convert, 42, unique=True)
resque.enqueue(convert, 42, ttl="60")  # error
resque.enqueue(convert, 42, unique="yes")  # error
resque.enqueue("Reports::Monthly", 2026, queue="reports", ttl="60")  # error
resque.enqueue_in(60, convert, 42, ttl="60")  # error
resque.enqueue_to("elsewhere", convert, 42, unique=None)  # error
resque.delay_or_enqueue_in(60, convert, 42, ttl=60)  # error
job(queue="q", ttl=60, unique=True)
job(queue="q", ttl=timedelta(minutes=1), unique=600)
job(queue="q", rate_limit="10/minute", max_running=2)
job(queue="q", rate_limit=10)  # error
job(queue="q", max_running="2")  # error
job(queue="q", ttl="60")  # error
job(queue="q", unique="yes")  # error
job(queue="q", at_front=True)  # error
resque.handle("0123").result()
resque.handle(5)  # error


@job(queue="trains")
def train(track: str, at_front: bool = False) -> None: ...


answer = resque.enqueue(train, track="nine", at_front=True)
resque.enqueue(train, "nine", at_front=False)
resque.enqueue(train, track=9)  # error
job(queue="trains", track=True)
job(queue="trains", track="yes")  # error

resque.enqueue_to("elsewhere", convert, 1)
resque.enqueue_to("elsewhere", Archive, 1, branch="main")
resque.enqueue_to("elsewhere", "Reports::Monthly", 2026, {"of": "anything"})
resque.enqueue_to("elsewhere", tidy_now, dry_run=True)
to: bool | None = resque.enqueue_to("elsewhere", service.run, 1)
resque.enqueue_to("elsewhere", convert, "42")  # error
resque.enqueue_to("elsewhere", convert)  # error
resque.enqueue_to("elsewhere", convert, 1, size=2)  # error
resque.enqueue_to("elsewhere", Archive, "x")  # error
resque.enqueue_to("elsewhere", 17)  # error
resque.enqueue_to(5, convert, 1)  # error

resque.enqueue_in(60, convert, 42)
resque.enqueue_in(timedelta(hours=1), convert, 42, fmt="webp")
resque.enqueue_in(60, convert, 42, queue="slow")
resque.enqueue_in(1.5, "Reports::Monthly", 2026, queue="reports")
resque.enqueue_in(60, Restore, 1, branch="main")
resque.enqueue_in(60, tidy_now)
resque.enqueue_in(60, 17)  # error
resque.enqueue_in(60, convert, "42", nonsense=1)  # error
resque.enqueue_in(60, convert)  # error
resque.enqueue_in("60", convert, 42)  # error
resque.enqueue_in(date(2026, 1, 2), convert, 42)  # error
resque.enqueue_in(60, "Reports::Monthly", 2026)  # error
resque.enqueue_in(60, Restore, 1, branch=2)  # error

moment = datetime(2030, 1, 1, tzinfo=UTC)
was_delayed: bool | None = resque.enqueue_at(moment, convert, 42)
resque.enqueue_at(1_900_000_000, Archive, 1, branch="main")
resque.enqueue_at(moment, "Reports::Monthly", 2026, queue="reports")
resque.enqueue_at(moment, ship, Order(1, date(2026, 1, 2)), UUID(int=5), price=Decimal("1.5"))
resque.enqueue_at(moment, convert, None)  # error
resque.enqueue_at(timedelta(1), convert, 42)  # error
resque.enqueue_at(moment, summarise, "x")  # error
resque.enqueue_at(moment, "Reports::Monthly", 2026)  # error
resque.enqueue_at(moment, ship, 1, UUID(int=5), Decimal("1.5"))  # error

resque.enqueue_in_with_queue("slow", 60, convert, 42)
resque.enqueue_in_with_queue("slow", timedelta(1), "Reports::Monthly", 2026)
resque.enqueue_in_with_queue("slow", 60, convert, "42")  # error
resque.enqueue_in_with_queue(60, "slow", convert, 42)  # error
resque.enqueue_at_with_queue("slow", moment, Archive, 1)
resque.enqueue_at_with_queue("slow", moment, "Reports::Monthly")
resque.enqueue_at_with_queue("slow", moment, Archive, "1")  # error
resque.enqueue_at_with_queue("slow", moment, 5)  # error

moved: int = resque.delay_or_enqueue_at(moment, convert, 42)
resque.delay_or_enqueue_at(moment, convert, 42, "webp", 3)  # error
resque.delay_or_enqueue_in(60, convert, 42)
resque.delay_or_enqueue_in(60, convert, size=42)  # error

resque.enqueue_many([(convert, 1), ("Reports::Monthly", 2026)], queue="reports")
resque.enqueue_many([(convert, n) for n in range(3)])
resque.enqueue_many([convert, 1] for _ in range(3))
resque.enqueue_many([(Archive, 1), (service.run, 2), (tidy_now,)])
resque.enqueue_many([(5, convert)])  # error
resque.enqueue_many([(int, 5)])  # error
resque.enqueue_many([convert])  # error
resque.enqueue_many(["Reports::Monthly"])  # error

removed: int | None = resque.dequeue(convert, 42, "webp")
resque.dequeue(convert)
resque.dequeue(Archive, queue="elsewhere")
resque.dequeue(Archive, 1, branch="main")
resque.dequeue("Reports::Monthly", 2026, queue="reports")
resque.dequeue(convert, {"image_id": 42}, 2, 3, 4)  # error
resque.dequeue(convert, "42")  # error
resque.dequeue(17)  # error
resque.dequeue(convert, 42, queue=5)  # error

gone: int = resque.remove_delayed(convert, 42)
resque.remove_delayed("Reports::Monthly", 2026)
resque.remove_delayed("Reports::Monthly", 2026, queue="reports")
resque.remove_delayed(Archive, 1, branch="main")
resque.remove_delayed(convert, 42, queue="slow")
resque.remove_delayed(convert, "42")  # error
resque.remove_delayed(convert)  # error
resque.remove_delayed(17)  # error

resque.remove_delayed_selection(lambda args: args[0] == 42)
resque.remove_delayed_selection(lambda args: args[0] == 42, convert)
resque.remove_delayed_selection(lambda args: args[0] == 42, "Reports::Monthly")
resque.remove_delayed_selection(lambda args: args[0] == 42, 17)  # error
resque.remove_delayed_selection(lambda args: args[0] == 42, int)  # error
resque.remove_delayed_selection(convert, 42)  # error
resque.enqueue_delayed_selection(lambda args: True, Archive)
resque.enqueue_delayed_selection(lambda args: True, 17)  # error
resque.find_delayed(job=convert)
resque.find_delayed(job=17)  # error

resque.remove_delayed_job_from_timestamp(moment, convert, 42)
resque.remove_delayed_job_from_timestamp(moment, "Reports::Monthly", 2026)
resque.remove_delayed_job_from_timestamp(moment, convert, "42")  # error
resque.remove_delayed_job_from_timestamp("today", convert, 42)  # error
resque.enqueue_delayed(convert, 42)
resque.enqueue_delayed(convert, None)  # error
seconds: list[int] = resque.scheduled_at(convert, 42)
resque.scheduled_at(convert, "42")  # error
is_delayed: bool = resque.is_delayed(Archive, 1)
resque.is_delayed("Reports::Monthly", 2026)
resque.is_delayed(Archive, "1")  # error

resque.set_schedule("nightly", cron="0 3 * * *", job=convert, args=[42])
resque.set_schedule("nightly", cron="0 3 * * *", job="Reports::Monthly", queue="reports", args={"year": 2026})
resque.set_schedule("nightly", cron="0 3 * * *", job=17)  # error
resque.set_schedule("nightly", cron="0 3 * * *", job=convert, args=42)  # error


@active_job.job("WelcomeJob", queue="mailers")
def welcome(user_id: int, *, greeting: str = "Hello") -> None: ...


@job(queue="statused")
def crunch(uuid: str, options: dict[str, int]) -> None: ...


@active_job.job("ReportJob")
class Report:
    def perform(self, year: int) -> None: ...


job_id: str | None = active_job.enqueue(resque, welcome, 42)
active_job.enqueue(resque, welcome, 42, greeting="Hi")
active_job.enqueue(resque, welcome, 42, queue="later", wait=timedelta(hours=1))
active_job.enqueue(resque, welcome, 42, wait_until=datetime(2030, 1, 1, tzinfo=UTC), priority=3)
active_job.enqueue(resque, Report, 2026)
active_job.enqueue(resque, "OtherJob", 2026, {"of": "anything"}, queue="reports")
active_job.enqueue(resque, welcome, "42")  # error
active_job.enqueue(resque, welcome)  # error
active_job.enqueue(resque, welcome, 42, "Hi")  # error
active_job.enqueue(resque, welcome, 42, greet="Hi")  # error
active_job.enqueue(resque, Report, "2026")  # error
active_job.enqueue(resque, 17)  # error
active_job.enqueue(resque, welcome, 42, wait="soon")  # error
active_job.enqueue(resque, welcome, 42, priority="high")  # error
active_job.enqueue(welcome, 42)  # error

uuid: str | None = Statuses(resque).create(crunch, rows=3)
Statuses(resque).create("Crunch", rows=3)
Statuses(resque).create(17)  # error

prepared = active_job.prepare(welcome, 42, greeting="Hi").set(wait=60, queue="later")
prepared.enqueue(resque)
active_job.enqueue_many(resque, [prepared, active_job.prepare("OtherJob", 1).set(rails="7.0")])
active_job.prepare(welcome, "42")  # error
active_job.prepare(Report)  # error
active_job.prepare(17)  # error
active_job.prepare(welcome, 42).set(wait="soon")  # error
active_job.prepare(welcome, 42).set(colour=1)  # error
active_job.enqueue_many(resque, [(welcome, 42)])  # error

own = AsyncResque("redis://localhost:6379/0", namespace="resque")


async def requested() -> None:
    said: bool | None = await own.enqueue(convert, 42, fmt="webp")
    handle = await own.enqueue(convert, 42, track=True)
    if handle is not None:
        state: str = await handle.status()
        print(said, state, await handle.result(timeout=5))
    await own.enqueue_to("elsewhere", "Reports::Monthly", 2026)
    await own.enqueue_in(60, Archive, 1, branch="main")
    count: int = await own.enqueue_many([(convert, 1)])
    removed: int | None = await own.dequeue(convert, 42)
    delayed: int = await own.remove_delayed(convert, 42)
    waiting: int = await own.size("images")
    answer: int = await own.run(len, "x")
    print(count, removed, delayed, waiting, answer, await own.failures.count())
    await own.enqueue(convert, "42")  # error
    await own.enqueue(convert)  # error
    await own.enqueue("Reports::Monthly", 2026)  # error
    await own.enqueue_in("60", convert, 42)  # error
    await own.dequeue(convert, "42")  # error
    answer = own.size("images")  # error
    said = own.enqueue(convert, 42)  # error


sizes: dict[str, int] = resque.queue_sizes()
names: list[str] = [worker.id for worker in resque.workers()]
ids: list[str] = [failure.id for failure in resque.failures.list()]
resque.failures.requeue(ids[0])
resque.failures.requeue(5)  # error


@job("images")  # error
def positional() -> None: ...


def later() -> None:
    with inline(resque):
        resque.enqueue(convert, 1)
    lists: list[list[int]] = enqueued(resque, convert)
    enqueued(resque, "Reports::Monthly", queue="reports")
    enqueued(resque, 17)  # error
    ran: int = drain(resque)
    drain(resque, "images", until=timedelta(hours=1))
    drain(resque, until=datetime(2030, 1, 1, tzinfo=UTC))
    drain(resque, until="tomorrow")  # error
    at: datetime = delayed(resque, convert)[0].at
    delayed(resque, 17)  # error
    print(lists, ran, at)
