// Units: the whole track of each is kept, so that they move while the timeline is dragged.

import {lastBefore} from "./format.js";

// A gap longer than this between two points is not driven but waited: the unit stands at the first.
const LONGEST_STEP = 1.5;

export class Tracks {
  /** `units` is [{id, kind, station}]; `box` is {x0, y0, side}; `every` seconds between frames. */
  constructor(units, box, every, states) {
    this.units = units;
    this.box = box;
    this.every = every;
    this.names = states;
    this.tracks = units.map(() => ({t: [], x: [], y: [], s: []}));
  }

  /** Append the points of a message: rows of unit u are ptr[u]..ptr[u + 1]. */
  receive({ptr, t, x, y, state}) {
    const {x0, y0, side} = this.box;
    for (let u = 0; u < this.tracks.length; u += 1) {
      const track = this.tracks[u];
      for (let i = ptr[u]; i < ptr[u + 1]; i += 1) {
        track.t.push(t[i]);
        track.x.push(x0 + (x[i] / 65535) * side);
        track.y.push(y0 + (y[i] / 65535) * side);
        track.s.push(state[i]);
      }
    }
  }

  /** Where unit `u` is at `t`: {x, y, state}, or null before it is first seen. */
  at(u, t) {
    const track = this.tracks[u];
    const i = lastBefore(track.t, t);
    if (i < 0) return null;
    const j = Math.min(i + 1, track.t.length - 1);
    const gap = track.t[j] - track.t[i];
    // Points that repeat the last place are not sent: the move happens in the last frame's step.
    const from = gap > LONGEST_STEP * this.every ? track.t[j] - this.every : track.t[i];
    const share = gap > 0 ? Math.min(1, Math.max(0, (t - from) / (track.t[j] - from))) : 0;
    return {
      x: track.x[i] + share * (track.x[j] - track.x[i]),
      y: track.y[i] + share * (track.y[j] - track.y[i]),
      state: this.names[track.s[i]],
    };
  }

  /** The points of unit `u` between two moments, ending where it is at `to`. */
  trail(u, from, to) {
    const track = this.tracks[u];
    const points = [];
    for (let i = Math.max(0, lastBefore(track.t, from)); i < track.t.length && track.t[i] <= to; i += 1) {
      points.push([track.x[i], track.y[i]]);
    }
    const now = this.at(u, to);
    if (now) points.push([now.x, now.y]);
    return points;
  }
}
