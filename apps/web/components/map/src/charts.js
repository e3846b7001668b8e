// Two charts over the time of the run, linked with the clock: a click goes to that moment.

import {h, svg} from "./dom.js";
import {clock, count, hourMinute, minutes, niceStep, niceTimeStep} from "./format.js";
import {KINDS} from "./palette.js";

let serial = 0;

/** What both charts share: a frame with axes, a cursor at the clock, and seeking. */
class TimeChart {
  constructor(clockState, seek, select) {
    this.clock = clockState;
    this.seek = seek;
    this.select = select;
    this.title = h("h3");
    this.key = h("div", {class: "key"});
    this.plot = svg("svg", {class: "plot", role: "img"});
    this.clip = `past-${serial += 1}`;
    this.node = h("section", {class: "chart"}, h("header", {}, this.title, this.key), this.plot);
    this.plot.addEventListener("click", (event) => this.#click(event));
    this.plot.addEventListener("pointermove", (event) => this.#hover(event));
    this.plot.addEventListener("pointerleave", () => { this.hover?.replaceChildren(); });
    new ResizeObserver(() => this.redraw()).observe(this.plot);
  }

  /** The time at a horizontal place of the plot. */
  timeAt(px) {
    const {left, right, width} = this.area;
    const share = (px - left) / (width - left - right);
    return this.clock.start + Math.min(1, Math.max(0, share)) * (this.domainEnd - this.clock.start);
  }

  x(t) {
    const {left, right, width} = this.area;
    return left + ((t - this.clock.start) / (this.domainEnd - this.clock.start)) * (width - left - right);
  }

  y(value, top) {
    const {head, foot, height} = this.area;
    return height - foot - (value / top) * (height - head - foot);
  }

  /** Lay the frame out; `steps(parts)` are those of the axes. Returns false when there is no room to draw in. */
  begin({tops, titles, steps}) {
    const box = this.plot.getBoundingClientRect();
    const em = parseFloat(getComputedStyle(this.plot).fontSize);
    if (box.width < 60 || box.height < 50) return false;
    this.em = em;
    const wide = tops.map((top) => count(top).length * 0.62 * em + 0.9 * em);
    // The chart above or below has its margins too, so that a moment stands in one line.
    this.wants = {left: Math.max(wide[0], 1.7 * em), right: Math.max(wide[1] ?? 0, 1.7 * em)};
    const other = this.peer?.wants ?? this.wants;
    this.area = {
      width: box.width, height: box.height, head: 1.7 * em, foot: 2.7 * em,
      left: Math.max(this.wants.left, other.left), right: Math.max(this.wants.right, other.right),
    };
    this.plot.setAttribute("viewBox", `0 0 ${box.width} ${box.height}`);
    // Lines are cut off at the clock: what is still to come is not shown, and its room is shaded.
    this.past = svg("rect", {x: 0, y: 0, width: 0, height: box.height});
    this.future = svg("rect", {class: "future", y: this.area.head, height: box.height - this.area.head - this.area.foot});
    this.plot.replaceChildren(svg("clipPath", {id: this.clip}, this.past), this.future);
    const {width, height, left, right, head, foot} = this.area;
    const cut = steps(Math.max(2, (height - head - foot) / (2.4 * em)));
    tops.forEach((top, side) => {
      const step = cut[side];
      for (let value = 0; value <= top + 1e-9; value += step) {
        const y = this.y(value, top);
        if (side === 0) this.plot.append(svg("line", {class: "grid", x1: left, x2: width - right, y1: y, y2: y}));
        this.plot.append(svg("text", {
          class: `tick side${side}`, x: side ? width - right + 0.4 * em : left - 0.4 * em, y: y + 0.32 * em,
          "text-anchor": side ? "start" : "end", text: value >= 1000 ? count(value) : String(+value.toFixed(2)),
        }));
      }
      this.plot.append(svg("text", {
        class: `unit side${side}`, x: side ? width : 0, y: 0.95 * em,
        "text-anchor": side ? "end" : "start", text: titles[side],
      }));
    });
    const span = this.domainEnd - this.clock.start;
    const step = niceTimeStep(span, Math.max(2, (width - left - right) / (4.2 * em)));
    for (let t = Math.ceil(this.clock.start / step) * step; t <= this.domainEnd; t += step) {
      const x = this.x(t);
      this.plot.append(
        svg("line", {class: "mark", x1: x, x2: x, y1: height - foot, y2: height - foot + 0.35 * em}),
        svg("text", {class: "tick", x, y: height - foot + 1.35 * em, "text-anchor": "middle", text: hourMinute(t)}),
      );
    }
    this.plot.append(
      svg("line", {class: "axis", x1: left, x2: width - right, y1: height - foot, y2: height - foot}),
      svg("text", {class: "unit", x: (left + width - right) / 2, y: height - 0.25 * em, "text-anchor": "middle", text: this.text.ui.city_time}),
    );
    return true;
  }

  /** Put the cursor and the hover text on top. */
  end() {
    const {height, head, foot} = this.area;
    this.cursor = svg("line", {class: "cursor", y1: head - 0.3 * this.em, y2: height - foot});
    this.hover = svg("g", {class: "hover"});
    this.plot.append(this.cursor, this.hover);
    this.move(this.clock.t);
    const {left, right} = this.area;
    const other = this.peer?.area;
    if (other && (other.left !== left || other.right !== right)) this.peer.redraw();
  }

  /** Move the cursor to `t`. */
  move(t) {
    if (!this.cursor) return;
    const x = this.x(t);
    this.cursor.setAttribute("x1", x);
    this.cursor.setAttribute("x2", x);
    this.past.setAttribute("width", Math.max(0, x));
    this.future.setAttribute("x", x);
    this.future.setAttribute("width", Math.max(0, this.area.width - this.area.right - x));
  }

  #place(event) {
    const box = this.plot.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #click(event) {
    if (!this.area) return;
    const [px, py] = this.#place(event);
    const near = this.nearest(px, py);
    if (near?.key) this.select(near.key);
    this.seek(near?.seek ?? this.timeAt(px));
  }

  #hover(event) {
    if (!this.area || !this.hover) return;
    const [px, py] = this.#place(event);
    const near = this.nearest(px, py);
    this.hover.replaceChildren();
    if (!near) return;
    const {width, head} = this.area;
    const anchor = near.px > width / 2 ? "end" : "start";
    const shift = anchor === "end" ? -0.5 * this.em : 0.5 * this.em;
    this.hover.append(
      svg("circle", {cx: near.px, cy: near.py, r: 0.38 * this.em}),
      svg("text", {x: near.px + shift, y: Math.max(head + 0.5 * this.em, near.py - 0.6 * this.em), "text-anchor": anchor, text: near.words}),
    );
  }

