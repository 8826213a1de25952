// The finished part of a video, in the node that still makes it. The host tells of every clip that was added to the file.
// What is being watched is never interrupted: a longer version is loaded where the old one ends, or before it is played.

const HEIGHT_PX = 240;
const players = new WeakMap(); // node → GrowingVideo

/**
 * @param {object} node @param {string} address of the file as it is now: another one for each version
 * @param {number} run another one for each run of the graph, which may make another video
 */
export function showGrowingVideo(node, address, run) {
  let player = players.get(node);
  if (!player) {
    const video = Object.assign(document.createElement("video"), { controls: true, playsInline: true });
    addWidget(node, video);
    player = new GrowingVideo(video);
    players.set(node, player);
  }
  player.grown(address, run);
}

function addWidget(node, video) {
  Object.assign(video.style, { width: "100%", minHeight: `${HEIGHT_PX}px` });
  const widget = node.addDOMWidget("growing_video", "hallo2_growing_video", video, {
    serialize: false, // not in the queued prompt …
    getMinHeight: () => HEIGHT_PX,
  });
  widget.serialize = false; // … nor in the saved workflow
  const [width, height] = node.computeSize();
  node.setSize([Math.max(width, node.size[0]), Math.max(height, node.size[1])]);
  node.graph?.setDirtyCanvas(true, true); // the older editor draws only then
}

/** Plays the versions of a growing file as one video. */
export class GrowingVideo {
  #video;
  #run = null;
  #newest = null;
  #loaded = null;

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
    video.addEventListener("ended", () => this.#update());
    video.addEventListener("error", () => (this.#loaded = null)); // the file is gone: the next version replaces it
  }

  grown(address, run) {
    const isOfNewRun = run !== this.#run;
    this.#run = run;
    this.#newest = address;
    if (isOfNewRun) this.#load(0, false);
    else this.#update();
  }

  /** Loads the newest version, unless that would interrupt. */
  #update() {
    const video = this.#video;
    const isUntouched = video.paused && !video.currentTime;
    if (this.#newest === this.#loaded || !(this.#loaded === null || video.ended || isUntouched)) return;
    this.#load(video.currentTime, video.ended);
  }

  #load(seconds, continues) {
    this.#loaded = this.#newest;
    this.#video.src = this.#newest;
    this.#video.currentTime = seconds; // before the file is known, this is where it will begin
    if (continues) this.#video.play().catch(() => {}); // browsers may refuse to play unasked
  }
}
