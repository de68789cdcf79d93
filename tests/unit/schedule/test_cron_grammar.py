"""The text of a cron entry: forms that mean the same, and what is wrong with others."""

import pytest

from pyresque.errors import InvalidSchedule
from pyresque.scheduler import Cron
from tests.unit.schedule.cron_runs import same


@pytest.mark.parametrize("value", [None, 5, True, {}, [], [None], [["* * * * *"]], b"* * * * *"])
def test_only_a_text_is_a_cron(value):
    with pytest.raises(InvalidSchedule, match="must be a text"):
        Cron(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("60 * * * *", "minute '60' is not understood (0-59"),
        ("60 0 0 * * *", "second '60' is not understood"),
        ("0 25 * * * Europe/Berlin", "hour '25' is not understood (0-24"),
        ("0 0 32 * *", "day of month '32' is not understood"),
        ("0 0 1 13 *", "month '13' is not understood (1-12, jan-dec"),
        ("0 0 * * monday", "day of week 'monday' is not understood (0-7, sun-sat"),
        ("0 0 * * mon#6", "day of week 'mon#6' is not understood"),
        ("0 0 0 * * 8", "day of week '8' is not understood"),
        ("*/0 * * * *", "minute: a step of 0"),
        ("0 0 5--3/0 * *", "day of month: a step of 0"),
        ("0 0 -5-3 * *", "day of month: a range from the end of the month"),
        ("0 0 30 2 *", "day of month 30 never comes in month 2"),
        ("0 0 -31 2 *", "does such a day exist?"),
        ("0 0 1& * mon#2", "does such a day exist?"),
        ("0 0 * * mon%0", "a week modulo 0"),
        ("0 0 * * mon#1,mon%2", "the same day with # and with %"),
        ("0 9 * * * Nada/Nada", "unknown time zone 'Nada/Nada'"),
        ("0 0 1 jan \u017fat", "day of week '\u017fat' is not understood"),
        ("0 9 * * * UTC+2", "ends a Ruby scheduler"),
        ("0 9 * * * +12:00", "12 hours or more"),
        ("0 9 * * * berlin", "day of week 'berlin' is not understood"),
        ("0 9 * * * Europe/Berlin UTC", "'Europe/Berlin UTC' after the day of week is not a time zone"),
        ("* * * *", "5 fields, or 6 with the second first; found 4"),
        ("every day at noon", "5 fields, or 6 with the second first; found 4"),
        ("@Daily", "unknown word '@Daily'; there are @yearly"),
        ("0 0 * * ~/0", "a step of 0"),
        ("* * 31~-1 * *", "nothing to draw from"),
        ("* * ~-31/7 * *", "nothing to draw from"),
        ("* * 28~-12 4 *", "nothing to draw from"),
        ("*," * 130 + "* * * * *", "longer than 256 characters"),
    ],
)
def test_the_message_names_what_is_wrong(text, message):
    with pytest.raises(InvalidSchedule) as raised:
        Cron(text)
    assert message in str(raised.value)
    assert str(raised.value).startswith(f"cron '{text[:50]}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0 24 * * *", "0 0 * * *"),
        ("0 20-24/2 * * *", "0 20,22,0 * * *"),
        ("0, 30 * * * *", "0 30 * * * *"),
        ("/20 * * * *", "*/20 * * * *"),
        ("10/20 * * * *", "10,30,50 * * * *"),
        ("*/60 * * * *", "0 * * * *"),
        ("45-15/10 * * * *", "45,55,5,15 * * * *"),
        ("0 9 * * mon/2", "0 9 * * 1"),
        ("0 9 * * */0", "0 9 * * *"),
        ("0 9 * * *,1", "0 9 * * 1"),
        ("0 9 *,1 * *", "0 9 * * *"),
        ("0 9 * * 7-2", "0 9 * * sun,mon,tue"),
        ("0 0 25-L * *", "0 0 25-31 * *"),
        ("0 0 last * *", "0 0 -1 * *"),
        ("0 0 1-31 * mon", "0 0 * * mon"),
        ("0 0 * * fri#last", "0 0 * * 5#-1"),
        ("0 0 31 jun-jul mon", "0 0 31 jul mon"),
        ("@daily *", "0 0 * * * *"),
        ("@noon\tAsia/Tokyo", "0 12 * * * Asia/Tokyo"),
        ("\n 5 4 * * * \r\n", "5 4 * * *"),
        ("0 9 * * * Europe/Berlinn", "0 9 * * * Europe/Berlin"),
        ("0 9 * * * GMT+2", "0 9 * * * GMT"),
        ("0 9 * * * UTC-11", "0 9 * * * Etc/GMT+11"),
        ("0 9 * * * CST+8", "0 9 * * * Asia/Shanghai"),
        ("0 9 * * * CEST+2", "0 9 * * * Europe/Berlin"),
        ("0 9 * * * -00:30", "0 9 * * * +0030"),
    ],
)
def test_two_ways_to_say_the_same(one, other):
    assert same(one, other)
