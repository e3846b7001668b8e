// The stage of the page: map, key figures, charts, panel and timeline around one clock.
//
// Python sends `scene` (once a run), `chunk` (windows of vehicles, street speeds, unit tracks, new
// figures), `text` (words of the chosen language) and `story`; it is told `time`, `playing`,
// `speed`, `selected` and `opened`, and asked for chunks by messages.

import {Camera} from "./camera.js";
import {Changes} from "./changes.js";
import {ResponseChart, SecondChart} from "./charts.js";
import {Clock} from "./clock.js";
import {h} from "./dom.js";
import {fill, hourMinute, lastBefore} from "./format.js";
import {Incidents} from "./incidents.js";
import {KpiStrip} from "./kpis.js";
import {Legend, ScaleBar} from "./legend.js";
import {Markers} from "./markers.js";
import {Panel} from "./panel.js";
import {StreetMap} from "./streets.js";
import {Timeline, bindKeys} from "./timeline.js";
import {Tracks} from "./tracks.js";
import {Traffic} from "./traffic.js";
import {unpack} from "./wire.js";

const REPORT_MS = 1000;
const FOLLOW_ZOOM = 14.5;
const LOOK_ZOOM = 13;
const NARROW_PX = 760;
const SHORTEST_AXIS_S = 60; // of a run that has recorded no more than its first moment

