// Key bindings of spans and playhead. While a text is edited, keys go to the text.

/**
 * @typedef {{shiftKey: boolean, altKey: boolean, ctrlKey: boolean, metaKey: boolean, key: string}} Keys
 * @param {Keys} event
 * @param {"span"|"playhead"|"other"} focus
 * @param {"prompts"|"weights"} kind
 * @returns {[string, ...unknown[]]|null} an editor command and its arguments
 */
export function commandOf(event, focus, kind) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    if (event.altKey) return null;
    if (key === "z") return event.shiftKey ? ["redo"] : ["undo"];
    if (event.shiftKey) return null;
    if (key === "y") return ["redo"];
    if (key === "c" && focus === "span") return ["copy"];
    return key === "v" && focus !== "other" ? ["paste"] : null;
  }
  if (focus === "other") return null;
  return (focus === "span" ? spanCommand(event, key, kind) : playheadCommand(key, kind)) ?? plainCommand(event, key);
}

/** The step of a key, in frames or whole seconds: [count, unit]. */
function stepOf(key) {
  return { ArrowLeft: [-1, "frame"], ArrowRight: [1, "frame"], PageDown: [1, "second"], PageUp: [-1, "second"] }[key];
}

function spanCommand({ shiftKey, altKey }, key, kind) {
  const step = stepOf(key);
  if (step) return ["nudge", shiftKey ? "end" : altKey ? "start" : "span", ...step];
  if (key === "Enter" || key === "F2") return ["rename"];
  if (key === "Delete" || key === "Backspace") return ["remove"];
  if (key === "o" && !altKey) return ["toggleOpenEnd"];
  if (key === "Escape") return ["leave"];
  if (kind === "weights") {
    if (key === "ArrowUp" || key === "ArrowDown") return ["nudgeValue", key === "ArrowUp" ? 1 : -1];
    if (/^[0-9.]$/.test(key)) return ["rename", key];
  }
  return null;
}

function playheadCommand(key, kind) {
  const step = stepOf(key);
  if (step) return ["nudgePlayhead", ...step];
  if (key === "Home" || key === "End") return ["playheadTo", key === "Home" ? "start" : "end"];
  if (kind === "weights" && (key === "ArrowUp" || key === "ArrowDown")) return ["nextRow", key === "ArrowUp" ? -1 : 1];
  return key === "Escape" ? ["leave"] : null;
}

function plainCommand({ altKey }, key) {
  if (altKey) return null;
  if (key === " ") return ["play"];
  if (key === "s") return ["split"];
  if (key === "n" || key === "Insert") return ["add"];
  return { "+": ["zoom", 2], "=": ["zoom", 2], "-": ["zoom", 0.5], 0: ["zoom", 0] }[key] ?? null;
}
