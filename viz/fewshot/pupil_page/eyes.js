// The network, computed by ONNX Runtime Web on the graphics card.

const NO_GRAPHICS = "This browser cannot compute the network: it has no WebGL. Use a current Chrome, Edge, Firefox or Safari, and switch on hardware acceleration in its settings.";

async function unpacked(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

class Eyes {
  // Throws an Error whose message is for people.
  static async open(packed, preparation) {
    const canvas = document.createElement("canvas");
    if (!canvas.getContext("webgl2") && !canvas.getContext("webgl")) throw new Error(NO_GRAPHICS);
    const session = await ort.InferenceSession.create(await unpacked(packed), { executionProviders: ["webgl"] });
    return new Eyes(session, preparation);
  }

  constructor(session, preparation) {
    this.session = session;
    this.preparation = preparation;
  }

  // The feature of a side × side × RGB square.
  async feature(pixels) {
    const { side } = this.preparation, plane = side * side, planes = new Float32Array(3 * plane);
    for (let i = 0; i < plane; i += 1) for (let c = 0; c < 3; c += 1) planes[c * plane + i] = pixels[3 * i + c];
    const found = await this.session.run({ planes: new ort.Tensor("float32", planes, [1, 3, side, side]) });
    return found.features.data;
  }

  look(picture) { return this.feature(square(picture, this.preparation)); }
}
