// The timeline's editor: carries out what buttons, keys and the pointer ask for, and keeps the node's text, the graph
// around it and the page in step.

import { dragged, attractingPoints } from "./dragging.mjs";
import {
  addSpan, boundsOf, changeContent, removeSpan, spanAt, spansOf, spanUnder, splitSpan, toggleOpenEnd,
} from "./edits.mjs"; // prettier-ignore
import { FollowedSound } from "./followed_sound.mjs";
import { parseWeight, PROMPTS, TRACKS } from "./grammar.mjs";
import { listenToKeys } from "./keyboard.mjs";
import { nudge, nudgeValue } from "./nudges.mjs";
import { listenToPointer } from "./pointer.mjs";
import { clockText, lengthShown } from "./ruler.mjs";
import { onFrame } from "./snapping.mjs";
import { spanSaid } from "./span_box.mjs";
import { TimelineText } from "./timeline_text.mjs";
import { TimelineView } from "./view.mjs";

const NEW_PROMPT = "new prompt";
const SNAP_REACH_PX = 8;
const LARGEST_FRAME_PX = 16; // on the screen, however long the timeline is

/**
 * What the editor needs of its node.
 * @typedef {object} Port
 * @property {() => string} read the node's text
 * @property {(text: string) => void} write it
 * @property {() => import("./surroundings.mjs").Surroundings} look around in the graph
 * @property {(file: object) => Promise<import("./sound.mjs").Sound>} loadSound
 */
export class TimelineEditor {
  #port;
  #document;
  #view;
  #around = null;
  #sound;
  #gesture = null;
  #selected = null;
  #row;
  #playhead = 0;
  #zoom = 1;
  #snapping = true;
  #guide = null;

