// The camera: a deck.gl view of the streets, and the arithmetic between metres and pixels.

import {COORDINATE_SYSTEM, Deck, MapView, WebMercatorViewport} from "@deck.gl/core";

import {GLLines, GLPoints, GLRibbons} from "./layers.js";

// deck.gl's plane: 512 units around the Earth, whose girth it takes to be this.
const WORLD = 512;
const GIRTH_M = 40.03e6;

/** Whether pixels are computed by the processor, where each costs. */
function isSoftware() {
  const gl = document.createElement("canvas").getContext("webgl2");
  const info = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software/i.test(name);
}

export class Camera {
  /** `scene` holds lon0, lat0 and the box; `on` holds move(), after(), click(x, y), hover(x, y), covered(). */
  constructor(parent, scene, streets, on) {
    Object.assign(this, {scene, streets, on});
    this.software = isSoftware();
    this.origin = {
      coordinateSystem: COORDINATE_SYSTEM.METER_OFFSETS,
      coordinateOrigin: [scene.lon0, scene.lat0, 0],
    };
    const latitude = (scene.lat0 * Math.PI) / 180;
    this.unitsPerMetre = WORLD / GIRTH_M / Math.cos(latitude);
    this.stretch = (2 * Math.PI * Math.tan(latitude)) / GIRTH_M; // growth of a metre to the north
    this.mercator = new WebMercatorViewport({longitude: scene.lon0, latitude: scene.lat0, zoom: 0, width: 1, height: 1});
    this.zero = this.mercator.projectFlat([scene.lon0, scene.lat0]);
    this.state = {longitude: scene.lon0, latitude: scene.lat0, zoom: 12, pitch: 0, bearing: 0};
    this.framed = false;
    this.touched = false; // until someone moves the map, it shows the whole city at any size
    this.vehicles = null;
    this.deck = new Deck({
      parent,
      views: new MapView({repeat: false}),
      controller: {keyboard: false, dragRotate: false, touchRotate: false},
      useDevicePixels: this.software ? 1 : Math.min(2, window.devicePixelRatio || 1),
      viewState: this.state,
      layers: [],
      onViewStateChange: ({viewState, interactionState}) => {
        const moved = interactionState?.isDragging || interactionState?.isPanning;
        if (moved || interactionState?.isZooming) this.touched = true;
        this.#set({...viewState, zoom: Math.min(18.5, Math.max(8.5, viewState.zoom)), pitch: 0, bearing: 0});
        on.move(Boolean(moved));
      },
      onAfterRender: () => on.after(),
      onResize: () => { if (!this.touched) this.frame(); },
      onClick: ({x, y}) => on.click(x, y),
      onHover: ({x, y}) => on.hover(x, y),
      getCursor: ({isDragging}) => (isDragging ? "grabbing" : this.pointing ? "pointer" : "grab"),
      // Picking is ours (see markers.js): the card is never asked what lies under the pointer.
      pickingRadius: 0,
    });
  }

  get width() {
    return this.deck.width || 0;
  }

  get height() {
    return this.deck.height || 0;
  }

  get metresPerPixel() {
    return 1 / (this.unitsPerMetre * 2 ** this.state.zoom);
  }

  #set(state) {
    this.state = state;
    this.deck.setProps({viewState: state});
    this.layers();
  }

  /** Look at the whole city. */
  frame() {
    if (!this.width || !this.height) return;
    this.touched = false;
    const [x0, y0, x1, y1] = this.streets.bounds;
    const room = 0.88;
    const {top, bottom} = this.on.covered();
    const height = Math.max(this.height - top - bottom, this.height / 3);
    const perPixel = Math.max((x1 - x0) / (this.width * room), (y1 - y0) / (height * room), 0.1);
    const zoom = -Math.log2(this.unitsPerMetre * perPixel);
    this.framed = true;
    this.centre((x0 + x1) / 2, (y0 + y1) / 2 + ((top - bottom) / 2) * perPixel, zoom);
  }

  /** Put a point in the middle, at a zoom if one is given. */
  centre(x, y, zoom = this.state.zoom) {
    const [longitude, latitude] = this.mercator.unprojectFlat(this.#plane(x, y));
    this.#set({...this.state, zoom, longitude, latitude});
  }

  /** Local metres on deck.gl's plane, as its METER_OFFSETS does it. */
  #plane(x, y) {
    const {unitsPerMetre, stretch, zero} = this;
    return [zero[0] + x * (1 + stretch * y) * unitsPerMetre, zero[1] + y * unitsPerMetre];
  }

  /** Zoom by a number of steps about the middle. */
  zoom(steps) {
    this.touched = true;
    this.#set({...this.state, zoom: Math.min(18.5, Math.max(8.5, this.state.zoom + steps))});
  }

  /** A function from local metres to pixels, for the view as it was drawn last. */
  projector() {
    const viewport = this.deck.isInitialized ? this.deck.getViewports()[0] : null;
    if (!viewport) return null;
    const {width, height, center, scale} = viewport;
    return (x, y) => {
      const [u, v] = this.#plane(x, y);
      return [width / 2 + (u - center[0]) * scale, height / 2 - (v - center[1]) * scale];
    };
  }

  /** Hand the layers to the card; `vehicles` is the Traffic whose keyframes are shown. */
  layers(vehicles = this.vehicles) {
    this.vehicles = vehicles;
    const {streets, origin, scene, state} = this;
    const dots = [];
    if (vehicles) {
      const ratio = this.software ? 1 : Math.min(2, window.devicePixelRatio || 1);
      dots.push(new GLPoints({
        id: "vehicles", ...origin, ...scene.box, ...vehicles.shown, version: vehicles.version, mixing: vehicles.mixing,
        size: Math.min(9, Math.max(2.2, 2.4 + (state.zoom - 11) * 0.95)) * ratio * (scene.scale ?? 1) ** 0.8,
      }));
    }
    this.deck.setProps({
      layers: [
        new GLLines({id: "lines", ...origin, ...streets.lines, version: streets.version,
          alpha: Math.min(1, Math.max(0.35, (state.zoom - 9.5) / 3.5))}),
        new GLRibbons({id: "ribbons", ...origin, ...streets.ribbons, version: streets.version,
          metresPerPixel: this.metresPerPixel * (scene.scale ?? 1) ** 0.7}),
        ...dots,
      ],
    });
  }

  finalize() {
    this.deck.finalize();
  }
}
