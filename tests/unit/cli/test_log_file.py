"""Log lines in a file."""

import logging

from pyresque.cli.log_file import FileHandler


def record(text):
    return logging.LogRecord("pyresque", logging.INFO, __file__, 1, text, (), None)


def test_a_file_that_was_moved_away_is_begun_anew(tmp_path):
    path = tmp_path / "worker.log"
    handler = FileHandler(path)
    handler.emit(record("one"))
    path.rename(tmp_path / "worker.log.1")
    handler.emit(record("two"))
    handler.close()
    assert ((tmp_path / "worker.log.1").read_text(), path.read_text()) == ("one\n", "two\n")


def test_what_cannot_be_written_is_left_out_and_later_lines_are_there(tmp_path, capsys):
    folder = tmp_path / "log"
    folder.mkdir()
    path = folder / "worker.log"
    handler = FileHandler(path)
    handler.emit(record("one"))
    path.unlink()
    folder.rename(tmp_path / "away")
    handler.emit(record("lost"))  # no folder to begin a new file in
    folder.mkdir()
    handler.emit(record("two"))
    handler.close()
    assert path.read_text() == "two\n"
    assert capsys.readouterr() == ("", "")
