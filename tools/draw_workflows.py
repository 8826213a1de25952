"""Draw workflows/*.json and subgraphs/*.json, in the editor's format, from the graphs and layouts below them.

    PYTHONPATH=.:tests/host ~/ui-venv/bin/python tools/draw_workflows.py [NAME …]

workflows/api/NAME.json says what the nodes are, workflows/layouts/NAME.toml where they lie and what the note says. The
older host's editor makes the nodes, because a newer one opens its files but not the other way round. Nodes get the
height of whichever editor draws them taller, with what they report after a run. Needs both hosts and a Python with
playwright (see CONTRIBUTING.md).
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import tomllib
from comfyui import Checkout, ComfyUI
from drawing.fold import blueprint, fold
from drawing.layout import NOTE, Layout, place
from editor_page import APP, REPORT, open_editor
from playwright.sync_api import Page

from hallo2_core.checkpoints.catalogue import CATALOGUE

ROOT = Path(__file__).parents[1]
WORKFLOWS, SUBGRAPHS = ROOT / "workflows", ROOT / "subgraphs"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/comfyui-hallo2/ComfyUI-Hallo2")
PACK = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
LOADED_FILES = {  # what a loader of a released file offers for download
    "Hallo2LoadModel": "net.pth",
    "Hallo2LoadSpeechEncoder": "wav2vec2-base-960h.safetensors",
    "Hallo2LoadUpscaler": "net_g.pth",
    "VAELoader": "vae-ft-mse-840000-ema-pruned.safetensors",
}
DEFAULT_HEIGHTS = {"LoadImage": 320, "LoadVideo": 320, "SaveVideo": 400, "PreviewImage": 300, "LoadAudio": 140}
ROOM_PX = 1200  # between nodes while they are measured

BUILD = f"""async ([prompt, widths]) => {{
  await {APP}.loadApiJson(prompt, "drawing");
  const graph = {APP}.graph;
  for (const node of graph._nodes) node.setSize([widths[node.id], 10]);
  for (const node of graph._nodes) node.setSize([widths[node.id], node.computeSize()[1]]);
  return JSON.stringify(graph.serialize());
}}"""
# A classic node grows when it is drawn, which most are not here; one drawn as HTML has grown already.
HEIGHTS = f"""async (classic) => {{
  ({REPORT})();
  await new Promise((done) => setTimeout(done, 2000));
  const heightOf = (node) => Math.ceil(Math.max(node.size[1], classic ? node.computeSize()[1] : 0));
  return Object.fromEntries({APP}.graph._nodes.map((node) => [node.id, heightOf(node)]));
}}"""
LOAD = f"""async (graph) => {{
  await {APP}.loadGraphData(graph);
  await new Promise((done) => setTimeout(done, 4000));
}}"""


def main() -> None:
    names = sys.argv[1:] or sorted(path.stem for path in (WORKFLOWS / "layouts").glob("*.toml"))
    layouts = {name: Layout.read(WORKFLOWS / "layouts" / f"{name}.toml") for name in names}
    with editor("~/ComfyUI", nodes_2=False) as page:
        graphs = {name: build(page, name, layout) for name, layout in layouts.items()}
        classic = {name: heights(page, graph, is_classic=True) for name, graph in graphs.items()}
    with editor("~/ComfyUI-new", nodes_2=True) as page:
        html = {name: heights(page, graph, is_classic=False) for name, graph in graphs.items()}
    SUBGRAPHS.mkdir(exist_ok=True)
    for name, layout in layouts.items():
        drawn = finish(name, graphs[name], layout, (classic[name], html[name]))
        write(WORKFLOWS / f"{name}.json", drawn)
        if layout.subgraph:
            write(SUBGRAPHS / f"{layout.subgraph.name}.json", blueprint(drawn))


@contextmanager
def editor(checkout: str, nodes_2: bool) -> Iterator[Page]:
    examples = ROOT / "hallo2_core" / "examples"
    with ComfyUI(Checkout.find(os.path.expanduser(checkout)), [ROOT]) as host:
        host.add_input(examples / "portrait.png")
        host.add_input(examples / "voice.wav", "speech.wav")
        with open_editor(host.url, nodes_2) as opened:
            yield opened.page


def build(page: Page, name: str, layout: Layout) -> dict:
    """The nodes of an API graph as the editor makes them, flat and in a heap."""
    prompt = json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8"))
    inside = f"{layout.subgraph.node}:" if layout.subgraph else None
    flat = json.loads(json.dumps(prompt).replace(f'"{inside}', '"')) if inside else prompt
    widths = {key: column.width for column in layout.all_columns() for group in column.groups for key in group.nodes}
    missing = set(flat) - set(widths)
    if missing:
        raise SystemExit(f"{name}: no place for node {', '.join(sorted(missing))}")
    return json.loads(page.evaluate(BUILD, [flat, widths]))


def heights(page: Page, graph: dict, is_classic: bool) -> dict[str, int]:
    """Node → the height that this editor gives it, reports included."""
    page.evaluate(LOAD, apart(graph))
    return page.evaluate(HEIGHTS, is_classic)


def apart(graph: dict) -> dict:
    """A copy whose nodes have room to grow."""
    copy = json.loads(json.dumps(graph))
    for number, node in enumerate(copy["nodes"]):
        node["pos"] = [(number % 6) * ROOM_PX, (number // 6) * ROOM_PX]
    return copy


def finish(name: str, graph: dict, layout: Layout, drawings: Sequence[Mapping[str, int]]) -> dict:
    """Places, groups, note, and what the editor's dialogs read."""
    note = note_node(max(node["id"] for node in graph["nodes"]) + (100 if layout.subgraph else 1), layout.note)
    graph = graph | {"nodes": [*graph["nodes"], note], "id": str(uuid.uuid5(NAMESPACE, name)), "extra": {}}
    nodes = {NOTE if node is note else str(node["id"]): node for node in graph["nodes"]}
    tall = {}
    for key, node in nodes.items():
        wanted = layout.heights.get(key, DEFAULT_HEIGHTS.get(node["type"], 0))
        tall[key] = max(node["size"][1], wanted, *(drawing.get(key, 0) for drawing in drawings))
    if layout.subgraph:
        tall[layout.subgraph.node] = layout.heights[layout.subgraph.node]
    for node in graph["nodes"]:
        node["properties"] = properties(node)
    if layout.subgraph:
        graph = fold(graph, layout.subgraph, tall, NAMESPACE)
        nodes[layout.subgraph.node] = next(node for node in graph["nodes"] if str(node["id"]) == layout.subgraph.node)
    graph["groups"] = place(layout.columns, nodes, tall)
    return graph


def note_node(number: int, text: str) -> dict:
    return {
        "id": number,
        "type": "MarkdownNote",
        "size": [0, 0],
        "flags": {},
        "order": 0,
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "title": "Read me",
        "properties": {},
        "widgets_values": [text.strip()],
        "color": "#432",
        "bgcolor": "#653",
    }


def properties(node: dict) -> dict:
    if node["type"] == "MarkdownNote":
        return {}
    pack = PACK if node["type"].startswith("Hallo2") else "comfy-core"
    found: dict = {"Node name for S&R": node["type"], "cnr_id": pack}
    if node["type"] in LOADED_FILES:
        (known,) = [known for known in CATALOGUE if known.name == LOADED_FILES[node["type"]]]
        found["models"] = [{"name": known.name, "url": known.url(), "directory": known.folder}]
    return found


def write(path: Path, graph: dict) -> None:
    path.write_text(json.dumps(graph, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
