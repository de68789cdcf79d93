"""What is configured for the Active Jobs of a registry is checked."""

import pytest

from pyresque import active_job
from pyresque.errors import NotAJob


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
