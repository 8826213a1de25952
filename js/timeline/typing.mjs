// Text entry in a span: a prompt, or a weight.

import { changeContent } from "./edits.mjs";
import { parseWeight, PROMPTS, TRACKS } from "./grammar.mjs";
import { t } from "./words.mjs";

export class Typing {
  #session;

  /** @param {import("./session.mjs").TimelineSession} session */
  constructor(session) {
    this.#session = session;
  }

  get isActive() {
    return this.#box !== null;
  }

  get #box() {
    const box = this.#session.view.boxAt(this.#session.selected);
    return box?.isEdited ? box : null;
  }

  /** `typed`: the first letter of the new text, not entered yet. */
  begin(typed) {
    const { isFixed, view, selected } = this.#session;
    if (!isFixed) view.boxAt(selected)?.edit(typed);
  }

  /** Commits the typed text, unless `target` is the text being edited. */
  end(target = null) {
    const box = this.#box;
    if (box === null || box.label === target) return;
    const session = this.#session;
    const place = session.selected;
    const typed = box.label.value.trim();
    const content = session.kind === PROMPTS ? typed : parseWeight(place.row, typed.replace(",", "."));
    box.endEdit();
    if (content === null) {
      const values = { typed, track: place.row, ...TRACKS[place.row] };
      session.say(t("'{typed}' is not a {track} weight: write a number from {least} to {most}.", values));
      return;
    }
    if (content !== "" && content !== session.selectedSpan?.content) {
      session.apply(changeContent(session.timeline, place, content));
    }
    session.show();
  }

  cancel() {
    this.#box?.endEdit();
    this.#session.show();
  }
}
