"""The shipped graphs as files: UI format where the editor lists them, API format beside. tests/host runs them."""

import json
import re
from pathlib import Path

import pytest

from hallo2_core.checkpoints.catalogue import CATALOGUE

ROOT = Path(__file__).parents[1]
WORKFLOWS = ROOT / "workflows"
UI_FILES = sorted(WORKFLOWS.glob("*.json"))
API_FILES = sorted((WORKFLOWS / "api").glob("*.json"))
LOADERS = {"Hallo2LoadModel", "Hallo2LoadSpeechEncoder", "Hallo2LoadUpscaler", "VAELoader"}
HEADER_PX, GROUP_TITLE_PX = 30, 24
NOTES = ("Note", "MarkdownNote")
ONLY_THE_EDITOR_KNOWS = ("fixed", "image")  # values of widgets that the API format lacks
# The editor fits a workflow into three quarters of the window: this much is readable in one of 1800x1000 pixels.
WIDEST_PX, HIGHEST_PX = 2200, 1160
FIRST_WIDEST_PX = 1940  # of a beginner's first sight: in a window of 1536 pixels, too
BLUEPRINT, SETTINGS = "Talking portrait (Hallo2)", ["size", "steps", "cfg", "lip_weight", "seed"]
VIDEO_MAKERS = ("Hallo2SampleVideo", "Hallo2UpscaleVideo", "Hallo2PasteBack")
SAMPLERS = ("Hallo2SampleVideo", "Hallo2AttentionMaps")


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


def subgraphs(graph):
    return {each["id"]: each for each in graph.get("definitions", {}).get("subgraphs", [])}


def levels(graph):
    """The graph and its subgraphs, with links as the outermost graph has them."""
    yield graph, graph["links"]
    for inner in subgraphs(graph).values():
        keys = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        yield inner, [[link[key] for key in keys] for link in inner["links"]]


def flat_nodes(graph):
    """API key → node, of all that run."""
    inside = subgraphs(graph)
    for node in graph["nodes"]:
        if node["type"] in inside:
            yield from ((f"{node['id']}:{inner['id']}", inner) for inner in inside[node["type"]]["nodes"])
        elif node["type"] not in NOTES:
            yield str(node["id"]), node


def note_of(graph):
    (note,) = [node["widgets_values"][0] for node in graph["nodes"] if node["type"] == "MarkdownNote"]
    return note


def box(node):
    """left, top, right, bottom as drawn, the title bar included."""
    (left, top), (width, height) = node["pos"], node["size"]
    return left, top - HEADER_PX, left + width, top + height


