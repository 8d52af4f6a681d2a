// The pseudo-inverse `(257, 64)` of the mel bands, in half precision.

function readInverse() {
  const bytes = Uint8Array.from(atob(MEL_INVERSE), (letter) => letter.charCodeAt(0)), view = new DataView(bytes.buffer);
  return Float32Array.from({ length: bytes.length / 2 }, (_, k) => HALF[view.getUint16(2 * k, true)]);
}