class Stage {
  constructor(model, el, scene) {
    this.model = model;
    const {meta, arrays} = scene;
    this.meta = meta;
    this.text = model.text;
    this.clock = new Clock(meta.t_start, meta.t_known);
    this.clock.speed = model.speed;
    this.clock.seek(model.time > 0 ? model.time : meta.t_open);
    this.choice = {measure: "share", palette: "traffic", vehicles: true, places: true, labels: true, districts: true};
    this.running = meta.status === "running";
    this.series = {t: new Float32Array(0), calls: [], active: [], reached: [], p50: [], p90: [], vehicles: [], speed: [], busy: []};
    this.incidents = new Incidents([]);
    this.streets = new StreetMap(arrays, meta.fidelity !== "table");
    this.changes = new Changes(meta.changes, this.streets);
    this.hasTraffic = meta.fidelity !== "table";
    this.tracks = new Tracks(meta.units, meta.box, meta.frame_every_s, meta.states);
    this.traffic = new Traffic(meta.windows, (window) => model.send_msg({ask: "window", window}));
    this.speeds = new Map();
    this.painted = null;
    this.linkTimes = [];
    this.keeping = false;
    this.dirty = true;
    this.reported = 0;

    this.act = {
      toggle: () => { this.clock.toggle(); this.#tell(); },
      seek: (t) => { this.clock.seek(t); this.dirty = true; this.#tell(); },
      setSpeed: (x) => { this.clock.speed = x; this.clock.following = false; this.#tell(); },
      follow: () => { this.clock.follow(); this.dirty = true; this.#tell(); },
      select: (key) => this.select(key),
      keep: (on) => this.keep(on),
      look: (x, y) => { this.camera.touched = true; this.camera.centre(x, y, Math.max(this.camera.state.zoom, LOOK_ZOOM)); },
    };
    this.#build(el);
    this.letKeysGo = bindKeys(this.clock, this.act);
    this.last = performance.now();
    this.raf = requestAnimationFrame((now) => this.#frame(now));
  }

  #build(el) {
    this.kpis = new KpiStrip(this.hasTraffic, this.meta.few_calls);
    this.panel = new Panel(this.act, this.changes, this.tracks, this.meta.districts, this.meta.headline);
    this.timeline = new Timeline(this.clock, this.act);
    this.response = new ResponseChart(this.clock, this.act.seek, this.act.select);
    this.flow = new SecondChart(this.hasTraffic, this.clock, this.act.seek, this.act.select);
    this.legend = new Legend(this.choice, () => this.#repaint(), this.meta);
    this.response.peer = this.flow;
    this.flow.peer = this.response;
    this.scaleBar = new ScaleBar();
    const surface = h("div", {class: "surface"});
    const overlay = h("canvas", {class: "overlay", "aria-hidden": "true"});
    this.about = h("p", {class: "about"});
    this.notice = h("p");
    this.sources = h("details", {}, h("summary"), h("ul"));
    // Both grow over the map, from its top and from its bottom: one at a time.
    this.sources.addEventListener("toggle", () => { if (this.sources.open) this.legend.open(false); });
    this.legend.toggle.addEventListener("click", () => { if (this.legend.isOpen) this.sources.open = false; });
    this.hint = h("div", {class: "hint", hidden: true});
    this.waiting = h("div", {class: "waiting", role: "status", hidden: true});
    this.buttons = {
      in: h("button", {type: "button", text: "+", onclick: () => this.camera.zoom(1)}),
      out: h("button", {type: "button", text: "−", onclick: () => this.camera.zoom(-1)}),
      home: h("button", {type: "button", text: "⌂", onclick: () => { this.keep(false); this.camera.frame(); }}),
    };
    this.foot = h("div", {class: "foot"}, h("div", {class: "notice"}, this.about, this.notice, this.sources), this.scaleBar.node);
    this.map = h("div", {class: "map", role: "region"}, surface, overlay,
      h("div", {class: "zoom"}, ...Object.values(this.buttons)), this.legend.node,
      this.foot, this.waiting, this.hint);
    new ResizeObserver(() => this.map.style.setProperty("--foot", `${this.foot.offsetHeight}px`)).observe(this.foot);
    this.grip = h("button", {class: "grip", type: "button", onclick: () => this.#sheet()});
    this.side = h("aside", {class: "side"}, this.grip, this.panel.node, h("div", {class: "charts"}, this.response.node, this.flow.node));
    this.root = h("div", {class: "twin"}, this.kpis.node, this.map, this.side, this.timeline.node);
    el.append(this.root);
    this.markers = new Markers(overlay, this.meta, this.tracks, this.incidents, this.changes);
    this.camera = new Camera(surface, this.meta, this.streets, {
      move: (dragged) => { if (dragged && this.keeping) this.keep(false); this.dirty = true; },
      after: () => this.#mark(),
      click: (x, y) => this.select(this.markers.pick(x, y) ?? ""),
      hover: (x, y) => this.#hint(x, y),
      covered: () => this.#covered(),
    });
    this.translate();
  }

  /** Height at the top and bottom of the map that lies under what is written on it, px: of a wide map, the bottom alone. */
  #covered() {
    const bottom = this.foot.offsetHeight;
    const legend = this.legend.node;
    const beside = this.map.clientWidth > NARROW_PX || this.legend.isOpen;
    return {top: beside ? 0 : legend.offsetTop + legend.offsetHeight, bottom};
  }

  /** Boxes of the map, [x0, y0, x1, y1] in px, that are written on: no name is put there. */
  #boxes() {
    return [this.legend.node, this.buttons.in.parentNode, this.foot.firstChild, this.scaleBar.node].map((node) => {
      const left = node.offsetLeft + (node.offsetParent === this.foot ? this.foot.offsetLeft : 0);
      const top = node.offsetTop + (node.offsetParent === this.foot ? this.foot.offsetTop : 0);
      return [left, top, left + node.offsetWidth, top + node.offsetHeight];
    });
  }

  /** Say beside the pointer what it is on. */
  #hint(x, y) {
    const key = this.markers.pick(x, y);
    this.camera.pointing = key !== null;
    this.hint.hidden = key === null;
    if (key === null) return;
    this.hint.textContent = this.markers.describe(key, this.clock.t, this.text);
    const right = x > this.camera.width / 2;
    this.hint.style.left = `${x}px`;
    this.hint.style.top = `${y}px`;
    this.hint.classList.toggle("left", right);
  }

  /** Write every word anew. */
  translate() {
    const {text, meta} = this;
    this.root.lang = text.lang;
    document.documentElement.lang = text.lang;
    const title = meta.title[text.lang] ?? meta.title.en;
    document.title = `${title} · ${text.page.title}`;
    this.kpis.translate(text, meta.units.length);
    this.panel.translate(text);
    this.legend.translate(text);
    this.map.setAttribute("aria-label", text.ui.map);
    this.buttons.in.setAttribute("aria-label", text.ui.zoom_in);
    this.buttons.out.setAttribute("aria-label", text.ui.zoom_out);
    this.buttons.home.setAttribute("aria-label", text.ui.whole_city);
    this.side.setAttribute("aria-label", text.ui.side);
    const city = meta.city[text.lang] ?? meta.city.en;
    this.about.replaceChildren(h("b", {class: "title", text: title}), // a phone's list of runs cuts it off
      h("span", {text: `${city} · ${text.ui[`fidelity_${meta.fidelity}`]}`}));
    const says = meta.notice[text.lang] ?? meta.notice.en ?? "";
    this.notice.textContent = [says, meta.same_city || !this.hasTraffic ? "" : text.ui.other_city].filter(Boolean).join(" ");
    this.sources.hidden = meta.attribution.length === 0;
    this.sources.firstChild.textContent = fill(text.ui.sources, {n: meta.attribution.length});
    this.sources.lastChild.replaceChildren(...meta.attribution.map((source) => h("li", {text: source})));
    this.#sheetWords();
    this.#data();
  }

  /** Hand new figures and incidents to everything that shows them. */
  #data() {
    const known = this.running ? Math.max(this.meta.t_end, this.clock.end) : this.clock.end;
    const end = Math.max(known, this.clock.start + SHORTEST_AXIS_S);
    this.response.set(this.incidents, this.series, end, this.text);
    this.flow.set(this.series, end, this.text);
    this.timeline.word = null;
    this.timeline.set({text: this.text, incidents: this.incidents, end, day: this.meta.day});
    this.timeline.update(this.running);
    this.dirty = true;
  }

  /** Take in a message from the server. */
  receive(chunk) {
    const {meta, arrays} = chunk;
    if (meta.kind === "window") this.traffic.receive(chunk);
    else if (meta.kind === "tracks") this.tracks.receive(arrays);
    else if (meta.kind === "speeds") {
      this.speeds.set(meta.interval, arrays.kmh);
      this.painted = null;
    } else if (meta.kind === "figures") {
      this.running = meta.status === "running";
      this.series = arrays;
      this.linkTimes = meta.link_times;
      this.incidents.replace(meta.incidents);
      this.clock.extend(meta.t_known, performance.now() / 1000);
      this.meta.t_end = this.running ? this.meta.t_end : meta.t_known;
      this.#data();
    }
    this.dirty = true;
  }

  select(key) {
    if (!key || key !== this.model.selected) this.keep(false);
    this.model.selected = key;
    this.dirty = true;
    if (!key) this.panel.tell(null, this.clock.t);
  }

  tell(story) {
    this.panel.tell(story?.key && story.key === this.model.selected ? story : null, this.clock.t);
    if (story?.key) this.root.classList.add("open");
    this.panel.following(this.keeping);
    this.#sheetWords();
    this.dirty = true;
  }

  /** Let the camera follow the unit that is selected, or stop. */
  keep(on) {
    this.keeping = on;
    this.panel.following(on);
    if (on) this.camera.touched = true;
    if (on && this.camera.state.zoom < FOLLOW_ZOOM) {
      const at = this.#selectedUnit();
      if (at) this.camera.centre(at.x, at.y, FOLLOW_ZOOM);
    }
    this.dirty = true;
  }

  #selectedUnit() {
    const u = this.tracks.units.findIndex((unit) => `unit:${unit.id}` === this.model.selected);
    return u < 0 ? null : this.tracks.at(u, this.clock.t);
  }

  #repaint() {
    Object.assign(this.markers.options, this.choice);
    this.painted = null;
    this.dirty = true;
  }

  #sheet() {
    this.root.classList.toggle("open");
    this.#sheetWords();
  }

