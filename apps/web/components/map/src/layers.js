// Three deck.gl layers that draw a whole city in three draw calls. Positions are local metres.
//
// The stock layers are instanced, which is slow where the graphics are done in software; plain
// lists of lines, triangles and points are not, and are no slower on a graphics card.

import {Layer, project32} from "@deck.gl/core";
import {Model} from "@luma.gl/engine";

const FLAT = {depthWriteEnabled: false, depthCompare: "always", blend: true,
  blendColorSrcFactor: "src-alpha", blendColorDstFactor: "one-minus-src-alpha",
  blendAlphaSrcFactor: "one", blendAlphaDstFactor: "one-minus-src-alpha"};

/** A block of float uniforms shared by a layer's shaders. */
function uniforms(name, fields) {
  const lines = fields.map((field) => `float ${field};`).join("\n");
  return {
    name,
    vs: `layout(std140) uniform ${name}Uniforms {\n${lines}\n} ${name};\n`,
    fs: "",
    uniformTypes: Object.fromEntries(fields.map((field) => [field, "f32"])),
  };
}

const TO_CLIP = `
vec4 toClip(vec2 metres) {
  geometry.worldPosition = vec3(metres, 0.0);
  return project_position_to_clipspace(vec3(metres, 0.0), vec3(0.0), vec3(0.0), geometry.position);
}`;

const PLAIN_FRAGMENT = `#version 300 es
precision highp float;
in vec4 vColor;
out vec4 fragColor;
void main() { fragColor = vColor; }`;

/** A layer that is told where the camera is, and nothing of lights, shadows and picking. */
class PlainLayer extends Layer {
  static componentName = "PlainLayer";

  setShaderModuleProps({project}) {
    if (project) this.state.model.shaderInputs.setProps({project});
  }
}

/** What the street layers share: static geometry, colours that change with `version`. */
class Streets extends PlainLayer {
  static componentName = "Streets";

  updateState({props}) {
    if (this.state.version === props.version) return;
    this.state.colors.write(props.colors);
    this.state.version = props.version;
    this.setNeedsRedraw();
  }

  finalizeState(context) {
    this.state.model?.destroy();
    for (const buffer of Object.values(this.state.buffers ?? {})) buffer.destroy();
    super.finalizeState(context);
  }
}

const lineUniforms = uniforms("line", ["alpha"]);

/** Streets one pixel wide: `positions` holds two ends a segment, `colors` RGBA an end. */
export class GLLines extends Streets {
  static layerName = "GLLines";
  static componentName = "GLLines";
  static defaultProps = {positions: null, colors: null, version: 0, alpha: 1};

  initializeState() {
    const {device} = this.context;
    const {positions, colors} = this.props;
    const buffers = {positions: device.createBuffer(positions), colors: device.createBuffer(colors)};
    const model = new Model(device, {
      id: this.props.id,
      topology: "line-list",
      vertexCount: positions.length / 2,
      modules: [project32, lineUniforms],
      vs: `#version 300 es
        in vec2 positions;
        in vec4 colors;
        out vec4 vColor;
        ${TO_CLIP}
        void main() {
          gl_Position = toClip(positions);
          vColor = vec4(colors.rgb, colors.a * line.alpha);
        }`,
      fs: PLAIN_FRAGMENT,
      bufferLayout: [
        {name: "positions", format: "float32x2"},
        {name: "colors", format: "unorm8x4"},
      ],
      attributes: buffers,
      parameters: FLAT,
    });
    this.setState({model, buffers, colors: buffers.colors, version: this.props.version});
  }

  draw() {
    this.state.model.shaderInputs.setProps({line: {alpha: this.props.alpha}});
    this.state.model.draw(this.context.renderPass);
  }
}

const ribbonUniforms = uniforms("ribbon", ["metresPerPixel"]);

/**
 * Streets as wide as they are, but never thinner than a few pixels: two triangles a segment.
 *
 * `normals` holds the unit vector to the right of travel; `styles` holds for each vertex the side
 * (-1 or 1), half the width in metres, the least half width in pixels, and 1 where the opposite
 * direction shares the centre line, so that each is drawn on its own side of it.
 */
export class GLRibbons extends Streets {
  static layerName = "GLRibbons";
  static componentName = "GLRibbons";
  static defaultProps = {
    positions: null, normals: null, styles: null, colors: null, version: 0, metresPerPixel: 1,
  };

