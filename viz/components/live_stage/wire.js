// The binary messages; backends/serving/live_protocol.py describes them.

const WIRE_VERSION = 1;
const PICTURE = 1;
const MATTE = 2;
const PICTURE_HEAD = 8;
const MATTE_HEAD = 20;

async function packPicture(number, blob) {
  const message = new Uint8Array(PICTURE_HEAD + blob.size);
  const head = new DataView(message.buffer);
  head.setUint8(0, WIRE_VERSION);
  head.setUint8(1, PICTURE);
  head.setUint32(4, number, true);
  message.set(new Uint8Array(await blob.arrayBuffer()), PICTURE_HEAD);
  return message;
}

// { number, width, height, work, waited (milliseconds), alpha: one byte a pixel }
async function unpackMatte(buffer) {
  const head = new DataView(buffer);
  if (buffer.byteLength < MATTE_HEAD || head.getUint8(0) !== WIRE_VERSION || head.getUint8(1) !== MATTE) throw new Error("not a matte");
  const [width, height] = [head.getUint16(8, true), head.getUint16(10, true)];
  const packed = new Blob([new Uint8Array(buffer, MATTE_HEAD)]).stream().pipeThrough(new DecompressionStream("deflate"));
  const alpha = new Uint8Array(await new Response(packed).arrayBuffer());
  if (alpha.length !== width * height) throw new Error("a matte of another size");
  return { number: head.getUint32(4, true), width, height, work: head.getUint32(12, true) / 1000, waited: head.getUint32(16, true) / 1000, alpha };
}