  #sheetWords() {
    const open = this.root.classList.contains("open");
    this.grip.setAttribute("aria-expanded", open);
    this.grip.textContent = open ? this.text.ui.sheet_close : this.text.ui.sheet_open;
  }

  /** Tell the server where the clock is. */
  #tell() {
    const {model, clock} = this;
    this.reported = performance.now();
    this.dirty = true;
    if (model.playing !== clock.playing) model.playing = clock.playing;
    if (model.speed !== clock.speed) model.speed = clock.speed;
    if (Math.abs(model.time - clock.t) >= 1) model.time = Math.round(clock.t);
    this.timeline.update();
  }

  #frame(now) {
    this.raf = requestAnimationFrame((next) => this.#frame(next));
    const dt = Math.min(0.25, (now - this.last) / 1000);
    this.last = now;
    const {clock, traffic} = this;
    const wasPlaying = clock.playing;
    const moved = clock.advance(dt, traffic.limit(clock.t));
    const k = traffic.indexOf(clock.t);
    traffic.want(k, clock.end, now);
    if (clock.playing) traffic.want(k + 1, clock.end, now);
    if (wasPlaying !== clock.playing || (moved && now - this.reported > REPORT_MS)) this.#tell();
    if (moved || this.dirty) this.#draw();
    else if (this.markers.restless) this.#mark();
  }

  /** Show the moment of the clock everywhere. */
  #draw() {
    this.dirty = false;
    const {clock, traffic, camera} = this;
    const {t} = clock;
    const here = traffic.show(t);
    this.#wait(here);
    this.#paint(t);
    if (this.keeping) {
      const at = this.#selectedUnit();
      if (at) camera.centre(at.x, at.y);
    }
    camera.layers(this.choice.vehicles ? traffic : null);
    this.kpis.update(this.series, t);
    this.timeline.update();
    this.response.move(t);
    this.flow.move(t);
    this.panel.update(this.incidents, this.incidents.openAt(t), t);
    this.#mark();
    this.root.dataset.time = t.toFixed(1);
    this.root.dataset.playing = clock.playing;
    this.root.dataset.vehicles = traffic.count;
    this.root.dataset.ready = here && this.camera.framed;
  }

  /** Say what is still to come: the vehicles of this moment, or the first moments of a run. */
  #wait(here) {
    const {ui} = this.text;
    const warming = this.running && this.series.t.length < 2;
    this.waiting.hidden = !warming && (here || this.series.t.length === 0);
    this.waiting.textContent = warming ? fill(ui.warming, {time: hourMinute(this.clock.start)}) : ui.loading;
  }

  /** Colour the streets with the speeds of the interval that holds `t`. */
  #paint(t) {
    // An interval is named by its end; the one that still runs is shown by the last that is known.
    const ended = lastBefore(this.linkTimes, t);
    const i = Math.min(this.linkTimes[ended] === t ? ended : ended + 1, this.linkTimes.length - 1);
    const key = `${i}|${this.choice.measure}|${this.choice.palette}`;
    if (i < 0 || key === this.painted) return;
    if (!this.speeds.has(i)) {
      this.speeds.set(i, null);
      this.model.send_msg({ask: "speeds", interval: i});
    }
    const kmh = this.speeds.get(i);
    if (!kmh) return;
    this.streets.paint(kmh, this.choice.measure, this.choice.palette);
    this.painted = key;
  }

  /** Draw the flat canvas for the view that the card has just drawn. */
  #mark() {
    const project = this.camera?.projector();
    if (!project) return;
    const em = parseFloat(getComputedStyle(this.root).fontSize);
    this.meta.scale = Math.max(1, em / 15);
    const view = {
      project, zoom: this.camera.state.zoom, width: this.camera.width, height: this.camera.height, covered: this.#boxes(),
      ratio: Math.min(2, window.devicePixelRatio || 1), scale: this.meta.scale,
    };
    this.markers.draw(view, this.clock.t, this.model.selected, this.text);
    this.scaleBar.update(this.camera.metresPerPixel, em);
  }

  /** Where something stands on the page, for tests that click as a person does. */
  locate(key) {
    const at = this.markers.locate(key);
    const box = this.map.getBoundingClientRect();
    return at ? [box.left + at[0], box.top + at[1]] : null;
  }

  close() {
    cancelAnimationFrame(this.raf);
    this.letKeysGo();
    this.camera.finalize();
    this.root.remove();
  }
}

let stages = 0;

function render({model, el}) {
  let stage = null;
  const open = () => {
    stage?.close();
    stage = null;
    const scene = unpack(model.scene);
    if (!scene) return;
    stage = new Stage(model, el, scene);
    window.__twin = stage;
    stage.tell(model.story);
    // Not by a message: that names the map, and Bokeh would send a map that it has just been given
    // back whole, the scene with it. The number tells two stages of one run apart.
    model.opened = `${++stages} ${scene.meta.run}`;
  };
  model.on("scene", open);
  model.on("chunk", () => {
    const chunk = unpack(model.chunk);
    model.send_msg({ask: "next"});
    if (stage && chunk && chunk.meta.run === stage.meta.run) stage.receive(chunk);
  });
  model.on("text", () => {
    if (!stage) return;
    stage.text = model.text;
    stage.translate();
  });
  model.on("story", () => stage?.tell(model.story));
  model.on("remove", () => stage?.close());
  open();
}

export default {render};
