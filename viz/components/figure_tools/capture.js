// A Plotly figure on the page as one picture: the layers of its drawing in one SVG, with everything that it shows inside.

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
const MOST_SVG = 500_000; // characters: a figure with more of them is smaller as pixels
const PIXELS = 2; // of a saved picture for each of the page's

// The colour behind a node: that of the nearest ancestor that has one.
function backgroundOf(node) {
  for (let at = node; at; at = at.parentElement ?? at.getRootNode().host) {
    const { backgroundColor } = getComputedStyle(at);
    if (backgroundColor && !/^rgba\(.*, 0\)$|^transparent$/.test(backgroundColor)) return backgroundColor;
  }
  return "#ffffff";
}

function asAddress(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

// Pictures inside the drawing come along: nothing is loaded by an SVG that is shown as a picture.
async function embedImages(svg) {
  await Promise.all([...svg.querySelectorAll("image")].map(async (image) => {
    const address = image.getAttribute("href") ?? image.getAttributeNS("http://www.w3.org/1999/xlink", "href") ?? "";
    image.removeAttributeNS("http://www.w3.org/1999/xlink", "href");
    image.setAttribute("href", address.startsWith("data:") ? address : await asAddress(await (await fetch(address)).blob()));
  }));
}

async function drawing(plot) {
  const layers = [...plot.querySelectorAll("svg.main-svg")];
  if (!layers.length) return null;
  const { width, height } = layers[0].getBoundingClientRect();
  const svg = document.createElementNS(SVG_NAMESPACE, "svg");
  for (const [name, value] of [["viewBox", `0 0 ${width} ${height}`], ["width", width], ["height", height], ["font-family", "sans-serif"]]) svg.setAttribute(name, value);
  const back = document.createElementNS(SVG_NAMESPACE, "rect");
  for (const [name, value] of [["width", width], ["height", height], ["fill", backgroundOf(plot)]]) back.setAttribute(name, value);
  svg.append(back, ...layers.map((layer) => layer.cloneNode(true)));
  for (const useless of svg.querySelectorAll(".draglayer, .hoverlayer, .zoomlayer, .selectionlayer, script, foreignObject")) useless.remove();
  for (const text of svg.querySelectorAll("text")) text.style.fontFamily = `${text.style.fontFamily || ""}, sans-serif`.replace(/^, /, "");
  await embedImages(svg);
  return { text: new XMLSerializer().serializeToString(svg), width, height };
}

async function pixels({ text, width, height }, kind) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: width * PIXELS, height: height * PIXELS });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, kind, 0.9));
}

const svgBlob = ({ text }) => new Blob([text], { type: "image/svg+xml" });

// What is pinned: the drawing itself, or pixels where it is made of very many lines.
async function pinned(found) {
  return (await asAddress(found.text.length <= MOST_SVG ? svgBlob(found) : await pixels(found, "image/webp"))).replace(";charset=utf-8", "");
}
