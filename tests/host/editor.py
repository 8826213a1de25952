"""Opens a host's editor in Chromium, loads a workflow and says what is there. Runs in a Python that has playwright.

editor.py URL WORKFLOW.json [--nodes-2] [--picture PNG] [--queue TEXT]   → one JSON object on stdout
"""

import argparse
import json
import os
import shutil
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlparse

from playwright.sync_api import Page, sync_playwright

APP = "(window.app ?? window.comfyAPI.app.app)"
READY = "() => { const app = window.app ?? window.comfyAPI?.app?.app;" \
        " return !!(app?.graph && app?.extensionManager && window.LiteGraph?.registered_node_types?.Note) }"
LOOK = f"""() => {{
  const graph = {APP}.graph, known = window.LiteGraph.registered_node_types;
  const boxOf = (item) => [...item.pos, ...item.size].map(Math.round);
  return {{
    nodes: graph._nodes.map((node) => ({{ id: node.id, type: node.type, box: boxOf(node), error: !!node.has_errors }})),
    groups: graph._groups.map((group) => ({{ title: group.title, box: boxOf(group) }})),
    links: Object.values(graph.links instanceof Map ? Object.fromEntries(graph.links) : graph.links).length,
    missing: graph._nodes.filter((node) => !(node.type in known)).map((node) => node.type),
    dialogs: [...document.querySelectorAll('[role=dialog]')].map((dialog) => dialog.innerText.slice(0, 500)),
    drawn_as_html: document.querySelectorAll('[data-node-id]').length,
  }} }}"""
PROMPT = f"async () => (await {APP}.graphToPrompt()).output"
SETTINGS = {
    "Comfy.TutorialCompleted": True,
    "Comfy.Canvas.NavigationMode": "custom",  # left unset, a fresh profile of the old editor throws
    "Comfy.Workflow.Persist": False,
}
PATIENCE_MS = 240_000  # with a run
# What the editors complain about by themselves: a new user's folder, and models of the new editor's own first workflow,
# which it may look for while ours is open already.
NOT_OURS = ("/user.css", "/api/userdata", "favicon", "huggingface.co/Comfy-Org/")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("workflow", type=Path)
    parser.add_argument("--nodes-2", action="store_true", help="draw nodes as HTML, as new hosts can")
    parser.add_argument("--picture", help="a screenshot")
    parser.add_argument("--queue", metavar="TEXT", help="run the workflow, and wait until the page shows this")
    options = parser.parse_args()
    for name, value in (SETTINGS | {"Comfy.VueNodes.Enabled": options.nodes_2}).items():
        request = urllib.request.Request(f"{options.url}/settings/{name}", json.dumps(value).encode(), method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).read()
    json.dump(look(options), sys.stdout, indent=1)


def look(options: argparse.Namespace) -> dict:
    complaints, outside = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(viewport={"width": 1800, "height": 1000})

        def stay_here(route):
            if urlparse(route.request.url).hostname == urlparse(options.url).hostname:
                return route.continue_()
            outside.append(route.request.url)
            return route.abort()

        page.route(lambda url: url.startswith("http"), stay_here)
        def note(said):
            if said.type == "error":
                complaints.append(f"{said.text} {said.location['url']}")

        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(options.url, wait_until="domcontentloaded")
        page.wait_for_function(READY, timeout=120_000)
        page.wait_for_timeout(2000)
        before = len(complaints)
        workflow = json.loads(options.workflow.read_text(encoding="utf-8"))
        page.evaluate(f"(graph) => {APP}.loadGraphData(graph)", workflow)
        page.wait_for_timeout(2500)
        seen = page.evaluate(LOOK)
        page.evaluate(f"() => {APP}.extensionManager.command.execute('Comfy.Canvas.FitView')")
        page.wait_for_timeout(1000)
        seen["prompt"] = page.evaluate(PROMPT)
        if options.queue:
            page.evaluate(f"() => {APP}.queuePrompt(0)")
            seen["shown"] = shown(page, options)
        if options.picture:
            page.screenshot(path=options.picture)
        browser.close()
    aborted = {urlparse(url).hostname for url in outside}
    seen["console_errors"] = [
        line for line in complaints[before:] if not any(part in line for part in (*NOT_OURS, *aborted))
    ]
    seen["asked_outside"] = sorted(set(outside))
    return seen


def shown(page: Page, options: argparse.Namespace) -> str:
    """The text that was waited for, as the page has it. Newer editors show it where a user asks for details."""
    text, details = page.get_by_text(options.queue), page.get_by_role("button", name="View details")
    try:
        text.or_(details).first.wait_for(timeout=PATIENCE_MS)
        if not text.first.is_visible():
            details.first.click()
            text.first.wait_for(timeout=PATIENCE_MS)
    finally:
        if options.picture:
            page.screenshot(path=options.picture)
    return text.first.inner_text()


if __name__ == "__main__":
    main()
