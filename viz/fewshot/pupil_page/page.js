// The page: the camera or a picture on one side, what the classifier says of it on the other.

const NONE = "none of these", MOST_BARS = 12, KEEP = 0.6;
const LEAST_PAUSE = 30, PAUSE = 0.5; // ms between two answers, and as a part of what one took
const SAME = 0.995; // how alike the feature of the test picture has to be to the one that Fourfold found
const CHECKED = "This page tested itself: it sees as Fourfold does.";
const DIFFERS = "This device computes the network differently from Fourfold: take its answers with care, or try another browser.";

const find = (name) => document.getElementById(name);
const percent = (share) => (share > 0 && share < 0.01 ? "<1 %" : share < 1 && share > 0.99 ? ">99 %" : `${Math.round(100 * share)} %`);

class PupilPage {
  constructor(known) {
    this.known = known;
    this.head = new Head(known.head);
    this.canvas = find("picture");
    this.video = find("video");
    this.shares = null;
    this.answered = 0;
    this.bars = known.head.classes.map((name, place) => this.bar(name, known.colours[place]));
    find("bars").append(...this.bars.slice(0, MOST_BARS).map((bar) => bar.root));
    find("start").addEventListener("click", () => (this.stream ? this.stop() : this.start()));
    find("file").addEventListener("change", (event) => { this.choose(event.target.files[0]); event.target.value = ""; });
    find("camera").addEventListener("change", () => this.start());
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => { event.preventDefault(); this.choose(event.dataTransfer.files[0]); });
  }

  bar(name, colour) {
    const root = el("div", { class: "bar" }), fill = el("i"), share = el("span", { class: "share" });
    fill.style.background = colour;
    root.append(el("span", { class: "name", title: name }, name), el("span", { class: "track" }, fill), share);
    return { root, fill, share };
  }

  async open() {
    this.eyes = await Eyes.open(this.known.network, this.known.preparation);
    await this.check();
    for (const key of ["start", "file"]) find(key).disabled = false;
    find("hint").textContent = "Start the camera and hold something in front of it, or choose a picture.";
  }

  // The feature of a picture whose feature is known: whether this device computes right.
  async check() {
    const { test } = this.known;
    if (!test) { this.say("note", "There is no example to test this page with."); return; }
    const picture = await pixelsOf(await createImageBitmap(await (await fetchData(test.picture)))), side = this.known.preparation.side;
    const rgb = new Uint8ClampedArray(side * side * 3);
    for (let i = 0; i < side * side; i += 1) for (let c = 0; c < 3; c += 1) rgb[3 * i + c] = picture.data[4 * i + c];
    const alike = dot(unit(await this.eyes.feature(rgb)), unit(numbers(test.feature).values));
    document.body.dataset.alike = alike;
    this.say("note", alike >= SAME ? CHECKED : DIFFERS, alike < SAME);
  }

  async start() {
    this.stop();
    try {
      this.stream = await openCamera(find("camera").value, [640, 480]);
    } catch (error) {
      this.say("hint", error.message);
      find("hint").hidden = false;
      return;
    }
    this.video.srcObject = this.stream;
    await this.video.play();
    this.canvas.hidden = find("hint").hidden = true;
    this.video.hidden = false;
    find("start").textContent = "Stop the camera";
    find("stage").classList.toggle("mirrored", this.stream.getVideoTracks()[0].getSettings().facingMode !== "environment");
    await this.cameras();
    this.shares = null;
    this.loop(this.stream);
  }

  async cameras() {
    const chosen = this.stream?.getVideoTracks()[0].getSettings().deviceId, list = await listCameras();
    find("camera").replaceChildren(...list.map(([id, name]) => el("option", { value: id, selected: id === chosen }, name)));
    find("camera").hidden = list.length < 2;
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.hidden = true;
    find("start").textContent = "Start the camera";
  }

  async loop(stream) {
    while (this.stream === stream) {
      const began = performance.now();
      if (this.video.videoWidth) {
        const { shares, none } = await this.ask(await pixelsOf(this.video));
        if (this.stream !== stream) return;
        this.shares = this.shares?.map((share, k) => KEEP * share + (1 - KEEP) * shares[k]) ?? shares;
        this.show(this.shares, none);
      }
      // A slow device computes for long at a time: in between the page has to answer fingers.
      await new Promise((next) => setTimeout(next, Math.max(LEAST_PAUSE, PAUSE * (performance.now() - began))));
    }
  }

  async choose(file) {
    if (!file) return;
    this.stop();
    let bitmap;
    try {
      bitmap = await createImageBitmap(file);
    } catch (error) {
      console.warn(error);
      this.say("hint", `“${file.name}” is no picture that this browser can read.`);
      find("hint").hidden = false;
      this.canvas.hidden = true;
      return;
    }
    const picture = await pixelsOf(bitmap, this.canvas);
    this.canvas.hidden = false;
    find("hint").hidden = true;
    const { shares, none } = await this.ask(picture);
    this.show(shares, none);
  }

  async ask(picture) { return this.head.predict(await this.eyes.look(picture)); }

  show(shares, none) {
    const order = [...shares.keys()].sort((a, b) => shares[b] - shares[a]), best = order[0];
    this.bars.forEach(({ fill, share }, k) => {
      fill.style.width = `${100 * shares[k]}%`;
      share.textContent = percent(shares[k]);
    });
    if (this.bars.length > MOST_BARS) find("bars").replaceChildren(...order.slice(0, MOST_BARS).map((k) => this.bars[k].root));
    const verdict = find("verdict");
    verdict.textContent = none ? NONE : `${this.head.classes[best]}`;
    verdict.classList.toggle("none", none);
    this.answered += 1;
    Object.assign(document.body.dataset, { answered: this.answered, best: this.head.classes[best], none, shares: JSON.stringify(shares) });
  }

  say(place, sentence, bad = false) {
    find(place).textContent = sentence;
    find(place).classList.toggle("bad", bad);
  }
}

const fetchData = async (text) => new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type: "image/png" });

// The pixels of a video or bitmap, drawn on a canvas that is kept.
async function pixelsOf(source, canvas = pixelsOf.canvas ??= document.createElement("canvas")) {
  canvas.width = source.videoWidth ?? source.width;
  canvas.height = source.videoHeight ?? source.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

async function begin() {
  const page = new PupilPage(JSON.parse(find("known").textContent));
  try {
    await page.open();
  } catch (error) {
    console.error(error);
    find("hint").textContent = error.message;
  }
  document.body.dataset.ready = "yes";
}

begin();
