// The replay clock. The browser owns it: the server only hears of it a few times a second.

/** Speeds that can be chosen, simulated seconds per second. */
export const SPEEDS = [1, 5, 10, 30, 60, 120, 300];

// A live run grows in bursts. The clock spreads each burst over the time until the next is due,
// between these bounds in real seconds, so that the city moves steadily.
const SHORTEST_BURST_S = 1.0;
const LONGEST_BURST_S = 20.0;

export class Clock {
  constructor(start, end) {
    this.start = start;
    this.end = end;
    this.t = start;
    this.playing = false;
    this.speed = 30;
    this.following = false; // stuck to the newest moment of a live run
    this.rate = 1;
    this.grown = null; // real second at which the run last grew
  }

  /** Move the end of what is known (a live run grows); `now` is in real seconds. */
  extend(end, now) {
    if (end <= this.end) return;
    const burst = this.grown === null ? SHORTEST_BURST_S : now - this.grown;
    this.grown = now;
    this.end = end;
    this.rate = (end - this.t) / Math.min(LONGEST_BURST_S, Math.max(SHORTEST_BURST_S, burst));
  }

  /** Go to a moment; this lets go of the live edge. */
  seek(t) {
    this.following = false;
    this.t = Math.min(this.end, Math.max(this.start, t));
  }

  /** Start or stop; playing from the end starts over. */
  toggle() {
    this.playing = !this.playing;
    if (!this.playing) this.following = false;
    else if (!this.following && this.t >= this.end) this.t = this.start;
  }

  /** Go to the newest moment and stick to it. */
  follow() {
    this.t = this.end;
    this.following = true;
    this.playing = true;
  }

  /**
   * Advance by `dt` seconds of real time; `limit` is the last moment whose frames are loaded.
   * Returns whether the clock moved.
   */
  advance(dt, limit) {
    if (!this.playing) return false;
    const before = this.t;
    this.t += dt * (this.following ? this.rate : this.speed);
    this.t = Math.max(before, Math.min(this.t, this.end, limit));
    if (!this.following && this.t >= this.end) this.playing = false;
    return this.t !== before;
  }
}
