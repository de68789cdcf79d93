"""The site of the documents: every page is in its navigation, every link leads somewhere, it can be built."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.unit.test_public import PUBLIC, USED

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site() -> ModuleType:
    """.ci/docs.py as a module, its pages staged."""
    spec = importlib.util.spec_from_file_location("site_of_the_documents", ROOT / ".ci/docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pages(site: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the pages."""
    monkeypatch.setattr(site, "PAGES", tmp_path / "pages")
    site.stage()
    return tmp_path / "pages"


def listed(nav: Any) -> Iterator[str]:
    """The pages in a navigation."""
    if isinstance(nav, str):
        yield nav
    else:
        for one in nav.values() if isinstance(nav, dict) else nav:
            yield from listed(one)


def test_every_public_module_has_a_page(site: ModuleType) -> None:
    """Those whose names are held by test_public.py, at least."""
    assert {*PUBLIC, *USED} <= set(site.MODULES)


def test_every_page_is_in_the_navigation(pages: Path) -> None:
    """And everything in it is a page."""
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    found = {path.relative_to(pages).as_posix() for path in pages.rglob("*.md")}
    assert {"index.md", "jobs.md", "reference/pyresque.md"} <= found
    assert sorted(listed(settings["nav"])) == sorted(found)


def test_every_link_leads_to_a_file(site: ModuleType, pages: Path) -> None:
    """From the file where it stands, and from its page."""
    for path in sorted(pages.rglob("*.md")):
        for link in site.LINK.findall(path.read_text("utf-8")):
            assert (path.parent / link).is_file(), f"{path.name}: {link}"
    for source in [*site.BESIDE, *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/**/*.md"))]:
        for link in site.LINK.findall((ROOT / source).read_text("utf-8")):
            assert (ROOT / source).parent.joinpath(link).exists(), f"{source}: {link}"


def test_links_are_turned_to_where_the_pages_are(site: ModuleType) -> None:
    """Between the folder of the project, docs, and a folder in it."""
    assert site.target("README.md", "docs/jobs.md") == "jobs.md"
    assert site.target("README.md", "benchmarks/README.md") == "benchmarks.md"
    assert site.target("docs/guarantees.md", "../README.md") == "index.md"
    assert site.target("docs/protocol/core.md", "../jobs.md") == "../jobs.md"
    assert site.target("docs/protocol/core.md", "json.md") == "../protocol/json.md"


@pytest.mark.skipif(importlib.util.find_spec("zensical") is None, reason="the extra docs is not installed")
def test_the_site_can_be_built(site: ModuleType, pages: Path, tmp_path: Path) -> None:
    """Without a warning: a link or an anchor that leads nowhere is one."""
    settings = (ROOT / "mkdocs.yml").read_text("utf-8").replace('paths: ["."]', f'paths: ["{ROOT}"]')
    assert f'"{ROOT}"' in settings
    text = settings.replace("docs_dir: build/docs", f"docs_dir: {pages.name}")
    (tmp_path / "mkdocs.yml").write_text(text, "utf-8")
    done = subprocess.run(
        [Path(sys.executable).parent / "zensical", "build", "--strict"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    reference = (tmp_path / "site/reference/pyresque/index.html").read_text("utf-8")
    assert 'id="pyresque.Resque.enqueue_in"' in reference  # a verb of a base class
    index = (tmp_path / "site/index.html").read_text("utf-8")
    assert 'href="jobs/"' in index
