// The bar at the bottom: play, clock, speed, and the run from start to end with its incidents.

import {SPEEDS} from "./clock.js";
import {h} from "./dom.js";
import {clock, fill, hourMinute, niceTimeStep} from "./format.js";
import {KINDS} from "./palette.js";

const ARROW_S = 30;
const PAGE_S = 300;

export class Timeline {
  /** `act` holds what the bar can do: toggle(), seek(t), setSpeed(x), follow(). */
  constructor(clockState, act) {
    this.clock = clockState;
    this.act = act;
    this.play = h("button", {class: "play", type: "button", onclick: () => act.toggle()});
    this.time = h("output", {class: "clock"});
    this.day = h("span", {class: "day"});
    this.speed = h("select", {onchange: (event) => act.setSpeed(Number(event.target.value))},
      ...SPEEDS.map((x) => h("option", {value: x, text: `×${x}`})));
    this.live = h("button", {class: "live", type: "button", hidden: true, onclick: () => act.follow()});
    this.ticks = h("canvas", {class: "ticks", "aria-hidden": "true"});
    this.done = h("div", {class: "done"});
    this.known = h("div", {class: "known"});
    this.head = h("div", {class: "head"});
    this.tip = h("div", {class: "tip", hidden: true});
    this.hours = h("div", {class: "hours", "aria-hidden": "true"});
    this.track = h("div", {class: "track", role: "slider", tabindex: "0"},
      h("div", {class: "rail"}, this.known, this.done), this.ticks, this.head, this.tip, this.hours);
    this.node = h("div", {class: "transport"}, this.play,
      h("div", {class: "when"}, this.time, this.day), this.track, this.speed, this.live);
    this.#drag();
    new ResizeObserver(() => this.redraw()).observe(this.track);
  }

  /** Take the words, the incidents that are ticked, and the end of the time axis. */
  set({text, incidents, end, day}) {
    Object.assign(this, {text, incidents, domainEnd: end});
    this.day.textContent = day;
    this.speed.setAttribute("aria-label", text.ui.speed);
    this.track.setAttribute("aria-label", text.ui.timeline);
    this.track.setAttribute("aria-valuemin", Math.round(this.clock.start));
    this.track.setAttribute("aria-valuemax", Math.round(this.clock.end));
    this.live.setAttribute("aria-label", text.ui.live_aria);
    this.redraw();
    this.update();
  }

  share(t) {
    return (t - this.clock.start) / Math.max(1, this.domainEnd - this.clock.start);
  }

  /** Show the state of the clock. `running` tells whether the run still grows. */
  update(running = this.running) {
    this.running = running;
    if (!this.text) return;
    const {t, end, playing, speed, following} = this.clock;
    const word = playing ? this.text.ui.pause : this.text.ui.play;
    if (this.word !== word) {
      this.word = word;
      this.play.setAttribute("aria-label", `${word} (${this.text.ui.space_key})`);
      this.play.dataset.playing = playing;
    }
    const now = clock(t);
    if (this.time.value !== now) {
      this.time.value = now;
      this.track.setAttribute("aria-valuenow", Math.round(t));
      this.track.setAttribute("aria-valuetext", now);
    }
    const percent = `${100 * this.share(t)}%`;
    this.head.style.left = percent;
    this.done.style.width = percent;
    this.known.style.width = `${100 * this.share(end)}%`;
    if (Number(this.speed.value) !== speed) this.speed.value = String(speed);
    this.live.hidden = !running;
    this.live.classList.toggle("on", following);
    this.live.setAttribute("aria-pressed", following);
    this.live.textContent = this.text.ui.live;
  }

  /** Draw the ticks and the hours anew: on new incidents, and when the width changes. */
  redraw() {
    if (!this.text) return;
    const {width, height} = this.ticks.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    this.ticks.width = Math.round(width * ratio);
    this.ticks.height = Math.round(height * ratio);
    const g = this.ticks.getContext("2d");
    g.scale(ratio, ratio);
    const wide = Math.max(2, height / 10);
    for (const each of this.incidents.list) {
      g.fillStyle = KINDS[each.kind] ?? KINDS.medical;
      g.globalAlpha = each.priority <= 1 ? 1 : 0.6;
      const tall = each.priority <= 1 ? height : height * 0.7;
      g.fillRect(this.share(each.stages[0][0]) * width - wide / 2, height - tall, wide, tall);
    }
    const em = parseFloat(getComputedStyle(this.hours).fontSize);
    const step = niceTimeStep(this.domainEnd - this.clock.start, Math.max(2, width / (4.4 * em)));
    const marks = [];
    for (let t = Math.ceil(this.clock.start / step) * step; t <= this.domainEnd; t += step) {
      marks.push(h("span", {style: `left:${100 * this.share(t)}%`, text: hourMinute(t)}));
    }
    this.hours.replaceChildren(...marks);
  }

  #timeAt(event) {
    const box = this.track.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this.clock.start + share * (this.domainEnd - this.clock.start);
  }

  #drag() {
    const {track} = this;
    let held = false;
    track.addEventListener("pointerdown", (event) => {
      held = true;
      track.setPointerCapture(event.pointerId);
      this.act.seek(this.#timeAt(event));
    });
    track.addEventListener("pointermove", (event) => {
      const t = this.#timeAt(event);
      if (held) this.act.seek(t);
      this.#showTip(t);
    });
    const release = () => { held = false; };
    track.addEventListener("pointerup", release);
    track.addEventListener("pointercancel", release);
    track.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    track.addEventListener("keydown", (event) => {
      if (event.key === "Home") this.act.seek(this.clock.start);
      else if (event.key === "End") this.act.seek(this.clock.end);
      else return;
      event.preventDefault();
    });
  }

  #showTip(t) {
    const near = this.incidents.list.filter((each) => Math.abs(this.share(each.stages[0][0]) - this.share(t)) < 0.004);
    const calls = near.length ? ` · ${fill(this.text.ui.calls_here, {n: near.length})}` : "";
    this.tip.textContent = clock(t) + calls;
    this.tip.style.left = `${100 * this.share(t)}%`;
    this.tip.hidden = false;
  }
}

/** Steer the clock from the keyboard; returns a function that lets go of it. */
export function bindKeys(clockState, act) {
  const onKey = (event) => {
    const target = event.composedPath()[0];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.matches?.("input, textarea, select, [role=listbox], [role=option], [role=combobox]")) return;
    if (event.code === "Space" && target.matches?.("button, a")) return; // it presses that button
    const step = event.shiftKey ? PAGE_S : ARROW_S;
    const i = SPEEDS.indexOf(clockState.speed);
    const actions = {
      " ": () => act.toggle(),
      ArrowRight: () => act.seek(clockState.t + step),
      ArrowLeft: () => act.seek(clockState.t - step),
      "]": () => act.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, i + 1)]),
      "[": () => act.setSpeed(SPEEDS[Math.max(0, i - 1)]),
      Escape: () => act.select(""),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  window.addEventListener("keydown", onKey);
  return () => window.removeEventListener("keydown", onKey);
}
