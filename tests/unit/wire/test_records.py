"""The three JSON shapes: payload, working-on and failure record, of whatever writer."""

import hashlib
import json

import pytest

from pyresque.client.enqueueing import job_bytes
from pyresque.errors import MalformedPayload, NoClassError, Unencodable
from pyresque.wire.records import FailureRecord, Payload, WorkingOn, working_on_bytes


def nested(levels):
    """An object that has so many levels of nesting altogether."""
    return b'{"class":"A","args":' + b"[" * (levels - 1) + b"1" + b"]" * (levels - 1) + b"}"


# --- payloads --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "args"),
    [(b'{"class":"A"}', []), (b'{"class":"A","args":null}', []), (b'{"class":"A","args":false}', []),
     (b'{"class":"A","args":[]}', []), (b'{"class":"A","args":[1,[2]]}', [1, [2]]),
     (b'{"class":"A","args":"x"}', ["x"]),
     (b'{"class":"A","args":0}', [0]), (b'{"class":"A","args":true}', [True]),
     (b'{"class":"A","args":""}', [""]),
     (b'{"class":"A","args":{"b":1,"a":[2]}}', [["b", 1], ["a", [2]]]), (b'{"class":"A","args":{}}', [])],
)  # fmt: skip
def test_arguments_are_spread_as_ruby_spreads_them(raw, args):
    """docs/protocol/core.md#the-arguments-of-a-job, whatever stands in args."""
    assert Payload.parse(raw).args == args


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b'{"class":"A::B"}', "A::B"),
        (b"{}", ""),
        (b'{"class":null}', ""),
        (b'{"class":5}', ""),
        (b'{"class":["A"]}', ""),
    ],
)
def test_class_names(raw, name):
    """A text, else none."""
    assert Payload.parse(raw).class_name == name


def test_a_payload_keeps_its_bytes_and_all_its_keys():
    """Extra keys and their order survive; `normal` is what Ruby's decode and encode make of it."""
    raw = b' { "x" : 1.50 , "class":"A", "args":[ "\\u00e9", {} ] } '
    payload = Payload.parse(raw)
    assert payload.raw == raw
    assert list(payload.value) == ["x", "class", "args"]
    assert payload.normal("ruby") == '{"x":1.5,"class":"A","args":["é",{}]}'.encode()


@pytest.mark.parametrize(
    "raw",
    [b"", b" ", b"oops", b"null", b"true", b"false", b"42", b'"x"', b"[]", b'{"class":"A"',
    b'{"class":"A"} x', b"\xff",
     b'{"class":"A","args":["\xff"]}', b'{"args":[NaN]}', b'{"args":[Infinity]}', b'{"args":{"a":[1e]}}',
     b'{"class":"\\ud800"}', b'{"args":[' + b"1" * 4301 + b"]}", b"\xef\xbb\xbf{}", nested(100)],
)  # fmt: skip
def test_what_is_no_payload(raw):
    """MalformedPayload, with a reason, and never another exception."""
    with pytest.raises(MalformedPayload, match=r"\w"):
        Payload.parse(raw)


def test_a_payload_may_be_as_deep_as_ruby_holds_in_worker_id():
    """99 levels; `worker:ID` adds the hundredth."""
    assert Payload.parse(nested(99)).class_name == "A"


def test_job_bytes_are_ruby_s():
    """Compact, in this order, args always there, UTF-8 as it is."""
    assert job_bytes("A", [], "ruby") == b'{"class":"A","args":[]}'
    assert (
        job_bytes("Ä::B", [1, "é</", None, {"a": 1.0}], "ruby")
        == '{"class":"Ä::B","args":[1,"é</",null,{"a":1.0}]}'.encode()
    )
    assert job_bytes("A", (n for n in range(2)), "ruby") == b'{"class":"A","args":[0,1]}'
    with pytest.raises(NoClassError, match=r"Jobs must be given a class\."):
        job_bytes("", [], "ruby")
    with pytest.raises(Unencodable, match=r"args\[0\]"):
        job_bytes("A", [float("nan")], "ruby")


# --- working on ------------------------------------------------------------------------------------


def test_working_on_is_ruby_s_form():
    """The payload is spliced in as it is; reading gives the parts back."""
    raw = working_on_bytes('q"é', "2026-11-23T18:07:34Z", b'{"class":"A","x":1.50}', "ruby")
    assert (
        raw == '{"queue":"q\\"é","run_at":"2026-11-23T18:07:34Z","payload":{"class":"A","x":1.50}}'.encode()
    )
    working = WorkingOn.parse(raw)
    assert (working.queue, working.run_at, working.class_name) == ('q"é', "2026-11-23T18:07:34Z", "A")
    assert working.payload == {"class": "A", "x": 1.5}


@pytest.mark.parametrize(
    "raw", [b"", b"oops", b"null", b"[]", b"{}", b'{"queue":1,"run_at":[],"payload":"x"}', b"\xff"]
)
def test_odd_working_on_records(raw):
    """What cannot be read is None, and nothing is raised."""
    working = WorkingOn.parse(raw)
    assert (working.raw, working.queue, working.run_at, working.payload) == (raw, None, None, None)
    assert working.class_name == ""


# --- failures --------------------------------------------------------------------------------------


def test_a_failure_record_of_ruby():
    """Everything that it holds, by name."""
    value = {
        "failed_at": "x", "payload": {"class": "A", "args": [1]}, "exception": "E", "error": "m",
        "backtrace": ["a", "b"],
        "worker": "w", "queue": "q", "failure_id": "f", "retried_at": "r",
    }  # fmt: skip
    record = FailureRecord.parse(json.dumps(value).encode(), "q_failed")
    assert (record.list_name, record.id, record.failure_id, record.class_name) == ("q_failed", "f", "f", "A")
    assert (record.payload, record.backtrace) == ({"class": "A", "args": [1]}, ["a", "b"])
    assert [record.text(key) for key in ("failed_at", "worker", "retried_at", "x")] == ["x", "w", "r", None]


@pytest.mark.parametrize(
    "raw",
    [b"", b"oops", b"null", b"[1]", b"{}", b'{"failure_id":7,"payload":[1],"backtrace":"x","queue":5}',
    b"\xff",
     b'{"failure_id":""}', b'{"payload":{"class":null},"backtrace":null}'],
)  # fmt: skip
def test_odd_failure_records(raw):
    """Never raises; the address is the digest of the bytes."""
    record = FailureRecord.parse(raw)
    assert (record.raw, record.class_name, record.backtrace, record.text("queue")) == (raw, "", [], None)
    assert record.id == f"sha1:{hashlib.sha1(raw).hexdigest()}"


def test_backtrace_lines_are_texts():
    """Lines of another type are shown as text."""
    assert FailureRecord.parse(b'{"backtrace":["a",5,null]}').backtrace == ["a", "5", "None"]
