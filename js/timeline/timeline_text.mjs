// The node's text, parsed as a timeline, with undo. The text is authoritative: the graph saves it, and all changes to
// it are followed. An invalid text is left unchanged; the last valid timeline stays visible.

import { formatTimeline, parseTimeline, TimelineError } from "./grammar.mjs";
import { amend, begin, record, redo, undo } from "./history.mjs";
import { t } from "./words.mjs";

export class TimelineText {
  error = null;
  #kind;
  #port;
  #text = null;
  #fps = null;
  #history = null;

  /** @param {{read: () => string, write: (text: string) => void}} port the node's text */
  constructor(kind, port) {
    this.#kind = kind;
    this.#port = port;
    this.timeline = parseTimeline(kind, "");
  }

  get canUndo() {
    return this.#history.past.length > 0;
  }

  get canRedo() {
    return this.#history.future.length > 0;
  }

  /** Reads the text; returns whether it or the frame rate has changed. */
  follow(fps) {
    const text = this.#port.read();
    if (text === this.#text && fps === this.#fps) return false;
    this.#history = this.#history === null ? begin(text) : record(this.#history, text);
    this.#fps = fps;
    this.#take(text);
    return true;
  }

  /** @param {boolean} isFurther part of the last step, as during a drag */
  change(timeline, isFurther = false) {
    const text = formatTimeline(timeline, this.#text.trim().includes("\n") ? "\n" : "; ");
    this.#history = (isFurther ? amend : record)(this.#history, text);
    this.#write(text);
  }

  undo() {
    this.#history = undo(this.#history);
    this.#write(this.#history.present);
  }

  redo() {
    this.#history = redo(this.#history);
    this.#write(this.#history.present);
  }

  #write(text) {
    if (text === this.#text) return;
    this.#take(text);
    this.#port.write(text); // last: writing triggers a refresh, which must find the change already recorded
  }

  #take(text) {
    this.#text = text;
    try {
      this.timeline = parseTimeline(this.#kind, text, this.#fps);
      this.error = null;
    } catch (problem) {
      if (!(problem instanceof TimelineError)) throw problem;
      const { line, column, message } = problem;
      this.error = t("Line {line}, column {column}: {message}", { line, column, message });
    }
  }
}
