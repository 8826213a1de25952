"""The timeline widget's whole life in a host's editor. Runs in a Python that has playwright.

timeline_life.py URL [--nodes-2] [--pictures DIR]   → one JSON object on stdout: what was there after each step
"""

import argparse
import json
import sys
from pathlib import Path

from editor_page import APP, open_editor
from playwright.sync_api import Locator, Page

PROMPTS = "0-2 smiling; 2-5 serious, slow nod"
WEIGHTS = "lip 1.2 @ 0-3, 0.8 @ 3-; cfg 4 @ 2-5"
PICTURED = {
    "Hallo2TextPrompts": "0-2.36 smiling; 2.36-5 serious, slow nod; 5.6- surprised, raised eyebrows",
    "Hallo2WeightTimeline": "pose 0.6 @ 0-3.36, 1.2 @ 3.36-6.32; lip 1.4 @ 0-3.36, 0.8 @ 3.36-; cfg 6 @ 2-5",
}
# A voice that is known, all the way to the two nodes; and something that can be queued, which needs no models.
BUILD = f"""([prompts, weights]) => {{
  const graph = {APP}.graph;
  {APP}.canvas.setGraph(graph); // newer front-ends stop drawing if a graph is cleared while its subgraph is open
  graph.clear();
  const add = (type, x, y) => {{
    const node = window.LiteGraph.createNode(type);
    node.pos = [x, y];
    graph.add(node);
    return node;
  }};
  const wire = (from, slot, to, name) => from.connect(slot, to, to.inputs.findIndex((input) => input.name === name));
  const widget = (node, name) => node.widgets.find((one) => one.name === name);
  const [text, weight] = [add('Hallo2TextPrompts', 0, 0), add('Hallo2WeightTimeline', 640, 0)];
  const [audio, speech] = [add('LoadAudio', 0, 760), add('Hallo2EncodeSpeech', 360, 760)];
  const sampler = add('Hallo2SampleVideo', 720, 760);
  widget(audio, 'audio').value = 'speech.wav';
  widget(text, 'timeline').value = prompts;
  widget(weight, 'timeline').value = weights;
  wire(audio, 0, speech, 'audio');
  wire(speech, 0, sampler, 'speech');
  wire(text, 0, sampler, 'text');
  wire(weight, 0, sampler, 'weights');
  [text, weight].forEach((node, index) => {{
    const preview = add('PreviewAny', 1300, 200 * index);
    node.connect(1, preview, 0);
  }});
  const {{ ds }} = {APP}.canvas;
  ds.scale = 1;
  ds.offset = [120, 120];
  {APP}.canvas.setDirty(true, true);
}}"""
NODE = f"(type) => {APP}.graph._nodes.find((node) => node.type === type)"
TEXT = f"(type) => ({NODE})(type).widgets.find((widget) => widget.name === 'timeline').value"
VIEW = f"""([scale, x, y]) => {{
  const {{ ds }} = {APP}.canvas;
  [ds.scale, ds.offset] = [scale, [x, y]];
  {APP}.canvas.setDirty(true, true);
}}"""
# Left, top, width and height of a node with its title, where the graph is drawn at its own scale.
ON_SCREEN = f"""(type) => {{
  const node = ({NODE})(type), canvas = {APP}.canvas, {{ left, top }} = canvas.canvas.getBoundingClientRect();
  const drawn = document.querySelector(`[data-node-id="${{node.id}}"]`)?.getBoundingClientRect();
  if (drawn) return [drawn.left, drawn.top, drawn.width, drawn.height];
  const [x, y] = canvas.ds.offset, title = window.LiteGraph.NODE_TITLE_HEIGHT;
  return [left + node.pos[0] + x, top + node.pos[1] + y - title, node.size[0], node.size[1] + title];
}}"""
QUEUE = f"""async () => {{
  const {{ api }} = window.comfyAPI.api;
  const ended = new Promise((resolve) => {{
    for (const name of ['execution_success', 'execution_error']) api.addEventListener(name, () => resolve(name));
  }});
  await {APP}.queuePrompt(0, 1);
  return ended;
}}"""


