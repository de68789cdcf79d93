"""What the log tells of jobs that are left to others."""

import logging

import pytest

from pyresque import active_job, job
from pyresque.wire.records import JOB_WRAPPER
from pyresque.worker.left_log import log_left


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Gone", "this one has no job of that name"),
        ("MailJbo", "this one has no job of that name; it has MailJob"),
        (f"{JOB_WRAPPER} Gone", "this one has no Active Job of that name"),
        (f"{JOB_WRAPPER} MailJob", "@active_job.job takes them"),
        (f"{JOB_WRAPPER} UserJbo", "this one has no Active Job of that name; it has UserJob"),
    ],
)
def test_the_reason_and_the_class_that_may_be_meant(registry, caplog, name, text):
    job(queue="q", name="MailJob", registry=registry)(lambda: None)
    active_job.job("UserJob", registry=registry)(lambda: None)
    with caplog.at_level(logging.INFO, "pyresque.worker"):
        log_left(name, "q", registry.names(), registry)
    [entry] = caplog.records
    assert entry.message.startswith(
        f"jobs of class {name.removeprefix(JOB_WRAPPER).strip()} on queue q are left"
    )
    assert text in entry.message
