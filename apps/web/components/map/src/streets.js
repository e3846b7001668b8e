// Streets: from the scene's links to the buffers of the two street layers, and their colours.

import {BREAKS, PALETTES, UNMEASURED, UNSEEN, classOf, rgb} from "./palette.js";

// Motorways to secondary streets are drawn as ribbons, the rest as hairlines.
const LAST_RIBBON_CLASS = 3;
const LANE_WIDTH_M = 3.25;
const LEAST_HALF_PX = [1.5, 1.25, 1.1, 0.8];
const NO_VEHICLE = 255;

export class StreetMap {
  /**
   * `arrays` are the scene's: geom_ptr, geom_x, geom_y, link_class, link_lanes, link_kmh, link_paired.
   * `traffic` tells whether the run has speeds: without, the streets are all that is to be seen.
   */
  constructor(arrays, traffic) {
    this.arrays = arrays;
    this.unseen = rgb(traffic ? UNSEEN : UNMEASURED);
    this.version = 0;
    const {geom_ptr: ptr, link_class: classes} = arrays;
    const links = [...classes.keys()];
    links.sort((a, b) => classes[b] - classes[a] || a - b); // the important ones on top
    let lines = 0;
    let ribbons = 0;
    for (const k of links) {
      const n = ptr[k + 1] - ptr[k] - 1;
      if (classes[k] > LAST_RIBBON_CLASS) lines += n;
      else ribbons += n;
    }
    this.lines = {
      positions: new Float32Array(lines * 4),
      colors: new Uint8Array(lines * 8),
      link: new Uint32Array(lines),
    };
    this.ribbons = {
      positions: new Float32Array(ribbons * 12),
      normals: new Float32Array(ribbons * 12),
      styles: new Float32Array(ribbons * 24),
      colors: new Uint8Array(ribbons * 24),
      link: new Uint32Array(ribbons),
    };
    this.#fill(links);
    this.bounds = this.#bounds();
    this.paint(null, "share", "traffic");
  }

  #fill(links) {
    const {geom_ptr: ptr, geom_x: x, geom_y: y, link_class: classes} = this.arrays;
    const {link_lanes: lanes, link_paired: paired} = this.arrays;
    let line = 0;
    let ribbon = 0;
    for (const k of links) {
      const wide = classes[k] <= LAST_RIBBON_CLASS;
      for (let i = ptr[k]; i < ptr[k + 1] - 1; i += 1) {
        const ax = x[i], ay = y[i], bx = x[i + 1], by = y[i + 1];
        if (!wide) {
          this.lines.positions.set([ax, ay, bx, by], line * 4);
          this.lines.link[line] = k;
          line += 1;
          continue;
        }
        const length = Math.hypot(bx - ax, by - ay) || 1;
        const nx = (by - ay) / length, ny = (ax - bx) / length; // to the right of travel
        const half = (Math.max(1, lanes[k]) * LANE_WIDTH_M) / 2;
        const least = LEAST_HALF_PX[classes[k]];
        const corners = [[ax, ay, -1], [ax, ay, 1], [bx, by, -1], [ax, ay, 1], [bx, by, 1], [bx, by, -1]];
        corners.forEach(([px, py, side], c) => {
          this.ribbons.positions.set([px, py], ribbon * 12 + c * 2);
          this.ribbons.normals.set([nx, ny], ribbon * 12 + c * 2);
          this.ribbons.styles.set([side, half, least, paired[k]], ribbon * 24 + c * 4);
        });
        this.ribbons.link[ribbon] = k;
        ribbon += 1;
      }
    }
  }

  #bounds() {
    const {geom_x: x, geom_y: y} = this.arrays;
    const box = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < x.length; i += 1) {
      box[0] = Math.min(box[0], x[i]);
      box[1] = Math.min(box[1], y[i]);
      box[2] = Math.max(box[2], x[i]);
      box[3] = Math.max(box[3], y[i]);
    }
    return box;
  }

  /**
   * Colour every street. `kmh` holds a speed a link (255: nothing was seen there), `measure` is
   * "share" of the free-flow speed or "speed", `palette` names one of PALETTES.
   */
  paint(kmh, measure, palette) {
    const {link_kmh: free, link_class: classes} = this.arrays;
    const scale = PALETTES[palette].map(rgb);
    const breaks = BREAKS[measure];
    const colors = new Uint8Array(free.length * 4);
    for (let k = 0; k < free.length; k += 1) {
      const seen = kmh !== null && kmh[k] !== NO_VEHICLE;
      const value = seen ? (measure === "share" ? kmh[k] / free[k] : kmh[k]) : 0;
      const [r, g, b] = seen ? scale[classOf(value, breaks)] : this.unseen;
      const alpha = classes[k] > LAST_RIBBON_CLASS ? (seen ? 170 : 130) : 255;
      colors[4 * k] = r;
      colors[4 * k + 1] = g;
      colors[4 * k + 2] = b;
      colors[4 * k + 3] = alpha;
    }
    spread(colors, this.lines, 2);
    spread(colors, this.ribbons, 6);
    this.version += 1;
  }
}

/** Copy the colour of each segment's link to the segment's `n` vertices. */
function spread(colors, target, n) {
  const words = new Uint32Array(colors.buffer);
  const out = new Uint32Array(target.colors.buffer);
  for (let s = 0; s < target.link.length; s += 1) out.fill(words[target.link[s]], s * n, (s + 1) * n);
}
