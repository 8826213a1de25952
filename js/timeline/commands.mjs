// What buttons and keys ask for, by name.

import { addSpan, boundsOf, removeSpan, spanAt, spansOf, spanUnder, splitSpan, toggleOpenEnd } from "./edits.mjs";
import { PROMPTS, TRACKS } from "./grammar.mjs";
import { nudge, nudgeValue } from "./nudges.mjs";
import { onFrame } from "./snapping.mjs";

const NEW_PROMPT = "new prompt";
const LARGEST_FRAME_PX = 16; // on the screen, however long the timeline is

export class Commands {
  #session;
  #typing;

  /**
   * @param {import("./session.mjs").TimelineSession} session
   * @param {import("./typing.mjs").Typing} typing
   */
  constructor(session, typing) {
    this.#session = session;
    this.#typing = typing;
  }

  run([name, ...args]) {
    this.#session.refresh(); // what was typed a moment ago is not to be overwritten
    this[name](...args);
  }

  undo() {
    this.#session.undo();
  }

  redo() {
    this.#session.redo();
  }

  // -- spans

  add() {
    this.addAt(this.#session.row, this.#session.playhead);
  }

  /** A new span, whose text is then typed. */
  addAt(row, seconds) {
    const session = this.#session;
    session.refresh();
    if (session.isFixed) return;
    const content = session.kind === PROMPTS ? NEW_PROMPT : TRACKS[row].usual;
    const made = addSpan(session.timeline, row, onFrame(seconds, session.fps), content, session.measure);
    if (made === null) {
      session.say("No room here: another span holds this time. Split it, or go to a free time.");
      return;
    }
    session.row = row;
    session.apply(made.timeline, made.place);
    this.rename();
  }

  split() {
    const session = this.#session;
    const { fps, measure, timeline } = session;
    const place = session.selected ?? spanUnder(timeline, session.row, session.playhead, fps);
    const span = spanAt(timeline, place);
    if (span === null) {
      session.say("Nothing to split here: choose a span, or put the playhead into one.");
      return;
    }
    const [start, end] = boundsOf(span, fps);
    const middle = onFrame((start + Math.min(end, session.length)) / 2, fps);
    const made = splitSpan(timeline, place, session.playhead, measure) ?? splitSpan(timeline, place, middle, measure);
    if (made === null) {
      session.say("This span is too short to split.");
      return;
    }
    session.apply(made.timeline, made.place);
    session.focusSelected();
  }

  remove() {
    const session = this.#session;
    if (session.selected === null || session.isFixed) return;
    const { row, index } = session.selected;
    const timeline = removeSpan(session.timeline, session.selected);
    const left = spansOf(timeline, row).length;
    session.apply(timeline, left ? { row, index: Math.min(index, left - 1) } : null);
    if (left) session.focusSelected();
    else session.focusPlayhead();
  }

  /** `typed`: the first letter of the new text, which is on its way. */
  rename(typed) {
    this.#typing.begin(typed);
  }

  nudge(part, count, unit) {
    const session = this.#session;
    this.#change((timeline, place) =>
      nudge(timeline, place, part, this.#seconds(count, unit), session.measure, session.length),
    );
    const span = session.selectedSpan;
    if (span) session.view.reveal(boundsOf(span, session.fps)[0], session.length);
  }

  nudgeValue(direction) {
    this.#change((timeline, place) => nudgeValue(timeline, place, direction));
  }

  /** What is done to the chosen span, where there is one. */
  #change(edit) {
    const session = this.#session;
    if (session.selectedSpan) session.apply(edit(session.timeline, session.selected));
  }

  toggleOpenEnd() {
    const session = this.#session;
    if (!session.selectedSpan) return;
    const end = onFrame(session.length, session.fps);
    const timeline = toggleOpenEnd(session.timeline, session.selected, end, session.measure);
    if (timeline) session.apply(timeline);
    else session.say("Only the last span of a row can go on to the end of the video.");
  }

  // -- what is in sight

  toggleSnapping() {
    this.#session.snapping = !this.#session.snapping;
    this.#session.show();
  }

  /** `around`: the time that stays where it is. A factor of 0 shows all. */
  zoom(factor, around = this.#session.playhead) {
    const session = this.#session;
    const { scroller, width } = session.view;
    const pxAt = (zoom) => (around / session.length) * width * zoom;
    const fromLeft = pxAt(session.zoom) - scroller.scrollLeft;
    const most = (LARGEST_FRAME_PX * session.fps * session.length) / Math.max(1, width);
    session.zoom = factor === 0 ? 1 : Math.max(1, Math.min(most, session.zoom * factor));
    session.show();
    scroller.scrollLeft = pxAt(session.zoom) - Math.max(0, Math.min(fromLeft, width));
  }

  nextRow(direction) {
    const names = Object.keys(TRACKS);
    const index = names.indexOf(this.#session.row) + direction;
    this.#session.row = names[Math.max(0, Math.min(names.length - 1, index))];
    this.#session.say(`${this.#session.row} weights`);
  }

  leave() {
    document.activeElement?.blur();
  }

  // -- the playhead

  nudgePlayhead(count, unit) {
    this.#session.movePlayhead(this.#session.playhead + this.#seconds(count, unit));
  }

  playheadTo(edge) {
    this.#session.movePlayhead(edge === "start" ? 0 : this.#session.length);
  }

  playheadToFrame(frame) {
    this.#session.movePlayhead(frame / this.#session.fps);
  }

  #seconds(count, unit) {
    return unit === "second" ? count : count / this.#session.fps;
  }
}
