// The sound that the graph names at the moment: its outline once it is there, and a word on it until then.

const NONE = "no sound file connected";

export class FollowedSound {
  /** @type {import("./sound.mjs").Sound|null} */
  shape = null;
  note = NONE;
  #file = null;
  #load;
  #whenRead;

  /** @param {(file: object) => Promise<import("./sound.mjs").Sound>} load */
  constructor(load, whenRead) {
    this.#load = load;
    this.#whenRead = whenRead;
  }

  /** Seconds, or null where they are not known. */
  get seconds() {
    return this.shape?.seconds ?? null;
  }

  /** @param {{filename: string, subfolder: string, type: string}|null} file */
  async follow(file) {
    if (JSON.stringify(file) === JSON.stringify(this.#file)) return;
    this.#file = file;
    this.shape = null;
    this.note = file ? `reading ${file.filename} …` : NONE;
    if (file === null) return;
    let shape = null;
    let note = file.filename;
    try {
      shape = await this.#load(file);
    } catch (problem) {
      note = `${file.filename}: ${problem.message}`;
    }
    if (file !== this.#file) return; // another one was chosen meanwhile
    this.shape = shape;
    this.note = note;
    this.#whenRead();
  }
}
