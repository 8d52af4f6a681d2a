// Small helpers of all components: DOM, numbers, how often something happens, downloads.

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "icon") node.innerHTML = ICONS[value];
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

function debounce(action, milliseconds) {
  let timer = null;
  const later = (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => { timer = null; action(...values); }, milliseconds);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

function throttle(action, milliseconds) {
  let timer = null;
  const soon = () => { timer ??= setTimeout(() => { timer = null; action(); }, milliseconds); };
  soon.cancel = () => clearTimeout(timer);
  return soon;
}

function save(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