  /** @param {"prompts"|"weights"} kind @param {Port} port */
  constructor(kind, port) {
    this.kind = kind;
    this.#port = port;
    this.#document = new TimelineText(kind, port);
    this.#sound = new FollowedSound(port.loadSound, () => this.#show());
    this.#row = kind === PROMPTS ? PROMPTS : "lip";
    this.#view = new TimelineView(kind, kind === PROMPTS ? [PROMPTS] : Object.keys(TRACKS));
    listenToPointer(this.#view, this);
    listenToKeys(this.#view, this);
    this.#view.scroller.addEventListener("scroll", () => this.#draw());
    this.#view.scroller.addEventListener("wheel", (event) => this.#turnWheel(event), { passive: false });
  }

  get element() {
    return this.#view.element;
  }

  /** Seconds that the page shows. While something is dragged it stays, or the ground would move under the hand. */
  get length() {
    if (this.#gesture) return this.#gesture.length;
    const last = this.#timeline.rows
      .flatMap((row) => row.spans.flatMap((span) => boundsOf(span, this.#around.fps)))
      .filter(Number.isFinite)
      .reduce((most, seconds) => Math.max(most, seconds), 0);
    return lengthShown(this.#sound.seconds, last);
  }

  get isEditing() {
    return this.#editedBox() !== null;
  }

  get #timeline() {
    return this.#document.timeline;
  }

  /** Why nothing can be edited, or null. */
  get #obstacle() {
    return this.#around.isGiven ? "The timeline comes from another node: edit it there." : this.#document.error;
  }

  get #isFixed() {
    return this.#obstacle !== null;
  }

  get #measure() {
    return { fps: this.#around.fps, length: this.#sound.seconds };
  }

  get #frame() {
    return 1 / this.#around.fps;
  }

  // -- following the node and the graph

  /** Looks at the node's text and the graph, and follows what has changed. Cheap: nothing tells of such changes. */
  refresh() {
    const before = this.#around;
    this.#around = this.#port.look();
    const isNews = JSON.stringify(before) !== JSON.stringify(this.#around);
    this.#sound.follow(this.#around.file);
    const textIsNews = this.#document.follow(this.#around.fps);
    if (textIsNews) this.#keepSelection();
    if (textIsNews || isNews) this.#show();
    else this.#draw();
  }

  // -- changes

  /** Every edit goes through here. While something is dragged, all its changes are one step of the undo. */
  #apply(timeline, selected = this.#selected) {
    if (this.#isFixed) return;
    const before = this.#timeline;
    this.#document.change(timeline, this.#gesture?.hasChanged);
    if (this.#gesture) this.#gesture.hasChanged ||= this.#timeline !== before;
    this.#selected = selected;
    this.#show();
  }

  #keepSelection() {
    if (!spanAt(this.#timeline, this.#selected)) this.#selected = null;
  }

  #afterStep() {
    const hadFocus = this.element.contains(document.activeElement);
    this.#keepSelection();
    this.#show();
    if (hadFocus && this.#selected === null) this.#view.playhead.focus({ preventScroll: true });
  }

  // -- commands: what buttons and keys ask for

  run([name, ...args]) {
    this.refresh(); // what was typed a moment ago is not to be overwritten
    this[name](...args);
  }

  undo() {
    this.#document.undo();
    this.#afterStep();
  }

  redo() {
    this.#document.redo();
    this.#afterStep();
  }

  add() {
    this.addAt(this.#row, this.#playhead);
  }

  /** A new span, whose text is then typed. */
  addAt(row, seconds) {
    this.refresh();
    if (this.#isFixed) return;
    const content = this.kind === PROMPTS ? NEW_PROMPT : TRACKS[row].usual;
    const made = addSpan(this.#timeline, row, onFrame(seconds, this.#around.fps), content, this.#measure);
    if (made === null) {
      this.#say("No room here: another span holds this time. Split it, or go to a free time.");
      return;
    }
    this.#row = row;
    this.#apply(made.timeline, made.place);
    this.rename();
  }

  split() {
    const { fps } = this.#around;
    const under = spanUnder(this.#timeline, this.#row, this.#playhead, fps);
    const place = this.#selected ?? under;
    const span = spanAt(this.#timeline, place);
    if (span === null) {
      this.#say("Nothing to split here: choose a span, or put the playhead into one.");
      return;
    }
    const [start, end] = boundsOf(span, fps);
    const middle = onFrame((start + Math.min(end, this.length)) / 2, fps);
    const made =
      splitSpan(this.#timeline, place, this.#playhead, this.#measure) ??
      splitSpan(this.#timeline, place, middle, this.#measure);
    if (made === null) {
      this.#say("This span is too short to split.");
      return;
    }
    this.#apply(made.timeline, made.place);
    this.#focusSelected();
  }

  remove() {
    if (this.#selected === null || this.#isFixed) return;
    const { row, index } = this.#selected;
    const timeline = removeSpan(this.#timeline, this.#selected);
    const left = spansOf(timeline, row).length;
    this.#apply(timeline, left ? { row, index: Math.min(index, left - 1) } : null);
    if (left) this.#focusSelected();
    else this.#view.playhead.focus({ preventScroll: true });
  }

  /** `typed`: the first letter of the new text, which is on its way. */
  rename(typed) {
    if (!this.#isFixed) this.#view.boxAt(this.#selected)?.edit(typed);
  }

  nudge(part, count, unit) {
    this.#change((timeline, place) => nudge(timeline, place, part, this.#seconds(count, unit), this.#measure, this.length));
    const span = spanAt(this.#timeline, this.#selected);
    if (span) this.#view.reveal(boundsOf(span, this.#around.fps)[0], this.length);
  }

  nudgeValue(direction) {
    this.#change((timeline, place) => nudgeValue(timeline, place, direction));
  }

  /** What is done to the chosen span, where there is one. */
  #change(edit) {
    if (spanAt(this.#timeline, this.#selected)) this.#apply(edit(this.#timeline, this.#selected));
  }

  #seconds(count, unit) {
    return count * (unit === "second" ? 1 : this.#frame);
  }

  toggleOpenEnd() {
    if (!spanAt(this.#timeline, this.#selected)) return;
    const timeline = toggleOpenEnd(this.#timeline, this.#selected, onFrame(this.length, this.#around.fps), this.#measure);
    if (timeline) this.#apply(timeline);
    else this.#say("Only the last span of a row can go on to the end of the video.");
  }

  toggleSnapping() {
    this.#snapping = !this.#snapping;
    this.#show();
  }

  /** `around`: the time that stays where it is. A factor of 0 shows all. */
  zoom(factor, around = this.#playhead) {
    const { scroller } = this.#view;
    const pxAt = (zoom) => (around / this.length) * scroller.clientWidth * zoom;
    const fromLeft = pxAt(this.#zoom) - scroller.scrollLeft;
    const most = (LARGEST_FRAME_PX * this.#around.fps * this.length) / Math.max(1, scroller.clientWidth);
    this.#zoom = factor === 0 ? 1 : Math.max(1, Math.min(most, this.#zoom * factor));
    this.#show();
    scroller.scrollLeft = pxAt(this.#zoom) - Math.max(0, Math.min(fromLeft, scroller.clientWidth));
    this.#draw();
  }

  nudgePlayhead(count, unit) {
    this.#playheadTo(this.#playhead + this.#seconds(count, unit));
  }

  playheadTo(edge) {
    this.#playheadTo(edge === "start" ? 0 : this.length);
  }

  playheadToFrame(frame) {
    this.#playheadTo(frame * this.#frame);
  }

  #playheadTo(seconds) {
    this.#playhead = onFrame(Math.min(seconds, this.length), this.#around.fps);
    this.#show();
    if (!this.#gesture) this.#view.reveal(this.#playhead, this.length);
  }

  nextRow(direction) {
    const names = Object.keys(TRACKS);
    const index = names.indexOf(this.#row) + direction;
    this.#row = names[Math.max(0, Math.min(names.length - 1, index))];
    this.#say(`${this.#row} weights`);
  }

  leave() {
    document.activeElement?.blur();
  }

  select(place) {
    const isNews = place?.row !== this.#selected?.row || place?.index !== this.#selected?.index;
    this.#selected = place;
    if (place) this.#row = place.row;
    if (isNews) this.#show();
  }

  // -- typing into a span

  /** Takes what was typed, unless `target` is the very text that is typed into. */
  endEdit(target = null) {
    const box = this.#editedBox();
    if (box === null || box.label === target) return;
    const place = this.#selected;
    const typed = box.label.value.trim();
    const content = this.kind === PROMPTS ? typed : parseWeight(place.row, typed.replace(",", "."));
    box.endEdit();
    if (content === null) {
      const { least, most } = TRACKS[place.row];
      this.#say(`'${typed}' is no ${place.row} weight: write a number from ${least} to ${most}.`);
      return;
    }
    if (content !== "" && content !== spanAt(this.#timeline, place)?.content) {
      this.#apply(changeContent(this.#timeline, place, content));
    }
    this.#show();
  }

  cancelEdit() {
    this.#editedBox()?.endEdit();
    this.#show();
  }

  #editedBox() {
    const box = this.#view.boxAt(this.#selected);
    return box?.isEdited ? box : null;
  }

  // -- dragging

  beginGesture(gesture) {
    this.refresh();
    this.#gesture = { timeline: this.#timeline, length: this.length, hasChanged: false };
    if (gesture.place) {
      this.select(gesture.place);
      this.#focusSelected();
    } else {
      if (gesture.row) this.#row = gesture.row;
      this.select(null);
      this.#view.playhead.focus({ preventScroll: true });
      this.#show();
    }
  }

  dragTo(drag, clientX, { shiftKey, altKey }) {
    const pointed = this.#view.secondsAt(clientX, this.length);
    if (drag.what === "playhead") {
      this.#playheadTo(pointed);
      return;
    }
    const { timeline } = this.#gesture;
    const others = [0, this.length, this.#playhead];
    const { timeline: made, point } = dragged(timeline, drag, pointed, {
      measure: this.#measure,
      points:
        this.#snapping && !shiftKey
          ? attractingPoints(timeline, drag, this.#around.fps, this.#sound.shape, others)
          : null,
      reach: this.#view.secondsIn(SNAP_REACH_PX, this.length),
      alone: altKey,
    });
    this.#guide = point;
    this.#apply(made);
  }

  endGesture() {
    this.#gesture = null;
    this.#guide = null;
    this.#show();
  }

  // -- the page

  #focusSelected() {
    this.#view.boxAt(this.#selected)?.label.focus({ preventScroll: true });
  }

  #say(what) {
    this.#view.render({ ...this.#state(), said: what });
  }

  #show() {
    this.#view.render(this.#state());
  }

  #draw() {
    this.#view.draw(this.#state());
  }

  #state() {
    const { fps, fpsIsKnown } = this.#around;
    const rate = `${Number(fps.toFixed(3))} fps${fpsIsKnown ? "" : " (assumed)"}`;
    const { shape, note, seconds } = this.#sound;
    const length = seconds === null ? "" : ` · ${clockText(seconds, 2)}`;
    return {
      ...this.#around,
      timeline: this.#timeline,
      error: this.#obstacle,
      canUndo: this.#document.canUndo,
      canRedo: this.#document.canRedo,
      selected: this.#selected,
      row: this.#row,
      playhead: Math.min(this.#playhead, this.length),
      length: this.length,
      zoom: this.#zoom,
      snapping: this.#snapping,
      guide: this.#guide,
      sound: shape,
      facts: `${note}${length} · ${rate}`,
      said: this.#saidOfSelected(),
    };
  }

  #saidOfSelected() {
    const span = spanAt(this.#timeline, this.#selected);
    if (span) return spanSaid(span, this.#selected.row, this.#around.fps);
    const isEmpty = this.#timeline.rows.every((row) => row.spans.length === 0);
    return isEmpty ? "Double-click in a row to add a span." : "";
  }

  /** In a timeline that has the focus the wheel zooms, with Shift it scrolls. Elsewhere it is the graph's. */
  #turnWheel(event) {
    const { scroller } = this.#view;
    if (!this.element.contains(document.activeElement)) return;
    if (event.shiftKey) scroller.scrollLeft += event.deltaX + event.deltaY;
    else this.zoom(event.deltaY < 0 ? 1.25 : 0.8, this.#view.secondsAt(event.clientX, this.length));
    event.preventDefault();
    event.stopPropagation();
  }
}
