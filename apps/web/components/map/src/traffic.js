// Vehicles in windows of time: asked for as they are needed, one ahead of the clock.

import {lastBefore} from "./format.js";

const ABSENT = 255;
const KEEP_WINDOWS = 24;
const RETRY_MS = 8000;
const MOST_ASKED = 3;
// Nobody drives this far between two keyframes: it was taken off and put in elsewhere.
const LONGEST_HOP = 0.08; // share of the box

export class Traffic {
  /** `ask(k)` sends for window k; `grid` is {t0, length} in seconds. */
  constructor(grid, ask) {
    this.grid = grid;
    this.ask = ask;
    this.windows = new Map();
    this.asked = new Map();
    this.version = 0;
    this.shown = {key: "", before: new Uint16Array(0), after: new Uint16Array(0), states: new Uint8Array(0)};
    this.mixing = 0;
    this.count = 0;
  }

  indexOf(t) {
    return Math.max(0, Math.floor((t - this.grid.t0) / this.grid.length));
  }

  /** Take in a window that arrived. */
  receive({meta, arrays}) {
    this.windows.delete(meta.window);
    this.windows.set(meta.window, {...arrays, n: meta.n, end: meta.end, complete: meta.complete});
    this.asked.delete(meta.window);
    if (this.windows.size > KEEP_WINDOWS) this.windows.delete(this.windows.keys().next().value);
    this.shown.key = "";
  }

  /** Send for a window unless it is here, or on its way. `newest` is the last recorded moment. */
  want(k, newest, now) {
    if (k < 0 || this.grid.t0 + k * this.grid.length > newest) return;
    const here = this.windows.get(k);
    if (here && (here.complete || here.end >= newest)) return;
    for (const [other, at] of this.asked) if (now - at > RETRY_MS) this.asked.delete(other);
    if (this.asked.has(k) || this.asked.size >= MOST_ASKED) return;
    this.asked.set(k, now);
    this.ask(k);
  }

  /** The last moment up to which the clock may run with what is loaded. */
  limit(t) {
    let k = this.indexOf(t);
    if (!this.windows.has(k)) return t;
    while (this.windows.has(k + 1)) k += 1;
    const last = this.windows.get(k);
    return last.complete ? this.grid.t0 + (k + 1) * this.grid.length : Math.max(t, last.end);
  }

  /** Make the two keyframes around `t` the ones that are shown. Returns whether they are here. */
  show(t) {
    const k = this.indexOf(t);
    const window = this.windows.get(k);
    if (!window) return false;
    if (!window.t.length) {
      this.#set(`${k}:empty`, new Uint16Array(0), new Uint16Array(0), new Uint8Array(0), 0);
      return true;
    }
    const i = Math.max(0, Math.min(lastBefore(window.t, t), window.t.length - 1));
    const j = Math.min(i + 1, window.t.length - 1);
    const gap = window.t[j] - window.t[i];
    this.mixing = gap > 0 ? Math.min(1, Math.max(0, (t - window.t[i]) / gap)) : 0;
    if (this.shown.key !== `${k}:${i}:${window.end}`) this.#prepare(`${k}:${i}:${window.end}`, window, i, j);
    return true;
  }

  #prepare(key, {n, xy, speed}, i, j) {
    const before = xy.subarray(i * n * 2, (i + 1) * n * 2);
    const after = xy.subarray(j * n * 2, (j + 1) * n * 2);
    const states = new Uint8Array(n * 4);
    const hop = LONGEST_HOP * 65535;
    let seen = 0;
    for (let v = 0; v < n; v += 1) {
      const a = speed[i * n + v];
      const b = speed[j * n + v];
      const near = Math.abs(before[2 * v] - after[2 * v]) < hop && Math.abs(before[2 * v + 1] - after[2 * v + 1]) < hop;
      const visible = a !== ABSENT && b !== ABSENT && near;
      states[4 * v] = a;
      states[4 * v + 1] = b;
      states[4 * v + 2] = visible ? 255 : 0;
      seen += visible;
    }
    this.#set(key, before, after, states, seen);
  }

  #set(key, before, after, states, seen) {
    this.shown = {key, before, after, states};
    this.count = seen;
    this.version += 1;
  }
}
