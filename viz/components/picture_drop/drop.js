// A strip on which files and folders are dropped: each goes to the studio's own address, one after the other, with its path.

const PART = 2; // files on their way at once

class DropStrip {
  constructor(data, host) {
    this.run = data.run;
    this.label = el("span", {});
    this.input = el("input", { type: "file", multiple: true, tabindex: -1, onchange: () => this.chosen(this.input) });
    this.folder = el("input", { type: "file", webkitdirectory: true, tabindex: -1, onchange: () => this.chosen(this.folder) });
    const button = (label, input) => el("button", { type: "button", class: "way", onclick: () => input.click() }, label);
    this.ways = el("span", { class: "ways" }, button("Files", this.input), button("Folder", this.folder));
    this.stop = el("button", { type: "button", class: "way", hidden: true, onclick: () => { this.over = true; } }, "Stop");
    this.strip = el("div", { class: "strip", role: "group" }, this.label, this.ways, this.stop);
    this.note = el("ul", { class: "notes", role: "status" });
    this.root = el("div", { class: "drop component" }, this.strip, this.note, this.input, this.folder);
    this.strip.addEventListener("dragover", (event) => { event.preventDefault(); this.strip.classList.add("above"); });
    this.strip.addEventListener("dragleave", () => this.strip.classList.remove("above"));
    this.strip.addEventListener("drop", (event) => this.dropped(event));
    host.append(this.root);
  }

  update(data, send) {
    this.data = data;
    this.send = send;
    this.strip.setAttribute("aria-label", data.label);
    if (!this.busy) this.label.textContent = data.hint;
  }

  chosen(input) {
    const files = [...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
    input.value = "";
    this.take(files);
  }

  async dropped(event) {
    event.preventDefault();
    this.strip.classList.remove("above");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) { this.take([...event.dataTransfer.files].map((file) => ({ file, path: file.name }))); return; }
    try {
      this.take((await Promise.all(entries.map((entry) => filesBelow(entry)))).flat());
    } catch (error) {  // a folder that may not be read, or is gone
      console.warn(error);
      this.say(["This folder cannot be read: choose its pictures as files instead."]);
    }
  }

  async take(all) {
    const files = all.filter(({ path }) => !hidden(path));
    if (!files.length || this.busy) return;
    const folders = classFolders(files);
    if (!this.data.folders && folders.length > 1) {
      this.say([`This holds several folders (${folders.slice(0, 3).map((name) => `“${name}”`).join(", ")}${folders.length > 3 ? " and more" : ""}), and this is one class, so nothing was added. If each folder is a class, use “Folders at once”.`]);
      return;
    }
    await this.deliver(files);
  }

  async deliver(files) {
    this.busy = true;
    this.over = false;
    this.ways.hidden = true;
    this.stop.hidden = false;
    const report = { added: 0, sentences: [] }, waiting = [...files];
    let done = 0;
    const one = async () => {
      while (waiting.length && !this.over) {
        const { file, path } = waiting.shift();
        this.label.textContent = `Adding ${done + 1} of ${files.length}…`;
        await this.post(file, path, report);
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: PART }, one));
    if (this.over && waiting.length) report.sentences.push(`Stopped: ${waiting.length} were not added.`);
    this.busy = false;
    this.ways.hidden = false;
    this.stop.hidden = true;
    this.label.textContent = this.data.hint;
    this.say([`${report.added} added.`, ...report.sentences]);
    this.send({ added: report.added, at: Date.now() });
  }

  async post(file, path, report) {
    try {
      const answer = await fetch(`${this.data.url}?${new URLSearchParams({ name: path })}`, { method: "POST", body: file, credentials: "same-origin", headers: { "Content-Type": "application/octet-stream" } });
      if (!answer.ok) { report.sentences.push(`“${path}”: ${await answer.text()}`); return; }
      const found = await answer.json();
      report.added += found.added;
      report.sentences.push(...found.sentences);
    } catch (error) {  // the studio is gone, or the file was moved since it was chosen
      console.warn(error);
      report.sentences.push(`“${path}” did not arrive: choose it again.`);
    }
  }

  say(sentences) {
    const shown = sentences.slice(0, this.data.most), rest = sentences.length - shown.length;
    this.note.replaceChildren(...shown.map((text) => el("li", {}, text)), ...(rest > 0 ? [el("li", {}, `And ${rest} more of this kind.`)] : []));
  }

  dispose() { this.root.remove(); }
}

// What computers put into folders by themselves.
const hidden = (path) => path.split("/").some((part) => part.startsWith(".") || part === "__MACOSX") || /(^|\/)(Thumbs\.db|desktop\.ini)$/i.test(path);

// The folders right above the pictures.
const classFolders = (files) => [...new Set(files.filter(({ path }) => path.includes("/")).map(({ path }) => path.split("/").at(-2)))];

// Every file of a dropped entry, with its path. A folder gives its content a hundred at a time.
async function filesBelow(entry, before = "") {
  const path = before + entry.name;
  if (entry.isFile) return [{ file: await new Promise((found, failed) => entry.file(found, failed)), path }];
  const reader = entry.createReader(), all = [];
  for (;;) {
    const some = await new Promise((found, failed) => reader.readEntries(found, failed));
    if (!some.length) break;
    all.push(...some);
  }
  return (await Promise.all(all.map((one) => filesBelow(one, `${path}/`)))).flat();
}

export default ({ setTriggerValue, ...args }) => mounted(DropStrip, { ...args, setStateValue: (report) => setTriggerValue("delivered", report) });