class Timeline:
    """One of the two widgets, as a user sees it."""

    def __init__(self, page: Page, node_type: str, kind: str):
        self.page, self.node_type = page, node_type
        self.root = page.locator(f".hallo2-timeline.is-{kind}")

    @property
    def text(self) -> str:
        return self.page.evaluate(TEXT, self.node_type)

    @property
    def spans(self) -> list[str]:
        return self.root.locator(".h2t-text").evaluate_all("inputs => inputs.map(input => input.value)")

    @property
    def typed_into(self) -> Locator:
        """The node's own text box."""
        for box in self.page.locator("textarea").all():
            if box.input_value() == self.text:
                return box
        raise AssertionError(f"no text box holds {self.text!r}")

    def place(self, row: str, seconds: float) -> tuple[float, float]:
        """Where a time of a row is on the screen; the sound is 8.67 seconds long."""
        box = self.root.locator(f".h2t-row[data-row={row}]").bounding_box()
        return box["x"] + box["width"] * seconds / 8.67, box["y"] + box["height"] / 2

    def drag(self, row: str, start: float, end: float) -> None:
        mouse = self.page.mouse
        mouse.move(*self.place(row, start))
        mouse.down()
        mouse.move(*self.place(row, (start + end) / 2), steps=3)
        mouse.move(*self.place(row, end), steps=3)
        mouse.up()

    def says(self, part: str) -> str:
        """What the last line says, once it holds this."""
        line = self.root.locator(".h2t-foot")
        line.filter(has_text=part).wait_for(timeout=10_000)
        return line.inner_text()


def live(page: Page, load) -> dict:
    seen = {}
    page.evaluate(BUILD, [PROMPTS, WEIGHTS])
    # An opened workflow has an undo of its own, which a graph that was only built has not.
    page.evaluate(f"() => {APP}.loadGraphData({APP}.graph.serialize())")
    page.evaluate(VIEW, [1, 120, 120])
    prompts = Timeline(page, "Hallo2TextPrompts", "prompts")
    weights = Timeline(page, "Hallo2WeightTimeline", "weights")
    seen["sound"] = prompts.says("0:08.67")
    seen["at_first"] = prompts.spans + weights.spans
    page.evaluate(f"(type) => {{ window.sameNode = ({NODE})(type) }}", prompts.node_type)

    prompts.drag("prompts", 2, 3.04)  # a border that two spans share, to a pause
    seen["border_dragged"] = prompts.text
    prompts.drag("prompts", 4, 5.02)  # a span's middle
    seen["span_dragged"] = prompts.text
    page.mouse.dblclick(*prompts.place("prompts", 7))
    page.keyboard.type("laughing; loud")
    page.keyboard.press("Enter")
    seen["added"] = prompts.text
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowRight")
    seen["by_keys"] = prompts.text
    page.keyboard.press("s")
    seen["split"] = prompts.text
    page.keyboard.press("Delete")
    seen["deleted"] = prompts.text
    for _ in range(2):
        page.keyboard.press("Control+z")
        page.wait_for_timeout(300)
    seen["undone"] = prompts.text
    page.keyboard.press("Control+y")
    page.wait_for_timeout(300)
    seen["redone"] = prompts.text
    seen["graph_was_left_alone"] = page.evaluate(
        f"(type) => window.sameNode === ({NODE})(type) && {APP}.graph._nodes.length === 7", prompts.node_type
    )

    page.mouse.click(*weights.place("lip", 1))
    page.keyboard.type("1.55")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    seen["weighed"] = weights.text
    page.mouse.dblclick(*weights.place("face", 4))
    page.keyboard.press("Enter")
    seen["track_added"] = weights.text

    box = weights.typed_into
    box.fill("lip 1 @ 0-\nlip 2 @ 3-")
    seen["broken"] = weights.says("Line 2")
    weights.drag("lip", 1, 2)
    seen["broken_text"] = weights.text
    box.fill("lip 1 @ 0-3\ncfg 2 @ 1-")
    weights.root.locator("[data-row=cfg].h2t-span").wait_for()
    weights.drag("lip", 3, 4)
    seen["lines_dragged"] = weights.text

    saved = page.evaluate(f"() => {APP}.graph.serialize()")
    seen["saved"] = {node["type"]: node["widgets_values"] for node in saved["nodes"]}
    seen["prompt"] = {
        node["class_type"]: node["inputs"]
        for node in page.evaluate(f"async () => (await {APP}.graphToPrompt()).output").values()
    }
    load()
    page.evaluate(f"(graph) => {APP}.loadGraphData(graph)", saved)
    seen["sound_reloaded"] = prompts.says("0:08.67")
    seen["reloaded"] = [prompts.text, prompts.spans, weights.text, weights.spans]
    seen["nothing_to_undo"] = prompts.root.locator("input[value='↶']").is_disabled()
    seen["run"] = page.evaluate(QUEUE)
    page.wait_for_timeout(500)
    seen["after_the_run"] = [prompts.text, prompts.spans]
    seen["saved_after_the_run"] = {
        node["type"]: node["widgets_values"] for node in page.evaluate(f"() => {APP}.graph.serialize()")["nodes"]
    }
    return seen