def overlaps(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def test_every_graph_comes_in_both_formats_with_a_picture():
    names = [path.stem for path in UI_FILES]
    assert names and names == [path.stem for path in API_FILES]
    assert names == sorted(path.stem for path in WORKFLOWS.glob("*.jpg"))


def test_no_other_folder_is_taken_for_the_templates():
    """ComfyUI lists the templates of all folders with such a name, but serves only those of the first one."""
    taken = {"example_workflows", "example", "examples", "workflow", "workflows"}
    assert [path.name for path in ROOT.iterdir() if path.name in taken] == [WORKFLOWS.name]


def test_every_node_is_in_a_workflow():
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "nodes").glob("*.py"))
    nodes = set(re.findall(r'node_id="(\w+)"', sources))
    used = {node["class_type"] for path in API_FILES for node in load(path).values()}
    missing = sorted(nodes - used)
    assert nodes and not missing, f"no workflow in {WORKFLOWS.name}/api uses {', '.join(missing)}"


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_ui_graph_is_whole_and_laid_out(path):
    graph = load(path)
    for level, links in levels(graph):
        nodes = {node["id"]: node for node in level["nodes"]}
        for link_id, source, source_slot, target, target_slot, _kind in links:
            if source in nodes:
                assert link_id in nodes[source]["outputs"][source_slot]["links"]
            else:
                assert link_id in level["inputs"][source_slot]["linkIds"]
            if target in nodes:
                assert nodes[target]["inputs"][target_slot]["link"] == link_id
            else:
                assert link_id in level["outputs"][target_slot]["linkIds"]
        boxes = [(node["type"], box(node)) for node in level["nodes"]]
        for index, (name, one) in enumerate(boxes):
            for other_name, other in boxes[index + 1 :]:
                assert not overlaps(one, other), f"{name} lies over {other_name}"
    assert len(graph["groups"]) >= 4


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_nothing_lies_below_what_makes_videos(path):
    """It grows while it runs, by the newest frame; Sample Video also by a player of what is finished."""
    for level, _links in levels(load(path)):
        boxes = [(node["type"], box(node)) for node in level["nodes"]]
        for left, top, right, _bottom in [one for name, one in boxes if name in VIDEO_MAKERS]:
            below = [name for name, (x, y, end, _) in boxes if y > top and x < right and left < end]
            assert not below


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_a_workflow_is_drawn_by_its_layout(path):
    """tools/draw_workflows.py writes it; a change of the note or of a group has to go through it."""
    tomllib = pytest.importorskip("tomllib")
    layout = tomllib.loads((WORKFLOWS / "layouts" / f"{path.stem}.toml").read_text(encoding="utf-8"))
    graph = load(path)
    assert note_of(graph) == layout["note"].strip()
    assert "`" not in note_of(graph)  # Nodes 2.0 draws code blue on gray, which nobody can read
    titles = [group["title"] for column in layout["columns"] for group in column["groups"]]
    assert [group["title"] for group in graph["groups"]] == titles


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_a_workflow_is_readable_as_it_opens(path):
    graph = load(path)
    assert "ds" not in graph["extra"]  # a saved view fits one size of window
    left, top, right, bottom = zip(*map(box, graph["nodes"]), strict=True)
    widest = FIRST_WIDEST_PX if path.stem == "first_run_demo" else WIDEST_PX
    assert max(right) - min(left) <= widest and max(bottom) - min(top) <= HIGHEST_PX


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_every_node_lies_in_one_group(path):
    for level, _links in levels(load(path)):
        for node in level["nodes"]:
            left, top, right, bottom = box(node)
            around = [
                group["title"]
                for group in level["groups"]
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


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_both_formats_say_the_same(path):
    ui, api = dict(flat_nodes(load(path))), load(WORKFLOWS / "api" / path.name)
    assert {key: node["type"] for key, node in ui.items()} == {key: node["class_type"] for key, node in api.items()}
    for key, node in ui.items():
        values = [value for value in node.get("widgets_values", []) if value not in ONLY_THE_EDITOR_KNOWS]
        set_here = [value for value in api[key]["inputs"].values() if not isinstance(value, list)]
        assert values[: len(set_here)] == set_here, node["type"]


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_every_loader_says_where_its_file_comes_from(path):
    """The editor reads it in its dialog about missing models, and only for the file that the node has chosen."""
    places = {(known.name, known.folder): known.url() for known in CATALOGUE}
    for _key, node in flat_nodes(load(path)):
        if node["type"] not in LOADERS:
            continue
        (model,) = node["properties"]["models"]
        assert places[model["name"], model["directory"]] == model["url"]
        assert node["widgets_values"][0] in (model["name"], "demo")


def test_the_blueprint_is_the_node_of_the_portrait_workflow():
    blueprint, workflow = load(ROOT / "subgraphs" / f"{BLUEPRINT}.json"), load(WORKFLOWS / "animate_portrait.json")
    assert blueprint["definitions"] == workflow["definitions"]
    (node,) = blueprint["nodes"]
    assert node["type"] in subgraphs(blueprint)
    assert [(each["name"], each["type"]) for each in node["inputs"] if "widget" not in each] == [
        ("image", "IMAGE"),
        ("audio", "AUDIO"),
    ]
    assert [each["name"] for each in node["inputs"] if "widget" in each] == SETTINGS
    assert [each["type"] for each in node["outputs"]] == ["VIDEO"]


@pytest.mark.parametrize("path", UI_FILES, ids=lambda path: path.stem)
def test_a_workflow_that_animates_uses_the_blueprint_or_says_why_not(path):
    graph = load(path)
    sampled = any(node["type"] in SAMPLERS for _key, node in flat_nodes(graph))
    assert not sampled or subgraphs(graph) or "Every step is a node here, because " in note_of(graph)
