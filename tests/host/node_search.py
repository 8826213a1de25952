"""Types words into a newer editor's node search and says what it offers. Needs playwright.

node_search.py URL WORDS … [--take]   → {"found": {words: labels}, "graph": types of nodes, "widgets": of the last node}

--take: also accepts the first result of the last words, as Enter does.
"""

import argparse
import json
import sys

from editor_page import APP, open_editor

ADDED = f"""() => {{
  const nodes = {APP}.graph._nodes, last = nodes.at(-1);
  return {{
    graph: nodes.map((node) => node.title),
    widgets: Object.fromEntries((last?.widgets ?? []).map((widget) => [widget.name, widget.value])),
  }} }}"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("words", nargs="+")
    parser.add_argument("--take", action="store_true")
    options = parser.parse_args()
    found = {}
    with open_editor(options.url, nodes_2=True) as editor:
        page = editor.page
        page.evaluate(f"() => {APP}.graph.clear()")
        for words in options.words:
            page.evaluate(f"() => {APP}.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
            page.get_by_role("dialog").get_by_role("combobox").or_(
                page.get_by_role("dialog").locator("input")
            ).first.fill(words)
            page.wait_for_timeout(1500)
            found[words] = page.get_by_test_id("result-item").all_inner_texts()
            if options.take and words == options.words[-1]:
                page.keyboard.press("Enter")
                page.wait_for_timeout(1500)
            page.keyboard.press("Escape")
            page.wait_for_timeout(500)
        json.dump({"found": found} | page.evaluate(ADDED), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
