"""The timeline widget's reading of the surrounding graph, and its cost. Runs in a Python that has playwright.

timeline_around.py URL [--nodes-2]   → one JSON object on stdout: what was there after each step
"""

import argparse
import json
import sys
import time
from collections.abc import Callable

from editor_page import APP, Opened, open_editor
from playwright.sync_api import Page
from timeline_life import BUILD, NODE, ON_SCREEN, PROMPTS, VIEW, WEIGHTS, Timeline

IDLE_MS = 2000
EMPTY = (300, 740)  # a place of the page where nothing lies on the canvas
# Whatever asks the page for a size or sets a timer is written down where the pack's own code did it.
COUNT = """() => {
  Error.stackTraceLimit = 100;
  const seen = (window.seenOfOurs = []);
  const note = (what) => /\\/hallo2\\.js|\\/timeline\\/\\w+\\.mjs/.test(new Error().stack) && seen.push(what);
  const watch = (owner, name) => {
    const own = Object.getOwnPropertyDescriptor(owner, name);
    const wrap = (call) => function (...args) { note(name); return call.apply(this, args); };
    const kind = own.get ? 'get' : 'value';
    Object.defineProperty(owner, name, { ...own, [kind]: wrap(own[kind]) });
  };
  const sizes = (start) => ['Width', 'Height', 'Left', 'Top'].map((end) => start + end);
  const elements = ['getBoundingClientRect', 'getClientRects', ...sizes('client'), ...sizes('scroll')];
  for (const name of elements) watch(Element.prototype, name);
  for (const name of sizes('offset')) watch(HTMLElement.prototype, name);
  for (const name of ['getComputedStyle', 'setInterval', 'setTimeout', 'requestAnimationFrame']) watch(window, name);
}"""
SEEN = "() => window.seenOfOurs.splice(0)"
# As a widget of the node is changed by a script that plays by the rules, and by one that does not.
SET = f"""([type, name, value]) => {{
  const widget = ({NODE})(type).widgets.find((one) => one.name === name);
  widget.value = value;
  widget.callback?.(value);
}}"""
SET_SILENTLY = SET.replace("widget.callback?.(value);", "")
SCALE = f"() => {APP}.canvas.ds.scale"
CONNECT_OTHER_SOUND = f"""() => {{
  const audio = window.LiteGraph.createNode('LoadAudio'), speech = ({NODE})('Hallo2EncodeSpeech');
  audio.pos = [0, 1100];
  {APP}.graph.add(audio);
  audio.widgets.find((one) => one.name === 'audio').value = 'speech.wav';
  audio.connect(0, speech, speech.inputs.findIndex((input) => input.name === 'audio'));
}}"""
TRIM = f"""() => {{
  const trim = window.LiteGraph.createNode('TrimAudioDuration');
  const [audio, speech] = ['LoadAudio', 'Hallo2EncodeSpeech'].map({NODE});
  trim.pos = [0, 1100];
  {APP}.graph.add(trim);
  trim.widgets.find((one) => one.name === 'start_index').value = 1;
  trim.widgets.find((one) => one.name === 'duration').value = 3;
  audio.connect(0, trim, 0);
  trim.connect(0, speech, speech.inputs.findIndex((input) => input.name === 'audio'));
}}"""
FRESH = f"""() => {{
  {APP}.graph.clear();
  const node = window.LiteGraph.createNode('Hallo2TextPrompts');
  node.pos = [0, 0];
  {APP}.graph.add(node);
  node.widgets.find((one) => one.name === 'timeline').value = '0- smiling'; // some hosts recall the id's last text
}}"""
RESIZE = f"""([type, width]) => {{
  const node = ({NODE})(type);
  node.setSize([width, node.size[1]]);
  {APP}.canvas.setDirty(true, true);
}}"""
# How far the last button of a widget reaches over the right edge of its bar, in px.
OVER = """() => {
  const bar = document.querySelector('.is-weights .h2t-bar'), buttons = [...bar.querySelectorAll('.h2t-button')];
  return buttons.at(-1).getBoundingClientRect().right - bar.getBoundingClientRect().right;
}"""
TO_SUBGRAPH = f"(types) => {APP}.graph.convertToSubgraph(new Set(types.map({NODE}))).node.id"
IN_SUBGRAPH = f"""([name, value]) => {{
  const [subgraph] = {APP}.graph.subgraphs.values();
  const widget = subgraph.nodes.flatMap((node) => node.widgets ?? []).find((one) => one.name === name);
  widget.value = value;
  widget.callback?.(value);
}}"""
OPEN = f"() => {APP}.canvas.setGraph([...{APP}.graph.subgraphs.values()][0])"
PIXELS = "() => document.querySelector('.hallo2-timeline canvas').toDataURL()"


