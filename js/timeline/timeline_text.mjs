// The node's text, read as a timeline, with undo. The text is the truth: it is what the graph saves, and whoever
// changes it is followed. One that cannot be read is left alone; the last one that could stays to be looked at.

import { formatTimeline, parseTimeline, TimelineError } from "./grammar.mjs";
import { amend, begin, record, redo, undo } from "./history.mjs";

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

  /** Looks whether text or frame rate have changed, and says so. */
  follow(fps) {
    const text = this.#port.read();
    if (text === this.#text && fps === this.#fps) return false;
    this.#history = this.#history === null ? begin(text) : record(this.#history, text);
    this.#fps = fps;
    this.#take(text);
    return true;
  }

  /** @param {boolean} isFurther the same step as the last change, as while something is dragged */
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
    this.#port.write(text); // last: the node announces the change, and what looks then finds it known
  }

  #take(text) {
    this.#text = text;
    try {
      this.timeline = parseTimeline(this.#kind, text, this.#fps);
      this.error = null;
    } catch (problem) {
      if (!(problem instanceof TimelineError)) throw problem;
      this.error = `Line ${problem.line}, column ${problem.column}: ${problem.message}`;
    }
  }
}
