// The widget's page: buttons, ruler and waveform, rows of spans, the playhead, and a status line.

import { colorsOf, drawScene } from "./drawing.mjs";
import { element, setAttributes } from "./element.mjs";
import { Row } from "./row.mjs";
import { clockText } from "./ruler.mjs";
import { PROMPTS, TRACKS } from "./grammar.mjs";
import { t } from "./words.mjs";

const BUTTONS = [
  // command, label, tooltip
  [["add"], t("+ Add"), t("A new span at the playhead (N, or double-click in a row)")],
  [["split"], t("Split"), t("Split at the playhead, or in the middle (S)")],
  [["remove"], t("Delete"), t("Delete the selected span (Delete)")],
  null,
  [["undo"], "↶", t("Undo (Ctrl+Z)")],
  [["redo"], "↷", t("Redo (Ctrl+Y)")],
  null,
  [["play"], "▶", t("Play the sound from the playhead, or stop (Space)")],
  [["toggleSnapping"], t("Snap"), t("Snap to frames, pauses and other edges; hold Shift to drag freely")],
  [["zoom", 0.5], "−", t("Show more time (−)")],
  [["zoom", 2], "+", t("Show less time (+, or the wheel when the timeline has the focus)")],
  [["zoom", 0], t("Fit"), t("Show all (0)")],
];
// Canvas pixels per page pixel. The graph may be magnified, and there is no event for that.
const OVERSAMPLING = 2;
const MOST_PIXELS = 4;

/** Draws from observed sizes, see `watch`. It reads the layout only for pointer events and to scroll. */
export class TimelineView {
  #size = { width: 0, height: 0, scrollBar: 0 }; // of the scroller, the canvas and the scroller, in px
  #scrolled = 0;
  #colors = null;
  #scene = []; // what the canvas shows

  constructor(root, kind, rowNames) {
    this.element = root;
    this.rows = rowNames.map((name) => new Row(name));
    this.buttons = BUTTONS.map((button) => button && makeButton(...button));
    this.clock = element("span", "h2t-clock", { "aria-hidden": "true" });
    this.canvas = element("canvas", "h2t-canvas", { "aria-hidden": "true" });
    this.playhead = element("input", "h2t-playhead-control", {
      type: "range", min: 0, step: 1, "aria-label": t("Playhead"), title: "",
    });
    this.line = element("div", "h2t-playhead");
    this.guide = element("div", "h2t-guide");
    this.content = element(
      "div", "h2t-content", {},
      this.playhead, this.canvas, ...this.rows.map((row) => row.element), this.guide, this.line,
    );
    this.scroller = element("div", "h2t-scroller", { tabindex: -1 }, this.content);
    this.labels = element(
      "div", "h2t-labels", { "aria-hidden": "true" },
      element("div", "h2t-label-space"), ...(kind === "weights" ? rowNames.map(makeRowLabel) : []),
    );
    this.status = element("div", "h2t-status", { role: "status" });
    this.facts = element("div", "h2t-facts");
    root.classList.add("hallo2-timeline", `is-${kind}`); // the editors add their own classes
    const name = kind === PROMPTS ? t("Timeline of prompts") : t("Timeline of weights");
    setAttributes(root, { role: "group", "aria-label": name });
    root.replaceChildren(
      element("div", "h2t-bar", { role: "toolbar", "aria-label": t("Timeline") },
        ...this.buttons.map((button) => button ?? element("span", "h2t-space")), this.clock),
      element("div", "h2t-stage", { "data-capture-wheel": "true" }, this.labels, this.scroller),
      element("div", "h2t-foot", {}, this.status, this.facts),
    );
  }

  /** Width of the visible part, in px; 0 while the widget is not on the page. */
  get width() {
    return this.#size.width;
  }

