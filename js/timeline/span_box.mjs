// One span on the page: a box with two draggable edges, and its text. The text has the focus and is read-only until it
// is edited: ComfyUI's editor ignores keys pressed in an input, so its undo does not interfere with ours.

import { boundsOf } from "./edits.mjs";
import { element, setAttributes } from "./element.mjs";
import { TRACKS } from "./grammar.mjs";
import { t } from "./words.mjs";

const PROMPT_HUES = [212, 152, 32, 286, 350, 184];
const TRACK_HUES = { pose: 212, face: 286, lip: 350, cfg: 40 };
const LONGEST_PROMPT = 1000; // characters in a box; the node's text allows more

export class SpanBox {
  constructor() {
    this.label = element("input", "h2t-text", {
      type: "text", readonly: "", spellcheck: "false", autocomplete: "off", maxlength: LONGEST_PROMPT,
    });
    this.times = element("div", "h2t-times");
    this.element = element(
      "div", "h2t-span", {},
      element("div", "h2t-edge", { "data-edge": "start" }),
      this.label,
      this.times,
      element("div", "h2t-edge", { "data-edge": "end" }),
    );
  }

  get isEdited() {
    return !this.label.readOnly;
  }

  show(span, place, { fps, length, selected }) {
    const [start, end] = boundsOf(span, fps);
    const percent = (seconds) => `${(100 * seconds) / length}%`;
    const isPrompt = !(place.row in TRACKS);
    const open = span.end === null;
    const { element: box, label } = this;
    setAttributes(box, { "data-row": place.row, "data-index": place.index });
    box.title = spanSaid(span, place.row, fps);
    box.style.left = percent(start);
    box.style.width = percent(Math.max(0, Math.min(end, length) - start));
    box.style.setProperty("--hue", hueOf(place));
    box.classList.toggle("is-open", open);
    box.classList.toggle("is-selected", selected);
    this.times.textContent = `${short(start)} – ${open ? t("end") : short(end)}`;
    if (!this.isEdited) label.value = span.content;
    const what = isPrompt ? t("Prompt") : t("{track} weight", { track: place.row });
    const name = `${what}, ${timesSaid(span, start, end)}`;
    setAttributes(label, { "aria-label": name, ...(isPrompt ? {} : spinner(span, place.row)) });
  }

  edit(typed) {
    this.label.readOnly = false;
    this.element.classList.add("is-edited");
    this.label.focus({ preventScroll: true });
    if (typed === undefined) this.label.select();
    else this.label.value = ""; // the key itself is entered as text
  }

  endEdit() {
    this.label.readOnly = true;
    this.element.classList.remove("is-edited");
    this.label.setSelectionRange(0, 0);
  }
}

export function hueOf({ row, index }) {
  return TRACK_HUES[row] ?? PROMPT_HUES[index % PROMPT_HUES.length];
}

/** 2.4 – 5 s, frames 60 – 124: smiling */
export function spanSaid(span, row, fps) {
  const [start, end] = boundsOf(span, fps);
  const frameFrom = (seconds) => Math.ceil(seconds * fps - 1e-6);
  const frames = span.end
    ? t("frames {first} – {last}", { first: frameFrom(start), last: frameFrom(end) - 1 })
    : t("from frame {first}", { first: frameFrom(start) });
  return `${timesSaid(span, start, end)}, ${frames}: ${row in TRACKS ? `${row} ` : ""}${span.content}`;
}

function timesSaid(span, start, end) {
  const times = { start: short(start), end: short(end) };
  return span.end ? t("{start} – {end} s", times) : t("{start} s – end", times);
}

function spinner(span, track) {
  const { least, most } = TRACKS[track];
  const range = { "aria-valuemin": least, "aria-valuemax": most, "aria-valuenow": span.content };
  return { role: "spinbutton", inputmode: "decimal", ...range };
}

const short = (seconds) => String(Number(seconds.toFixed(3)));
