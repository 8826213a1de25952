// What several tests start from.

import { readFileSync } from "node:fs";

import { formatTimeline, parseTimeline } from "../../js/timeline/grammar.mjs";

export const CASES = JSON.parse(readFileSync(new URL("../timeline_cases.json", import.meta.url), "utf-8"));

export const at25 = (length = null) => ({ fps: 25, length });
export const prompts = (text) => parseTimeline("prompts", text);
export const weights = (text) => parseTimeline("weights", text);
export const text = (timeline) => formatTimeline(timeline);
export const place = (index, row = "prompts") => ({ row, index });
