"""Types words into a newer editor's node search. Needs playwright.

node_search.py URL WORDS …   → {words: labels of the nodes that it offers}
"""

import argparse
import json
import sys

from editor_page import APP, open_editor


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("words", nargs="+")
    options = parser.parse_args()
    found = {}
    with open_editor(options.url, nodes_2=True) as editor:
        page = editor.page
        for words in options.words:
            page.evaluate(f"() => {APP}.extensionManager.command.execute('Workspace.SearchBox.Toggle')")
            dialog = page.get_by_role("dialog")
            dialog.get_by_role("combobox").or_(dialog.locator("input")).first.fill(words)
            page.wait_for_timeout(1500)
            found[words] = page.get_by_test_id("result-item").all_inner_texts()
            page.keyboard.press("Escape")
            page.wait_for_timeout(500)
    json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
