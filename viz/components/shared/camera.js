// The camera: asking for it, choosing one, and saying in words why there is none.

const CAMERA_WORDS = {
  NotAllowedError: "The browser may not use the camera. Allow it by the sign in the address bar, or in the browser's settings, and start again.",
  NotFoundError: "No camera was found. Connect one and start again.",
  OverconstrainedError: "This camera is not there any more. Choose another and start again.",
  NotReadableError: "The camera is in use by another program, or does not answer. Close that program and start again.",
  AbortError: "The camera did not start. Try again.",
};
const INSECURE = "Browsers give a camera only to pages from https addresses and from this computer itself (localhost). Open this page by such an address.";
const NO_CAMERAS = "This browser gives no camera to pages. Use a current Chrome, Edge, Firefox or Safari.";

// A MediaStream; throws an Error whose message is for people.
async function openCamera(deviceId, [width, height]) {
  if (!window.isSecureContext) throw new Error(INSECURE);
  if (!navigator.mediaDevices?.getUserMedia) throw new Error(NO_CAMERAS);
  const video = { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 } };
  if (deviceId) video.deviceId = { exact: deviceId };
  try {
    return await navigator.mediaDevices.getUserMedia({ video, audio: false });
  } catch (error) {
    throw new Error(CAMERA_WORDS[error.name] ?? `The camera did not start (${error.name}).`);
  }
}

// [id, name] of each camera; names are known only once a camera was allowed.
async function listCameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  return devices.filter((one) => one.kind === "videoinput" && one.deviceId).map((one, i) => [one.deviceId, one.label || `Camera ${i + 1}`]);
}

// Calls `action(time)` at each new picture of a video until the returned function is called.
function eachFrame(video, action) {
  let over = false;
  const next = video.requestVideoFrameCallback
    ? (then) => video.requestVideoFrameCallback(then)
    : (then) => requestAnimationFrame(then);
  const step = (now) => {
    if (over) return;
    action(now);
    next(step);
  };
  next(step);
  return () => { over = true; };
}
