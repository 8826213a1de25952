// ComfyUI-Hallo2 in the editor: the timeline widget of Text Prompts and Weight Timeline. Without it both nodes are
// whole: their timeline is a text, and this file only shows that text and edits it.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { TimelineEditor } from "./timeline/editor.mjs";
import { loadSound } from "./timeline/sound.mjs";
import { surroundingsOf } from "./timeline/surroundings.mjs";

const KINDS = { Hallo2TextPrompts: "prompts", Hallo2WeightTimeline: "weights" };
const HEIGHT_PX = { prompts: 228, weights: 294 }; // the page's own, and the room that editors leave around it
const WIDTH_PX = 560;
const LOOK_EVERY_MS = 200; // nothing tells of a file or a frame rate that is chosen on another node

app.registerExtension({
  name: "ComfyUI-Hallo2.timeline",

  init() {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet" });
    style.href = new URL("./timeline/timeline.css", import.meta.url).href;
    document.head.append(style);
  },

  nodeCreated(node) {
    const kind = KINDS[node.comfyClass];
    const text = node.widgets?.find((widget) => widget.name === "timeline");
    if (kind && text) addTimeline(node, kind, text);
  },
});

function addTimeline(node, kind, text) {
  const editor = new TimelineEditor(kind, {
    read: () => String(text.value ?? ""),
    write: (value) => {
      text.value = value;
      text.callback?.(value);
      app.graph?.setDirtyCanvas(true, true);
    },
    look: () => surroundingsOf(node),
    loadSound: (file) => {
      const route = `/view?${new URLSearchParams(file)}`;
      return loadSound(route, () => api.fetchApi(route));
    },
  });
  editor.element.addEventListener("wheel", (event) => {
    event.stopPropagation();
    app.canvas.processMouseWheel(event); // what the editor leaves zooms the graph, as everywhere else on a node
  });
  queueMicrotask(() => editor.refresh()); // a workflow that is loaded sets its text after this
  const widget = node.addDOMWidget("timeline_editor", "hallo2_timeline", editor.element, {
    serialize: false, // not in what is queued …
    getMinHeight: () => HEIGHT_PX[kind],
  });
  widget.serialize = false; // … nor in the saved workflow: the text is what counts
  const looking = setInterval(() => editor.refresh(), LOOK_EVERY_MS);
  const { onRemove } = widget;
  widget.onRemove = () => {
    clearInterval(looking);
    onRemove?.call(widget);
  };
  const [width, height] = node.computeSize();
  node.setSize([Math.max(width, WIDTH_PX), height]);
}