  /** Draw a line that grows with the clock. */
  line(name, values, top) {
    const {t} = this.series;
    const stride = Math.max(1, Math.floor(t.length / 600));
    let d = "";
    for (let i = 0; i < t.length; i += stride) {
      if (Number.isFinite(values[i])) d += `${d ? "L" : "M"}${this.x(t[i]).toFixed(1)} ${this.y(values[i], top).toFixed(1)}`;
    }
    this.plot.append(svg("path", {class: `line ${name}`, d, "clip-path": `url(#${this.clip})`}));
  }

  /** Show what the marks mean: [mark, colour, words], where mark is dot, dash or dashed. */
  legend(entries) {
    this.key.replaceChildren(...entries.map(([mark, color, words]) => h("span", {},
      h("i", {class: mark, style: `--mark:${color}`}), words)));
  }
}

/** The response time of every call when its first unit arrived, with the median and 90th percentile so far. */
export class ResponseChart extends TimeChart {
  /** Take the data; `end` is the end of the time axis. */
  set(incidents, series, end, text) {
    Object.assign(this, {incidents, series, domainEnd: end, text});
    this.title.textContent = text.ui.chart_response;
    this.plot.setAttribute("aria-label", text.ui.chart_response_aria);
    this.legend([
      ...["medical", "fire", "collision"].filter((kind) => incidents.list.some((each) => each.kind === kind))
        .map((kind) => ["dot", KINDS[kind], text.kind[kind]]),
      ["dash", "#e8edf7", text.kpi.p50_short], ["dashed", "#8fa3cf", text.kpi.p90_short],
    ]);
    this.redraw();
  }

