"""The pack's script in a browser that has kept the modules of an older version. Runs in a Python that has playwright.

timeline_update.py URL   → a JSON list on stdout: what a new node's widget says before and after the update, then in
Chinese, and in a language that it lacks

The server here answers as the host does: .js is never kept by a browser, .mjs goes out with its date and nothing else.
"""

import json
import os
import shutil
import sys
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PACK = "extensions/pack"
PAGE = '<!doctype html><script type="module" src="/extensions/pack/hallo2.js"></script>'
APP = """
const node = {
  comfyClass: "Hallo2TextPrompts", widgets: [{ name: "timeline", value: "0- smiling" }], inputs: [], outputs: [],
  addDOMWidget: (name, type, element) => (document.body.append(element), {}),
  computeSize: () => [100, 100], setSize() {},
};
const language = new URLSearchParams(location.search).get("language");
export const app = {
  registerExtension: (extension) => setTimeout(() => extension.nodeCreated(node)),
  extensionManager: { setting: { get: () => language } },
};
"""
LABEL = "+ Add"
DAY_SECONDS = 24 * 3600
YEAR_SECONDS = 365 * DAY_SECONDS


class Host(SimpleHTTPRequestHandler):
    def end_headers(self):
        if self.path.endswith((".js", ".css", "/")):
            self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_args):
        pass


def install(root: Path, label: str, age_seconds: float) -> None:
    """A version of the pack that can be told by a button's label, and is as old as that."""
    shutil.copytree(Path(__file__).parents[2] / "js", root / PACK, dirs_exist_ok=True)
    view = root / PACK / "timeline" / "view.mjs"
    text = view.read_text(encoding="utf-8")
    assert LABEL in text
    view.write_text(text.replace(LABEL, label), encoding="utf-8")
    for file in (root / PACK).rglob("*"):
        os.utime(file, times=(time.time() - age_seconds,) * 2)


def first_button(page: Page, address: str) -> str:
    page.goto(address, wait_until="load")
    return page.locator(".h2t-button").first.input_value(timeout=30_000)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root, seen = Path(folder), []
        (root / "scripts").mkdir()
        (root / "scripts" / "app.js").write_text(APP, encoding="utf-8")
        (root / "scripts" / "api.js").write_text("export const api = new EventTarget();", encoding="utf-8")
        (root / "index.html").write_text(PAGE, encoding="utf-8")
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page()  # without routes: they would switch the cache off
        for label, age_seconds in (("before the update", YEAR_SECONDS), ("after the update", DAY_SECONDS)):
            install(root, label, age_seconds)
            seen.append(first_button(page, f"http://127.0.0.1:{server.server_port}/"))
        install(root, LABEL, 0)
        for language in ("zh", "fr"):
            seen.append(first_button(page, f"http://127.0.0.1:{server.server_port}/?language={language}"))
        browser.close()
        server.shutdown()
        json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
