// The live parts of a step: each component in a shadow of its own, made when its step is shown, ended when it is left.

const FIT = {
  stems: ".panels { display: none; } .player { font-size: 15px; }",
  matte: ".panels { display: none; } .bench { font-size: 16px; }",
  structure: ".tools, .matrix, .facts, .views ~ :not(.spoken) { display: none !important; } .views { grid-template-columns: 1fr; } .stage { min-height: min(58vh, 900px); } .stage.without { min-height: 0; } .bench { font-size: 17px; }",
  map: ".map { font-size: clamp(15px, 1.4vw, 24px); } .cells { max-width: calc(56vh * var(--wide)); } .bars { height: min(28vh, 20em); } .points { max-width: 74vh; }",
  figure: ".figure img { background: #fff; } table { font-size: clamp(16px, 1.5vw, 26px); }",
  answers: ".board { font-size: clamp(15px, 1.5vw, 22px); }",
};

let libraryUrl = null;

// 3Dmol.js: from the studio, or from the text that this file carries.
function libraryAddress(given) {
  if (given) return given;
  const text = document.getElementById("library");
  if (text) libraryUrl ??= URL.createObjectURL(new Blob([text.textContent], { type: "text/javascript" }));
  return libraryUrl ?? "";
}

// Whether this browser draws in 3D.
let drawsWebgl = null;
function canDraw() {
  drawsWebgl ??= Boolean(document.createElement("canvas").getContext("webgl"));
  return drawsWebgl;
}

class LivePart {
  constructor(part, library, serial) {
    this.part = part;
    this.host = el("div", { class: "host" });
    this.note = el("figcaption", {}, part.caption || "");
    this.element = el("figure", { class: `part ${part.kind}`, "aria-label": part.alt }, this.host, this.note);
    this.data = { ...part.data, serial, loop: part.kind === "matte", ...(part.kind === "structure" ? { library: libraryAddress(library) } : {}) };
  }

  start() {
    try {
      const root = this.host.attachShadow({ mode: "open" });
      root.append(el("style", {}, `${STYLES[this.part.kind]}\n${FIT[this.part.kind]}`));
      this.end = COMPONENTS[this.part.kind]({ data: this.data, parentElement: root, setStateValue: () => {} });
      this.shown = root.shown;
      // Without WebGL the component says why it draws nothing; the picture of the result stands below its words.
      if (this.part.kind === "structure" && this.part.still && !canDraw()) this.element.insertBefore(el("img", { class: "still", src: this.part.still, alt: this.part.alt }), this.note);
    } catch (error) {
      console.error(error);
      this.host.append(el("img", { class: "still", src: this.part.still, alt: this.part.alt }));
    }
  }

  // Space on the stage: plays or pauses what can be played.
  toggle() {
    if (!this.shown?.togglePlay || this.shown.plays === false) return false;
    this.shown.togglePlay();
    return true;
  }

  stop() {
    this.shown?.dispose();
    this.element.remove();
  }
}
