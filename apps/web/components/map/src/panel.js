// The panel beside the map: calls that are open now, or the story of what was chosen.

import {h} from "./dom.js";
import {clock, fill, minutes} from "./format.js";
import {CHANGED, HOSPITAL, KINDS, STATES, STATION} from "./palette.js";
import * as shapes from "./shapes.js";

/** A small canvas with an icon drawn by `paint(g, radius)`. */
function icon(paint, size = 22) {
  const ratio = 2;
  const canvas = h("canvas", {class: "icon", width: size * ratio, height: size * ratio, "aria-hidden": "true"});
  const g = canvas.getContext("2d");
  g.translate((size * ratio) / 2, (size * ratio) / 2);
  paint(g, size * ratio * 0.4);
  return canvas;
}

/** Icon of an incident. */
export function incidentIcon(kind, text) {
  return icon((g, r) => shapes.incident(g, kind, KINDS[kind] ?? KINDS.medical, r, text.kind_initial[kind] ?? ""));
}

/** Icon of a unit in a state. */
export function unitIcon(kind, state, changed = "") {
  return icon((g, r) => shapes.unit(g, kind, STATES[state] ?? STATES.idle, r, changed ? CHANGED : ""));
}

/** Icon of a place. */
export function placeIcon(kind, color) {
  return icon((g, r) => (kind === "hospital" ? shapes.hospital : shapes.station)(g, color, r));
}

/** Icon of a change, by its sign: what the map draws for it. */
export function changeIcon(sign) {
  return icon((g, r) => {
    if (sign === "close" || sign === "lanes") shapes.closure(g, CHANGED, r, sign === "close");
    else if (sign === "hospital") {
      shapes.hospital(g, HOSPITAL, r * 0.85);
      shapes.badge(g, CHANGED, r * 0.85, false);
    } else if (sign === "station") {
      shapes.station(g, CHANGED, r * 0.8);
      shapes.badge(g, CHANGED, r * 0.75, true);
    } else if (sign === "units") shapes.unit(g, "ambulance", STATES.idle, r * 0.85, CHANGED);
    else {
      shapes.outline(g, "diamond", r * 0.7);
      g.fillStyle = CHANGED;
      g.fill();
    }
  });
}

// A longer list of changes is folded away, so that the open calls are in sight.
const MOST_SHOWN = 3;
const LONG_DETAIL = 16; // letters; more stand below what they are a detail of

export class Panel {
  /** `act` holds select(key), seek(t), keep(following) and look(x, y). */
  constructor(act, changes, tracks, districts, headline) {
    this.act = act;
    this.changes = changes;
    this.tracks = tracks;
    this.districts = new Map(districts.map((each) => [each.id, each.name]));
    this.heading = h("h2");
    this.count = h("span", {class: "count"});
    this.list = h("div", {class: "open-calls"});
    this.story = h("article", {class: "story", hidden: true, "aria-live": "polite"});
    this.changed = h("details", {class: "changed", hidden: changes.list.length === 0, open: changes.list.length <= MOST_SHOWN});
    this.headline = headline;
    this.compared = h("section", {class: "compared", hidden: !headline});
    this.board = h("section", {class: "board"}, this.compared, this.changed, h("header", {}, this.heading, this.count), this.list);
    this.node = h("div", {class: "panel"}, this.board, this.story);
    this.rows = [];
    this.key = "";
  }

  translate(text) {
    this.text = text;
    this.heading.textContent = text.ui.open_calls;
    this.shown = null;
    if (this.headline) {
      const {figure, interval, verdict, about, few} = this.headline[text.lang];
      this.compared.replaceChildren(h("h2", {text: text.compared.title}), h("p", {class: "figure", text: figure}),
        h("p", {class: "interval", text: interval}), h("p", {class: "verdict", text: verdict}),
        h("p", {class: "fine", text: about}), h("p", {class: "fine few", text: few, hidden: !few}));
    }
    this.changeRows = this.changes.list.map((each) => {
      const row = h("button", {class: "change-row", type: "button", "data-change": each.key, onclick: () => {
        this.act.select(each.key);
        if (each.x !== null) this.act.look(each.x, each.y);
      }}, changeIcon(each.sign), h("span", {class: "what", text: each.words[text.lang]}), h("small", {text: each.when[text.lang]}));
      return {each, row};
    });
    this.changed.replaceChildren(h("summary", {}, h("h2", {text: text.ui.changes}), h("span", {class: "count", text: String(this.changes.list.length)})), ...this.changeRows.map(({row}) => row));
  }

