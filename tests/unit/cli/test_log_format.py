"""Where log lines go, and how they look."""

import json
import logging

import pytest

from pyresque.cli.log_format import set_up
from pyresque.config import Config
from pyresque.errors import ConfigError


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