class Visit:
    """One editor with both timeline nodes, and the steps that a user takes in it."""

    def __init__(self, editor: Opened, nodes_2: bool):
        self.editor, self.page, self.nodes_2 = editor, editor.page, nodes_2
        self.prompts = Timeline(self.page, "Hallo2TextPrompts", "prompts")
        self.weights = Timeline(self.page, "Hallo2WeightTimeline", "weights")

    def build(self) -> None:
        self.page.evaluate(BUILD, [PROMPTS, WEIGHTS])
        self.page.evaluate(f"() => {APP}.loadGraphData({APP}.graph.serialize())")
        self.page.evaluate(VIEW, [1, 120, 120])
        self.prompts.says("0:08.67")
        self.weights.says("0:08.67")

    def loading(self) -> dict:
        """What an editor asks of the pack before, and after it has a timeline node."""
        asked, types = [], {}

        def note(response):
            path = response.url.split("/extensions/")[-1].split("/", 1)[-1].split("?")[0]
            if path == "hallo2.js" or path.startswith("timeline/"):
                asked.append(path)
                types[path.rsplit(".", 1)[-1]] = response.headers["content-type"]

        self.page.on("response", note)
        self.editor.load()
        at_first = sorted(set(asked))
        self.build()
        self.page.remove_listener("response", note)
        return {"at_first": at_first, "with_a_node": sorted(set(asked)), "types": types}

    def late(self) -> dict:
        """A saved workflow that is opened while the code is still on its way; then with no code at all."""
        saved = self.page.evaluate(f"() => {APP}.graph.serialize()")
        held = []
        self.page.route("**/timeline/widget.mjs", lambda route: held.append(route))
        self.editor.load()
        self.page.evaluate(f"(graph) => {APP}.loadGraphData(graph)", saved)
        deadline = time.monotonic() + 30
        while not held and time.monotonic() < deadline:
            self.page.wait_for_timeout(100)
        meanwhile = self.page.evaluate(f"() => {APP}.graph.serialize()")
        was_empty = self.page.locator(".hallo2-timeline").count() == 0
        self.page.unroute("**/timeline/widget.mjs")
        for route in held:
            route.continue_()
        self.prompts.says("0:08.67")
        seen = {"was_empty": was_empty, "spans": self.prompts.spans + self.weights.spans}
        after = self.page.evaluate(f"() => {APP}.graph.serialize()")
        timelines = (self.prompts.node_type, self.weights.node_type)
        for state, graph in (("saved", saved), ("meanwhile", meanwhile), ("after", after)):
            nodes = [node for node in graph["nodes"] if node["type"] in timelines]
            seen[state] = [[node["type"], node["widgets_values"], node["size"]] for node in nodes]
        self.page.route("**/timeline/widget.mjs", lambda route: route.abort())
        self.editor.load()
        self.page.evaluate(f"(graph) => {APP}.loadGraphData(graph)", saved)
        said = self.page.get_by_text("could not be loaded").first
        said.wait_for(timeout=30_000)
        seen["without_the_code"] = [said.inner_text(), self.prompts.text]
        self.page.unroute("**/timeline/widget.mjs")
        self.editor.load()
        return seen

    def upstream(self) -> dict:
        """Another file, another frame rate: chosen by hand, by a script, by another connection, undone."""
        page, seen = self.page, {}
        choose(self, "LoadAudio", "audio", "other.wav")
        seen["file_by_hand"] = self.weights.says("other.wav")
        type_number(self, "Hallo2EncodeSpeech", "fps", 30)
        seen["rate_by_hand"] = self.prompts.says("30 fps")
        page.mouse.click(*EMPTY)  # the undo is the graph's then
        page.keyboard.press("Control+z")
        seen["rate_undone"] = self.prompts.says("25 fps")
        self.prompts.drag("prompts", 5, 6)
        seen["edited_after_the_undo"] = self.prompts.text
        page.evaluate(SET, ["Hallo2EncodeSpeech", "fps", 12.5])
        seen["rate_by_script"] = self.prompts.says("12.5 fps")
        page.evaluate(CONNECT_OTHER_SOUND)
        seen["file_by_connection"] = self.weights.says("speech.wav")
        page.mouse.move(*EMPTY)
        page.evaluate(SET_SILENTLY, ["Hallo2EncodeSpeech", "fps", 50])
        page.mouse.move(*self.prompts.place("prompts", 3))
        seen["rate_unannounced"] = self.prompts.says("50 fps")
        return seen

    def trimmed(self) -> dict:
        self.build()
        self.page.evaluate(TRIM)
        seen = {"at_first": self.prompts.says("0:03.00")}
        self.page.evaluate(SET, ["TrimAudioDuration", "duration", 2.5])
        return seen | {"then": self.prompts.says("0:02.50")}

    def narrow(self) -> dict:
        """In px: how much of a new node's clock is cut off; how far the buttons of a narrow node reach out of it."""
        self.build()
        self.weights.root.locator(".h2t-playhead-control").press("End")  # a long time to show
        clock_cut = self.weights.root.locator(".h2t-clock").evaluate("clock => clock.scrollWidth - clock.clientWidth")
        self.page.evaluate(RESIZE, [self.weights.node_type, 327])
        self.page.wait_for_function("() => document.querySelector('.is-weights').offsetWidth < 330", timeout=20_000)
        return {"clock_cut": clock_cut, "buttons_over": self.page.evaluate(OVER)}

    def fresh(self) -> str:
        """The first click on a node that was only just made."""
        self.page.evaluate(FRESH)
        self.page.evaluate(VIEW, [1, 120, 120])
        self.prompts.says("25 fps")
        self.prompts.root.locator("input[value='+ Add']").click()
        self.page.keyboard.type("laughing")
        self.page.keyboard.press("Enter")
        return self.prompts.text

    def idle(self) -> dict:
        """What the pack's code does while nothing happens, and while something does."""
        self.page.mouse.move(5, 500)
        self.page.wait_for_timeout(500)
        self.page.evaluate(SEEN)
        self.page.wait_for_timeout(IDLE_MS)
        idle = self.page.evaluate(SEEN)
        self.prompts.drag("prompts", 1, 1.5)
        return {"idle": idle, "dragging": sorted(set(self.page.evaluate(SEEN)))}

    def wheel(self) -> dict:
        """How much a turn of the wheel magnifies: the graph over its empty part, over the widget; the timeline."""
        seen = {}

        def turn(name: str, place: Callable[[], tuple[float, float]]) -> None:
            self.page.evaluate(VIEW, [1, 120, 120])
            self.page.wait_for_timeout(300)
            before = self.width()
            self.page.mouse.move(*place())
            self.page.mouse.wheel(0, -120)
            self.page.wait_for_timeout(500)
            scale = self.page.evaluate(SCALE)
            seen[name] = [round(scale, 3), round(self.width() / before / scale, 3)]

        self.page.mouse.click(*EMPTY)
        turn("over_the_canvas", lambda: EMPTY)
        turn("over_the_spans", lambda: self.prompts.place("prompts", 7))
        turn("over_the_buttons", lambda: self.middle(".h2t-bar"))
        self.page.evaluate(VIEW, [1, 120, 120])
        self.page.wait_for_timeout(300)
        self.page.mouse.click(*self.prompts.place("prompts", 1))
        turn("with_the_focus", lambda: self.prompts.place("prompts", 7))
        self.prompts.root.locator("input[value=Fit]").click()
        return seen

    def middle(self, selector: str) -> tuple[float, float]:
        """Of a part of the prompts' widget, once it is visible."""
        part = self.prompts.root.locator(selector)
        part.wait_for(state="visible")
        box = part.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def width(self) -> float:
        return self.prompts.root.locator(".h2t-content").bounding_box()["width"]

    def copied(self) -> int:
        """How many more nodes there are once a span was clicked, then the node's title, then Ctrl+C and Ctrl+V."""
        count = f"() => {APP}.graph._nodes.length"
        before = self.page.evaluate(count)
        self.page.mouse.click(*self.prompts.place("prompts", 1))
        left, top, width, _height = self.page.evaluate(ON_SCREEN, self.prompts.node_type)
        self.page.mouse.click(left + width / 2, top + 12)
        self.page.wait_for_timeout(300)
        self.page.keyboard.press("Control+c")
        self.page.keyboard.press("Control+v")
        self.page.wait_for_timeout(1000)
        return self.page.evaluate(count) - before

    def theme(self) -> dict:
        """The drawn part: another one in the light theme, and the first one again in the dark."""
        dark = self.page.evaluate(PIXELS)
        for theme, is_same in (("light", "!=="), ("dark", "===")):
            self.page.evaluate(f"(theme) => {APP}.extensionManager.setting.set('Comfy.ColorPalette', theme)", theme)
            self.page.wait_for_function(f"(dark) => ({PIXELS})() {is_same} dark", arg=dark, timeout=20_000)
        return {"light": "another one", "dark": "the same again"}

    def subgraphs(self) -> dict:
        """The sampler in a subgraph, then the timeline itself in one."""
        seen = {}
        self.build()
        self.page.evaluate(TO_SUBGRAPH, ["Hallo2EncodeSpeech", "Hallo2SampleVideo"])
        self.page.evaluate(IN_SUBGRAPH, ["fps", 24])
        seen["from_outside"] = [self.prompts.says("24 fps"), self.weights.says("24 fps")]
        self.build()
        self.page.evaluate(TO_SUBGRAPH, ["Hallo2TextPrompts"])
        self.page.evaluate(OPEN)
        self.page.evaluate(VIEW, [1, 120, 120])
        seen["from_inside"] = self.prompts.says("0:08.67")
        return seen


