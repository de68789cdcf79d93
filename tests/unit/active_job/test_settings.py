"""Locales and time zones are judged where they are written: in Ruby their jobs would fail at once."""

import pytest

from pyresque import active_job
from pyresque.active_job.arguments.locales import is_locale
from pyresque.active_job.arguments.zones import check_zone
from pyresque.errors import NotAJob


@pytest.mark.parametrize("text", ["en", "de", "pt-BR", "zh-Hans-CN", "en_US", "ast", "sr-Latn"])
def test_what_can_be_a_locale(text):
    """A language with two letters that there is, or with three; then parts."""
    assert is_locale(text)


@pytest.mark.parametrize("text", ["xx", "english", "EN", "d", "en-", "en US", "", "de.yml", "e1"])
def test_what_is_no_locale(text):
    """Neither a language nor in its form."""
    assert not is_locale(text)


@pytest.mark.parametrize("name", ["UTC", "Berlin", "Europe/Berlin", "Central Time (US & Canada)", "Etc/GMT"])
def test_zones_that_rails_knows(name):
    """By Rails' names and by those of IANA."""
    check_zone(name)


@pytest.mark.parametrize("name", ["Nowhere/Land", "+02:00", "GMT+1", "Z", "../UTC", "berlin", "a\0b"])
def test_zones_that_nobody_knows(name):
    """Refused by Rails as well (tried)."""
    with pytest.raises(NotAJob, match="not a time zone that Rails knows"):
        check_zone(name)


def test_what_is_configured_is_checked(registry):
    """At the start of the program; the locales of the application in Ruby count where they are given."""
    settings = active_job.directory.directory_of(registry).settings
    for wrong in ({"timezone": "Nowhere/Land"}, {"locale": "xx"}, {"locales": ["de"], "locale": "fr"}):
        with pytest.raises(NotAJob):
            active_job.configure(**wrong, registry=registry)
    active_job.configure(locales=["xx", "de"], locale="xx", timezone="Berlin", registry=registry)
    assert (settings.locale, settings.timezone) == ("xx", "Berlin")
    settings.check_locale("de")
    with pytest.raises(NotAJob, match="none of the locales"):
        settings.check_locale("en")
