"""Locales are judged where they are written: in Ruby their jobs would fail at once."""

import pytest

from pyresque.active_job.arguments.locales import is_locale


@pytest.mark.parametrize("text", ["en", "de", "pt-BR", "zh-Hans-CN", "en_US", "ast", "sr-Latn"])
def test_what_can_be_a_locale(text):
    """A language with two letters that there is, or with three; then parts."""
    assert is_locale(text)


@pytest.mark.parametrize("text", ["xx", "english", "EN", "d", "en-", "en US", "", "de.yml", "e1"])
def test_what_is_no_locale(text):
    """Neither a language nor in its form."""
    assert not is_locale(text)
