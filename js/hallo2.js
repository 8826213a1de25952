// The timeline widget of Text Prompts and Weight Timeline, and the growing video in Sample Video. All nodes work without
// them: a timeline is a text, which the widget only shows and edits.
//
// The host makes every editor load every .js file in this folder, so this is the only one: the rest is .mjs, loaded
// when it is needed first.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const KINDS = { Hallo2TextPrompts: "prompts", Hallo2WeightTimeline: "weights" };
const HEIGHT_PX = { prompts: 206, weights: 272 };
const ROOM_PX = 22; // margin that the editors leave around a widget
const WIDTH_PX = 560;
const MODULES =
  "commands dragging drawing editor edits element followed_sound gesture grammar graph_walk history keyboard keys " +
  "moments nudges playback pointer row ruler session snapping sound sound_shape span_box surroundings timeline_text " +
  "transitions typing view widget words";

app.registerExtension({
  name: "ComfyUI-Hallo2.timeline",

  nodeCreated(node) {
    const kind = KINDS[node.comfyClass];
    const text = node.widgets?.find((widget) => widget.name === "timeline");
    if (kind && text) addTimeline(node, kind, text);
  },
});

/** The widget takes its space at once, so that a saved node keeps its size. The editor fills it once loaded. */
function addTimeline(node, kind, text) {
  const root = document.createElement("div");
  root.style.minHeight = `${HEIGHT_PX[kind]}px`;
  const widget = node.addDOMWidget("timeline_editor", "hallo2_timeline", root, {
    serialize: false, // not in the queued prompt …
    getMinHeight: () => HEIGHT_PX[kind] + ROOM_PX,
  });
  widget.serialize = false; // … nor in the saved workflow: only the text counts
  const [width, height] = node.computeSize();
  node.setSize([Math.max(width, WIDTH_PX), height]);
  timelineCode()
    .then(({ fillTimeline }) => fillTimeline(root, node, kind, text, { app, api }))
    .catch((problem) => {
      console.warn("ComfyUI-Hallo2: the timeline editor could not be loaded.", problem);
      root.textContent = `The timeline editor could not be loaded (${problem.message}). Edit the text above instead.`;
    });
}

let code = null;

function timelineCode() {
  code ??= loadCode().catch((problem) => {
    code = null; // the next node tries again
    throw problem;
  });
  return code;
}

async function loadCode() {
  // The host sends .js and .css with "no-store", but .mjs without any cache header. After an update of the pack a
  // browser could use old modules for days, mixed with new ones. So each one is revalidated once per page load.
  const addresses = MODULES.split(" ").map((name) => addressOf(`${name}.mjs`));
  await Promise.all([stylesheet(addressOf("timeline.css")), ...addresses.map(revalidate)]);
  const { loadWords } = await import("./timeline/words.mjs");
  await loadWords(app.extensionManager.setting.get("Comfy.Locale")).catch((problem) => {
    console.warn("ComfyUI-Hallo2: the timeline editor stays English.", problem);
  });
  return import("./timeline/widget.mjs");
}

const addressOf = (name) => new URL(`./timeline/${name}`, import.meta.url).href;

let videoCode = null;
let [versions, runs] = [0, 0];

api.addEventListener("execution_start", () => (runs += 1));

/** nodes/host/editor.py: a clip was added to `file`, whose address is that of the host's /view. */
api.addEventListener("hallo2_growing_video", async ({ detail: { node: id, file } }) => {
  const node = nodeOf(String(id));
  if (!node) return; // another workflow is open
  const address = api.apiURL(`/view?${new URLSearchParams({ ...file, version: ++versions })}`);
  const module = new URL("./growing_video.mjs", import.meta.url).href;
  videoCode ??= revalidate(module).then(() => import("./growing_video.mjs"));
  (await videoCode).showGrowingVideo(node, address, runs);
});

/** id: of a node, or "a:b" for node b in the subgraph of node a, which stands for it: it is what most users see. */
function nodeOf(id) {
  const [outermost] = id.split(":");
  const graph = app.rootGraph ?? app.graph;
  return graph.getNodeById(outermost) ?? graph.getNodeById(Number(outermost));
}

async function revalidate(address) {
  const reply = await fetch(address, { cache: "no-cache" });
  await reply.arrayBuffer(); // an incomplete reply would not be cached
}

function stylesheet(href) {
  return new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
    link.addEventListener("load", resolve);
    link.addEventListener("error", () => reject(new Error("timeline.css is missing")));
    document.head.append(link);
  });
}
