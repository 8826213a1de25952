"""The shipped graphs as files: UI format where the editor lists them, API format beside. tests/host runs them."""

import json
from pathlib import Path

import pytest

from hallo2_core.checkpoints.catalogue import CATALOGUE

WORKFLOWS = Path(__file__).parents[1] / "workflows"
UI_FILES = sorted(WORKFLOWS.glob("*.json"))
API_FILES = sorted((WORKFLOWS / "api").glob("*.json"))
LOADERS = {"Hallo2LoadModel", "Hallo2LoadSpeechEncoder", "Hallo2LoadUpscaler", "VAELoader"}
HEADER_PX, GROUP_TITLE_PX = 30, 24


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def box(node):
    """left, top, right, bottom as drawn, the title bar included."""
    (left, top), (width, height) = node["pos"], node["size"]
    return left, top - HEADER_PX, left + width, top + height


def overlaps(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def ui_values(graph):
    """What is set on each node, by its id, without what only the editor knows."""
    for node in graph["nodes"]:
        if node["type"] not in ("Note", "MarkdownNote"):
            yield (
                str(node["id"]),
                [value for value in node.get("widgets_values", []) if value not in ("fixed", "image")],
            )


def test_every_graph_comes_in_both_formats():
    assert UI_FILES and [path.name for path in UI_FILES] == [path.name for path in API_FILES]


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_ui_graph_is_whole_and_laid_out(path):
    graph = load(path)
    nodes = {node["id"]: node for node in graph["nodes"]}
    for link_id, source, source_slot, target, target_slot, _kind in graph["links"]:
        assert link_id in nodes[source]["outputs"][source_slot]["links"]
        assert nodes[target]["inputs"][target_slot]["link"] == link_id
    boxes = [(node["type"], box(node)) for node in graph["nodes"]]
    for index, (name, one) in enumerate(boxes):
        for other_name, other in boxes[index + 1 :]:
            assert not overlaps(one, other), f"{name} lies over {other_name}"
    groups = [(group["bounding"][0], group["bounding"][1]) for group in graph["groups"]]
    assert len(groups) >= 4 and any(node["type"] == "MarkdownNote" for node in graph["nodes"])


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_every_node_lies_in_one_group(path):
    graph = load(path)
    for node in graph["nodes"]:
        left, top, right, bottom = box(node)
        around = [
            group["title"]
            for group in graph["groups"]
            for x, y, width, height in [group["bounding"]]
            if x <= left and y + GROUP_TITLE_PX <= top and right <= x + width and bottom <= y + height
        ]
        assert len(around) == 1, f"{node['type']} lies in {around or 'no group'}"


@pytest.mark.parametrize("path", API_FILES, ids=lambda path: path.stem)
def test_api_graph_is_whole(path):
    graph = load(path)
    for name, node in graph.items():
        assert set(node) == {"class_type", "inputs"}, name
        for value in node["inputs"].values():
            if isinstance(value, list):
                assert value[0] in graph, f"node {name} is linked to {value[0]}, which is not there"
    assert any(node["class_type"] == "SaveVideo" for node in graph.values())


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_both_formats_say_the_same(path):
    ui, api = load(path), load(WORKFLOWS / "api" / path.name)
    types = {str(node["id"]): node["type"] for node in ui["nodes"] if node["type"] != "MarkdownNote"}
    assert types == {key: node["class_type"] for key, node in api.items()}
    for key, values in ui_values(ui):
        set_here = [value for value in api[key]["inputs"].values() if not isinstance(value, list)]
        assert values[: len(set_here)] == set_here, f"{types[key]} {key}"


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_every_loader_says_where_its_file_comes_from(path):
    """The editor reads it in its dialog about missing models, and only for the file that the node has chosen."""
    places = {(known.name, known.folder): known.url() for known in CATALOGUE}
    for node in load(path)["nodes"]:
        if node["type"] not in LOADERS:
            continue
        (model,) = node["properties"]["models"]
        assert places[model["name"], model["directory"]] == model["url"]
        assert node["widgets_values"][0] in (model["name"], "demo")
