// Fetches 3Dmol.js from the studio's own address, once a page, and says in words why there is no 3D where there is none.

let libraryPromise = null;

function loadLibrary(url) {
  if (window.$3Dmol) return Promise.resolve(window.$3Dmol);
  libraryPromise ??= new Promise((done, failed) => {
    const script = el("script", { src: url, async: true });
    script.onload = () => (window.$3Dmol ? done(window.$3Dmol) : failed(new Error("3Dmol.js did not start")));
    script.onerror = () => {
      libraryPromise = null; // the next try asks again
      script.remove();
      failed(new Error("3Dmol.js did not arrive"));
    };
    document.head.append(script);
  });
  return libraryPromise;
}

function hasWebGL() {
  try {
    const canvas = document.createElement("canvas");
    const context = canvas.getContext("webgl2") ?? canvas.getContext("webgl");
    context?.getExtension("WEBGL_lose_context")?.loseContext(); // a page has only a few
    return Boolean(context);
  } catch (error) {
    console.warn(error);
    return false;
  }
}

const NO_WEBGL = "This browser cannot draw in 3D (WebGL is off). Everything else here works; to see the structure, switch on hardware acceleration or use another browser.";
const NO_LIBRARY = "The 3D view could not be loaded from the studio. Everything else here works.";
