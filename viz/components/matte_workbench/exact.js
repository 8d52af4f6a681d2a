// Exact frames from the studio: one request at a time, the newest wish wins, the last answers are kept.

const KEPT_FRAMES = 10;

class Exact {
  constructor(changed) {
    Object.assign(this, { changed, kept: new Map(), wishes: [], busy: null, problem: "" });
    this.soon = debounce(() => this.next(), 140);
  }

  // `urls` is all that is wanted now, most wanted first; what was wished before and is not among them is forgotten.
  want(urls) {
    this.wishes = urls.filter((url) => !this.kept.has(url));
    if (!this.wishes.length) { this.problem = ""; this.soon.cancel(); }
    else if (!this.busy) this.soon();
    this.changed();
  }

  get waiting() { return Boolean(this.busy || this.wishes.length); }

  get(url) { return this.kept.get(url) ?? null; }

  async next() {
    const url = this.wishes.shift();
    if (!url || this.busy) return;
    this.busy = url;
    this.changed();
    try {
      const answer = await fetch(url, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(answer.headers.get("content-type")?.startsWith("text/plain") ? await answer.text() : "");
      this.kept.set(url, await createImageBitmap(await answer.blob()));
      this.problem = "";
    } catch (error) {
      this.problem = (error instanceof TypeError ? "" : error.message) || "The exact frame could not be loaded: change something to try again.";
      this.wishes = [];
    }
    this.busy = null;
    while (this.kept.size > KEPT_FRAMES) {
      const [oldest, bitmap] = this.kept.entries().next().value;
      bitmap.close();
      this.kept.delete(oldest);
    }
    this.changed();
    if (this.wishes.length) this.next();
  }

  dispose() {
    this.soon.cancel();
    this.wishes = [];
    this.changed = () => {};
    for (const bitmap of this.kept.values()) bitmap.close();
    this.kept.clear();
  }
}