def spot(visit: Visit, node_type: str, name: str) -> tuple[float, float]:
    """The middle of a widget that a classic editor has drawn, brought into sight."""
    page = visit.page
    page.evaluate(f"(type) => {{ const [x, y] = ({NODE})(type).pos; ({VIEW})([1, 200 - x, 200 - y]) }}", node_type)
    page.wait_for_timeout(500)
    return page.evaluate(
        f"""([type, name]) => {{
          const node = ({NODE})(type), canvas = {APP}.canvas, {{ left, top }} = canvas.canvas.getBoundingClientRect();
          const widget = node.widgets.find((one) => one.name === name), [x, y] = canvas.ds.offset;
          return [left + node.pos[0] + x + node.size[0] / 2, top + node.pos[1] + y + widget.last_y + 10];
        }}""",
        [node_type, name],
    )


def drawn(page: Page, node_type: str):
    """A node that is drawn as HTML."""
    return page.locator(f'[data-node-id="{page.evaluate(f"(type) => ({NODE})(type).id", node_type)}"]')


def choose(visit: Visit, node_type: str, name: str, value: str) -> None:
    """Out of a node's list, with the mouse."""
    x, y = spot(visit, node_type, name)
    page = visit.page
    if visit.nodes_2:
        node = drawn(page, node_type)
        node.get_by_text("speech.wav").first.click()
        page.get_by_text(value, exact=True).first.click()
        page.keyboard.press("Escape")
    else:
        page.mouse.click(x, y)
        page.locator(".litecontextmenu .litemenu-entry", has_text=value).first.click()
    page.evaluate(VIEW, [1, 120, 120])


def type_number(visit: Visit, node_type: str, name: str, value: float) -> None:
    """Into a node's number, with Enter."""
    x, y = spot(visit, node_type, name)
    page = visit.page
    if visit.nodes_2:
        box = drawn(page, node_type).get_by_label(name, exact=True).locator("input").first
        box.click(force=True)  # what lies over it is for dragging the number
        box.fill(str(value))
        page.keyboard.press("Enter")
    else:
        page.mouse.dblclick(x, y)
        page.locator(".graphdialog input").fill(str(value))
        page.keyboard.press("Enter")
    page.evaluate(VIEW, [1, 120, 120])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--nodes-2", action="store_true", help="draw nodes as HTML, as new hosts can")
    options = parser.parse_args()
    with open_editor(options.url, options.nodes_2) as editor:
        editor.page.add_init_script(f"({COUNT})()")
        visit = Visit(editor, options.nodes_2)
        seen = {"loading": visit.loading(), "late": visit.late()}
        visit.build()
        for step in ("idle", "theme", "wheel", "upstream", "copied", "trimmed", "subgraphs", "narrow", "fresh"):
            seen[step] = getattr(visit, step)()
        json.dump(seen | {"console_errors": editor.console_errors}, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
