// What the colours and shapes mean, and what to show: always on the map.

import {h} from "./dom.js";
import {fill} from "./format.js";
import {BREAKS, HOSPITAL, KINDS, PALETTES, STATES, STATION, UNSEEN} from "./palette.js";
import {incidentIcon, placeIcon, unitIcon} from "./panel.js";

const SWITCHES = ["vehicles", "places", "labels", "districts"];
const SHOWN_STATES = ["idle", "turnout", "to_scene", "on_scene", "transporting", "at_hospital", "returning"];

export class Legend {
  /** `choice` is {measure, palette, vehicles, places, labels, districts}; `change()` is called after a choice. */
  constructor(choice, change) {
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
    this.scale.replaceChildren(
      h("span", {class: "scale-title", text: words}),
      h("div", {class: "swatches"}, ...PALETTES[choice.palette].map((color) => h("i", {style: `background:${color}`}))),
      h("div", {class: "ends", "aria-hidden": "true"}, ...ends.map((end, i) => h("span", {style: `left:${(i + 1) * 20}%`, text: end}))),
    );
    const group = (title, ...rows) => h("fieldset", {}, h("legend", {text: title}), ...rows);
    const choose = (name, value, label) => h("label", {}, h("input", {
      type: "radio", name, value, checked: choice[name] === value, onchange: () => this.#set(name, value)}), label);
    this.more.replaceChildren(
      group(text.ui.colour_by, choose("measure", "share", text.ui.by_share), choose("measure", "speed", text.ui.by_speed)),
      group(text.ui.palette, choose("palette", "traffic", text.ui.palette_traffic), choose("palette", "safe", text.ui.palette_safe)),
      group(text.ui.show, ...SWITCHES.map((name) => h("label", {}, h("input", {
        type: "checkbox", checked: choice[name], onchange: (event) => this.#set(name, event.target.checked)}), text.ui[`show_${name}`]))),
      group(text.ui.signs,
        sign(swatch(UNSEEN), text.ui.unseen),
        sign(dot("#ff806b"), text.ui.vehicle_standing), sign(dot("#dcf2ff"), text.ui.vehicle_moving),
        ...Object.keys(KINDS).map((kind) => sign(incidentIcon(kind, text), fill(text.ui.incident_of, {kind: text.kind[kind]}))),
        sign(placeIcon("hospital", HOSPITAL), text.ui.hospital), sign(placeIcon("station", STATION), text.ui.station),
        sign(unitIcon("ambulance", "idle"), text.ui.ambulance), sign(unitIcon("engine", "idle"), text.ui.engine)),
      group(text.ui.states, ...SHOWN_STATES.filter((state) => state in STATES).map((state) => sign(unitIcon("ambulance", state), text.state[state]))),
    );
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
