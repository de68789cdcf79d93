"""A job that is named on the command line."""

import pytest

from pyresque import active_job, job
from pyresque.cli.named_job import NamedJob, argument
from pyresque.errors import NoQueueError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("[1]", [1]),
        ('"5"', "5"),
        ("true", True),
        ("null", None),
        ("x y", "x y"),
        ("", ""),
        ("{", "{"),
        ("-5", -5),
    ],
)
def test_an_argument_is_json_or_else_text(text, value):
    assert argument(text) == value


@pytest.fixture
def known(registry):
    job(queue="mail", name="Mail", registry=registry)(lambda to, subject="": None)
    job(name="Homeless", registry=registry)(lambda: None)
    active_job.job("UserJob", queue="rails", registry=registry)(lambda user: None)
    return registry


@pytest.mark.parametrize(
    ("name", "queue", "active", "found"),
    [
        ("Mail", None, False, ("Mail", "mail", False)), ("Mail", "other", False, ("Mail", "other", False)),
        ("::UserJob", None, False, ("UserJob", "rails", True)), ("Gone", "q", False, ("Gone", "q", False)),
        ("Gone", "q", True, ("Gone", "q", True)), ("Mail", "q", True, ("Mail", "q", True)),
    ],
)  # fmt: skip
def test_the_job_that_is_meant(known, name, queue, active, found):
    named = NamedJob.find(known, name, queue, active)
    assert (named.name, named.queue, named.wrapped) == found


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Homeless", "Homeless has none of its own: write -q QUEUE"),
        ("Mial", "did you mean Mail?"),
        ("Xyz", "Registered here"),
    ],
)
def test_without_a_queue_it_is_told_what_may_be_meant(known, name, text):
    with pytest.raises(NoQueueError) as raised:
        NamedJob.find(known, name, None, active_job=False)
    assert text in str(raised.value)


def test_keywords_of_a_known_job_become_positions_and_else_a_hash(known):
    assert NamedJob.find(known, "Mail", None, active_job=False).wire(["a"], {"subject": "b"}) == ["a", "b"]
    assert NamedJob.find(known, "Gone", "q", active_job=False).wire(["a"], {"subject": "b"}) == [
        "a",
        {"subject": "b"},
    ]
