"""Takes the pictures of docs/images: each page of the dashboard, over the Redis of a shop at work.

    python -m tests.web.screenshots [GROUP ...]    all pages, or those of some groups, such as `workers`

A picture has a palette of at most 256 colours, which makes it a third as large.
"""

from __future__ import annotations

import base64
import struct
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import url_for

from pyresque import Resque
from pyresque.testing.redis_server import running
from pyresque.web import create_app
from pyresque.wire.records import FailureRecord
from tests.web import scene
from tests.web.conftest import chromium, serving
from tests.web.scene import PYTHON, Scene

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path(__file__).parents[2] / "docs/images"
SIZE = (1280, 860)
DARK = ("overview.home", "failed.listing")
"""What is shown in the dark, too."""


def address(endpoint: str, everyday: Scene) -> dict[str, Any]:
    """What is filled into the URL of a page, so that there is something to see."""
    newest = FailureRecord.parse(everyday.execute("LINDEX", "resque:failed", -1))
    found: dict[str, dict[str, Any]] = {
        "classes.one_class": {"name": "Reports::Monthly"},
        "delayed.same": {"class_name": "Users::ReminderJob", "args": "[1201]", "queue": "mail"},
        "delayed.second": {"name": everyday.seconds[-1]},
        "failed.show": {"name": newest.id, "list": "failed"},
        "history.history": {"by": "hour"},
        "queues.show": {"queue": "images"},
        "schedule.edit": {"name": "nightly_report"},
        "schedule.entry": {"name": "newsletter"},
        "search.search": {"text": "Monthly"},
        "stats.key": {"name": "queue:mail"},
        "workers.show": {"name": PYTHON},
    }
    return found.get(endpoint, {})


NAMES = {
    "audit_log.log": "audit",
    "classes.one_class": "class",
    "delayed.seconds": "delayed",
    "failed.show": "failure",
    "queues.show": "queue",
    "stats.stats": "stats-resque",
    "workers.show": "worker",
}


def picture(endpoint: str, scheme: str = "light") -> Path:
    """The file with the picture of a page."""
    group, page = endpoint.split(".")
    plain = group if page in ("home", "listing", "show", group) else f"{group}-{page}"
    dark = "-dark" if scheme == "dark" else ""
    return IMAGES / f"dashboard-{NAMES.get(endpoint, plain).replace('_', '-')}{dark}.png"


def main(groups: Sequence[str] = ()) -> None:
    """Take all of them anew, or those of some groups."""
    from tests.web.test_pages import PAGES

    IMAGES.mkdir(exist_ok=True)
    for old in () if groups else IMAGES.glob("dashboard-*.png"):
        old.unlink()
    with running() as server, chromium() as browser:
        resque = Resque(server.url, registry=scene.registry())
        everyday = scene.everyday(resque.link.execute, failures=64)
        blank = browser.new_page()
        app = create_app(resque, title="Shop")
        with serving(app) as url:
            for endpoint in [page for page in PAGES if not groups or page.split(".")[0] in groups]:
                with app.test_request_context():
                    path = url_for(endpoint, **address(endpoint, everyday))
                for scheme in ("light", "dark")[: 1 + (endpoint in DARK)]:
                    tab = browser.new_page(
                        viewport={"width": SIZE[0], "height": SIZE[1]},
                        color_scheme="dark" if scheme == "dark" else "light",
                    )
                    tab.goto(url + path)
                    picture(endpoint, scheme).write_bytes(smaller(tab.screenshot(), blank))
                    tab.close()
        resque.close()


# --- fewer colours -------------------------------------------------------------------------------------

PALETTE = """async (png) => {
    const image = await createImageBitmap(await (await fetch('data:image/png;base64,' + png)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
    canvas.drawImage(image, 0, 0);
    const bytes = canvas.getImageData(0, 0, image.width, image.height).data;
    const pixels = new Uint32Array(bytes.buffer), counts = new Map();
    for (const one of pixels) counts.set(one, (counts.get(one) || 0) + 1);
    const parts = (one) => [one & 255, (one >> 8) & 255, (one >> 16) & 255];
    const palette = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 256).map(([one]) => parts(one));
    const index = new Map();
    for (const one of counts.keys()) {
        const [r, g, b] = parts(one);
        const apart = palette.map(([x, y, z]) => (r - x) ** 2 + (g - y) ** 2 + (b - z) ** 2);
        index.set(one, apart.indexOf(Math.min(...apart)));
    }
    let text = '';
    for (const one of pixels) text += String.fromCharCode(index.get(one));
    return {width: image.width, height: image.height, palette, data: btoa(text)};
}"""


def smaller(png: bytes, tab: Page) -> bytes:
    """A PNG with a palette: each rare colour becomes the frequent one that is nearest."""
    told = tab.evaluate(PALETTE, base64.b64encode(png).decode())
    width, data = told["width"], base64.b64decode(told["data"])
    rows = b"".join(b"\0" + data[at : at + width] for at in range(0, len(data), width))
    head = struct.pack(">IIBBBBB", width, told["height"], 8, 3, 0, 0, 0)
    colours = bytes(part for colour in told["palette"] for part in colour)
    parts = [(b"IHDR", head), (b"PLTE", colours), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


if __name__ == "__main__":
    main(sys.argv[1:])
