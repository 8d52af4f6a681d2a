// The camera that stays on: it says all the time what is held up, and records examples for as long as a class is held.

const RATE_MS = 200; // between two recorded pictures
const ASK_MS = 120, TRY_AGAIN_MS = 1500;
const SIDE = 480; // of the longer side of a picture that is sent
const KEEP = 0.5; // how much of the bars before stays, so that they do not flutter

const percent = (share) => (share > 0 && share < 0.01 ? "<1 %" : share < 1 && share > 0.99 ? ">99 %" : `${Math.round(100 * share)} %`);
const count = (number, one) => `${number} ${one}${number === 1 ? "" : "s"}`;

class CameraStage {
  constructor(data, host) {
    this.run = data.run;
    this.rows = new Map();
    this.fresh = true; // no bars to go on from
    this.video = el("video", { playsinline: true, hidden: true });
    this.video.muted = true;
    this.hint = el("p", { class: "hint" }, "The camera's pictures go to the model server and are kept only while you record.");
    this.toggle = el("button", { type: "button", class: "main", onclick: () => (this.stream ? this.stop() : this.start()) }, "Start the camera");
    this.cameras = el("select", { "aria-label": "Camera", hidden: true, onchange: () => this.start() });
    this.verdict = el("p", { class: "verdict", role: "status" });
    this.list = el("div", { class: "classes" });
    this.note = el("p", { class: "note", role: "status" });
    this.root = el("div", { class: "camera component" }, el("div", { class: "both" },
      el("div", {}, el("div", { class: "stage" }, this.video, this.hint), el("div", { class: "keys" }, this.toggle, this.cameras)),
      el("div", {}, this.verdict, el("p", { class: "how" }, "Hold a class down to record examples of it."), this.list, this.note)));
    this.canvas = document.createElement("canvas");
    host.append(this.root);
  }

  update(data, send) {
    this.data = data;
    this.send = send;
    for (const [id, row] of this.rows) if (!data.classes.some((one) => one.id === id)) { row.root.remove(); this.rows.delete(id); }
    data.classes.forEach((known) => {
      const row = this.rows.get(known.id) ?? this.row(known.id);
      row.update(known);
      this.list.append(row.root);
    });
    if (!data.ready && !this.recording) this.clear(data.waiting);
  }

  row(id) {
    const name = el("span", { class: "name" }), shots = el("span", { class: "shots" }), fill = el("i"), share = el("span", { class: "share" });
    const hold = el("button", { type: "button", class: "hold" }, el("span", { class: "dot" }), name, shots);
    const root = el("div", { class: "class" }, hold, el("span", { class: "track" }, fill), share);
    const begin = (event) => { event.preventDefault(); this.record(id); }, end = () => { if (this.recording === id) this.recording = null; };
    hold.addEventListener("pointerdown", (event) => { if (event.button === 0) { hold.setPointerCapture?.(event.pointerId); begin(event); } });
    for (const kind of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) hold.addEventListener(kind, end);
    hold.addEventListener("keydown", (event) => { if ((event.key === " " || event.key === "Enter") && !event.repeat) begin(event); });
    hold.addEventListener("keyup", (event) => { if (event.key === " " || event.key === "Enter") end(); });
    hold.addEventListener("contextmenu", (event) => event.preventDefault());
    const made = { root, hold, share: 0, update: (known) => {
      name.textContent = known.name;
      shots.textContent = count(known.shots, "example");
      hold.setAttribute("aria-label", `Hold to record ${known.name}`);
      root.style.setProperty("--colour", known.colour);
    }, show: (value) => {
      made.share = value;
      fill.style.width = `${100 * value}%`;
      share.textContent = value > 0 ? percent(value) : "";
    }, counted: (number) => { shots.textContent = `${number} recorded`; } };
    this.rows.set(id, made);
    return made;
  }

