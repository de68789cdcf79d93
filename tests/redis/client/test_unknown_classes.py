"""Which classes wait that nobody here knows, and what is said of them."""

import json

import pytest

from pyresque import active_job, job
from pyresque.client import unknown_classes
from pyresque.client.unknown_classes import close_names, waiting_classes
from pyresque.registry import Registry
from tests.redis.bench import calls

WRAPPER = "ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper"


def push(resque, queue, *jobs):
    """Put jobs on a queue; an Active Job is a list of its class."""
    for one in jobs:
        plain = isinstance(one, str)
        value = {"class": one, "args": []} if plain else {"class": WRAPPER, "args": [{"job_class": one[0]}]}
        resque.link.execute("RPUSH", f"resque:queue:{queue}", json.dumps(value))
    resque.link.execute("SADD", "resque:queues", queue)


@pytest.fixture
def known(resque):
    """Two jobs, one of each kind."""

    @job(queue="q", name="Reports::SendMail", registry=resque.registry)
    def send_mail() -> None: ...

    @active_job.job("Users::WelcomeMailJob", queue="mailers", registry=resque.registry)
    def welcome() -> None: ...


def said(resque, **more):
    return [
        (one.queue, one.class_name, one.count, one.near, one.advice)
        for one in waiting_classes(resque, **more)
    ]


@pytest.mark.usefixtures("known")
def test_near_misses_and_jobs_that_are_registered_the_other_way(resque):
    push(resque, "mailers", ["Users::WelcomMailJob"], ["Users::WelcomMailJob"], ["Users::WelcomeMailJob"])
    push(resque, "q", "Reports::SendMail", "::Reports::SendMail", "Users::WelcomeMailJob", "Quite::Other")
    push(resque, "r", ["Reports::SendMail"], "SendMail", "Reports::Send_mail")
    assert said(resque) == [
        (
            "mailers", "Users::WelcomMailJob", 2, ["Users::WelcomeMailJob"],
            "Users::WelcomMailJob: did you mean Users::WelcomeMailJob?",
        ),
        (
            "q", "Users::WelcomeMailJob", 1, ["Users::WelcomeMailJob"],
            "Users::WelcomeMailJob was not enqueued as an Active Job; here it is registered as one: "
            "enqueue it with active_job.enqueue, or register it with @job",
        ),
        (
            "q", "Quite::Other", 1, [],
            "Quite::Other is not registered here: is its module imported, or is it for Ruby?",
        ),
        (
            "r", "Reports::SendMail", 1, ["Reports::SendMail"],
            "Reports::SendMail is an Active Job; here it is registered with @job: use @active_job.job",
        ),
        ("r", "SendMail", 1, ["Reports::SendMail"], "SendMail: did you mean Reports::SendMail?"),
        (
            "r", "Reports::Send_mail", 1, ["Reports::SendMail"],
            "Reports::Send_mail: did you mean Reports::SendMail?",
        ),
    ]  # fmt: skip
    assert [one[0] for one in said(resque, queues=["q", "none"])] == ["q", "q"]


def test_without_jobs_there_is_one_thing_to_do(resque):
    push(resque, "q", "A")
    [one] = waiting_classes(resque, Registry())
    assert (one.class_name, one.near, one.advice) == (
        "A",
        [],
        "A: no job is registered here, name the module that has it with -r",
    )


def test_what_is_not_a_job_is_left_out(resque):
    """The next worker that comes to it puts it aside."""
    odd = [b"", b"null", b"[1]", b"\xff", b"{}", b'{"class":5}', b'{"class":""}', b"1" * 5000, b"[" * 2000]
    odd += [
        json.dumps({"class": WRAPPER, "args": args}).encode() for args in ([], [1], [{"job_class": 5}], {})
    ]
    resque.link.execute("RPUSH", "resque:queue:q", *odd)
    resque.link.execute("SADD", "resque:queues", "q", "text")
    resque.link.execute("SET", "resque:queue:text", "x")
    push(resque, "q", "A")
    assert [(one.class_name, one.count) for one in waiting_classes(resque)] == [("A", 1)]


def test_long_queues_are_sampled(resque, monkeypatch):
    push(resque, "q", *["A"] * 30, "B")
    assert [(one.class_name, one.count, one.is_sampled) for one in waiting_classes(resque)] == [
        ("A", 30, False),
        ("B", 1, False),
    ]
    monkeypatch.setattr(unknown_classes, "WINDOW", 10)
    calls(resque)
    assert [(one.class_name, one.count, one.is_sampled) for one in waiting_classes(resque, most=25)] == [
        ("A", 25, True)
    ]
    assert calls(resque, "lrange") == 3


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("send-mail", ["SendMail"]), ("mailer::sendmail", ["SendMail", "Mailer::SendMails"]),
        ("SendMial", ["SendMail"]), ("Nothing", []), ("", []),
    ],
)  # fmt: skip
def test_names_that_may_be_meant(name, near):
    assert close_names(name, ["SendMail", "Mailer::SendMails", "Cleanup"])[: max(1, len(near))] == near
