"""What the tests of chaos share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.zygote import Zygote


@pytest.fixture(scope="module")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """The process that forks workers and schedulers."""
    with Zygote(tmp_path_factory.mktemp("zygote")) as zygote:
        yield zygote
