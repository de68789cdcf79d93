"""Where log lines go, and how they look."""

import io
import json
import logging
import sys

import pytest

from pyresque.cli.log_format import restore, set_up
from pyresque.config import Config
from pyresque.config.options import LOG_FORMATS
from pyresque.errors import ConfigError, JobTimeout
from pyresque.usercode.guards import by_signal


def loaded():
    """The application was imported, and has no handlers; those of pytest would be its."""
    logging.getLogger().handlers.clear()
    restore()


def line_of(tmp_path, form, verbosity=1):
    file = tmp_path / "log"
    set_up(verbosity, str(file), form)
    logging.getLogger("pyresque.scheduler").info("queueing %s", 'a "job" ü')
    logging.getLogger("pyresque.scheduler").debug("not said")
    [line] = file.read_text("utf-8").splitlines()
    return line


def test_text_in_a_file(tmp_path):
    """The lines of the terminal, in a file."""
    assert line_of(tmp_path, "text") == '*** queueing a "job" ü'


def test_json(tmp_path):
    """One object for each line."""
    fields = json.loads(line_of(tmp_path, "json"))
    assert (fields["severity"], fields["message"]) == ("INFO", 'queueing a "job" ü')
    assert fields["timestamp"].endswith("+00:00")


def test_logfmt(tmp_path):
    """Words with names; texts are quoted."""
    assert line_of(tmp_path, "logfmt").endswith(' message="queueing a \\"job\\" ü"')


def test_a_file_that_is_moved_away(tmp_path):
    """Is begun anew; where that cannot be, lines are left out, and nobody else suffers."""
    folder = tmp_path / "logs"
    folder.mkdir()
    set_up(0, str(folder / "log"))
    logger = logging.getLogger("pyresque.worker")
    logger.warning("one")
    (folder / "log").rename(folder / "log.1")
    logger.warning("two")
    folder.rename(tmp_path / "away")
    logger.warning("lost")
    (tmp_path / "away").rename(folder)
    logger.warning("three")
    shown = [(folder / name).read_text("utf-8") for name in ("log.1", "log")]
    assert [[line.split(": ")[1] for line in text.splitlines()] for text in shown] == [
        ["one"],
        ["two", "three"],
    ]


@pytest.mark.parametrize("form", LOG_FORMATS)
@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x9b2J", "\r\nforged", "\ud800", "\u2028", "%s %d", "x" * 1_000_000]
)
def test_a_line_steers_nothing(tmp_path, form, text):
    """Neither a terminal nor a reader of lines, and it has an end."""
    set_up(0, str(tmp_path / "log"), form)
    logging.getLogger("pyresque.worker").error("%s", text)
    logging.getLogger("pyresque.worker").error(text, 1, 2, 3)
    told = (tmp_path / "log").read_bytes().decode("utf-8")
    assert told.count("\n") == 2 == len(told.splitlines())
    assert told.replace("\n", "").isprintable()
    assert len(told) < 500_000


class Rude:
    """What an application may pass to logging."""

    def __init__(self, error):
        self._error = error

    def __str__(self):
        raise self._error

    __repr__ = __str__


@pytest.mark.parametrize("form", LOG_FORMATS)
@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), MemoryError()])
def test_a_value_that_raises(tmp_path, form, error):
    """Its line is shown without it, and whoever has logged it goes on."""
    set_up(0, str(tmp_path / "log"), form)
    loaded()
    logging.getLogger("app").error("%s", Rude(error))
    logging.getLogger("app").error(Rude(error))
    logging.getLogger("app").error("with one %s", "more", extra={"pyresque_fields": 5})
    told = (tmp_path / "log").read_text("utf-8")
    assert told.count("\n") == 3
    assert told.count("cannot be shown") == 2


def test_a_signal_gets_through(tmp_path):
    """The time of a job may be over while it logs."""
    set_up(0, str(tmp_path / "log"))
    loaded()
    with pytest.raises(JobTimeout):
        logging.getLogger("app").error("%s", Rude(by_signal(JobTimeout("over"))))


def test_streams_that_are_closed(tmp_path, monkeypatch):
    """A job may close what it likes; the next line that can be written is."""
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    set_up(0)
    loaded()
    logging.getLogger("app").error("one")
    assert "app: one\n" in err.getvalue()
    err.close()
    logging.getLogger("app").error("lost")
    logging.getLogger("pyresque.worker").error("lost")


def test_a_file_that_cannot_be_written(tmp_path):
    """Is told in one line."""
    with pytest.raises(ConfigError, match=r"cannot write the log file .*: No such file or directory"):
        set_up(1, str(tmp_path / "no" / "log"))


def test_the_variables_of_ruby():
    """LOGFILE and LOGFORMAT."""
    options = Config.from_env({"LOGFILE": "/tmp/x", "LOGFORMAT": "logfmt"}).scheduler
    assert (options.logfile, options.logformat) == ("/tmp/x", "logfmt")
    with pytest.raises(ConfigError, match="use text, json, logfmt"):
        Config.from_env({"LOGFORMAT": "xml"})
