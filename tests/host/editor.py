"""Opens a host's editor in Chromium, loads workflows as templates and says what is there. Needs playwright.

editor.py URL WORKFLOW.json … [--nodes-2] [--pictures FOLDER] [--queue TEXT]   → {name: what is there} on stdout
"""

import argparse
import json
import sys
from pathlib import Path

from editor_page import APP, REPORT, Opened, open_editor
from playwright.sync_api import Page

OPEN = f"([graph, name]) => {APP}.loadGraphData(graph, true, true, name, {{ openSource: 'template' }})"
LOOK = f"""() => {{
  const graph = {APP}.graph, known = window.LiteGraph.registered_node_types;
  const boxOf = (item) => [...item.pos, ...item.size].map(Math.round);
  return {{
    nodes: graph._nodes.map((node) => ({{ id: node.id, type: node.type, box: boxOf(node), error: !!node.has_errors }})),
    groups: graph._groups.map((group) => ({{ title: group.title, box: boxOf(group) }})),
    links: Object.values(graph.links instanceof Map ? Object.fromEntries(graph.links) : graph.links).length,
    missing: [graph, ...(graph.subgraphs?.values() ?? [])].flatMap((each) => each._nodes)
      .filter((node) => !(node.type in known)).map((node) => node.type),
    dialogs: [...document.querySelectorAll('[role=dialog]')].map((dialog) => dialog.innerText.slice(0, 500)),
    zoom: {APP}.canvas.ds.scale,
    drawn_as_html: document.querySelectorAll('[data-node-id]').length,
  }} }}"""
PROMPT = f"async () => (await {APP}.graphToPrompt()).output"
WITHOUT_BADGES = f"() => {APP}.extensionManager.setting.set('Comfy.NodeBadge.NodeSourceBadgeMode', 'None')"
PATIENCE_MS = 240_000  # with a run


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("workflows", type=Path, nargs="+")
    parser.add_argument("--nodes-2", action="store_true", help="draw nodes as HTML, as new hosts can")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="where to put a screenshot of each")
    parser.add_argument("--queue", metavar="TEXT", help="run the workflow, and wait until the page shows this")
    options = parser.parse_args()
    with open_editor(options.url, options.nodes_2) as editor:
        editor.page.evaluate(WITHOUT_BADGES)  # which hold the name of the pack's folder
        seen = {path.stem: look(editor, path, options) for path in options.workflows}
    json.dump(seen, sys.stdout, indent=1)


def look(editor: Opened, path: Path, options: argparse.Namespace) -> dict:
    page, workflow = editor.page, json.loads(path.read_text(encoding="utf-8"))
    complaints = len(editor.console_errors)
    page.evaluate(OPEN, [workflow, path.stem])
    page.wait_for_timeout(2000)
    seen = page.evaluate(LOOK)
    seen["prompt"] = page.evaluate(PROMPT)
    if options.pictures:
        page.screenshot(path=options.pictures / f"{path.stem}.png")
    page.evaluate(REPORT)
    page.wait_for_timeout(700)
    seen["reported"] = page.evaluate(LOOK)["nodes"]
    if options.queue:
        page.evaluate(f"() => {APP}.queuePrompt(0)")
        seen["shown"] = shown(page, options)
    return seen | {"console_errors": editor.console_errors[complaints:], "asked_outside": editor.asked_outside}


def shown(page: Page, options: argparse.Namespace) -> str:
    """The text that was waited for, as the page has it. Newer editors show it where a user asks for details."""
    text, details = page.get_by_text(options.queue), page.get_by_role("button", name="View details")
    try:
        text.or_(details).first.wait_for(timeout=PATIENCE_MS)
        if not text.first.is_visible():
            details.first.click()
            text.first.wait_for(timeout=PATIENCE_MS)
    finally:
        if options.pictures:
            page.screenshot(path=options.pictures / "shown.png")
    return text.first.inner_text()


if __name__ == "__main__":
    main()