  async start() {
    this.stop();
    try {
      this.stream = await openCamera(this.cameras.value, [640, 480]);
    } catch (error) {
      this.hint.textContent = error.message;
      return;
    }
    this.video.srcObject = this.stream;
    await this.video.play();
    this.video.hidden = false;
    this.hint.hidden = true;
    this.toggle.textContent = "Stop the camera";
    const used = this.stream.getVideoTracks()[0].getSettings();
    this.video.classList.toggle("mirrored", used.facingMode !== "environment");
    const list = await listCameras();
    this.cameras.replaceChildren(...list.map(([id, name]) => el("option", { value: id, selected: id === used.deviceId }, name)));
    this.cameras.hidden = list.length < 2;
    this.watch(this.stream);
  }

  stop() {
    this.recording = null;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.hidden = true;
    this.hint.hidden = false;
    this.toggle.textContent = "Start the camera";
    this.clear("");
  }

  clear(sentence) {
    this.fresh = true;
    this.note.textContent = sentence;
    this.verdict.textContent = "";
    for (const row of this.rows.values()) row.show(0);
  }

  // Asks what the camera sees, one picture after the other, for as long as the camera is on.
  async watch(stream) {
    while (this.stream === stream) {
      const wait = document.hidden || this.recording || !this.data.ready ? ASK_MS : await this.ask(stream);
      await pause(wait);
    }
  }

  // Shows one answer; returns how long to wait before the next.
  async ask(stream) {
    const picture = await this.picture();
    if (!picture) return ASK_MS;
    try {
      const answer = await fetch(this.data.ask, { method: "POST", body: picture, credentials: "same-origin" });
      if (this.stream !== stream || this.recording) return ASK_MS;
      if (!answer.ok) { this.clear(await answer.text()); return TRY_AGAIN_MS; }
      this.show(await answer.json());
      return ASK_MS;
    } catch (error) {  // the studio is gone, or the network is
      console.warn(error);
      if (this.stream === stream) this.clear("The studio does not answer. Is it still running?");
      return TRY_AGAIN_MS;
    }
  }

  show({ shares, best, none, others }) {
    const keep = this.fresh ? 0 : KEEP;
    for (const [id, row] of this.rows) row.show(keep * row.share + (1 - keep) * (shares[id] ?? 0));
    this.fresh = false;
    this.verdict.textContent = none ? "none of these" : best;
    this.verdict.classList.toggle("none", none);
    this.note.textContent = others;
    this.answered = (this.answered ?? 0) + 1;
    this.root.dataset.answered = this.answered;
  }

  async picture() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return null;
    const scale = Math.min(1, SIDE / Math.max(width, height));
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    return new Promise((made) => this.canvas.toBlob(made, "image/jpeg", 0.9));
  }

  // Pictures become examples of a class until it is let go; at least one does.
  async record(id) {
    if (!this.stream) { this.note.textContent = "Start the camera first."; return; }
    if (this.recording) return;
    this.recording = id;
    const row = this.rows.get(id), began = new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
    row.root.classList.add("on");
    let taken = 0, sentence = "";
    do {
      const started = performance.now(), picture = await this.picture();
      if (picture) sentence = await this.deliver(id, picture, `camera ${began} ${String(taken + 1).padStart(3, "0")}.jpg`);
      if (sentence) break;
      taken += picture ? 1 : 0;
      row.counted(taken);
      await pause(Math.max(0, RATE_MS - (performance.now() - started)));
    } while (this.recording === id && this.stream);
    this.recording = null;
    row.root.classList.remove("on");
    this.note.textContent = sentence || `${count(taken, "picture")} recorded.`;
    this.send("recorded", { id, taken, at: Date.now() });
  }

  // "", or why the picture was not taken.
  async deliver(id, picture, name) {
    try {
      const answer = await fetch(`${this.data.add}/${id}?${new URLSearchParams({ name })}`, { method: "POST", body: picture, credentials: "same-origin" });
      return answer.ok ? "" : await answer.text();
    } catch (error) {
      console.warn(error);
      return "The studio does not answer. Is it still running?";
    }
  }

  dispose() {
    this.stop();
    this.root.remove();
  }
}

export default (args) => mounted(CameraStage, args);
