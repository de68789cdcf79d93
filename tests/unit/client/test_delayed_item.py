"""How a delayed job becomes a job on its queue, whoever has written it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque import active_job, job
from pyresque.client.delayed_item import DelayedItem, names_to_show, ready_entry, ready_item
from pyresque.errors import MalformedPayload, NoQueueError
from pyresque.wire.records import JOB_WRAPPER


def item(**members):
    return json.dumps(members, separators=(",", ":")).encode()


def ready(registry, **members):
    job = ready_item(item(**members), registry)
    return job.queue, json.loads(job.payload)


@pytest.mark.parametrize(
    ("members", "queue", "payload"),
    [
        ({"class": "A", "args": [1], "queue": "q"}, "q", {"class": "A", "args": [1]}),
        ({"class": "A", "args": None, "queue": "q"}, "q", {"class": "A", "args": []}),
        ({"class": "A", "args": 5, "queue": "q"}, "q", {"class": "A", "args": [5]}),
        ({"class": "A", "queue": 7}, "7", {"class": "A", "args": []}),
        ({"class": "A", "args": [], "queue": "q", "own": 1}, "q", {"class": "A", "args": [], "own": 1}),
        ({"class": "A", "args": [], "queue": "q", "custom_job_class": "B"}, "q", {"class": "B", "args": []}),
    ],
)
def test_the_queue_is_left_out_and_all_else_goes_along(registry, members, queue, payload):
    assert ready(registry, **members) == (queue, payload)


def test_every_value_keeps_its_bytes(registry):
    raw = b'{"class":"A","args":[1.0, 1e5,"\\u00e4"],"queue":"q"}'
    assert ready_item(raw, registry).payload == b'{"class":"A","args":[1.0, 1e5,"\\u00e4"]}'


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"oops", MalformedPayload), (b"[]", MalformedPayload), (item(args=[]), MalformedPayload),
        (item(**{"class": 5}), MalformedPayload), (item(**{"class": "A", "queue": [1]}), MalformedPayload),
        (item(**{"class": "A"}), NoQueueError), (item(**{"class": "A", "queue": False}), NoQueueError),
    ],
)  # fmt: skip
def test_what_is_not_a_job_is_refused(registry, raw, error):
    with pytest.raises(error):
        ready_item(raw, registry)


def test_a_class_that_is_registered_has_its_name_and_queue_from_there(registry):
    job(queue="mail", name="SendEmail", registry=registry)(lambda *args: None)
    assert ready(registry, **{"class": "send-email", "args": [1]}) == (
        "mail",
        {"class": "SendEmail", "args": [1]},
    )


def test_an_active_job_goes_wrapped(registry):
    active_job.job("MailJob", queue="rails", registry=registry)(lambda number: None)
    wrapped = ready_item(item(**{"class": "MailJob", "args": [1]}), registry)
    inner = json.loads(wrapped.payload)["args"][0]
    assert (wrapped.queue, json.loads(wrapped.payload)["class"]) == ("rails", JOB_WRAPPER)
    assert (inner["job_class"], inner["arguments"], inner["queue_name"]) == ("MailJob", [1], "rails")
    marked = ready_entry({"class": "OtherJob", "queue": "q", "active_job": True}, registry, "ruby")
    assert json.loads(marked.payload)["args"][0]["job_class"] == "OtherJob"


def test_jobs_with_code_about_their_push_must_be_seen(registry):
    class Hooked:
        @staticmethod
        def perform(): ...

        @staticmethod
        def before_enqueue(): ...

    job(queue="q", name="Plain", registry=registry)(lambda: None)
    job(queue="q", name="Hooked", registry=registry)(Hooked)
    job(queue="q", name="Unique", unique=True, registry=registry)(lambda: None)
    assert sorted(names_to_show(registry)) == ["Hooked", "Unique"]


@given(
    st.binary(max_size=40) | st.dictionaries(st.text(), st.text() | st.integers()).map(lambda d: item(**d))
)
def test_an_item_is_read_whatever_it_is(raw):
    read = DelayedItem.read((b"delayed:42", raw))
    assert (read.at, read.raw) == (42, raw)
    assert isinstance(read.class_name, str)
    assert len(read.id) == 16
