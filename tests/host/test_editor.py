"""The shipped workflows in the real editor, drawn both ways."""

import json
import os
from fractions import Fraction

import pytest
import torch

from hallo2_core.storage.free_path import free_path
from hallo2_core.video.writer import VideoWriter

GRAPHS = (
    "first_run_demo",
    "animate_portrait",
    "animate_with_prompts",
    "upscale_video",
    "animate_and_upscale",
    "two_speakers",
)
WEIGHTS = (
    "hallo2/net.pth",
    "audio_encoders/wav2vec2-base-960h.safetensors",
    "vae/vae-ft-mse-840000-ema-pruned.safetensors",
)
TITLE_BAR_PX = 30
BYPASSED = 4  # the editor's mode for a node that hands its input through


@pytest.fixture
def with_the_users_files(host, pack):
    """A host whose user has put everything in place, as far as the editor can see."""
    host.add_input(pack / "hallo2_core" / "examples" / "portrait.png")
    host.add_input(pack / "hallo2_core" / "examples" / "voice.wav", "speech.wav")
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


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.parametrize("drawing", ["classic", "nodes-2"])
def test_the_editor_opens_the_workflow_and_would_queue_what_the_api_graph_says(
    host, editor, with_the_users_files, pack, shipped_graph, tmp_path, name, drawing
):
    if drawing == "nodes-2" and host.checkout.version == "0.3.64":
        pytest.skip("this host's editor draws nodes in the classic way only")
    path = pack / "workflows" / f"{name}.json"
    is_in_the_docs = (name, drawing) == ("animate_with_prompts", "nodes-2") and os.environ.get("UPDATE_PICTURES") == "1"
    picture = (pack / "docs" / "images" if is_in_the_docs else tmp_path) / f"{name}.png"
    seen = editor(path, "--picture", str(picture), *(["--nodes-2"] if drawing == "nodes-2" else []))
    saved = json.loads(path.read_text(encoding="utf-8"))
    assert len(seen["nodes"]) == len(saved["nodes"]) and seen["links"] == len(saved["links"])
    assert not seen["missing"] and not seen["dialogs"] and not seen["console_errors"]
    assert not [node["type"] for node in seen["nodes"] if node["error"]]
    assert (seen["drawn_as_html"] > 0) == (drawing == "nodes-2")
    assert not list(overlapping(seen["nodes"]))
    assert_same_graph(seen["prompt"], shipped_graph(name))


def assert_same_graph(queued, shipped):
    """queued: by the editor. Inputs that the API graph leaves to their defaults may be there too."""
    assert {key: node["class_type"] for key, node in queued.items()} == {
        key: node["class_type"] for key, node in shipped.items()
    }
    for key, node in shipped.items():
        assert {name: queued[key]["inputs"].get(name) for name in node["inputs"]} == node["inputs"]


def test_the_editor_offers_the_workflows_as_templates(host, pack):
    assert sorted(host.get("/workflow_templates")[pack.name]) == sorted(GRAPHS)


def test_the_editor_shows_what_a_refusal_says(host, editor, with_the_users_files, pack, tmp_path):
    """Prompts on a model without an adapter: the loader is bypassed, as a user would do it."""
    graph = json.loads((pack / "workflows" / "animate_with_prompts.json").read_text(encoding="utf-8"))
    (loader,) = [node for node in graph["nodes"] if node["type"] == "Hallo2LoadTextControl"]
    loader["mode"] = BYPASSED
    path = tmp_path / "without_adapter.json"
    path.write_text(json.dumps(graph), encoding="utf-8")
    seen = editor(path, "--queue", "no text-control adapter", "--picture", str(tmp_path / "refused.png"))
    assert "has to be trained" in seen["shown"] and "disconnect the prompts" in seen["shown"]
