// The timeline editor as a node's widget: reads and writes the node's text, and follows the graph around the node
// through the front-end's own callbacks. Nothing is polled.

import { TimelineEditor } from "./editor.mjs";
import { GraphWalk } from "./graph_walk.mjs";
import { loadSound } from "./sound.mjs";
import { surroundingsOf } from "./surroundings.mjs";

const live = new Set(); // editors of nodes in a graph
const removed = new Map(); // elements of removed nodes, by kind and id of the node
const followed = new WeakSet(); // nodes and widgets whose callbacks are chained
let isAnnounced = false;

/**
 * Fills `root` with the editor of a node's text.
 * @param {HTMLElement} root
 * @param {object} node @param {"prompts"|"weights"} kind @param {object} text the node's widget that holds the text
 * @param {{app: object, api: object}} host the front-end's two objects
 */
export function fillTimeline(root, node, kind, text, { app, api }) {
  const editor = new TimelineEditor(root, kind, {
    read: () => String(text.value ?? ""),
    write: (value) => {
      text.value = value;
      app.graph?.setDirtyCanvas(true, true);
    },
    look: () => {
      const walk = new GraphWalk();
      const around = surroundingsOf(node, walk);
      for (const passed of walk.nodes) follow(passed, "onConnectionsChange");
      for (const widget of walk.widgets) follow(widget, "callback");
      return around;
    },
    loadSound: (file) => {
      const route = `/view?${new URLSearchParams(file)}`;
      return loadSound(route, () => api.fetchApi(route));
    },
    player: (file) => new Audio(api.apiURL(`/view?${new URLSearchParams(file)}`)),
  });
  follow(text, "callback");
  // Every change that a user makes to the graph, subgraphs included. For a number typed in Nodes 2.0 it fires only at
  // the next click, so the callbacks are needed too. Adding the same listener again has no effect.
  api.addEventListener("graphChanged", announce);
  // A script may set a value without a callback, which fires nothing: refresh before the widget is used.
  root.addEventListener("pointerenter", announce);
  root.addEventListener("wheel", (event) => passOn(event, app.canvas.canvas), { passive: false });
  const enter = () => {
    live.add(editor);
    takePlace(root, `${kind} ${node.id}`);
  };
  if (node.graph) enter();
  chain(node, "onAdded", enter);
  chain(node, "onRemoved", () => {
    live.delete(editor);
    removed.set(`${kind} ${node.id}`, root);
  });
}

/**
 * An undo or another workflow replaces all nodes. Nodes 2.0 then mistakes a new node for the old one with the same id
 * and keeps the old element on the page, whose edits would go to a node that no longer exists.
 */
function takePlace(root, key) {
  const old = removed.get(key);
  removed.delete(key);
  if (old?.isConnected && old !== root) old.replaceWith(root);
}

/** Refreshes all editors once, after the current task: one action may change many things. */
function announce() {
  if (isAnnounced) return;
  isAnnounced = true;
  queueMicrotask(() => {
    isAnnounced = false;
    for (const editor of live) editor.refresh();
    for (const [key, root] of removed) if (!root.isConnected) removed.delete(key);
  });
}

/** Never unchained: that would also drop callbacks chained later. An unused callback costs nothing. */
function follow(target, callback) {
  if (followed.has(target)) return;
  followed.add(target);
  chain(target, callback, announce);
}

/** Calls `also` after an object's own callback, whose arguments and result are unchanged. */
function chain(target, name, also) {
  const own = target[name];
  target[name] = function (...args) {
    const result = own?.apply(this, args);
    also();
    return result;
  };
}

/** A wheel event that the editor does not use zooms or pans the graph, as everywhere else on a node. */
function passOn(event, canvas) {
  event.preventDefault(); // otherwise the page would zoom or scroll
  event.stopPropagation();
  canvas.dispatchEvent(new WheelEvent(event.type, event));
}

// Another color palette changes the attributes of the page's outermost elements.
const palette = new MutationObserver(() => {
  for (const editor of live) editor.recolor();
});
for (const element of [document.documentElement, document.body]) {
  palette.observe(element, { attributes: true, attributeFilter: ["class", "style"] });
}

// A press outside returns the keys to the graph, and removes the caret: browsers send "copy" to the element with the
// caret, so Ctrl+C on the selected node would copy nothing.
document.addEventListener(
  "pointerdown",
  ({ target }) => {
    const focused = document.activeElement;
    if (focused?.closest(".hallo2-timeline")?.contains(target) !== false) return;
    focused.blur();
    document.getSelection().removeAllRanges();
  },
  { capture: true },
);
