// The sound currently connected in the graph: its waveform once loaded, a status message until then.

import { trimmed } from "./sound_shape.mjs";
import { t } from "./words.mjs";

const NONE = t("no sound file connected");

export class FollowedSound {
  /** @type {import("./sound.mjs").Sound|null} */
  shape = null;
  note = NONE;
  #followed = [null, []];
  #load;
  #whenRead;

  /** @param {(file: object) => Promise<import("./sound.mjs").Sound>} load */
  constructor(load, whenRead) {
    this.#load = load;
    this.#whenRead = whenRead;
  }

  /** Seconds, or null if unknown. */
  get seconds() {
    return this.shape?.seconds ?? null;
  }

  /**
   * @param {{filename: string, subfolder: string, type: string}|null} file
   * @param {import("./sound_shape.mjs").Trim[]} trims
   */
  async follow(file, trims = []) {
    const followed = [file, trims];
    if (JSON.stringify(followed) === JSON.stringify(this.#followed)) return;
    this.#followed = followed;
    this.shape = null;
    this.note = file ? t("reading {file} …", { file: file.filename }) : NONE;
    if (file === null) return;
    let shape = null;
    let note = file.filename;
    try {
      shape = trims.reduce(trimmed, await this.#load(file));
    } catch (problem) {
      note = `${file.filename}: ${problem.message}`;
    }
    if (followed !== this.#followed) return; // another sound was chosen meanwhile
    this.shape = shape;
    this.note = note;
    this.#whenRead();
  }
}
