// Everything on the map that has a name: places, units, incidents, districts, labels.
//
// There are hundreds of them, not thousands, so they are drawn on a flat canvas above the streets:
// text is sharp in every language, and picking is a search for the nearest.

import {CHANGED, HOSPITAL, KINDS, PARKED, STATES, STATION} from "./palette.js";
import * as shapes from "./shapes.js";

const PICK_PX = 26;
const PULSE_S = 1.6;
const TRAIL_S = 240;
const LABEL_ZOOM = 12.6;
const PARKED_ZOOM = 11.6;
const FAINT = 0.65;
const FADED = "#e5a3da"; // the colour of a change, for the name of one that does not hold now
const FONT = "system-ui, 'Noto Sans KR', 'Noto Sans CJK KR', 'Apple SD Gothic Neo', sans-serif";

export class Markers {
  constructor(canvas, scene, tracks, incidents, changes) {
    this.canvas = canvas;
    this.scene = scene;
    this.tracks = tracks;
    this.incidents = incidents;
    this.changes = changes;
    this.drawn = []; // what can be picked: {key, px, py, rank}
    this.options = {labels: true, places: true, districts: true};
    this.still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  /** Whether something pulses, so that the canvas must be drawn again though time stands still. */
  get restless() {
    return !this.still && this.active.length > 0;
  }

  /** Incidents that are open at `t`. */
  get active() {
    return this.now ?? [];
  }

  /**
   * Draw everything at city time `t`. `view` is {project, zoom, width, height, ratio, scale}, where
   * scale enlarges type and icons on large screens.
   */
  draw(view, t, selected, text) {
    const {canvas} = this;
    const width = Math.round(view.width * view.ratio);
    const height = Math.round(view.height * view.ratio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, {width, height});
    const g = canvas.getContext("2d");
    g.setTransform(view.ratio, 0, 0, view.ratio, 0, 0);
    g.clearRect(0, 0, view.width, view.height);
    this.drawn = [];
    this.taken = [...view.covered];
    this.view = view;
    this.g = g;
    this.now = this.incidents.openAt(t);
    this.labels = [];
    if (this.options.districts) this.#districts(text);
    this.#closures(selected, t, text);
    if (this.options.places) this.#places(selected, t, text);
    this.#trail(selected, t);
    this.#incidents(selected, text, t);
    this.#units(selected, t, text);
    this.#write();
  }

  /** The key of what lies nearest to a point of the canvas, or null. */
  pick(px, py) {
    let best = null;
    let least = PICK_PX * (this.view?.scale ?? 1);
    for (const mark of this.drawn) {
      const distance = Math.hypot(mark.px - px, mark.py - py) + mark.rank;
      if (distance < least) [best, least] = [mark.key, distance];
    }
    return best;
  }

  /** What the thing with this key is, in one line, or "". */
  describe(key, t, text) {
    const at = key.indexOf(":");
    const [kind, id] = [key.slice(0, at), key.slice(at + 1)];
    if (kind === "station" || kind === "hospital") {
      const place = this.scene[`${kind}s`].find((each) => each.id === id);
      const change = this.changes.of(key, t);
      return change ? `${change.words[text.lang]} · ${change.when[text.lang]}` : place?.name[text.lang] ?? "";
    }
    if (kind === "change") {
      const change = this.changes.byKey.get(key);
      return `${change.words[text.lang]} · ${change.when[text.lang]}`;
    }
    if (kind === "call") {
      const each = this.incidents.byId.get(id);
      return `${text.kind[each.kind]} · ${text.stage[this.incidents.stageAt(each, t)] ?? ""}`;
    }
    const u = this.tracks.units.findIndex((unit) => unit.id === id);
    const unit = this.tracks.units[u];
    return `${id} · ${text.kind[unit.kind] ?? unit.kind} · ${text.state[this.tracks.at(u, t)?.state] ?? ""}`;
  }

  /** Where the thing with this key was drawn, or null. */
  locate(key) {
    const mark = this.drawn.find((each) => each.key === key);
    return mark ? [mark.px, mark.py] : null;
  }

  #at(x, y, paint) {
    const [px, py] = this.view.project(x, y);
    const margin = 60 * this.view.scale;
    if (px < -margin || py < -margin || px > this.view.width + margin || py > this.view.height + margin) return null;
    this.g.save();
    this.g.translate(px, py);
    paint();
    this.g.restore();
    return [px, py];
  }

