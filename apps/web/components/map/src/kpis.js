// The strip of key figures at the moment of the clock.

import {h} from "./dom.js";
import {count, fill, lastBefore, minutes} from "./format.js";

const TILES = [
  ["calls", "calls", (v) => count(v)],
  ["active", "calls", (v) => count(v)],
  ["p50", "min", (v) => (Number.isFinite(v) ? minutes(v) : "–")],
  ["p90", "min", (v) => (Number.isFinite(v) ? minutes(v) : "–")],
  ["vehicles", "vehicles", (v) => count(v)],
  ["speed", "kmh", (v) => (Number.isFinite(v) ? v.toFixed(1) : "–")],
  ["busy", "units", (v) => count(v)],
];

const OF_TRAFFIC = new Set(["vehicles", "speed"]);
const OF_REACHED = ["p50", "p90"];

export class KpiStrip {
  /** `traffic` tells whether the run has vehicles, and so figures of them; fewer calls than `fewCalls` are too few. */
  constructor(traffic, fewCalls) {
    this.fewCalls = fewCalls;
    this.tiles = new Map();
    this.node = h("div", {class: "kpis", role: "group"});
    for (const [name] of TILES) {
      if (!traffic && OF_TRAFFIC.has(name)) continue;
      const value = h("span", {class: "value", "data-kpi": name, text: "–"});
      const unit = h("span", {class: "unit"});
      const number = h("span", {class: "unit number"}); // of calls that the figure rests on
      const label = h("span", {class: "label"});
      const short = h("span", {class: "label short", "aria-hidden": "true"}); // on a phone
      this.node.append(h("div", {class: "kpi"}, label, short, h("span", {class: "figure"}, value, unit, number)));
      this.tiles.set(name, {value, unit, number, label, short});
    }
    this.node.dataset.tiles = this.tiles.size;
    this.node.style.setProperty("--tiles", this.tiles.size);
  }

  /** Write the labels. `total` is the number of units. */
  translate(text, total) {
    this.text = text;
    this.node.setAttribute("aria-label", text.ui.kpis);
    for (const [name, unit] of TILES) {
      const tile = this.tiles.get(name);
      if (!tile) continue;
      tile.label.textContent = text.kpi[name];
      tile.short.textContent = text.kpi_short[name];
      tile.unit.textContent = name === "busy" ? ` / ${total}` : text.unit[unit] ? ` ${text.unit[unit]}` : "";
      tile.unit.classList.toggle("needed", name === "busy");
    }
  }

  /** Show the figures at `t`; `series` holds columns over the times `series.t`. */
  update(series, t) {
    const i = lastBefore(series.t, t);
    for (const [name, , show] of TILES) {
      if (!this.tiles.has(name)) continue;
      const shown = i < 0 ? "–" : show(series[name][i]);
      const {value} = this.tiles.get(name);
      if (value.textContent !== shown) value.textContent = shown;
    }
    for (const name of OF_REACHED) this.#number(this.tiles.get(name).number, i < 0 ? 0 : series.reached[i]);
  }
  /** Say on how many calls a figure rests, and warn where they are few. */
  #number(node, n) {
    const {ui} = this.text;
    const said = n ? fill(ui.number, {n: count(n)}) : "";
    if (node.textContent === said && node.lang === this.text.lang) return;
    const few = n > 0 && n < this.fewCalls;
    node.lang = this.text.lang;
    node.textContent = said;
    node.title = few ? fill(ui.few, {n: this.fewCalls}) : "";
    node.classList.toggle("few", few);
    node.classList.toggle("needed", few);
  }
}
