// The text of a timeline ↔ its rows and spans. The same grammar as the pack's Python parser: docs/timeline.md.

import { compareMoments, momentText, parseDecimal, parseMoment } from "./moments.mjs";
import { t } from "./words.mjs";

/** Each weight track: its smallest and largest value, and the value of a new span. */
export const TRACKS = {
  pose: { least: 0, most: 3, usual: "1" },
  face: { least: 0, most: 3, usual: "1" },
  lip: { least: 0, most: 3, usual: "1" },
  cfg: { least: 1, most: 15, usual: "3.5" },
};
export const PROMPTS = "prompts";

const LONGEST_TEXT = 100_000;
const QUOTED_CHARACTERS = 60;
const WHITE_SPACE = " \t\r\u00a0\u3000";

/**
 * @typedef {object} Span
 * @property {import("./moments.mjs").Moment} start
 * @property {import("./moments.mjs").Moment|null} end null: to the end of the video
 * @property {string} content a prompt, or a weight's value
 *
 * @typedef {object} Timeline
 * @property {"prompts"|"weights"} kind
 * @property {{name: string, spans: Span[]}[]} rows one, called "prompts", or one per track in the text
 */

export class TimelineError extends Error {
  constructor(message, line, column) {
    super(message);
    this.line = line;
    this.column = column;
  }
}

/** @returns {Timeline} Throws TimelineError. Spans in different units are compared if fps is given. */
export function parseTimeline(kind, text, fps = null) {
  if ([...text].length > LONGEST_TEXT) {
    throw new TimelineError(t("The timeline is longer than {most} characters.", { most: LONGEST_TEXT }), 1, 1);
  }
  const rows = kind === PROMPTS ? parsePrompts(text, fps) : parseWeights(text, fps);
  return { kind, rows: rows.map(({ name, spans }) => ({ name, spans: spans.map(withoutPart) })) };
}

/** The normal form, optionally with one item per line. */
export function formatTimeline(timeline, separator = "; ") {
  const items =
    timeline.kind === PROMPTS
      ? timeline.rows.flatMap((row) => row.spans).map((span) => `${timesText(span)} ${escaped(span.content)}`)
      : inOrder(timeline.rows).map((row) => `${row.name} ${row.spans.map((span) => `${span.content} @ ${timesText(span)}`).join(", ")}`);
  return items.join(separator);
}

export function timesText(span) {
  return `${momentText(span.start)}-${span.end === null ? "" : momentText(span.end)}`;
}

/** A weight's number in normal form, or null if it is no number or outside the track's range. */
export function parseWeight(track, text) {
  const value = parseDecimal(text);
  const { least, most } = TRACKS[track];
  return value !== null && Number(value) >= least && Number(value) <= most ? value : null;
}

/** A part of the text, trimmed, with its position. */
class Part {
  constructor(whole, start, stop) {
    while (start < stop && WHITE_SPACE.includes(whole[start])) start += 1;
    while (stop > start && WHITE_SPACE.includes(whole[stop - 1])) stop -= 1;
    Object.assign(this, { whole, start, text: whole.slice(start, stop) });
  }

  cut(start, stop = this.text.length) {
    return new Part(this.whole, this.start + start, this.start + stop);
  }

  firstWord() {
    let length = 0;
    while (length < this.text.length && !WHITE_SPACE.includes(this.text[length])) length += 1;
    return [this.cut(0, length), this.cut(length)];
  }

  split(separator) {
    const parts = [];
    let start = 0;
    for (let at; (at = this.text.indexOf(separator, start)) >= 0; start = at + separator.length) {
      parts.push(this.cut(start, at));
    }
    return [...parts, this.cut(start)];
  }

  /** @param {string} problem with {text}, which is this part's */
  error(problem, values = {}) {
    const characters = [...this.text];
    const quoted =
      characters.length > QUOTED_CHARACTERS ? `${characters.slice(0, QUOTED_CHARACTERS - 1).join("")}…` : this.text;
    const before = this.whole.slice(0, this.start).split("\n");
    return new TimelineError(t(problem, { text: quoted, ...values }), before.length, [...before.at(-1)].length + 1);
  }
}