  redraw() {
    if (!this.incidents) return;
    this.points = this.incidents.list.filter((each) => each.response_s !== null && each.t_onscene !== null);
    const top = Math.max(10, ...this.points.map((each) => each.response_s / 60)) * 1.05;
    const steps = (parts) => [niceTimeStep(top * 60, parts) / 60];
    if (!this.begin({tops: [top], titles: [this.text.ui.axis_response], steps})) return;
    this.dots = this.points.map((each) => {
      const px = this.x(each.t_onscene);
      const py = this.y(each.response_s / 60, top);
      const dot = svg("circle", {class: "call", cx: px, cy: py, r: 0.3 * this.em, fill: KINDS[each.kind] ?? "#fff"});
      this.plot.append(dot);
      return {each, dot, px, py};
    });
    for (const name of ["p90", "p50"]) this.line(name, this.series[name].map((v) => v / 60), top);
    const {left, right, width, head, foot, height} = this.area;
    this.empty = svg("text", {class: "empty", x: (left + width - right) / 2, y: (head + height - foot) / 2, "text-anchor": "middle", text: this.text.ui.nothing_yet});
    this.plot.append(this.empty);
    this.end();
  }

  move(t) {
    super.move(t);
    for (const {each, dot} of this.dots ?? []) dot.classList.toggle("later", each.t_onscene > t);
    if (this.empty) this.empty.style.display = (this.points ?? []).some((each) => each.t_onscene <= t) ? "none" : "";
  }

  nearest(px, py) {
    let best = null;
    let least = 1.4 * this.em;
    for (const point of this.dots ?? []) {
      if (point.each.t_onscene > this.clock.t) continue;
      const distance = Math.hypot(point.px - px, point.py - py);
      if (distance < least) [best, least] = [point, distance];
    }
    if (!best) return null;
    const {each} = best;
    const words = `${this.text.kind[each.kind]} ${each.id} · ${minutes(each.response_s)} ${this.text.unit.min}`;
    return {...best, words, key: `call:${each.id}`, seek: each.stages[0][0]};
  }
}

// What the second chart shows: columns of the series, their words, and the least top of each axis.
const FLOW = {
  title: "traffic", lines: [
    {column: "vehicles", color: "#5cc1ff", axis: "axis_vehicles", least: 10, digits: 0, unit: "vehicles"},
    {column: "speed", color: "#ffb454", axis: "axis_speed", least: 20, digits: 1, unit: "kmh"},
  ],
};
const WORKLOAD = {
  title: "workload", lines: [
    {column: "active", color: "#ff6b81", axis: "axis_calls", least: 4, digits: 0},
    {column: "busy", color: "#5cc1ff", axis: "axis_units", least: 4, digits: 0},
  ],
};

/** Vehicles and their mean speed; in a run without vehicles, open calls and busy units. */
export class SecondChart extends TimeChart {
  constructor(traffic, ...rest) {
    super(...rest);
    this.what = traffic ? FLOW : WORKLOAD;
  }

  set(series, end, text) {
    Object.assign(this, {series, domainEnd: end, text});
    this.title.textContent = text.ui[`chart_${this.what.title}`];
    this.plot.setAttribute("aria-label", text.ui[`chart_${this.what.title}_aria`]);
    this.legend(this.what.lines.map(({column, color}) => ["dash", color, text.kpi[column]]));
    this.redraw();
  }

  redraw() {
    if (!this.series) return;
    const {lines} = this.what;
    this.tops = lines.map(({column, least}) => {
      const most = this.series[column].reduce((a, b) => (Number.isFinite(b) ? Math.max(a, b) : a), least);
      return 2 * niceStep(most * 1.08, 2);
    });
    // Two steps on either side: a line across the chart says something of both.
    const steps = () => this.tops.map((top) => top / 2);
    if (!this.begin({tops: this.tops, titles: lines.map(({axis}) => this.text.ui[axis]), steps})) return;
    lines.forEach(({column}, side) => this.line(column, this.series[column], this.tops[side]));
    this.end();
  }

  nearest(px) {
    const {t} = this.series;
    const at = this.timeAt(px);
    if (!t.length || at > this.clock.t) return null;
    let i = 0;
    while (i < t.length - 1 && t[i + 1] <= at) i += 1;
    const figures = this.what.lines.map(({column, digits, unit}) => {
      const value = this.series[column][i];
      const shown = Number.isFinite(value) ? value.toFixed(digits) : "–";
      return unit ? `${shown} ${this.text.unit[unit]}` : `${this.text.kpi[column]} ${shown}`;
    });
    const words = [clock(t[i]), ...figures].join(" · ");
    return {px: this.x(t[i]), py: this.y(this.series[this.what.lines[0].column][i], this.tops[0]), words, key: null, seek: at};
  }
}
