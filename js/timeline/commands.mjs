// The commands of buttons and keys, by name.

import {
  addSpan, boundsOf, changeContent, removeSpan, spanAt, spansOf, spanUnder, splitSpan, toggleOpenEnd,
} from "./edits.mjs"; // prettier-ignore
import { PROMPTS, TRACKS } from "./grammar.mjs";
import { nudge, nudgeValue } from "./nudges.mjs";
import { onFrame } from "./snapping.mjs";
import { t } from "./words.mjs";

const NEW_PROMPT = "new prompt";
const LARGEST_FRAME_PX = 16; // on the screen, however long the timeline is

export class Commands {
  #session;
  #typing;
  /** The copied span: its row, length in seconds and content. */
  #copied = null;

  /**
   * @param {import("./session.mjs").TimelineSession} session
   * @param {import("./typing.mjs").Typing} typing
   */
  constructor(session, typing) {
    this.#session = session;
    this.#typing = typing;
  }

  run([name, ...args]) {
    this.#session.refresh(); // recent edits of the text must not be overwritten
    this[name](...args);
  }

  undo() {
    this.#session.undo();
  }

  redo() {
    this.#session.redo();
  }

  // -- spans

  /** A new span at the playhead. An existing span there is split; its second part is the new one. */
  add() {
    const { row, playhead, timeline, fps, isFixed } = this.#session;
    const under = spanUnder(timeline, row, playhead, fps);
    if (under === null) this.addAt(row, playhead);
    else if (!isFixed) this.#take(this.#divided(under), row, t("This span is too short to add another."));
  }

  /** A new span starting at a free time; its text is then edited. */
  addAt(row, seconds) {
    const session = this.#session;
    session.refresh();
    if (session.isFixed) return;
    const made = addSpan(session.timeline, row, onFrame(seconds, session.fps), this.#content(row), session.measure);
    this.#take(made, row, t("There is no room for another span here."));
  }

  #content(row) {
    return this.#session.kind === PROMPTS ? NEW_PROMPT : TRACKS[row].usual;
  }

  #take(made, row, refusal) {
    const session = this.#session;
    if (made === null) {
      session.say(refusal);
      return;
    }
    session.row = row;
    session.apply(changeContent(made.timeline, made.place, this.#content(row)), made.place);
    this.rename();
  }

  split() {
    const session = this.#session;
    const place = session.selected ?? spanUnder(session.timeline, session.row, session.playhead, session.fps);
    if (spanAt(session.timeline, place) === null) {
      session.say(t("Nothing to split: select a span first."));
      return;
    }
    const made = this.#divided(place);
    if (made === null) {
      session.say(t("This span is too short to split."));
      return;
    }
    session.apply(made.timeline, made.place);
    session.focusSelected();
  }

  /** Splits a span at the playhead, else in the middle. @returns {{timeline, place}|null} the second part's place */
  #divided(place) {
    const { fps, measure, timeline, playhead, length } = this.#session;
    const [start, end] = boundsOf(spanAt(timeline, place), fps);
    const middle = onFrame((start + Math.min(end, length)) / 2, fps);
    return splitSpan(timeline, place, playhead, measure) ?? splitSpan(timeline, place, middle, measure);
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

  copy() {
    const session = this.#session;
    const span = session.selectedSpan;
    if (!span) return;
    const [start, end] = boundsOf(span, session.fps);
    this.#copied = { row: session.selected.row, seconds: end - start, content: span.content };
    session.say(t("Copied. Move the playhead and press Ctrl+V."));
  }

  /** Puts the copied span at the playhead, or after the span that is there. */
  paste() {
    const session = this.#session;
    if (this.#copied === null || session.isFixed) return;
    const { row, seconds, content } = this.#copied;
    const under = spanAt(session.timeline, spanUnder(session.timeline, row, session.playhead, session.fps));
    const from = under ? boundsOf(under, session.fps)[1] : session.playhead;
    const made = Number.isFinite(from) && addSpan(session.timeline, row, from, content, session.measure, seconds);
    if (!made) {
      session.say(t("There is no room for the copied span here."));
      return;
    }
    session.row = row;
    session.apply(made.timeline, made.place);
    session.focusSelected();
  }

  /** `typed`: the first letter of the new text, not entered yet. */
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

  /** Acts on the selected span, if any. */
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
    else session.say(t("Only a row's last span can run to the end."));
  }

  // -- visible range

  toggleSnapping() {
    this.#session.snapping = !this.#session.snapping;
    this.#session.show();
  }

  /** `around`: the time that keeps its position. A factor of 0 shows all. */
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
    this.#session.say(t("{track} weights", { track: this.#session.row }));
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

  /** Plays the sound from the playhead, or stops it. */
  play() {
    this.#session.togglePlayback();
  }

  playheadToFrame(frame) {
    this.#session.movePlayhead(frame / this.#session.fps);
  }

  #seconds(count, unit) {
    return unit === "second" ? count : count / this.#session.fps;
  }
}
