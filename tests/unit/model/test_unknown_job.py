"""The errors of jobs that nobody here knows: the texts and classes of a Ruby worker, with what to do."""

import json

import pytest

from pyresque.errors import MalformedActiveJob, UnknownJobClass
from pyresque.model.unknown_job import bare_active_job, unknown_class
from pyresque.wire.records import JOB_WRAPPER, Payload


def payload(**members):
    return Payload.parse(json.dumps({"args": [], **members}).encode())


@pytest.mark.parametrize(
    ("members", "ruby_name", "text"),
    [
        ({"class": "Gone"}, "NameError", "uninitialized constant Gone: no @job with this name is registered"),
        ({"class": "::Gone"}, "NameError", "uninitialized constant Gone: no @job"),
        ({"class": ""}, "NoMethodError", "undefined method `perform' for class Object"),
        ({}, "NoMethodError", "undefined method `perform' for class Object"),
        ({"class": 7}, "NameError", "wrong constant name 7"),
        ({"class": ["a"]}, "NameError", 'wrong constant name ["a"]'),
    ],
)
def test_a_plain_job(members, ruby_name, text):
    error = unknown_class(payload(**members))
    assert isinstance(error, UnknownJobClass)
    assert (error.ruby_name, str(error)[: len(text)]) == (ruby_name, text)


@pytest.mark.parametrize(
    ("args", "kind", "text"),
    [
        ([{"job_class": "Gone"}], UnknownJobClass, "uninitialized constant Gone: no @active_job.job"),
        ([{}], MalformedActiveJob, "malformed Active Job: it has no job_class"),
        ([{"job_class": 7}], MalformedActiveJob, "malformed Active Job: its job_class is 7"),
        (["x"], MalformedActiveJob, "malformed Active Job: its argument is not an object"),
        ([], MalformedActiveJob, "malformed Active Job: its wrapper has 0 arguments, not one"),
        ([1, 2], MalformedActiveJob, "malformed Active Job: its wrapper has 2 arguments, not one"),
    ],
)
def test_an_active_job(args, kind, text):
    error = unknown_class(payload(**{"class": JOB_WRAPPER, "args": args}))
    assert type(error) is kind
    assert str(error).startswith(text)


def test_an_active_job_without_its_wrapper_is_told_how_to_come():
    error = bare_active_job(payload(**{"class": "::MailJob"}))
    assert "MailJob.perform_later" in str(error)
    assert "pyresque scheduler -r MODULE" in str(error)
