// The flow of pictures to the model and of mattes back. Every picture that was sent is kept until its matte comes, so
// that both are shown together.

const DEPTH = 2; // pictures under way: one is worked on while the next travels
const LOOK_EVERY = 8; // mattes between two looks at the size
const STALE = 1000; // milliseconds between pictures while the model is busy with something else
const MUCH = 128 * 1024; // bytes that a slow network may be behind
const QUALITY = 0.85;

class Flow {
  // `matted(bitmap, matte)` is called with each picture that got its matte; the bitmap is closed afterwards.
  constructor(link, matted) {
    this.link = link;
    this.matted = matted;
    this.small = new OffscreenCanvas(32, 32);
    this.pen = this.small.getContext("2d", { alpha: false, willReadFrequently: true });
    this.number = 0;
    this.sent = new Map(); // number -> { bitmap, seen, sent }
    this.reset([256]);
  }

  reset(sides) {
    this.choice = firstChoice(sides);
    this.advice = "";
    this.waiting = false;
    this.last = null;
    this.intervals = new Recent(LOOK_EVERY);
    this.works = new Recent(LOOK_EVERY);
    this.trips = new Recent(LOOK_EVERY);
    this.latencies = new Recent(30);
    this.mattes = new Rate();
    this.drop(Infinity);
  }

  get side() { return this.choice.sides[this.choice.index]; }

  // The camera has a new picture, seen at `seen`.
  async offer(video, seen) {
    if (this.grabbing || !this.link.ready || !video.videoWidth || this.link.behind > MUCH) return;
    if (this.waiting ? seen - this.grabbed < STALE : this.sent.size >= DEPTH) return;
    this.grabbing = true;
    this.grabbed = seen;
    try { await this.grab(video, seen); } finally { this.grabbing = false; }
  }

  async grab(video, seen) {
    const bitmap = await createImageBitmap(video);
    const number = (this.number = (this.number + 1) % 2 ** 32);
    [this.small.width, this.small.height] = sentSize(bitmap.width, bitmap.height, this.side);
    this.pen.drawImage(bitmap, 0, 0, this.small.width, this.small.height);
    const message = await packPicture(number, await this.small.convertToBlob({ type: "image/jpeg", quality: QUALITY }));
    if (!this.link.ready) { bitmap.close(); return; }
    if (this.waiting) this.drop(Infinity);
    this.sent.set(number, { bitmap, seen, sent: performance.now() });
    this.link.send(message);
  }

  async receive(buffer) {
    const arrived = performance.now();
    const matte = await unpackMatte(buffer);
    const picture = this.sent.get(matte.number);
    if (!picture) return; // from before the connection or the model changed
    this.sent.delete(matte.number);
    this.drop(matte.number);
    this.waiting = false;
    this.mattes.tick(arrived);
    this.matted(picture.bitmap, matte);
    picture.bitmap.close();
    this.latencies.add(performance.now() - picture.seen);
    this.judge(arrived, picture, matte);
  }

  judge(arrived, picture, matte) {
    if (this.last !== null) this.intervals.add(arrived - this.last);
    this.last = arrived;
    this.works.add(matte.work);
    this.trips.add(arrived - picture.sent);
    if (!this.intervals.full) return;
    const seen = { interval: this.intervals.median, work: this.works.median, trip: this.trips.median, camera: this.camera ?? 33 };
    const before = this.choice.index;
    this.choice = adapt(this.choice, seen);
    this.advice = this.choice.index === before ? slownessAdvice(this.choice, seen) : "";
    for (const recent of [this.intervals, this.works, this.trips]) recent.clear();
    if (this.choice.index !== before) this.last = null; // the next interval spans the change
  }

  // The model is busy with something else: what was measured says nothing about it.
  wait() {
    this.waiting = true;
    this.last = null;
  }

  // Forgets the pictures up to `number`.
  drop(number) {
    for (const [each, picture] of this.sent) if (each <= number) { picture.bitmap.close(); this.sent.delete(each); }
  }
}
