// Plays the sound of a timeline. The player's own event moves the playhead, a few times a second.

export class Playback {
  #player = null;
  #whenMoved;

  /** @param {(seconds: number) => void} whenMoved the time within the timeline's sound */
  constructor(whenMoved) {
    this.#whenMoved = whenMoved;
  }

  get isOn() {
    return this.#player !== null;
  }

  /**
   * @param {HTMLAudioElement} player of the whole file
   * @param {import("./sound.mjs").Sound} sound the part of the file that the timeline shows
   * @param {number} from seconds within that part
   */
  start(player, sound, from) {
    this.stop();
    this.#player = player;
    player.currentTime = sound.start + from;
    player.addEventListener("timeupdate", () => {
      if (player !== this.#player) return;
      this.#whenMoved(Math.min(player.currentTime - sound.start, sound.seconds));
      if (player.ended || player.currentTime >= sound.start + sound.seconds) this.stop();
    });
    player.play().catch(() => player === this.#player && this.stop()); // the browser cannot, or stop() came first
  }

  stop() {
    this.#player?.pause();
    this.#player = null;
  }
}
