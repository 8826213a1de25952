// Undo and redo of a text, as plain values.

const MOST_STEPS = 200;

export function begin(present) {
  return { past: [], present, future: [] };
}

/** A new step, if anything changed. */
export function record(history, present) {
  if (present === history.present) return history;
  return { past: [...history.past, history.present].slice(-MOST_STEPS), present, future: [] };
}

/** Replaces the last step: one gesture, or one run of typing, is one step. */
export function amend(history, present) {
  return { ...history, present, future: [] };
}

export function undo({ past, present, future }) {
  if (past.length === 0) return { past, present, future };
  return { past: past.slice(0, -1), present: past.at(-1), future: [present, ...future] };
}

export function redo({ past, present, future }) {
  if (future.length === 0) return { past, present, future };
  return { past: [...past, present], present: future[0], future: future.slice(1) };
}
