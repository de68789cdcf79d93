"""The fixtures for pytest, found by themselves."""

import subprocess
import sys
import textwrap


def test_the_resque_redis_fixture(tmp_path):
    """In another project `resque_redis` is there without any import, empty for each test, and private."""
    (tmp_path / "test_app.py").write_text(
        textwrap.dedent("""
            import pytest
            from pyresque import Resque, job
            from pyresque.testing import drain

            done = []

            @job(queue="q")
            def work(number: int) -> None:
                done.append(number)

            @pytest.mark.parametrize("number", [1, 2])
            def test_app(resque_redis, number):
                resque = Resque(resque_redis)
                assert resque.link.execute("DBSIZE") == 0
                resque.enqueue(work, number)
                resque.push("left", {"class": "X", "args": []})
                assert drain(resque, "q") == 1
                assert done[-1] == number
                resque.close()
        """)
    )
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", str(tmp_path)]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed" in result.stdout
