"""Time zones are judged where they are written: in Ruby their jobs would fail at once."""

import json
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pyresque.active_job.arguments import zones
from pyresque.active_job.arguments.zones import check_zone, iana_name, rails_zone
from pyresque.errors import NotAJob


@pytest.mark.parametrize("name", ["UTC", "Berlin", "Europe/Berlin", "Central Time (US & Canada)", "Etc/GMT"])
def test_zones_that_rails_knows(name):
    """By Rails' names and by those of IANA."""
    check_zone(name)


@pytest.mark.parametrize("name", ["Nowhere/Land", "+02:00", "GMT+1", "Z", "../UTC", "berlin", "a\0b"])
def test_zones_that_nobody_knows(name):
    """Refused by Rails as well (tried)."""
    with pytest.raises(NotAJob, match="not a time zone that Rails knows"):
        check_zone(name)


def test_each_of_rails_names_means_a_zone_that_there_is():
    """All 151 of them; another name means itself."""
    names = json.loads(Path(zones.__file__).with_name("rails_zones.json").read_text("utf-8"))
    assert len(names) == 151
    assert {name: rails_zone(name) for name in names} == {name: ZoneInfo(names[name]) for name in names}
    assert (iana_name("Tokyo"), iana_name("Asia/Tokyo"), iana_name("Nowhere")) == (
        "Asia/Tokyo", "Asia/Tokyo", "Nowhere",
    )  # fmt: skip
    assert rails_zone(None) is None
