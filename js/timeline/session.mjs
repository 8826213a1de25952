// State of a timeline widget: the node's text, the graph around it, the selection and the playhead.
// Commands, gestures and typing change it; the session keeps the node and the page in sync.

import { boundsOf, spanAt } from "./edits.mjs";
import { FollowedSound } from "./followed_sound.mjs";
import { PROMPTS } from "./grammar.mjs";
import { clockText, lengthShown } from "./ruler.mjs";
import { Playback } from "./playback.mjs";
import { onFrame } from "./snapping.mjs";
import { spanSaid } from "./span_box.mjs";
import { TimelineText } from "./timeline_text.mjs";
import { t } from "./words.mjs";

/**
 * The widget's access to its node.
 * @typedef {object} Port
 * @property {() => string} read the node's text
 * @property {(text: string) => void} write it
 * @property {() => import("./surroundings.mjs").Surroundings} look reads the graph around it
 * @property {(file: object) => Promise<import("./sound.mjs").Sound>} loadSound
 * @property {(file: object) => HTMLAudioElement} player of a sound file
 */
export class TimelineSession {
  /** @type {import("./edits.mjs").Place|null} */
  selected = null;
  /** The row that commands act in. */
  row;
  /** Seconds. */
  playhead = 0;
  zoom = 1;
  snapping = true;
  /** During a drag: the timeline it started from, the visible length in seconds, whether it has changed. */
  gesture = null;
  /** Seconds: where a drag has snapped to. */
  guide = null;
  #port;
  #text;
  #around = null;
  #sound;
  #playback;

  /** @param {"prompts"|"weights"} kind @param {Port} port @param {import("./view.mjs").TimelineView} view */
  constructor(kind, port, view) {
    this.kind = kind;
    this.view = view;
    this.row = kind === PROMPTS ? PROMPTS : "lip";
    this.#port = port;
    this.#text = new TimelineText(kind, port);
    this.#sound = new FollowedSound(port.loadSound, () => this.show());
    this.#playback = new Playback((seconds) => this.#followPlayback(seconds));
  }

  get timeline() {
    return this.#text.timeline;
  }

  get fps() {
    return this.#around.fps;
  }

  /** @returns {import("./edits.mjs").Measure} */
  get measure() {
    return { fps: this.fps, length: this.#sound.seconds };
  }

  get sound() {
    return this.#sound.shape;
  }

  get selectedSpan() {
    return spanAt(this.timeline, this.selected);
  }

  /** Total seconds of the view. Fixed during a drag, so that the scale does not change under the pointer. */
  get length() {
    if (this.gesture) return this.gesture.length;
    const last = this.timeline.rows
      .flatMap((row) => row.spans.flatMap((span) => boundsOf(span, this.fps)))
      .filter(Number.isFinite)
      .reduce((most, seconds) => Math.max(most, seconds), 0);
    return lengthShown(this.#sound.seconds, last);
  }

  /** Why nothing can be edited, or null. */
  get #obstacle() {
    return this.#around.isGiven ? t("The timeline comes from another node: edit it there.") : this.#text.error;
  }

  get isFixed() {
    return this.#obstacle !== null;
  }

  /** Reads the node's text and the graph, and shows changes. */
  refresh() {
    const before = JSON.stringify(this.#around);
    this.#around = this.#port.look();
    const shape = this.sound;
    this.#sound.follow(this.#around.file, this.#around.trims);
    if (this.sound !== shape) this.#playback.stop();
    const textIsNews = this.#text.follow(this.fps);
    if (textIsNews) this.#keepSelection();
    if (textIsNews || JSON.stringify(this.#around) !== before) this.show();
  }

  // -- changes

  /** Every edit goes through here. All changes of one drag are one undo step. */
  apply(timeline, selected = this.selected) {
    if (this.isFixed) return;
    const before = this.timeline;
    this.#text.change(timeline, this.gesture?.hasChanged);
    if (this.gesture) this.gesture.hasChanged ||= this.timeline !== before;
    this.selected = selected;
    this.show();
  }

  undo() {
    this.#text.undo();
    this.#afterStep();
  }

  redo() {
    this.#text.redo();
    this.#afterStep();
  }

  select(place) {
    const isNews = place?.row !== this.selected?.row || place?.index !== this.selected?.index;
    this.selected = place;
    if (place) this.row = place.row;
    if (isNews) this.show();
  }

  movePlayhead(seconds) {
    this.playhead = onFrame(Math.min(seconds, this.length), this.fps);
    this.show();
    if (!this.gesture) this.view.reveal(this.playhead, this.length);
  }

  togglePlayback() {
    if (this.#playback.isOn) this.#playback.stop();
    else if (this.sound === null) this.say(t("There is no sound to play."));
    else {
      const from = this.playhead < this.sound.seconds ? this.playhead : 0;
      this.#playback.start(this.#port.player(this.#around.file), this.sound, from);
    }
  }

  /** Stops if the widget was removed: nobody could stop the sound then. */
  #followPlayback(seconds) {
    if (this.view.element.isConnected) this.movePlayhead(seconds);
    else this.#playback.stop();
  }

  #keepSelection() {
    if (!this.selectedSpan) this.selected = null;
  }

  #afterStep() {
    const hadFocus = this.view.element.contains(document.activeElement);
    this.#keepSelection();
    this.show();
    if (hadFocus && this.selected === null) this.focusPlayhead();
  }

  // -- the page

  focusSelected() {
    this.view.boxAt(this.selected)?.label.focus({ preventScroll: true });
  }

  focusPlayhead() {
    this.view.playhead.focus({ preventScroll: true });
  }

  say(what) {
    this.view.render({ ...this.#state(), said: what });
  }

  show() {
    this.view.render(this.#state());
  }

  draw() {
    this.view.draw(this.#state());
  }

  #state() {
    const { fps, fpsIsKnown } = this.#around;
    const shown = { fps: Number(fps.toFixed(3)) };
    const rate = fpsIsKnown ? t("{fps} fps", shown) : t("{fps} fps (assumed)", shown);
    const { shape, note, seconds } = this.#sound;
    const soundLength = seconds === null ? "" : ` · ${clockText(seconds, 2)}`;
    const { timeline, selected, row, length, zoom, snapping, guide } = this;
    return {
      ...this.#around,
      ...{ timeline, selected, row, length, zoom, snapping, guide },
      error: this.#obstacle,
      canUndo: this.#text.canUndo,
      canRedo: this.#text.canRedo,
      playhead: Math.min(this.playhead, length),
      sound: shape,
      facts: `${note}${soundLength} · ${rate}`,
      said: this.#saidOfSelected(),
    };
  }

  #saidOfSelected() {
    const span = this.selectedSpan;
    if (span) return spanSaid(span, this.selected.row, this.fps);
    const isEmpty = this.timeline.rows.every((row) => row.spans.length === 0);
    return isEmpty ? t("Double-click in a row to add a span.") : "";
  }
}
