"""Links from failure records to bytes that were put aside."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyresque.wire.aside_links import KEY, SHOWN, link_in, link_to, list_of, pointed_to, pointer
from pyresque.wire.encoding import decode

NAMES = st.binary(min_size=1, max_size=20).map(lambda raw: raw.decode("utf-8", "surrogateescape"))


@given(name=NAMES, raw=st.binary(max_size=40))
def test_a_link_leads_to_its_list(name: str, raw: bytes) -> None:
    """Whatever bytes the list's name has; it is text without blanks, then the digest."""
    link = link_to(name, raw)
    assert list_of(link) == name
    assert link.isascii()
    assert link.split(" ")[1:] == [hashlib.sha1(raw).hexdigest()]


@given(name=NAMES, raw=st.binary(max_size=2 * SHOWN))
def test_a_pointer_is_a_job_that_leads_there(name: str, raw: bytes) -> None:
    """Also when it comes back as Ruby's Retry pushes it; it shows no more than so many characters."""
    link = link_to(name, raw)
    job: Any = decode(pointer(link, raw, "ruby"))
    assert pointed_to(job) == link
    assert link_in({"payload": job}) == link
    assert len(job["args"][1]) <= SHOWN


@pytest.mark.parametrize(
    "payload",
    [
        {}, {"class": "Pyresque::SetAside"}, {"class": "Pyresque::SetAside", "args": []},
        {"class": "Pyresque::SetAside", "args": ["queue:x"]}, {"class": "Other", "args": ["q " + "0" * 40]},
        {"class": "Pyresque::SetAside", "args": {"0": "q " + "0" * 40}},
    ],
)  # fmt: skip
def test_other_jobs_are_no_pointers(payload: dict[str, Any]) -> None:
    assert pointed_to(payload) is None


@pytest.mark.parametrize("link", [None, 1, [], "", "q", "q " + "g" * 40, "a b " + "0" * 40])
def test_what_is_no_link(link: object) -> None:
    """Records of any writer may hold anything under our key."""
    assert list_of(link) is None
    assert link_in({KEY: link, "payload": {"class": "A", "args": []}}) is None


def test_a_record_of_the_first_release() -> None:
    """It held the bytes themselves as text."""
    assert link_in({"payload": "bytes", "queue": "q"}) == link_to("queue:q", b"bytes")
