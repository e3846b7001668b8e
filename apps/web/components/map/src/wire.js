// The wire format: one binary message holds a small JSON header and typed arrays.
//
//   u32 length of the header | header, JSON, padded with blanks to 8 bytes | arrays, each at a
//   multiple of 8 bytes
//
// The header is {meta: {...}, arrays: {name: [type, offset, length]}}; offsets count from the end
// of the header. `apps/web/wire.py` is the other side.

const TYPES = {
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  i4: Int32Array,
  f4: Float32Array,
};

/** Turn whatever the document model hands over (ArrayBuffer or a view) into an ArrayBuffer. */
function plain(value) {
  if (value instanceof ArrayBuffer) return value;
  return value.buffer.slice(value.byteOffset, value.byteOffset + value.byteLength);
}

/** Return {meta, arrays}, or null for an empty message. Arrays are views: nothing is copied. */
export function unpack(value) {
  const buffer = plain(value);
  if (!buffer.byteLength) return null;
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const [name, [type, offset, count]] of Object.entries(header.arrays)) {
    arrays[name] = new TYPES[type](buffer, 4 + length + offset, count);
  }
  return {meta: header.meta, arrays};
}