def themes(page: Page) -> list[str]:
    """The widget's background in the dark theme and in the light one."""
    colour = "() => getComputedStyle(document.querySelector('.hallo2-timeline')).backgroundColor"
    found = []
    for theme in ("light", "dark"):
        page.evaluate(f"(theme) => {APP}.extensionManager.setting.set('Comfy.ColorPalette', theme)", theme)
        page.wait_for_timeout(500)
        found.append(page.evaluate(colour))
    return found


def take_pictures(page: Page, folder: Path) -> None:
    """As they stand in the documentation: a span chosen, the playhead in the voice."""
    page.evaluate(f"() => {APP}.extensionManager.setting.set('Comfy.NodeBadge.NodeSourceBadgeMode', 'None')")
    page.evaluate(BUILD, list(PICTURED.values()))  # new nodes, which show no report of a run
    Timeline(page, "Hallo2WeightTimeline", "weights").says("0:08.67")
    for node_type, kind, row, x in (
        ("Hallo2TextPrompts", "prompts", "prompts", 0),
        ("Hallo2WeightTimeline", "weights", "lip", 640),
    ):
        timeline = Timeline(page, node_type, kind)
        page.evaluate(VIEW, [1, 200 - x, 120])
        page.wait_for_timeout(500)
        ruler = timeline.root.locator("canvas").bounding_box()
        page.mouse.click(timeline.place(row, 4.36)[0], ruler["y"] + 10)
        page.mouse.click(*timeline.place(row, 3.9))
        page.mouse.move(5, 500)
        page.wait_for_timeout(500)
        left, top, width, height = page.evaluate(ON_SCREEN, node_type)
        clip = {"x": left - 10, "y": top - 10, "width": width + 20, "height": height + 20}
        page.screenshot(path=folder / f"timeline_{kind}.png", clip=clip)


def without_the_widget(page: Page, load) -> list[str]:
    """The text that would be queued where the pack's script cannot be had."""
    page.route("**/hallo2.js", lambda route: route.abort())
    load()
    page.evaluate(BUILD, [PROMPTS, WEIGHTS])
    page.wait_for_timeout(500)
    prompt = page.evaluate(f"async () => (await {APP}.graphToPrompt()).output")
    shown = page.locator(".hallo2-timeline").count()
    return [shown, *(node["inputs"]["timeline"] for node in prompt.values() if "timeline" in node["inputs"])]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--nodes-2", action="store_true", help="draw nodes as HTML, as new hosts can")
    parser.add_argument("--pictures", type=Path, help="a folder for the documentation's pictures")
    options = parser.parse_args()
    with open_editor(options.url, options.nodes_2, pixel_ratio=2 if options.pictures else 1) as editor:
        seen = live(editor.page, editor.load)
        seen["themes"] = themes(editor.page)
        if options.pictures:
            take_pictures(editor.page, options.pictures)
        seen["console_errors"] = editor.console_errors
        seen["without_the_widget"] = without_the_widget(editor.page, editor.load)
        seen["asked_outside"] = editor.asked_outside
    json.dump(seen, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
