// Typing into a span: a prompt's words, or a weight.

import { changeContent } from "./edits.mjs";
import { parseWeight, PROMPTS, TRACKS } from "./grammar.mjs";

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

  /** `typed`: the first letter of the new text, which is on its way. */
  begin(typed) {
    const { isFixed, view, selected } = this.#session;
    if (!isFixed) view.boxAt(selected)?.edit(typed);
  }

  /** Takes what was typed, unless `target` is the very text that is typed into. */
  end(target = null) {
    const box = this.#box;
    if (box === null || box.label === target) return;
    const session = this.#session;
    const place = session.selected;
    const typed = box.label.value.trim();
    const content = session.kind === PROMPTS ? typed : parseWeight(place.row, typed.replace(",", "."));
    box.endEdit();
    if (content === null) {
      const { least, most } = TRACKS[place.row];
      session.say(`'${typed}' is no ${place.row} weight: write a number from ${least} to ${most}.`);
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
