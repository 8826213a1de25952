"""A host's editor, opened in Chromium for a test. For scripts that run in a Python which has playwright."""

import json
import os
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlparse

from playwright.sync_api import Page, sync_playwright

APP = "(window.app ?? window.comfyAPI.app.app)"
READY = (
    "() => { const app = window.app ?? window.comfyAPI?.app?.app;"
    " return !!(app?.graph && app?.extensionManager && window.LiteGraph?.registered_node_types?.Note) }"
)
# As after a run, in which the nodes that ask for their own id report something below themselves.
REPORT = f"""() => {{
  const {{ api }} = window.comfyAPI.api, text = 'A report that is wider than the node, so that it takes two lines';
  for (const {{ id, type, constructor }} of {APP}.graph._nodes)
    if (type.startsWith('Hallo2') && 'unique_id' in (constructor.nodeData.input.hidden ?? {{}}))
      api.dispatchCustomEvent('progress_text', {{ nodeId: String(id), text }});
}}"""
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Canvas.NavigationMode": "custom",  # left unset, a fresh profile of the old editor throws
    "Comfy.Workflow.Persist": False,
    "Comfy.ColorPalette": "dark",
}
# What the editors complain about by themselves: a new user's folder, and models of the new editor's own first workflow,
# which it may look for while ours is open already.
NOT_OURS = ("/user.css", "/api/userdata", "favicon", "huggingface.co/Comfy-Org/")


@dataclass
class Opened:
    """The page, and what it has complained about since the editor was ready."""

    page: Page
    url: str
    _complaints: list[str] = field(default_factory=list)
    _outside: list[str] = field(default_factory=list)

    def load(self) -> None:
        """Opens the editor, or opens it anew."""
        before = len(self._complaints)
        self.page.goto(self.url, wait_until="domcontentloaded")
        self.page.wait_for_function(READY, timeout=120_000)
        self.page.wait_for_timeout(2000)
        del self._complaints[before:]  # the editor's own, while it starts

    @property
    def console_errors(self) -> list[str]:
        aborted = {urlparse(url).hostname for url in self._outside}
        return [line for line in self._complaints if not any(part in line for part in (*NOT_OURS, *aborted))]

    @property
    def asked_outside(self) -> list[str]:
        return sorted(set(self._outside))


@contextmanager
def open_editor(url: str, nodes_2: bool, pixel_ratio: float = 1) -> Iterator[Opened]:
    """nodes_2: draw nodes as HTML, as new hosts can."""
    for name, value in (SETTINGS | {"Comfy.VueNodes.Enabled": nodes_2}).items():
        request = urllib.request.Request(f"{url}/settings/{name}", json.dumps(value).encode(), method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).read()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(viewport={"width": 1800, "height": 1000}, device_scale_factor=pixel_ratio)
        opened = Opened(page, url)

        def stay_here(route):
            if urlparse(route.request.url).hostname == urlparse(url).hostname:
                return route.continue_()
            opened._outside.append(route.request.url)
            return route.abort()

        def note(said):
            if said.type == "error":
                opened._complaints.append(f"{said.text} {said.location['url']}")

        page.route(lambda address: address.startswith("http"), stay_here)
        page.on("console", note)
        page.on("pageerror", lambda error: opened._complaints.append(str(error)))
        opened.load()
        yield opened
        browser.close()
