// A file above the limit is not sent: a note of its size goes in its place, and the page refuses it in its own words.
(() => {
  if (window.fourfoldUploads) return;
  window.fourfoldUploads = true;
  const { open, send } = XMLHttpRequest.prototype;
  const uploads = new WeakSet();
  const limits = new Map();  // by file: what the chooser takes that it was given to
  const id = (file) => `${file.size} ${file.lastModified} ${file.name}`;

  const remember = (event, files) => {
    const most = Number(getComputedStyle(event.target).getPropertyValue("--most-bytes"));
    for (const file of files ?? []) if (most) limits.set(id(file), most);
  };
  document.addEventListener("change", (event) => remember(event, event.target.files), true);
  document.addEventListener("drop", (event) => remember(event, event.dataTransfer?.files), true);

  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    const isUpload = String(method).toUpperCase() === "PUT" && String(url).includes("UPLOAD_PATH");
    if (isUpload) uploads.add(this);
    else uploads.delete(this);
    return open.call(this, method, url, ...rest);
  };

  XMLHttpRequest.prototype.send = function (body) {
    return send.call(this, uploads.has(this) && body instanceof FormData ? withNotes(body) : body);
  };

  function withNotes(form) {
    const short = new FormData();
    for (const [name, value] of form) {
      if (!(value instanceof File)) short.append(name, value);
      else short.append(name, value.size > (limits.get(id(value)) ?? MAX_UPLOAD_BYTES) ? note(value) : value, value.name);
      limits.delete(id(value));
    }
    return short;
  }

  function note(file) {
    return new File([JSON.stringify({ reason: "size", bytes: file.size })], file.name, { type: "NOTE_TYPE" });
  }
})();
