// Plays a stack: multi-frame images at their frame time, others at a usual pace. Frames that were due and not
// shown are counted as dropped.

const USUAL_MS = 1000 / 15;
const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4];
const ASLEEP_MS = 1000; // a gap this long is a hidden page, not a slow one

export class Cine {
  #request = 0;
  #from = 0; // when the first frame was due
  #base = 0; // its place
  #due = 0; // frames due since then
  #last = 0;

  /** @param {(cine: Cine) => void} changed */
  constructor(viewport, changed) {
    this.viewport = viewport;
    this.changed = changed;
    this.speed = 1;
    this.dropped = 0;
    this.range = null; // [first, last] of what is played, null for all
  }

  /** The image shown begins (0) or ends (1) what is played; the whole stack again when it does already. */
  setRange(end) {
    const { index, stack } = this.viewport;
    if (!stack) return;
    const whole = [0, stack.length - 1];
    const next = [...(this.range ?? whole)];
    next[end] = next[end] === index ? whole[end] : index;
    const valid = next[0] < next[1] && String(next) !== String(whole);
    this.range = valid ? next : null;
    if (this.playing) this.#start(performance.now());
    this.changed(this);
  }

  clearRange() {
    this.range = null;
  }

  get playing() {
    return this.viewport.playing;
  }

  get frameTime() {
    return (this.viewport.stack?.frameTime ?? USUAL_MS) / this.speed;
  }

  get rate() {
    return 1000 / this.frameTime;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.play();
  }

  play() {
    const { viewport } = this;
    if (!viewport.stack || viewport.stack.length < 2 || this.playing) return;
    viewport.playing = true;
    this.dropped = 0;
    this.#start(performance.now());
    viewport.prefetch();
    this.#request = requestAnimationFrame((now) => this.#tick(now));
    this.changed(this);
  }

  stop() {
    if (!this.playing) return;
    cancelAnimationFrame(this.#request);
    this.viewport.playing = false;
    this.viewport.show(); // exact, now that it stands still
    this.changed(this);
  }

  /** @param {number} step -1 slower, 1 faster */
  faster(step) {
    const place = SPEEDS.indexOf(this.speed) + step;
    this.setSpeed(SPEEDS[Math.min(Math.max(place, 0), SPEEDS.length - 1)]);
  }

  setSpeed(speed) {
    this.speed = SPEEDS.includes(speed) ? speed : 1;
    this.#start(performance.now());
    this.changed(this);
  }

  #start(now) {
    this.#from = now;
    this.#last = now;
    const [first, last] = this.range ?? [0, Infinity];
    this.#base = Math.min(Math.max(this.viewport.index, first), last);
    this.#due = 0;
  }

  /** How many frames begin in so many milliseconds at plain speed (Frame Time, or Frame Time Vector: PS3.3 C.7.6.5). */
  #begun(milliseconds) {
    const { stack } = this.viewport;
    const [first, last] = this.range ?? [0, stack.length - 1];
    const stands = stack.frameTimes?.slice(first, last + 1);
    if (!stands) return Math.floor(milliseconds / (stack.frameTime ?? USUAL_MS));
    const round = stands.reduce((sum, time) => sum + time, 0);
    let begun = Math.floor(milliseconds / round) * stands.length;
    let left = milliseconds % round;
    for (let place = this.#base - first; left >= stands[place]; place = (place + 1) % stands.length) {
      left -= stands[place];
      begun += 1;
    }
    return begun;
  }

  #tick(now) {
    this.#request = requestAnimationFrame((next) => this.#tick(next));
    if (now - this.#last > ASLEEP_MS) this.#start(now);
    this.#last = now;
    // A frame's time is that of its beginning: the first one may have begun before play was pressed.
    const due = this.#begun((now - this.#from) * this.speed);
    if (due <= this.#due) return;
    const { viewport } = this;
    const missed = due - this.#due - 1;
    this.#due = due;
    const late = viewport.shown?.index !== viewport.index; // the one before did not come in time
    this.dropped += missed + (late ? 1 : 0);
    const [first, last] = this.range ?? [0, viewport.stack.length - 1];
    viewport.scrollTo(first + ((this.#base - first + due) % (last - first + 1)));
    if (missed || late) this.changed(this);
  }
}
