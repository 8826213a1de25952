// A drag on the page, from press to release: of a span, of one of its edges, or of the playhead.

import { attractingPoints, dragged } from "./dragging.mjs";

const SNAP_REACH_PX = 8;

export class Gesture {
  #session;

  /** @param {import("./session.mjs").TimelineSession} session */
  constructor(session) {
    this.#session = session;
  }

  /** @param {{what: "span"|"edge"|"playhead", place?: import("./edits.mjs").Place, row?: string}} pressed */
  begin({ place, row }) {
    const session = this.#session;
    session.refresh();
    session.gesture = { timeline: session.timeline, length: session.length, hasChanged: false };
    if (place) {
      session.select(place);
      session.focusSelected();
    } else {
      if (row) session.row = row;
      session.select(null);
      session.focusPlayhead();
      session.show();
    }
  }

  dragTo(drag, clientX, { shiftKey, altKey }) {
    const session = this.#session;
    const { view, length, fps, sound } = session;
    const pointed = view.secondsAt(clientX, length);
    if (drag.what === "playhead") {
      session.movePlayhead(pointed);
      return;
    }
    const { timeline } = session.gesture;
    const others = [0, length, session.playhead];
    const { timeline: made, point } = dragged(timeline, drag, pointed, {
      measure: session.measure,
      points: session.snapping && !shiftKey ? attractingPoints(timeline, drag, fps, sound, others) : null,
      reach: view.secondsIn(SNAP_REACH_PX, length),
      alone: altKey,
    });
    session.guide = point;
    session.apply(made);
  }

  end() {
    this.#session.gesture = null;
    this.#session.guide = null;
    this.#session.show();
  }
}
