// Recording what is shown, without sound.

const RECORDINGS = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];
const MOST_BYTES = 1e9;

class Recorder {
  // `ended(blob, extension, full)` is called once, when the recording stops.
  constructor(canvas, ended) {
    const type = window.MediaRecorder && canvas.captureStream && RECORDINGS.find((one) => MediaRecorder.isTypeSupported(one));
    if (!type) throw new Error("This browser cannot record; use a program such as OBS with the full screen instead.");
    const parts = [];
    let bytes = 0;
    this.stream = canvas.captureStream(30);
    this.recorder = new MediaRecorder(this.stream, { mimeType: type, videoBitsPerSecond: 6e6 });
    this.recorder.ondataavailable = ({ data }) => {
      parts.push(data);
      bytes += data.size;
      if (bytes > MOST_BYTES) this.stop();
    };
    this.recorder.onstop = () => {
      this.stream.getTracks().forEach((track) => track.stop());
      ended(new Blob(parts, { type }), type.startsWith("video/mp4") ? "mp4" : "webm", bytes > MOST_BYTES);
    };
    this.recorder.start(1000);
  }

  stop() { if (this.recorder.state !== "inactive") this.recorder.stop(); }
}
