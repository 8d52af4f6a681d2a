// The icons of all components, drawn on a grid of 24.

const SVG = (path) => `<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${path}</svg>`;
const ICONS = {
  play: SVG('<path d="M8 5.1v13.8a.8.8 0 0 0 1.2.7l10.9-6.9a.8.8 0 0 0 0-1.4L9.2 4.4A.8.8 0 0 0 8 5.1z"/>'),
  pause: SVG('<rect x="6.5" y="5" width="4" height="14" rx="1"/><rect x="13.5" y="5" width="4" height="14" rx="1"/>'),
  stop: SVG('<rect x="6" y="6" width="12" height="12" rx="1.5"/>'),
  back: SVG('<path d="M11.5 6.6v10.8a.7.7 0 0 1-1.1.6L3 12.6a.7.7 0 0 1 0-1.2L10.4 6a.7.7 0 0 1 1.1.6zM20.5 6.6v10.8a.7.7 0 0 1-1.1.6L12 12.6a.7.7 0 0 1 0-1.2L19.4 6a.7.7 0 0 1 1.1.6z"/>'),
  forward: SVG('<path d="M12.5 6.6v10.8a.7.7 0 0 0 1.1.6l7.4-5.4a.7.7 0 0 0 0-1.2L13.6 6a.7.7 0 0 0-1.1.6zM3.5 6.6v10.8a.7.7 0 0 0 1.1.6l7.4-5.4a.7.7 0 0 0 0-1.2L4.6 6a.7.7 0 0 0-1.1.6z"/>'),
  loop: SVG('<path class="line" d="M17 3l3.5 3.5L17 10M20 6.5H8A4.5 4.5 0 0 0 3.5 11M7 21l-3.5-3.5L7 14M4 17.5h12a4.5 4.5 0 0 0 4.5-4.5"/>'),
  out: SVG('<path class="line" d="M5.5 12h13"/>'),
  in: SVG('<path class="line" d="M5.5 12h13M12 5.5v13"/>'),
  fit: SVG('<path class="line" d="M4 6v12M20 6v12M7.5 12h9M10 9l-3 3 3 3M14 9l3 3-3 3"/>'),
  download: SVG('<path class="line" d="M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14"/>'),
  close: SVG('<path class="line" d="M6 6l12 12M18 6L6 18"/>'),
  before: SVG('<path d="M15.5 6.6v10.8a.7.7 0 0 1-1.1.6L7 12.6a.7.7 0 0 1 0-1.2L14.4 6a.7.7 0 0 1 1.1.6z"/>'),
  after: SVG('<path d="M8.5 6.6v10.8a.7.7 0 0 0 1.1.6l7.4-5.4a.7.7 0 0 0 0-1.2L9.6 6a.7.7 0 0 0-1.1.6z"/>'),
  view: SVG('<path class="line" d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>'),
  target: SVG('<circle class="line" cx="12" cy="12" r="6"/><path class="line" d="M12 2.5v5M12 16.5v5M2.5 12h5M16.5 12h5"/>'),
  picture: SVG('<path class="line" d="M4 5h16v14H4zM4 16l4.5-5 4 4.5 2.5-2.5 5 5M15.5 9.2v.1"/>'),
  start: SVG('<path d="M4 6.5h10a1.5 1.5 0 0 1 1.5 1.5v8a1.5 1.5 0 0 1-1.5 1.5H4A1.5 1.5 0 0 1 2.5 16V8A1.5 1.5 0 0 1 4 6.5zM17 10.4l3.7-2.5a.5.5 0 0 1 .8.4v7.4a.5.5 0 0 1-.8.4L17 13.6z"/>'),
  save: SVG('<path class="line" d="M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14"/>'),
  record: SVG('<circle cx="12" cy="12" r="6"/>'),
  full: SVG('<path class="line" d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>'),
  window: SVG('<path class="line" d="M4 5h16v14H4zM4 9h16"/>'),
};
