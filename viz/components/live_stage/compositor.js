// Draws a camera's picture with its matte over a new background, at the camera's resolution.

const BEHIND = { none: 0, blur: 1, colour: 2, picture: 3 };

function toRgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
}

class Compositor {
  // Throws an Error with a sentence where the browser cannot draw.
  constructor(canvas) {
    this.canvas = canvas;
    const gl = canvas.getContext("webgl2", { alpha: true, premultipliedAlpha: true, antialias: false, depth: false });
    if (!gl) throw new Error("This browser cannot draw with WebGL 2, which the live picture needs; use a current one, or switch on its graphics acceleration.");
    this.gl = gl;
    this.build();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => { this.build(); this.restored?.(); });
  }

  build() {
    const { gl } = this;
    this.programs = { reduce: this.program(REDUCE), blur: this.program(BLUR), compose: this.program(COMPOSE) };
    const corners = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, corners);
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    this.textures = {};
    for (const name of ["picture", "matte", "low", "sideways", "blurred", "backdrop"]) this.textures[name] = this.texture();
    this.buffer = gl.createFramebuffer();
    this.reduced = "";
    this.ready = false;
    if (this.image) this.setBackdrop(this.image);
  }

  program(fragment) {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, fragment]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) throw new Error(gl.getShaderInfoLog(shader));
    }
    gl.bindAttribLocation(program, 0, "corner");
    gl.linkProgram(program);
    return { program, at: (name) => gl.getUniformLocation(program, name) };
  }

  texture() {
    const { gl } = this;
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const [name, value] of [["WRAP_S", "CLAMP_TO_EDGE"], ["WRAP_T", "CLAMP_TO_EDGE"], ["MIN_FILTER", "LINEAR"], ["MAG_FILTER", "LINEAR"]]) {
      gl.texParameteri(gl.TEXTURE_2D, gl[`TEXTURE_${name}`], gl[value]);
    }
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 1, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    return texture;
  }

  setMatte(alpha, width, height) {
    const { gl } = this;
    gl.bindTexture(gl.TEXTURE_2D, this.textures.matte);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, width, height, 0, gl.RED, gl.UNSIGNED_BYTE, alpha);
    if (this.reduced !== `${width}x${height}`) {
      for (const name of ["low", "sideways", "blurred"]) {
        gl.bindTexture(gl.TEXTURE_2D, this.textures[name]);
        gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, width, height, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
      }
      this.reduced = `${width}x${height}`;
    }
    this.size = [width, height];
    this.ready = true;
  }

  // `source` is an ImageBitmap or a video element of `width` × `height`; the canvas takes its size.
  setPicture(source, width, height) {
    const { gl, canvas } = this;
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    gl.bindTexture(gl.TEXTURE_2D, this.textures.picture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, source);
  }

  setBackdrop(image) {
    const { gl } = this;
    this.image = image;
    gl.bindTexture(gl.TEXTURE_2D, this.textures.backdrop);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
  }

  pass(name, target, sources, uniforms) {
    const { gl } = this;
    const { program, at } = this.programs[name];
    gl.useProgram(program);
    gl.bindFramebuffer(gl.FRAMEBUFFER, target ? this.buffer : null);
    if (target) gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, this.textures[target], 0);
    const [width, height] = target ? this.size : [this.canvas.width, this.canvas.height];
    gl.viewport(0, 0, width, height);
    Object.entries(sources).forEach(([uniform, texture], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, this.textures[texture]);
      gl.uniform1i(at(uniform), unit);
    });
    gl.activeTexture(gl.TEXTURE0);
    gl.uniform1f(at("down"), target ? 1 : -1);
    for (const [uniform, [kind, ...values]] of Object.entries(uniforms)) gl[`uniform${kind}`](at(uniform), ...values);
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  // `look`: behind ("none", "blur", "colour", "picture"), colour "#rrggbb", blur (share of the long side), mirror.
  draw(look) {
    if (!this.ready || this.gl.isContextLost()) return;
    const [width, height] = this.size;
    this.pass("reduce", "low", { picture: "picture", matte: "matte" }, { size: ["2f", width, height] });
    if (look.behind === "blur") {
      const radius = clamp(look.blur * Math.max(width, height), 0.5, 12);
      this.pass("blur", "sideways", { source: "low" }, { direction: ["2f", 1 / width, 0], radius: ["1f", radius], first: ["1i", 1] });
      this.pass("blur", "blurred", { source: "sideways" }, { direction: ["2f", 0, 1 / height], radius: ["1f", radius], first: ["1i", 0] });
    }
    this.pass("compose", null, { picture: "picture", low: "low", blurred: "blurred", backdrop: "backdrop" }, {
      size: ["2f", width, height],
      behind: ["1i", look.behind === "picture" && !this.image ? BEHIND.colour : BEHIND[look.behind]],
      paint: ["3f", ...toRgb(look.colour)],
      cover: ["2f", ...this.cover()],
      mirror: ["1i", look.mirror ? 1 : 0],
    });
  }

  cover() {
    if (!this.image) return [1, 1];
    const shape = this.canvas.width / this.canvas.height;
    const own = this.image.width / this.image.height;
    return own > shape ? [shape / own, 1] : [1, own / shape];
  }

  // What is drawn, `RGBA` rows from the bottom; only right after `draw`, as the browser takes the picture away.
  pixels() {
    const { gl, canvas } = this;
    const data = new Uint8Array(4 * canvas.width * canvas.height);
    gl.bindFramebuffer(gl.FRAMEBUFFER, null);
    gl.readPixels(0, 0, canvas.width, canvas.height, gl.RGBA, gl.UNSIGNED_BYTE, data);
    return data;
  }

  dispose() { this.gl.getExtension("WEBGL_lose_context")?.loseContext(); }
}
