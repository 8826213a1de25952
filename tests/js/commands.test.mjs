import assert from "node:assert/strict";
import { test } from "node:test";

import { Commands } from "../../js/timeline/commands.mjs";
import { spanAt } from "../../js/timeline/edits.mjs";
import { prompts, text, weights } from "./cases.mjs";

/** Stands in for the session: ten seconds of sound at 25 frames a second, without a page. */
class Session {
  row = "prompts";
  kind = "prompts";
  fps = 25;
  isFixed = false;
  measure = { fps: 25, length: 10 };
  said = "";

  constructor(timeline, selected, playhead) {
    Object.assign(this, { timeline, selected, playhead });
  }

  get selectedSpan() {
    return spanAt(this.timeline, this.selected);
  }

  refresh() {}
  focusSelected() {}

  say(what) {
    this.said = what;
  }

  apply(timeline, selected) {
    Object.assign(this, { timeline, selected });
  }
}

function pasted(timeline, place, playhead) {
  const session = new Session(timeline, place, playhead);
  const commands = new Commands(session, null);
  commands.run(["copy"]);
  commands.run(["paste"]);
  return session;
}

const first = { row: "prompts", index: 0 };

test("a copied span is pasted at the playhead, as long as it was", () => {
  const session = pasted(prompts("1-3.5 a"), first, 5);
  assert.equal(text(session.timeline), "1-3.5 a; 5-7.5 a");
  assert.deepEqual(session.selected, { row: "prompts", index: 1 });
});

test("it is shortened to the room there is, and runs to the end if the end is reached", () => {
  assert.equal(text(pasted(prompts("0-3 a; 6-7 b"), first, 4).timeline), "0-3 a; 4-6 a; 6-7 b");
  assert.equal(text(pasted(prompts("0-3 a"), first, 8).timeline), "0-3 a; 8- a");
  assert.equal(text(pasted(prompts("4- a"), first, 0).timeline), "0-4 a; 4- a");
});

test("on a span it follows that span, and is refused if there is no room", () => {
  assert.equal(text(pasted(prompts("0-2 a; 5-6 b"), first, 1).timeline), "0-2 a; 2-4 a; 5-6 b");
  const session = pasted(prompts("0-2 a; 2- b"), first, 1);
  assert.equal(text(session.timeline), "0-2 a; 2- b");
  assert.match(session.said, /no room/);
});

test("a weight stays in its row, whose range it has", () => {
  const session = pasted(weights("lip 1 @ 0-2; cfg 4 @ 1-2"), { row: "cfg", index: 0 }, 5);
  assert.equal(text(session.timeline), "lip 1 @ 0-2; cfg 4 @ 1-2, 4 @ 5-6");
});

test("without a copied span nothing is pasted", () => {
  const session = new Session(prompts("0-2 a"), first, 5);
  new Commands(session, null).run(["paste"]);
  assert.equal(text(session.timeline), "0-2 a");
});
