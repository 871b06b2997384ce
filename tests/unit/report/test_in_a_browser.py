# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The page in headless Chromium: errors, links, overflow, accessibility by axe-core, light and dark.

COLONNADE_CHROMIUM may name another Chromium than the one that is installed.
"""

import functools
import html
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.installed import require

pytestmark = pytest.mark.slow

# A frame is as narrow as a phone, which no window can be; what it finds stands in the document.
FRAME = """<!doctype html><title>frame</title><pre id="found"></pre>
<iframe id="frame" src="report.html" style="width: {width}px; height: 900px; border: 0"></iframe>
<script>
frame.onload = async () => {{
  const view = frame.contentWindow, page = frame.contentDocument, found = {{}};
  found.dark = view.matchMedia("(prefers-color-scheme: dark)").matches;
  found.overflow = page.documentElement.scrollWidth - page.documentElement.clientWidth;
  found.cut = [...page.querySelectorAll(".stacked .badge")].filter(each =>
    each.getBoundingClientRect().width && each.getBoundingClientRect().right > {width}).length;
  const regions = [...page.querySelectorAll(".scroll")];
  found.wide = regions.filter(each => each.scrollWidth > each.clientWidth).map(each => each.ariaLabel);
  found.unreachable = regions.filter(each => each.tabIndex !== 0).length;
  found.small = [...page.querySelectorAll("svg")].filter(each => each.getBoundingClientRect().width
    && each.getBoundingClientRect().width < Math.min(600, {width} - 60)).length;
  const links = [...page.querySelectorAll("a[href]")].map(each => each.href);
  const here = [...new Set(links.filter(each => each.startsWith(location.origin)))];
  found.links = here.length;
  found.broken = [];
  for (const each of here) if (!(await fetch(each)).ok) found.broken.push(each);
  view.dispatchEvent(new Event("beforeprint"));
  found.closed = [...page.querySelectorAll("details")].filter(each => !each.open).length;
  const script = page.createElement("script");
  script.src = "axe.min.js";
  script.onload = async () => {{
    const result = await view.axe.run(page, {{resultTypes: ["violations"]}});
    found.passes = result.passes.length;
    found.violations = result.violations.map(each => each.id + ": " + each.nodes[0].html.slice(0, 200)
      + " " + each.nodes[0].failureSummary);
    document.getElementById("found").textContent = JSON.stringify(found);
  }};
  page.head.append(script);
}};
</script>"""


@pytest.fixture
def served(whole_page: Path, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder with the page and its tables, served on loopback, and its address."""
    folder = Path(shutil.copytree(whole_page.parent, tmp_path / "served"))
    package = find_spec("axe_core_python")
    assert package is not None
    assert package.origin is not None
    shutil.copyfile(Path(package.origin).with_name("axe.min.js"), folder / "axe.min.js")
    handler = functools.partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield folder, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        pass


def look(folder: Path, address: str, width: int, *options: str) -> tuple[dict[str, Any], str]:
    """What the page is in a frame so wide, and what the browser wrote to its console."""
    chromium = os.environ.get("COLONNADE_CHROMIUM") or require("chromium")
    (folder / "frame.html").write_text(FRAME.format(width=width))
    command = [
        *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
        *("--enable-logging=stderr", f"--user-data-dir={folder / 'profile'}", *options),
        *("--window-size=1600,1000", "--virtual-time-budget=60000", "--dump-dom"),
        f"{address}/frame.html",
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    said = re.search(r'<pre id="found">(.+?)</pre>', run.stdout, re.S)
    assert said is not None, run.stdout[:500] + run.stderr[-2000:]
    console = "\n".join(line for line in run.stderr.splitlines() if "CONSOLE" in line)
    found: dict[str, Any] = json.loads(html.unescape(said[1]))
    return found, console


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_in_a_browser(served: tuple[Path, str], width: int, colours: str) -> None:
    scheme = {"light": "1", "dark": "0"}[colours]
    found, console = look(*served, width, f"--blink-settings=preferredColorScheme={scheme}")
    assert found["dark"] == (colours == "dark")
    assert console == ""
    assert found["overflow"] <= 0
    assert found["cut"] == 0
    assert found["unreachable"] == 0
    # On a phone all but cards scroll.
    assert found["wide"] == [] or width == 390
    assert found["small"] == 0
    assert found["links"] > 20
    assert found["broken"] == []
    assert found["closed"] == 0
    assert found["passes"] > 10
    assert found["violations"] == []
