"""js/docs/: a page per node in English and Chinese, which the editor shows as the node's help."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "js" / "docs"
ENGLISH = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8"))
CHINESE = json.loads((ROOT / "locales" / "zh" / "nodeDefs.json").read_text(encoding="utf-8"))
MOST_BYTES = 150_000  # of a picture
PANEL_PX = 322  # of the editor's help at its default width
# Measured there: a character, and what surrounds a word in code font and a cell.
PLAIN_PX, CODE_PX, CODE_EDGES_PX, CELL_EDGES_PX = 7, 8.4, 12, 16
WORD = re.compile(r"[\x21-\x2c\x2e-\x7e]+")  # browsers break lines at spaces, hyphens and between Chinese characters
PICTURE = re.compile(r"!\[[^\]]+\]\(([^)]+)\)")


def english(node):
    return (DOCS / f"{node}.md").read_text(encoding="utf-8")


def chinese(node):
    return (DOCS / node / "zh.md").read_text(encoding="utf-8")


def listed_inputs(page, separator):
    """The entries of the first column of the table of inputs."""
    table = re.search(r"^\| (?:input|输入) \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, flags=re.MULTILINE)
    rows = table.group(1).splitlines() if table else []
    return [entry for row in rows for entry in row.split("|")[1].split("<br>")[0].strip().split(separator)]


def test_every_node_has_a_page_in_both_languages_and_no_page_lacks_its_node():
    assert {path.stem for path in DOCS.glob("*.md")} == set(ENGLISH)
    assert {path.parent.name for path in DOCS.glob("*/zh.md")} == set(ENGLISH)


@pytest.mark.parametrize("node", ENGLISH)
def test_the_pages_list_the_inputs_of_the_node_in_their_order(node):
    assert english(node).startswith(f"# {ENGLISH[node]['display_name']}\n")
    assert listed_inputs(english(node), ", ") == list(ENGLISH[node]["inputs"])
    names = [f"{text['name']} `{key}`" for key, text in CHINESE[node]["inputs"].items()]
    assert chinese(node).startswith(f"# {CHINESE[node]['display_name']}\n")
    assert listed_inputs(chinese(node), "、") == [name.replace(" (GB)", "").replace(" (秒)", "") for name in names]


@pytest.mark.parametrize("node", ENGLISH)
def test_the_chinese_page_has_the_facts_of_the_english_one(node):
    """Pictures, and what stands in code font or is quoted from a message."""
    page, translated = english(node), chinese(node)
    assert PICTURE.findall(translated) == PICTURE.findall(page)
    messages = re.findall(r"^- \*([^*\n]+)\*(?:[:,]| or | \()", page, flags=re.MULTILINE)
    facts = {*re.findall(r"`([^`\n]+)`", page), *messages}
    assert not {fact for fact in facts if fact not in translated and not fact.startswith("start-end ")}
    headings = re.compile(r"^## ", flags=re.MULTILINE)
    assert len(headings.findall(translated)) == len(headings.findall(page))


@pytest.mark.parametrize("node", ENGLISH)
def test_the_pages_tell_what_to_do_about_common_mistakes(node):
    headings = "If something goes wrong|If a case fails|常见问题|没有通过时"
    heading = re.compile(rf"^## (?:{headings})\n\n- ", flags=re.MULTILINE)
    assert heading.search(english(node)) and heading.search(chinese(node))


def least_width_px(rows):
    """Of a table: its columns' longest words beside each other."""
    columns = zip(*[[cell.replace("<br>", " ") for cell in row.strip("|").split("|")] for row in rows], strict=True)
    return sum(CELL_EDGES_PX + max(map(least_cell_px, column)) for column in columns)


def least_cell_px(cell):
    """Every second part of a cell is in code font."""
    parts = enumerate(cell.split("`"))
    return max(
        len(word) * CODE_PX + CODE_EDGES_PX if number % 2 else len(word) * PLAIN_PX
        for number, part in parts
        for word in [*WORD.findall(part), ""]
    )


@pytest.mark.parametrize("node", ENGLISH)
@pytest.mark.parametrize("page", [english, chinese])
def test_tables_fit_the_panel(node, page):
    tables = re.findall(r"(?:^\|.*\n)+", page(node), flags=re.MULTILINE)
    widths = [least_width_px([row for row in table.splitlines() if "---" not in row]) for table in tables]
    assert all(width <= PANEL_PX for width in widths), widths


def test_pictures_are_beside_the_pages_small_and_all_used():
    used = {path for node in ENGLISH for path in PICTURE.findall(english(node))}
    assert used == {path.relative_to(DOCS).as_posix() for path in (DOCS / "images").iterdir()}
    assert all((DOCS / path).stat().st_size <= MOST_BYTES for path in used)