function splitItems(text, escapes) {
  const items = [];
  let start = 0;
  for (let at = 0; at <= text.length; at += 1) {
    if (escapes && text[at] === "\\" && (text[at + 1] === "\\" || text[at + 1] === ";")) {
      at += 1;
    } else if (at === text.length || text[at] === ";" || text[at] === "\n") {
      items.push(new Part(text, start, at));
      start = at + 1;
    }
  }
  return items.filter((item) => item.text !== "");
}

function parsePrompts(text, fps) {
  const spans = splitItems(text, true).map((item) => {
    const [times, prompt] = item.firstWord();
    const span = parseTimes(times);
    if (prompt.text === "") {
      throw item.error("'{text}' has no text. Write a prompt after the times, for example 0-4.5 smiling.");
    }
    return { ...span, content: prompt.text.replace(/\\([\\;])/g, "$1") };
  });
  checkOrder(spans, fps);
  return [{ name: PROMPTS, spans }];
}

function parseWeights(text, fps) {
  const rows = [];
  for (const item of splitItems(text, false)) {
    const [name, rest] = item.firstWord();
    if (!Object.hasOwn(TRACKS, name.text)) {
      const tracks = Object.keys(TRACKS).join(", ");
      throw name.error("'{text}' is not a weight. Start with one of {tracks}, for example lip 1.2 @ 0-3.", { tracks });
    }
    if (rows.some((row) => row.name === name.text)) {
      throw name.error("'{text}' appears here a second time. Put all of its spans after the first '{text}'.");
    }
    if (rest.text === "") throw item.error("'{text}' has no values. Write for example {text} 1.2 @ 0-3.");
    const spans = rest.split(",").map((part) => parseValue(part, name.text));
    checkOrder(spans, fps);
    rows.push({ name: name.text, spans });
  }
  return inOrder(rows);
}

function parseValue(part, track) {
  const [number, ...times] = part.split("@");
  if (times.length !== 1) {
    throw part.error("'{text}' is not 'value @ times'. Write for example {track} 1.2 @ 0-3, 1 @ 3-.", { track });
  }
  const content = parseWeight(track, number.text);
  if (content === null) {
    const values = { track, ...TRACKS[track] };
    throw number.error(
      "'{text}' is not a value of {track}. Write a number from {least} to {most}, such as 1.2.", values,
    );
  }
  return { ...parseTimes(times[0]), content };
}

function parseTimes(part) {
  const dash = part.text.indexOf("-");
  const start = parseMoment(dash < 0 ? part.text : part.text.slice(0, dash));
  const endText = dash < 0 ? "" : part.text.slice(dash + 1);
  const end = endText === "" ? null : parseMoment(endText);
  if (start === null || dash < 0 || (end === null && endText !== "")) {
    throw part.error(
      "'{text}' is not a time span. Write start-end without spaces, for example 0-4.5, 12f-30f (frames), " +
        "1:04-1:10.5, or 4.5- for the rest; minutes and seconds of a clock time stay below 60.",
    );
  }
  if (end !== null && end.unit === start.unit && compareMoments(end, start) <= 0) {
    const values = { end: momentText(end) };
    throw part.error("'{text}' ends at {end}, which is not after its start. Write the earlier time first.", values);
  }
  return { start, end, part };
}

function checkOrder(spans, fps) {
  spans.forEach((span, index) => {
    const before = spans[index - 1];
    if (span.end !== null && fps !== null && compareMoments(span.end, span.start, fps) <= 0) {
      throw span.part.error("'{text}' ends before it begins at this frame rate. Write the earlier time first.");
    }
    if (before === undefined) return;
    const values = { before: timesText(before) };
    if (before.end === null) {
      throw span.part.error(
        "'{text}' follows {before}, which runs to the end of the video. Give that one an end.", values,
      );
    }
    if (compareMoments(span.start, before.end, fps) < 0) {
      throw span.part.error(
        "'{text}' begins before {before} has ended. Put the spans in order, without overlap.", values,
      );
    }
  });
}

const ORDER = Object.keys(TRACKS);
const inOrder = (rows) =>
  rows.filter((row) => row.spans.length > 0).sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name));

const escaped = (text) => text.replace(/[\\;]/g, "\\$&");

function withoutPart({ start, end, content }) {
  return { start, end, content };
}