  /** Show the calls that are open at `t`. */
  update(incidents, open, t) {
    if (!this.text) return;
    for (const {row, from} of this.rows) row.classList.toggle("later", from > t);
    for (const {each, row} of this.changeRows) row.classList.toggle("later", !this.changes.holds(each, t));
    this.#headIcon(t);
    const shown = `${this.text.lang}|${open.map((each) => `${each.id}:${incidents.stageAt(each, t)}:${Math.floor((t - each.stages[0][0]) / 15)}`).join()}`;
    if (shown === this.shown) return;
    this.shown = shown;
    this.count.textContent = String(open.length);
    if (!open.length) {
      this.list.replaceChildren(h("p", {class: "nothing", text: this.text.ui.no_open_calls}));
      return;
    }
    this.list.replaceChildren(...open.map((each) => {
      const stage = incidents.stageAt(each, t);
      return h("button", {class: "call-row", type: "button", "data-call": each.id, onclick: () => this.act.select(`call:${each.id}`)},
        incidentIcon(each.kind, this.text),
        h("span", {class: "what"},
          h("b", {text: `${this.text.kind[each.kind]} · ${this.text.stage[stage] ?? stage}`}),
          h("small", {text: [each.priority === null ? "" : fill(this.text.ui.priority, {n: each.priority}), stage === "received" ? "" : each.unit, this.#district(each.district)].filter(Boolean).join(" · ")})),
        h("span", {class: "since"}, h("b", {text: clock(each.stages[0][0]).slice(0, 5)}),
          h("small", {text: fill(this.text.ui.since, {time: minutes(Math.floor((t - each.stages[0][0]) / 15) * 15)})})));
    }));
  }

  #district(id) {
    return this.districts.get(id)?.[this.text.lang] ?? id;
  }

  /** Draw the sign of a story as the map draws it at `t`. */
  #headIcon(t) {
    if (!this.sign || !this.unit) return;
    const u = this.tracks.units.findIndex((unit) => unit.id === this.unit.id);
    const state = (u < 0 ? null : this.tracks.at(u, t)?.state) ?? "idle";
    if (state === this.signState) return;
    this.signState = state;
    const now = unitIcon(this.unit.kind, state, this.unit.changed);
    this.sign.replaceWith(now);
    this.sign = now;
  }

  /** Show a story: {key, kind, icon, title, subtitle, facts, rows, intervals, decision}; null closes it. */
  tell(story, t) {
    this.rows = [];
    this.key = story?.key ?? "";
    this.story.hidden = !story;
    this.board.hidden = Boolean(story);
    if (!story) return;
    const {text} = this;
    const parts = [this.#head(story)];
    if (story.facts?.length) {
      parts.push(h("dl", {class: "facts"}, ...story.facts.flatMap(([name, value]) => [h("dt", {text: name}), h("dd", {text: value})])));
    }
    if (story.intervals?.length) parts.push(...this.#intervals(story.intervals));
    if (story.rows?.length) {
      parts.push(h("h3", {text: text.ui.timeline_of}), h("ol", {class: "rows"}, ...story.rows.map((each) => this.#row(each))));
    }
    if (story.decision) parts.push(...this.#decision(story.decision));
    this.story.replaceChildren(...parts);
    this.#headIcon(t);
    this.story.scrollTop = 0;
    for (const {row, from} of this.rows) row.classList.toggle("later", from > t);
  }

  #head(story) {
    const [type, kind, state] = story.icon;
    const sign = type === "unit" ? unitIcon(kind, state) : type === "call" ? incidentIcon(kind, this.text)
      : type === "change" ? changeIcon(kind) : placeIcon(type, type === "hospital" ? HOSPITAL : STATION);
    this.sign = sign;
    this.signState = null;
    this.unit = type === "unit" ? this.tracks.units.find((unit) => `unit:${unit.id}` === story.key) : null;
    const buttons = h("span", {class: "buttons"});
    if (type === "unit") {
      this.keep = h("button", {class: "follow", type: "button", "aria-pressed": "false", text: this.text.ui.follow,
        onclick: () => this.act.keep(this.keep.getAttribute("aria-pressed") !== "true")});
      buttons.append(this.keep);
    }
    buttons.append(h("button", {class: "close", type: "button", "aria-label": this.text.ui.close, text: "✕", onclick: () => this.act.select("")}));
    return h("header", {}, sign, h("div", {class: "name"}, h("h2", {text: story.title}), h("p", {text: story.subtitle})), buttons);
  }

  /** Mark whether the camera follows the unit. */
  following(on) {
    if (!this.keep) return;
    this.keep.setAttribute("aria-pressed", on);
    this.keep.textContent = on ? this.text.ui.following : this.text.ui.follow;
  }

  #row({t, label, detail, key}) {
    const row = h("li", {}, h("button", {type: "button", class: "when", onclick: () => this.act.seek(t), text: clock(t), "aria-label": fill(this.text.ui.go_to, {time: clock(t)})}),
      h("span", {class: "label", text: label}),
      detail ? (key ? h("button", {type: "button", class: "link", text: detail, onclick: () => this.act.select(key)}) : h("small", {class: detail.length > LONG_DETAIL ? "long" : null, text: detail})) : null);
    this.rows.push({row, from: t});
    return row;
  }

  #intervals(intervals) {
    const total = intervals.reduce((sum, each) => sum + each.seconds, 0) || 1;
    return [
      h("h3", {text: this.text.ui.intervals}),
      h("div", {class: "bar", "aria-hidden": "true"}, ...intervals.map((each) => h("i", {class: `part is-${each.name}`, style: `flex-grow:${Math.max(each.seconds / total, 0.004)}`}))),
      h("ul", {class: "intervals"}, ...intervals.map((each) => h("li", {}, h("i", {class: `part is-${each.name}`}), h("span", {text: each.label}), h("b", {text: `${minutes(each.seconds)}`})))),
      h("p", {class: "fine", text: this.text.ui.minutes_seconds}),
    ];
  }

  #decision({sentence, candidates}) {
    const {text} = this;
    return [
      h("h3", {text: text.ui.why}), h("p", {class: "sentence", text: sentence}),
      h("table", {class: "candidates"},
        h("thead", {}, h("tr", {}, h("th", {scope: "col", text: text.ui.unit}), h("th", {scope: "col", text: text.ui.eta}), h("th", {scope: "col", text: ""}))),
        h("tbody", {}, ...candidates.map((each) => h("tr", {class: each.chosen ? "chosen" : null},
          h("td", {}, h("button", {type: "button", class: "link", text: each.unit, onclick: () => this.act.select(`unit:${each.unit}`)})),
          h("td", {text: each.eta}), h("td", {text: each.chosen ? text.ui.chosen : ""}))))),
    ];
  }
}
