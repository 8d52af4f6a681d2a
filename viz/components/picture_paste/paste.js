// The place: it has the focus once it is clicked, and takes pictures by Ctrl+V, by the menu of a phone, or dropped.

class PastePlace {
  constructor(data, host) {
    this.run = data.run;
    this.place = el("div", { class: "place", role: "textbox", tabindex: 0, contenteditable: "true", spellcheck: "false", "aria-label": "Paste pictures here", "aria-describedby": "how" });
    this.how = el("p", { id: "how", class: "how" }, "Click here, then press Ctrl+V (⌘V), or drop a picture");
    this.note = el("p", { class: "note", role: "status" });
    this.root = el("div", { class: "paste component" }, el("div", { class: "frame" }, this.how, this.place), this.note);
    this.place.addEventListener("paste", (event) => this.take(event, event.clipboardData));
    this.place.addEventListener("drop", (event) => this.take(event, event.dataTransfer));
    this.place.addEventListener("dragover", (event) => event.preventDefault());
    this.place.addEventListener("beforeinput", (event) => { if (event.inputType !== "insertFromPaste") event.preventDefault(); });
    host.append(this.root);
  }

  update(data, send) {
    this.data = data;
    this.send = send;
  }

  async take(event, from) {
    event.preventDefault();
    this.place.textContent = "";
    const files = [...(from?.files ?? [])].filter((file) => file.type.startsWith("image/"));
    const size = files.reduce((sum, file) => sum + file.size, 0);
    if (!files.length) { this.note.textContent = "There is no picture in what was pasted: copy the picture itself, not its address."; return; }
    if (size > this.data.most) { this.note.textContent = "This is too large to be pasted: give it as a file instead."; return; }
    this.note.textContent = `Taking ${files.length === 1 ? "the picture" : `${files.length} pictures`} in…`;
    let sent;
    try {
      sent = await Promise.all(files.map(async (file) => ({ name: this.named(file), data: await this.base64(file) })));
    } catch (error) {  // moved or changed since it was dropped
      console.warn(error);
      this.note.textContent = "This cannot be read: give it as a file instead.";
      return;
    }
    this.send(sent);
  }

  named(file) {
    const now = new Date();
    const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map((part) => String(part).padStart(2, "0")).join(".");
    return file.name && file.name !== "image.png" ? file.name : `pasted ${time}.png`;
  }

  base64(file) {
    return new Promise((done, failed) => {
      const reader = new FileReader();
      reader.addEventListener("load", () => done(reader.result.slice(reader.result.indexOf(",") + 1)));
      reader.addEventListener("error", () => failed(reader.error));
      reader.readAsDataURL(file);
    });
  }

  dispose() { this.root.remove(); }
}

export default ({ setTriggerValue, ...args }) => mounted(PastePlace, { ...args, setStateValue: (files) => setTriggerValue("pasted", files) });