  /** Keep a label for the end; `gap` is how far from the point its nearest edge is. */
  #label(px, py, words, {color, size, gap, rank, weight = 500, force = false}) {
    this.labels.push({px, py, words, color, size: size * this.view.scale, gap, rank, weight, force});
  }

  /** Keep an icon free of other things' labels. */
  #occupy([px, py], r) {
    this.taken.push([px - r, py - r, px + r, py + r]);
  }

  /** Write the labels, those that matter first, each where it covers neither icon nor label. */
  #write() {
    const {g} = this;
    g.textAlign = "center";
    g.textBaseline = "top";
    g.lineJoin = "round";
    const {width, height} = this.view;
    const inside = ([x0, y0, x1, y1]) => x0 >= 0 && y0 >= 0 && x1 <= width && y1 <= height;
    const free = (box) => inside(box) && !this.taken.some((b) => box[0] < b[2] && box[2] > b[0] && box[1] < b[3] && box[3] > b[1]);
    for (const {px, py, words, color, size, gap, weight, force} of this.labels.sort((a, b) => a.rank - b.rank)) {
      g.font = `${weight} ${size}px ${FONT}`;
      const half = g.measureText(words).width / 2 + 3;
      const beside = half + gap;
      const places = gap
        ? [[px, py + gap], [px, py - gap - size], [px + beside, py - size / 2], [px - beside, py - size / 2]]
        : [[px, py - size / 2], [px, py + size], [px, py - 2 * size], [px + half, py - size / 2], [px - half, py - size / 2]];
      const boxes = places.map(([x, y]) => [x - half, y - 2, x + half, y + size + 2]);
      const k = boxes.findIndex(free);
      if (k < 0 && !force) continue;
      const n = k >= 0 ? k : Math.max(0, boxes.findIndex(inside));
      const [x, y] = places[n];
      this.taken.push(boxes[n]);
      g.lineWidth = 3 * this.view.scale;
      g.strokeStyle = "rgba(8, 13, 28, 0.9)";
      g.strokeText(words, x, y);
      g.fillStyle = color;
      g.fillText(words, x, y);
    }
  }

  #districts(text) {
    const {g, view} = this;
    g.strokeStyle = "rgba(150, 170, 215, 0.34)";
    g.lineWidth = 1.2 * view.scale;
    g.setLineDash([6 * view.scale, 5 * view.scale]);
    for (const district of this.scene.districts) {
      for (const ring of district.rings) {
        g.beginPath();
        ring.forEach(([x, y], i) => {
          const [px, py] = view.project(x, y);
          if (i) g.lineTo(px, py);
          else g.moveTo(px, py);
        });
        g.closePath();
        g.stroke();
      }
    }
    g.setLineDash([]);
    if (!this.options.labels || this.#zoom > 14) return;
    for (const district of this.scene.districts) {
      const [px, py] = view.project(...district.centre);
      if (px > 0 && py > 0 && px < view.width && py < view.height) {
        this.#label(px, py, district.name[text.lang] || district.name.en, {color: "#c3cfe9", size: 12.5, gap: 0, rank: 5});
      }
    }
  }

  /**
   * Closed roads: full ones solid, those with some lanes closed dashed; faint while they are open
   * again or still.
   */
  #closures(selected, t, text) {
    const {g, view, changes} = this;
    const r = 8 * view.scale;
    for (const sign of ["lanes", "close"]) {
      for (const each of changes.ofSign(sign, t)) {
        if (!each.links.length) continue;
        const faint = !changes.holds(each, t);
        g.globalAlpha = faint ? FAINT : 1;
        const {lines, points} = changes.path(each, view);
        for (const [color, more] of [["#12061a", 2.5], [CHANGED, 0]]) {
          if (!more) g.setLineDash(sign === "lanes" || faint ? [6 * view.scale, 6 * view.scale] : []);
          g.strokeStyle = color;
          g.lineCap = "butt";
          for (const {half, line} of lines) {
            g.lineWidth = 2 * half * 0.9 + more * view.scale;
            g.beginPath();
            line.forEach(([px, py], i) => (i ? g.lineTo(px, py) : g.moveTo(px, py)));
            g.stroke();
          }
        }
        g.setLineDash([]);
        for (const [px, py] of points) this.drawn.push({key: each.key, px, py, rank: 14});
        const at = this.#at(each.x, each.y, () => shapes.closure(g, CHANGED, r, sign === "close"));
        g.globalAlpha = 1;
        if (!at) continue;
        this.#occupy(at, r);
        this.drawn.push({key: each.key, px: at[0], py: at[1], rank: 3, faint});
        if (each.key === selected) this.#ring(at, r + 5 * view.scale);
        if (!this.options.labels) continue;
        const words = faint ? `${each.words[text.lang]} · ${each.when[text.lang]}` : each.words[text.lang];
        this.#label(...at, words, {color: faint ? FADED : CHANGED, size: 12, gap: r + 4, rank: 1.5, weight: 600});
      }
    }
  }

  #places(selected, t, text) {
    const {view, changes} = this;
    const zoom = this.#zoom;
    const r = (zoom < 11.5 ? 5.5 : zoom < 13.5 ? 7.5 : 9.5) * view.scale;
    const marks = [];
    for (const place of this.scene.stations) {
      const at = this.#at(place.x, place.y, () => {
        shapes.station(this.g, place.added ? CHANGED : STATION, r * (place.added ? 1.1 : 0.85));
        if (place.added) shapes.badge(this.g, CHANGED, r, true);
      });
      const from = place.added ? 0 : LABEL_ZOOM + 0.6;
      if (at) marks.push({at, place, key: `station:${place.id}`, color: place.added ? CHANGED : STATION, from, rank: place.added ? 2 : 6});
    }
    for (const place of this.scene.hospitals) {
      const key = `hospital:${place.id}`;
      const change = changes.of(key, t);
      const at = this.#at(place.x, place.y, () => {
        shapes.hospital(this.g, HOSPITAL, r);
        if (change) shapes.badge(this.g, CHANGED, r, false);
      });
      const from = change ? 0 : place.level === "regional" ? LABEL_ZOOM - 1.4 : LABEL_ZOOM;
      if (at) marks.push({at, place, key, color: change ? CHANGED : HOSPITAL, from, rank: change ? 2 : 4});
    }
    for (const {at, place, key, color, from, rank} of marks.reverse()) {
      this.drawn.push({key, px: at[0], py: at[1], rank: 6});
      this.#occupy(at, r);
      if (this.options.labels && (zoom >= from || key === selected)) {
        const mine = key === selected;
        this.#label(...at, place.name[text.lang], {color, size: 12, gap: r + 3, rank: mine ? 0 : rank, force: mine});
      }
      if (key === selected) this.#ring(at, r + 5);
    }
  }

  /** The zoom as it counts for what is shown: a larger screen must come nearer for as much. */
  get #zoom() {
    return this.view.zoom - Math.log2(this.view.scale);
  }

  #ring([px, py], r) {
    const {g} = this;
    g.beginPath();
    g.arc(px, py, r, 0, 2 * Math.PI);
    g.lineWidth = 2.5 * this.view.scale;
    g.strokeStyle = "#ffffff";
    g.stroke();
  }

  #trail(selected, t) {
    if (!selected?.startsWith("unit:")) return;
    const u = this.tracks.units.findIndex((unit) => `unit:${unit.id}` === selected);
    if (u < 0) return;
    const {g, view} = this;
    const points = this.tracks.trail(u, t - TRAIL_S, t);
    g.beginPath();
    points.forEach(([x, y], i) => {
      const [px, py] = view.project(x, y);
      if (i) g.lineTo(px, py);
      else g.moveTo(px, py);
    });
    g.lineWidth = 4 * view.scale;
    g.lineJoin = "round";
    g.strokeStyle = "rgba(255, 255, 255, 0.55)";
    g.stroke();
  }

  #incidents(selected, text, t) {
    const {view, g} = this;
    const phase = this.still ? 0.5 : ((performance.now() / 1000) % PULSE_S) / PULSE_S;
    for (const each of this.now) {
      const color = KINDS[each.kind] ?? KINDS.medical;
      const r = 8 * view.scale;
      const key = `call:${each.id}`;
      const at = this.#at(each.x, each.y, () => {
        g.beginPath();
        g.arc(0, 0, r + phase * 20 * view.scale, 0, 2 * Math.PI);
        g.globalAlpha = 1 - phase;
        g.lineWidth = 2.5 * view.scale;
        g.strokeStyle = color;
        g.stroke();
        g.globalAlpha = 1;
        shapes.incident(g, each.kind, color, r, text.kind_initial[each.kind] ?? "");
      });
      if (!at) continue;
      this.drawn.push({key, px: at[0], py: at[1], rank: 2});
      if (key === selected) this.#ring(at, r + 5 * view.scale);
      this.#occupy(at, r);
      if (this.options.labels && (this.#zoom > 11.8 || key === selected)) {
        const words = `${text.kind[each.kind]} · ${text.stage[this.incidents.stageAt(each, t)] ?? ""}`;
        this.#label(...at, words, {color: "#ffffff", size: 12, gap: r + 4, rank: key === selected ? 0 : 1, weight: 600, force: key === selected});
      }
    }
  }

  #units(selected, t, text) {
    const {view} = this;
    const order = this.tracks.units
      .map((unit, u) => ({unit, at: this.tracks.at(u, t)}))
      .filter(({at}) => at !== null && at.state !== "off_shift");
    const parked = new Map(); // those that wait at one place stand side by side below it
    for (const each of order) {
      if (!PARKED.has(each.at.state)) continue;
      const place = `${Math.round(each.at.x / 20)}:${Math.round(each.at.y / 20)}`;
      if (!parked.has(place)) parked.set(place, []);
      parked.get(place).push(each);
    }
    for (const row of parked.values()) {
      const r = 5.5 * view.scale;
      row.forEach(({unit, at}, i) => {
        const shift = [(i - (row.length - 1) / 2) * r * 2.2, r * 3.1];
        if (this.#zoom >= PARKED_ZOOM || unit.changed || `unit:${unit.id}` === selected) this.#unit(unit, at, r, shift, 4, selected, text);
      });
    }
    const r = (this.#zoom < 11.5 ? 8 : 10.5) * view.scale;
    for (const {unit, at} of order) {
      if (!PARKED.has(at.state)) this.#unit(unit, at, r, [0, 0], 0, selected, text);
    }
  }

  #unit(unit, at, r, [dx, dy], rank, selected, text) {
    const {view, g} = this;
    const key = `unit:${unit.id}`;
    const base = this.#at(at.x, at.y, () => {
      g.translate(dx, dy);
      shapes.unit(g, unit.kind, STATES[at.state] ?? STATES.idle, r, unit.changed ? CHANGED : "");
    });
    if (!base) return;
    const where = [base[0] + dx, base[1] + dy];
    this.drawn.push({key, px: where[0], py: where[1], rank});
    this.#occupy(where, r);
    if (key === selected) {
      this.#ring(where, r + 5 * view.scale);
      const words = `${unit.id} · ${text.state[at.state] ?? at.state}`;
      this.#label(...where, words, {color: "#ffffff", size: 13, gap: r + 7 * view.scale, rank: 0, weight: 700, force: true});
    } else if (this.options.labels && this.#zoom >= 13.4 && rank === 0) {
      this.#label(...where, unit.id, {color: "#dfe7f7", size: 11, gap: r + 3, rank: 3});
    }
  }
}
