// What the colours and shapes mean, and what to show: always on the map.

import {h} from "./dom.js";
import {fill} from "./format.js";
import {BREAKS, HOSPITAL, KINDS, PALETTES, STATES, STATION, UNSEEN} from "./palette.js";
import {changeIcon, incidentIcon, placeIcon, unitIcon} from "./panel.js";

const SWITCHES = ["vehicles", "places", "labels", "districts"];
const SHOWN_STATES = ["idle", "turnout", "to_scene", "on_scene", "transporting", "at_hospital", "returning", "moving_up"];

export class Legend {
  /** `choice` is {measure, palette, vehicles, places, labels, districts}; `change()` is called after a choice; `scene` tells what there is to explain. */
  constructor(choice, change, scene) {
    this.traffic = scene.fidelity !== "table";
    const {changes} = scene;
    this.signs = new Set(changes.filter((each) => each.links.length || !["close", "lanes"].includes(each.sign)).map((each) => each.sign));
    this.unitsChanged = scene.units.some((unit) => unit.changed);
    this.choice = choice;
    this.change = change;
    this.toggle = h("button", {class: "legend-toggle", type: "button", onclick: () => this.open(!this.isOpen)});
    this.scale = h("div", {class: "scale"});
    this.more = h("div", {class: "more", hidden: true});
    this.node = h("div", {class: "legend"}, this.scale, this.more, this.toggle);
    this.isOpen = false;
  }

  open(on) {
    this.isOpen = on;
    this.more.hidden = !on;
    this.node.classList.toggle("opened", on);
    this.toggle.setAttribute("aria-expanded", on);
    this.toggle.textContent = on ? this.text.ui.less : this.text.ui.legend;
  }

  translate(text) {
    this.text = text;
    this.#draw();
    this.open(this.isOpen);
  }

  #draw() {
    const {text, choice} = this;
    const breaks = BREAKS[choice.measure];
    const ends = choice.measure === "share" ? breaks.map((b) => `${b * 100}`) : breaks.map(String);
    const words = choice.measure === "share" ? text.ui.scale_share : text.ui.scale_speed;
    if (this.traffic) this.scale.replaceChildren(
      h("span", {class: "scale-title", text: words}),
      h("div", {class: "swatches"}, ...PALETTES[choice.palette].map((color) => h("i", {style: `background:${color}`}))),
      h("div", {class: "ends", "aria-hidden": "true"}, ...ends.map((end, i) => h("span", {style: `left:${(i + 1) * 20}%`, text: end}))),
    );
    else this.scale.replaceChildren(h("p", {class: "calm short", text: text.ui.table_short}), h("p", {class: "calm long", text: text.ui.table_note}));
    this.scale.append(...this.#changed());
    const group = (title, ...rows) => h("fieldset", {}, h("legend", {text: title}), ...rows);
    const choose = (name, value, label) => h("label", {}, h("input", {
      type: "radio", name, value, checked: choice[name] === value, onchange: () => this.#set(name, value)}), label);
    const ofTraffic = this.traffic ? [
      group(text.ui.colour_by, choose("measure", "share", text.ui.by_share), choose("measure", "speed", text.ui.by_speed)),
      group(text.ui.palette, choose("palette", "traffic", text.ui.palette_traffic), choose("palette", "safe", text.ui.palette_safe)),
    ] : [];
    const vehicles = this.traffic ? [
      sign(swatch(UNSEEN), text.ui.unseen),
      sign(dot("#ff806b"), text.ui.vehicle_standing), sign(dot("#dcf2ff"), text.ui.vehicle_moving),
    ] : [];
    this.more.replaceChildren(
      ...ofTraffic,
      group(text.ui.show, ...SWITCHES.filter((name) => this.traffic || name !== "vehicles").map((name) => h("label", {}, h("input", {
        type: "checkbox", checked: choice[name], onchange: (event) => this.#set(name, event.target.checked)}), text.ui[`show_${name}`]))),
      group(text.ui.signs,
        ...vehicles,
        ...Object.keys(KINDS).map((kind) => sign(incidentIcon(kind, text), fill(text.ui.incident_of, {kind: text.kind[kind]}))),
        sign(placeIcon("hospital", HOSPITAL), text.ui.hospital), sign(placeIcon("station", STATION), text.ui.station),
        sign(unitIcon("ambulance", "idle"), text.ui.ambulance), sign(unitIcon("engine", "idle"), text.ui.engine),
        sign(h("i", {class: "border"}), text.ui.district), sign(h("i", {class: "trail"}), text.ui.track)),
      group(text.ui.states, ...SHOWN_STATES.filter((state) => state in STATES).map((state) => sign(unitIcon("ambulance", state), text.state[state]))),
    );
  }

  /** Signs of what the scenario changes; none where it changes nothing that the map marks. */
  #changed() {
    const {text, signs} = this;
    const rows = [];
    if (signs.has("close")) rows.push(sign(changeIcon("close"), text.ui.closed));
    if (signs.has("lanes")) rows.push(sign(changeIcon("lanes"), text.ui.lanes_closed));
    if (signs.has("station")) rows.push(sign(changeIcon("station"), text.ui.station_added));
    if (signs.has("hospital")) rows.push(sign(changeIcon("hospital"), text.ui.hospital_changed));
    if (this.unitsChanged) rows.push(sign(changeIcon("units"), text.ui.unit_changed));
    return rows;
  }

  #set(name, value) {
    this.choice[name] = value;
    this.#draw();
    this.change();
  }
}

const sign = (icon, words) => h("div", {class: "sign"}, icon, h("span", {text: words}));
const swatch = (color) => h("i", {class: "swatch", style: `background:${color}`});
const dot = (color) => h("i", {class: "dot", style: `background:${color}`});

/** The bar that shows a round distance. */
export class ScaleBar {
  constructor() {
    this.words = h("span");
    this.node = h("div", {class: "scale-bar"}, this.words);
  }

  update(metresPerPixel, em) {
    const most = metresPerPixel * em * 7;
    const power = 10 ** Math.floor(Math.log10(most));
    const metres = [5, 2, 1].map((n) => n * power).find((n) => n <= most);
    this.node.style.width = `${metres / metresPerPixel}px`;
    const words = metres >= 1000 ? `${metres / 1000} km` : `${metres} m`;
    if (this.words.textContent !== words) this.words.textContent = words;
  }
}
