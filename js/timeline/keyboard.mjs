// Keys that are pressed within the widget. What it takes, nobody else gets.

import { commandOf } from "./keys.mjs";

/**
 * @param {import("./view.mjs").TimelineView} view
 * @param {import("./editor.mjs").TimelineEditor} editor
 */
export function listenToKeys(view, editor) {
  view.element.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (editor.isEditing) {
      typedKey(event, editor);
      return;
    }
    const command = commandOf(event, focusOf(event.target, view), editor.kind);
    if (command === null) return;
    event.stopPropagation();
    const [name, typed] = command;
    if (name !== "rename" || typed === undefined) event.preventDefault(); // a digit goes on into the text it opens
    editor.run(command);
  });
  view.element.addEventListener("focusin", ({ target }) => {
    const box = target.closest(".h2t-span");
    if (box) editor.select({ row: box.dataset.row, index: Number(box.dataset.index) });
  });
  view.element.addEventListener("focusout", ({ target }) => {
    if (target.matches(".h2t-text:not([readonly])")) editor.endEdit();
  });
  view.playhead.addEventListener("input", () => editor.playheadToFrame(Number(view.playhead.value)));
}

function typedKey(event, editor) {
  if (event.ctrlKey || event.metaKey) {
    if ("zyaxcv".includes(event.key.toLowerCase())) event.stopPropagation(); // the text's own undo, copy and paste
    return;
  }
  event.stopPropagation();
  if (event.key === "Enter") editor.endEdit();
  else if (event.key === "Escape") editor.cancelEdit();
}

function focusOf(target, view) {
  if (target === view.playhead) return "playhead";
  return target.matches(".h2t-text") ? "span" : "other";
}
