// The row of buttons. Streamlit calls the default export; what is pinned is sent once, as a trigger.

const TRIES = 40;
const TRIES_A_SECOND = 5;

class FigureTools {
  constructor(data, host) {
    this.run = data.run;
    this.message = el("span", { class: "message", role: "status" });
    this.pin = this.button("Pin", "Pin this figure to a finding", async (found) => this.send("pin", await pinned(found)));
    this.root = el("div", { class: "tools component", role: "group", "aria-label": "This figure" }, this.message, this.pin,
      this.button("SVG", "Save this figure as SVG, sharp at any size", async (found) => save(`${this.name}.svg`, svgBlob(found))),
      this.button("PNG", "Save this figure as PNG", async (found) => save(`${this.name}.png`, await pixels(found, "image/png"))));
    host.append(this.root);
  }

  button(text, label, action) {
    return el("button", { type: "button", title: label, "aria-label": label, onclick: () => this.act(action) }, text);
  }

  update(data, send) {
    this.send = send;
    this.chart = data.chart;
    this.name = data.name;
    this.whole = data.whole;
    this.pin.hidden = !data.pins;
  }

  async act(action) {
    this.message.textContent = "";
    try {
      const found = await this.drawn();
      if (found) await action(found);
      else this.message.textContent = "Wait until the figure is drawn.";
    } catch (error) {
      console.error(error);
      this.message.textContent = "The browser could not make a picture of this figure.";
    }
  }

  // The figure, which a busy page may draw some moments after its buttons; without one, all that is drawn there.
  async drawn() {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const place = document.querySelector(`.${CSS.escape(this.chart)}`);
      const plot = place?.querySelector(".js-plotly-plot");
      const found = this.whole ? place && await collage(place) : plot && await drawing(plot);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 1000 / TRIES_A_SECOND));
    }
    return null;
  }

  dispose() { this.root.remove(); }
}

export default function figureTools(run) {
  return mounted(FigureTools, { ...run, setStateValue: run.setTriggerValue });
}
