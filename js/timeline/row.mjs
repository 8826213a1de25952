// A row of spans, and behind them their effect in the sampler: each prompt's strength, or the weight's value.

import { spansOf } from "./edits.mjs";
import { element, setAttributes, svgElement } from "./element.mjs";
import { TRACKS } from "./grammar.mjs";
import { hueOf, SpanBox } from "./span_box.mjs";
import { envelope, valueLine } from "./transitions.mjs";
import { t } from "./words.mjs";

export class Row {
  constructor(name) {
    this.name = name;
    this.boxes = [];
    this.curves = svgElement("svg", { class: "h2t-curves", preserveAspectRatio: "none", "aria-hidden": "true" });
    const label = name in TRACKS ? t("{track} weights", { track: name }) : t("Prompts");
    this.element = element("div", "h2t-row", { role: "group", "aria-label": label, "data-row": name }, this.curves);
  }

  show(state) {
    const spans = spansOf(state.timeline, this.name);
    while (this.boxes.length < spans.length) {
      this.boxes.push(new SpanBox());
      this.element.append(this.boxes.at(-1).element);
    }
    for (const box of this.boxes.splice(spans.length)) box.element.remove();
    spans.forEach((span, index) => {
      const selected = state.selected?.row === this.name && state.selected.index === index;
      this.boxes[index].show(span, { row: this.name, index }, { ...state, selected });
    });
    this.element.classList.toggle("is-active", state.row === this.name);
    this.#draw(spans, state);
  }

  #draw(spans, { fps, length, transition, own }) {
    setAttributes(this.curves, { viewBox: `0 0 ${length} 1` });
    const track = TRACKS[this.name];
    const lines = track
      ? [valueLine(spans, own[this.name], transition, fps, length).map(([time, value]) => [time, value / track.most])]
      : spans.map((span) => envelope(span, transition, fps, length));
    while (this.curves.childElementCount < lines.length) this.curves.append(svgElement("path"));
    while (this.curves.childElementCount > lines.length) this.curves.lastElementChild.remove();
    lines.forEach((line, index) => {
      const path = this.curves.children[index];
      setAttributes(path, { d: `M0 1L${line.map(([time, height]) => `${time} ${1 - height}`).join("L")}L${length} 1Z` });
      path.style.setProperty("--hue", hueOf({ row: this.name, index }));
    });
  }
}
