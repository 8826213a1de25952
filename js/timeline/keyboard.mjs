// Key presses inside the widget. Keys that it handles do not reach the graph.

import { commandOf } from "./keys.mjs";

/**
 * @param {import("./view.mjs").TimelineView} view
 * @param {{session: import("./session.mjs").TimelineSession, typing: import("./typing.mjs").Typing,
 *   commands: import("./commands.mjs").Commands}} parts of the editor
 */
export function listenToKeys(view, { session, typing, commands }) {
  view.element.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (typing.isActive) {
      typedKey(event, typing);
      return;
    }
    const command = commandOf(event, focusOf(event.target, view), session.kind);
    if (command === null) return;
    event.stopPropagation();
    const [name, typed] = command;
    if (name !== "rename" || typed === undefined) event.preventDefault(); // a digit is entered into the text it opens
    commands.run(command);
  });
  view.element.addEventListener("focusin", ({ target }) => {
    const box = target.closest(".h2t-span");
    if (box) session.select({ row: box.dataset.row, index: Number(box.dataset.index) });
  });
  view.element.addEventListener("focusout", ({ target }) => {
    if (target.matches(".h2t-text:not([readonly])")) typing.end();
  });
  view.playhead.addEventListener("input", () => commands.playheadToFrame(Number(view.playhead.value)));
}

function typedKey(event, typing) {
  if (event.ctrlKey || event.metaKey) {
    if ("zyaxcv".includes(event.key.toLowerCase())) event.stopPropagation(); // the text's own undo, copy and paste
    return;
  }
  event.stopPropagation();
  if (event.key === "Enter") typing.end();
  else if (event.key === "Escape") typing.cancel();
}

function focusOf(target, view) {
  if (target === view.playhead) return "playhead";
  return target.matches(".h2t-text") ? "span" : "other";
}