  /**
   * Follows the widget's size and scrolling.
   * @param {() => void} draw
   * @param {() => void} whenShown before drawing, when the widget has just become visible
   */
  watch(draw, whenShown) {
    const sizes = new ResizeObserver((entries) => {
      const wasHidden = this.#isHidden;
      for (const { target, contentRect, borderBoxSize } of entries) {
        const { width, height } = contentRect;
        if (target === this.canvas) this.#size.height = height;
        else Object.assign(this.#size, { width, scrollBar: borderBoxSize[0].blockSize - height });
      }
      if (this.#isHidden) return;
      if (wasHidden) {
        this.recolor(); // the theme may have changed meanwhile
        whenShown();
      }
      draw();
    });
    sizes.observe(this.scroller);
    sizes.observe(this.canvas);
    this.scroller.addEventListener("scroll", () => {
      this.#scrolled = this.scroller.scrollLeft;
      draw();
    });
  }

  /** The next drawing takes the colors of the page's theme anew. */
  recolor() {
    this.#colors = null;
  }

  get #isHidden() {
    return this.#size.width === 0 || this.#size.height === 0;
  }

  boxAt(place) {
    return this.rows.find((row) => row.name === place?.row)?.boxes[place.index] ?? null;
  }

  /** The time at a screen position; the graph may have any scale. */
  secondsAt(clientX, length) {
    const { left, width } = this.content.getBoundingClientRect();
    return Math.max(0, Math.min(length, ((clientX - left) / width) * length));
  }

  /** Seconds per distance on the screen. */
  secondsIn(screenPx, length) {
    return (screenPx / this.content.getBoundingClientRect().width) * length;
  }

  /** Scrolls to a time that is not visible. */
  reveal(seconds, length) {
    const { scroller } = this;
    const x = (seconds / length) * scroller.scrollWidth - scroller.scrollLeft;
    if (x < 0 || x > this.width) scroller.scrollLeft += x - this.width / 2;
  }

  render(state) {
    const { length, fps } = state;
    this.content.style.width = `${100 * state.zoom}%`;
    this.element.classList.toggle("is-broken", state.error !== null);
    for (const row of this.rows) row.show(state);
    for (const label of this.labels.children) label.classList.toggle("is-active", label.dataset.row === state.row);
    const place = `${(100 * state.playhead) / length}%`;
    this.line.style.left = place;
    setAttributes(this.playhead, { max: Math.ceil(length * fps), "aria-valuetext": timeSaid(state.playhead, fps) });
    this.playhead.value = String(Math.round(state.playhead * fps));
    this.clock.textContent = timeSaid(state.playhead, fps);
    this.guide.hidden = state.guide === null;
    if (state.guide !== null) this.guide.style.left = `${(100 * state.guide) / length}%`;
    this.#showButtons(state);
    const status = state.error ?? state.said;
    this.status.textContent = status;
    this.status.classList.toggle("is-error", state.error !== null);
    this.status.title = status; // in full, if the line is too short
    this.facts.textContent = state.facts;
    this.draw(state);
  }

  /** Redraws the canvas if its content has changed. */
  draw(state) {
    if (this.#isHidden) return;
    const { width, height, scrollBar } = this.#size;
    this.canvas.style.width = `${width}px`;
    this.labels.style.paddingBottom = `${scrollBar}px`;
    this.#colors ??= colorsOf(this.canvas);
    const ratio = Math.min(MOST_PIXELS, Math.max(1, OVERSAMPLING * window.devicePixelRatio));
    const pxPerSecond = (width * state.zoom) / state.length;
    const parts = [width, height, ratio, this.#scrolled, pxPerSecond, state.fps, state.sound, this.#colors];
    if (parts.every((part, index) => part === this.#scene[index])) return;
    this.#scene = parts;
    const from = this.#scrolled / pxPerSecond;
    drawScene(this.canvas, { ...state, width, height, ratio, from, pxPerSecond }, this.#colors);
  }

  #showButtons(state) {
    const off = {
      remove: !state.selected,
      undo: !state.canUndo,
      redo: !state.canRedo,
      add: state.error !== null,
      split: state.error !== null,
    };
    for (const button of this.buttons.filter(Boolean)) button.disabled = off[button.command[0]] ?? false;
    const snap = this.buttons.find((button) => button?.command[0] === "toggleSnapping");
    setAttributes(snap, { "aria-pressed": state.snapping });
  }
}

/** An input, not a button: with a focused button, the editor's own undo would also handle Ctrl+Z. */
function makeButton(command, label, title) {
  const made = element("input", "h2t-button", { type: "button", value: label, title, "aria-label": title });
  return Object.assign(made, { command });
}

function makeRowLabel(name) {
  const { least, most } = TRACKS[name];
  const title = t("{track}: {least} to {most}", { track: name, least, most });
  const made = element("div", "h2t-label", { "data-row": name, title });
  made.append(element("b", "", {}, name), element("small", "", {}, `${least}–${most}`));
  return made;
}

function timeSaid(seconds, fps) {
  return `${clockText(seconds, 2)} · ${t("frame {frame}", { frame: Math.floor(seconds * fps + 1e-6) })}`;
}
