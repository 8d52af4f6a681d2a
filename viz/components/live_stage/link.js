// The connection to the model: opened, kept, opened again when it breaks, and closed for good when that makes no sense.

const WAITS = [500, 1000, 2000, 4000, 8000]; // milliseconds before each try in a row

class Link {
  // `heard` has the functions ready(message), said(sentence), matte(buffer), lost(), refused(sentence).
  constructor(path, heard) {
    this.url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.heard = heard;
    this.tries = 0;
    this.ready = false;
  }

  open(hello) {
    this.close();
    this.hello = hello;
    this.wanted = true;
    this.connect();
  }

  connect() {
    const socket = new WebSocket(this.url);
    this.socket = socket;
    this.last = null;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify({ type: "start", ...this.hello }));
    socket.onmessage = ({ data }) => { if (socket === this.socket) this.receive(data); };
    socket.onclose = () => { if (socket === this.socket) this.closed(); };
  }

  receive(data) {
    if (typeof data !== "string") {
      // Carries the packet's receipt at once: a server that gathers small packets holds the next matte until it comes.
      this.say({ type: "got" });
      this.heard.matte(data);
      return;
    }
    const message = JSON.parse(data);
    if (message.type === "ready") { this.ready = true; this.tries = 0; this.heard.ready(message); }
    else if (message.type === "error") this.last = message;
    else if (message.sentence) this.heard.said(message.sentence, message.type);
  }

  closed() {
    this.ready = false;
    this.socket = null;
    if (!this.wanted) return;
    this.heard.lost();
    if (this.last && !this.last.again) {
      this.wanted = false;
      this.heard.refused(this.last.sentence);
      return;
    }
    if (this.last?.code === "idle") { this.asleep = true; this.heard.said(this.last.sentence, "idle"); return; }
    const wait = WAITS[Math.min(this.tries, WAITS.length - 1)];
    this.tries += 1;
    this.heard.said(`${this.last?.sentence ?? "The connection to the model was lost."} Trying again…`, "lost");
    this.timer = setTimeout(() => this.connect(), wait);
  }

  // A picture has come after a time without any: begin again.
  wake() {
    if (!this.asleep || !this.wanted) return;
    this.asleep = false;
    this.connect();
  }

  say(message) { if (this.ready) this.socket.send(JSON.stringify(message)); }
  send(bytes) { if (this.ready) this.socket.send(bytes); }

  // Bytes that the network has not taken yet: more pictures would only be late.
  get behind() { return this.socket?.bufferedAmount ?? 0; }

  close() {
    this.wanted = this.ready = this.asleep = false;
    clearTimeout(this.timer);
    const { socket } = this;
    this.socket = null;
    socket?.close();
  }
}