  initializeState() {
    const {device} = this.context;
    const {positions, normals, styles, colors} = this.props;
    const buffers = {
      positions: device.createBuffer(positions),
      normals: device.createBuffer(normals),
      styles: device.createBuffer(styles),
      colors: device.createBuffer(colors),
    };
    const model = new Model(device, {
      id: this.props.id,
      topology: "triangle-list",
      vertexCount: positions.length / 2,
      modules: [project32, ribbonUniforms],
      vs: `#version 300 es
        in vec2 positions;
        in vec2 normals;
        in vec4 styles;
        in vec4 colors;
        out vec4 vColor;
        ${TO_CLIP}
        void main() {
          float halfWidth = max(styles.y, styles.z * ribbon.metresPerPixel);
          float across = styles.w * halfWidth * 1.08 + styles.x * halfWidth;
          gl_Position = toClip(positions + normals * across);
          vColor = colors;
        }`,
      fs: PLAIN_FRAGMENT,
      bufferLayout: [
        {name: "positions", format: "float32x2"},
        {name: "normals", format: "float32x2"},
        {name: "styles", format: "float32x4"},
        {name: "colors", format: "unorm8x4"},
      ],
      attributes: buffers,
      parameters: FLAT,
    });
    this.setState({model, buffers, colors: buffers.colors, version: this.props.version});
  }

  draw() {
    this.state.model.shaderInputs.setProps({ribbon: {metresPerPixel: this.props.metresPerPixel}});
    this.state.model.draw(this.context.renderPass);
  }
}

const pointUniforms = uniforms("point", ["mixing", "size", "side", "x0", "y0"]);

/**
 * Vehicles: two keyframes lie on the card and are mixed there.
 *
 * `before` and `after` hold x, y as 0..65535 of a square of `side` metres whose south-west corner
 * is (`x0`, `y0`); `states` holds for each vehicle its speed in both (0.25 m/s), whether it is to
 * be seen at all, and nothing.
 */
export class GLPoints extends PlainLayer {
  static layerName = "GLPoints";
  static componentName = "GLPoints";
  static defaultProps = {
    before: null, after: null, states: null, version: 0, mixing: 0, size: 4, side: 1, x0: 0, y0: 0,
  };

  initializeState() {
    const model = new Model(this.context.device, {
      id: this.props.id,
      topology: "point-list",
      vertexCount: 0,
      modules: [project32, pointUniforms],
      vs: `#version 300 es
        in vec2 before;
        in vec2 after;
        in vec4 states;
        out vec4 vColor;
        ${TO_CLIP}
        void main() {
          vec2 metres = vec2(point.x0, point.y0) + mix(before, after, point.mixing) * point.side;
          gl_Position = states.z > 0.5 ? toClip(metres) : vec4(2.0, 2.0, 2.0, 1.0);
          gl_PointSize = point.size;
          float speed = mix(states.x, states.y, point.mixing) * 63.75;
          vColor = vec4(mix(vec3(1.0, 0.50, 0.42), vec3(0.86, 0.95, 1.0),
            smoothstep(0.8, 6.0, speed)), 1.0);
        }`,
      fs: `#version 300 es
        precision highp float;
        in vec4 vColor;
        out vec4 fragColor;
        void main() {
          vec2 c = gl_PointCoord - 0.5;
          if (dot(c, c) > 0.25) discard;
          fragColor = vColor;
        }`,
      bufferLayout: [
        {name: "before", format: "unorm16x2"},
        {name: "after", format: "unorm16x2"},
        {name: "states", format: "unorm8x4"},
      ],
      parameters: FLAT,
    });
    this.setState({model, buffers: null, room: 0, count: 0, version: -1});
  }

  updateState({props}) {
    const {state} = this;
    if (!props.before || state.version === props.version) return;
    const n = props.before.length / 2;
    if (n > state.room) {
      const {device} = this.context;
      for (const buffer of Object.values(state.buffers ?? {})) buffer.destroy();
      state.room = Math.ceil(n * 1.25);
      const byteLength = state.room * 4;
      state.buffers = {
        before: device.createBuffer({byteLength}),
        after: device.createBuffer({byteLength}),
        states: device.createBuffer({byteLength}),
      };
      state.model.setAttributes(state.buffers);
    }
    if (n) {
      state.buffers.before.write(props.before);
      state.buffers.after.write(props.after);
      state.buffers.states.write(props.states);
    }
    state.model.setVertexCount(n);
    state.count = n;
    state.version = props.version;
    this.setNeedsRedraw();
  }

  draw() {
    const {mixing, size, side, x0, y0} = this.props;
    if (!this.state.count) return;
    this.state.model.shaderInputs.setProps({point: {mixing, size, side, x0, y0}});
    this.state.model.draw(this.context.renderPass);
  }

  finalizeState(context) {
    this.state.model?.destroy();
    for (const buffer of Object.values(this.state.buffers ?? {})) buffer.destroy();
    super.finalizeState(context);
  }
}
