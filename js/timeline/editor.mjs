// The timeline editor: connects view, session, pointer and keyboard.

import { Commands } from "./commands.mjs";
import { Gesture } from "./gesture.mjs";
import { PROMPTS, TRACKS } from "./grammar.mjs";
import { listenToKeys } from "./keyboard.mjs";
import { listenToPointer } from "./pointer.mjs";
import { TimelineSession } from "./session.mjs";
import { Typing } from "./typing.mjs";
import { TimelineView } from "./view.mjs";

export class TimelineEditor {
  #view;
  #session;

  /**
   * @param {HTMLElement} root becomes the editor
   * @param {"prompts"|"weights"} kind
   * @param {import("./session.mjs").Port} port
   */
  constructor(root, kind, port) {
    const view = new TimelineView(root, kind, kind === PROMPTS ? [PROMPTS] : Object.keys(TRACKS));
    const session = new TimelineSession(kind, port, view);
    const typing = new Typing(session);
    const commands = new Commands(session, typing);
    this.#view = view;
    this.#session = session;
    session.refresh();
    view.watch(() => session.draw(), () => session.refresh());
    listenToPointer(view, { session, typing, commands, gesture: new Gesture(session) });
    listenToKeys(view, { session, typing, commands });
  }

  /** Reads the node's text and the graph, and shows changes. */
  refresh() {
    this.#session.refresh();
  }

  /** Draws in the colors of the page's theme, which has changed. */
  recolor() {
    this.#view.recolor();
    this.#session.draw();
  }
}
