// What the scenario changes: closed roads, and places and units that are not as they were.

const PICK_EVERY_PX = 18;
const LANE_WIDTH_M = 3.25;

export class Changes {
  /** `list` is the scene's `changes`; `streets` holds the geometry of the links. */
  constructor(list, streets) {
    this.list = list;
    this.arrays = streets.arrays;
    this.byKey = new Map(list.map((each) => [each.key, each]));
  }

  /** Whether a change holds at `t`. */
  holds({t0, t1}, t) {
    return (t0 === null || t >= t0) && (t1 === null || t < t1);
  }

  /** Changes of a sign, those that hold at `t` last. */
  ofSign(sign, t) {
    const all = this.list.filter((each) => each.sign === sign);
    return [...all.filter((each) => !this.holds(each, t)), ...all.filter((each) => this.holds(each, t))];
  }

  /** The change that holds at `t` and is about the place with this key, or undefined. */
  of(target, t) {
    return this.list.find((each) => each.target === target && each.sign === "hospital" && this.holds(each, t));
  }

  /** A closed road in pixels: lines of points with half their width, and points to pick it by. */
  path({links}, view) {
    const {geom_ptr: ptr, geom_x: x, geom_y: y, link_lanes: lanes, link_paired: paired} = this.arrays;
    const perMetre = Math.abs(view.project(1000, 0)[0] - view.project(0, 0)[0]) / 1000;
    const lines = links.map((k) => {
      const half = Math.max((Math.max(1, lanes[k]) * LANE_WIDTH_M * perMetre) / 2, 1.5 * view.scale);
      const line = [];
      for (let i = ptr[k]; i < ptr[k + 1] - 1; i += 1) {
        const [ax, ay] = view.project(x[i], y[i]);
        const [bx, by] = view.project(x[i + 1], y[i + 1]);
        // A road with an opposite direction lies on its own side: to the right of travel.
        const across = paired[k] ? half / (Math.hypot(bx - ax, by - ay) || 1) : 0;
        const [sx, sy] = [-(by - ay) * across, (bx - ax) * across];
        line.push([ax + sx, ay + sy], [bx + sx, by + sy]);
      }
      return {half, line};
    });
    const points = [];
    for (const {line} of lines) {
      for (let i = 0; i < line.length - 1; i += 1) {
        const [[ax, ay], [bx, by]] = [line[i], line[i + 1]];
        const steps = Math.min(200, Math.ceil(Math.hypot(bx - ax, by - ay) / PICK_EVERY_PX) || 1);
        for (let s = 0; s <= steps; s += 1) points.push([ax + ((bx - ax) * s) / steps, ay + ((by - ay) * s) / steps]);
      }
    }
    return {lines, points};
  }
}
