"""The shipped workflows in the real editor, drawn both ways."""

import json
import os
import shutil
import urllib.request
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from hallo2_core.storage.free_path import free_path
from hallo2_core.video.writer import VideoWriter

WORKFLOWS = Path(__file__).parents[2] / "workflows"
GRAPHS = sorted(path.stem for path in WORKFLOWS.glob("*.json"))
WEIGHTS = (
    "hallo2/net.pth",
    "audio_encoders/wav2vec2-base-960h.safetensors",
    "vae/vae-ft-mse-840000-ema-pruned.safetensors",
)
TITLE_BAR_PX = 30
BYPASSED = 4  # the editor's mode for a node that hands its input through
READABLE = 0.58  # zoom; the labels of a node are 8 pixels high then
DRAWINGS = ("classic", "nodes-2")
BLUEPRINT = "Talking portrait (Hallo2)"
IN_THE_DOCS = "animate_with_prompts"


@pytest.fixture(scope="module")
def with_the_users_files(host, pack, users_files):
    """A host whose user has put everything in place, as far as the editor can see."""
    with VideoWriter(free_path(host.base / "input" / "video.mp4"), 96, 64, Fraction(25)) as video:
        video.write(torch.rand(5, 64, 96, 3))
    files = [host.base / "models" / name for name in WEIGHTS]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    yield
    for file in files:
        file.unlink()
    video.path.unlink()


def overlapping(nodes):
    """Pairs of nodes that lie over each other, title bars included."""
    for index, one in enumerate(nodes):
        for other in nodes[index + 1 :]:
            (left, top, width, height), (x, y, wide, high) = one["box"], other["box"]
            beside = left >= x + wide or x >= left + width
            if not beside and top - TITLE_BAR_PX < y + high and y - TITLE_BAR_PX < top + height:
                yield one["type"], other["type"]


@pytest.fixture(scope="module")
def opened(host, editor, with_the_users_files, tmp_path_factory):
    """What the editor shows of every workflow: one browser for all. Ways of drawing it → names → what is there."""
    drawn = {}

    def look(drawing):
        if drawing not in drawn:
            pictures = tmp_path_factory.mktemp(f"{host.checkout.version}-{drawing}")
            options = ["--pictures", str(pictures), *(["--nodes-2"] if drawing == "nodes-2" else [])]
            drawn[drawing] = editor([WORKFLOWS / f"{name}.json" for name in GRAPHS], *options), pictures
        return drawn[drawing]

    return look


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("drawing", DRAWINGS)
def test_the_editor_opens_the_workflow_and_would_queue_what_the_api_graph_says(
    host, opened, pack, shipped_graph, name, drawing
):
    if drawing == "nodes-2" and host.checkout.version == "0.3.64":
        pytest.skip("this host's editor draws nodes in the classic way only")
    all_seen, pictures = opened(drawing)
    if (name, drawing) == (IN_THE_DOCS, "nodes-2") and os.environ.get("UPDATE_PICTURES") == "1":
        shutil.copy2(pictures / f"{name}.png", pack / "docs" / "images")
    seen, saved = all_seen[name], json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))
    assert len(seen["nodes"]) == len(saved["nodes"]) and seen["links"] == len(saved["links"])
    assert not seen["missing"] and not seen["dialogs"] and not seen["console_errors"]
    assert not [node["type"] for node in seen["nodes"] if node["error"]]
    assert (seen["drawn_as_html"] > 0) == (drawing == "nodes-2")
    assert not list(overlapping(seen["nodes"])) and seen["zoom"] >= READABLE
    assert not list(overlapping(seen["reported"]))
    assert_same_graph(seen["prompt"], shipped_graph(name))


def assert_same_graph(queued, shipped):
    """queued: by the editor. Inputs that the API graph leaves to their defaults may be there too."""
    assert {key: node["class_type"] for key, node in queued.items()} == {
        key: node["class_type"] for key, node in shipped.items()
    }
    for key, node in shipped.items():
        assert {name: queued[key]["inputs"].get(name) for name in node["inputs"]} == node["inputs"]


def test_loaders_begin_with_the_released_files_where_they_are_there(host, with_the_users_files):
    for node, file in (("Hallo2LoadModel", WEIGHTS[0]), ("Hallo2LoadSpeechEncoder", WEIGHTS[1])):
        _kind, options = host.nodes()[node]["input"]["required"]["file"]
        assert options["options"][:2] == [Path(file).name, "demo"]


def test_the_editor_offers_the_workflows_as_templates(host, pack):
    assert sorted(host.get("/workflow_templates")[pack.name]) == GRAPHS
    for name in GRAPHS:
        request = urllib.request.Request(f"{host.url}/api/workflow_templates/{pack.name}/{name}.jpg", method="HEAD")
        assert urllib.request.urlopen(request, timeout=30).headers["Content-Type"] == "image/jpeg"


def test_newer_hosts_offer_the_blueprint(host, pack):
    if host.checkout.version == "0.3.64":
        pytest.skip("this host does not look for blueprints")
    listed = {key: entry for key, entry in host.get("/global_subgraphs").items() if entry["source"] == "custom_node"}
    ((key, entry),) = listed.items()
    assert (entry["name"], entry["info"]["node_pack"]) == (BLUEPRINT, f"custom_nodes.{pack.name}")
    file = pack / "subgraphs" / f"{entry['name']}.json"
    assert json.loads(host.get(f"/global_subgraphs/{key}")["data"]) == json.loads(file.read_text(encoding="utf-8"))


def test_a_node_in_a_subgraph_reports_on_the_subgraphs_node_too_and_no_text_is_empty(host):
    """The editors ignore an empty text: it would leave the one before standing."""
    run = host.run({"1": {"class_type": "ProbeShownText", "inputs": {}}})
    assert json.loads(run.outputs["1"]["text"][0]) == [
        ["20", "3 min to go"],
        ["20:9", "3 min to go"],
        ["20", " "],
        ["20:9", " "],
    ]


def test_the_node_search_finds_nodes_by_common_words(host, in_browser):
    if host.checkout.version == "0.3.64":
        pytest.skip("this host's editor searches names only")
    wanted = {"lip sync": "Sample Video", "4k": "Upscale Video", "face restore": "Upscale Video"}
    for words, labels in in_browser("node_search.py", *wanted).items():
        assert any(f"{wanted[words]} (Hallo2)" in label for label in labels), labels


def test_the_editor_shows_what_a_refusal_says(host, editor, with_the_users_files, pack, tmp_path):
    """Prompts on a model without an adapter: the loader is bypassed, as a user would do it."""
    graph = json.loads((pack / "workflows" / "animate_with_prompts.json").read_text(encoding="utf-8"))
    (loader,) = [node for node in graph["nodes"] if node["type"] == "Hallo2LoadTextControl"]
    loader["mode"] = BYPASSED
    path = tmp_path / "without_adapter.json"
    path.write_text(json.dumps(graph), encoding="utf-8")
    seen = editor([path], "--queue", "no text-control adapter", "--pictures", str(tmp_path))[path.stem]
    assert "has to be trained" in seen["shown"] and "disconnect the prompts" in seen["shown"]
