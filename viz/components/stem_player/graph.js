// The audio graph, the same for loudspeakers and for rendering.

const RAMP = 0.012; // seconds a mute or fader takes

// A parameter and the last ramp it was sent on: browsers differ in what they report in the middle of a ramp.
const fader = (parameter) => ({ parameter, from: parameter.value, to: parameter.value, begin: -1 });

function glide(fader, to, begin, gliding) {
  if (fader.to === to) return;
  const done = clamp((begin - fader.begin) / RAMP, 0, 1);
  const from = fader.from + (fader.to - fader.from) * done;
  fader.parameter.cancelScheduledValues(0);
  fader.parameter.setValueAtTime(gliding ? from : to, begin);
  if (gliding) fader.parameter.linearRampToValueAtTime(to, begin + RAMP);
  Object.assign(fader, { from: gliding ? from : to, to, begin });
}

// splitter -> (merger -> gain -> pan -> meter) a lane -> gate -> out
class Graph {
  constructor(context, lanes) {
    this.context = context;
    this.gate = context.createGain();
    this.gate.connect(context.destination);
    this.splitter = context.createChannelSplitter(2 * lanes);
    this.strips = Array.from({ length: lanes }, (_, lane) => this.strip(lane));
    this.meter = this.analyser(this.gate, 2048);
  }

  strip(lane) {
    const merger = this.context.createChannelMerger(2);
    this.splitter.connect(merger, 2 * lane, 0);
    this.splitter.connect(merger, 2 * lane + 1, 1);
    const gain = this.context.createGain();
    const pan = this.context.createStereoPanner();
    merger.connect(gain).connect(pan).connect(this.gate);
    return { gain: fader(gain.gain), pan: fader(pan.pan), meter: this.analyser(pan, 1024) };
  }

  analyser(node, size) {
    const meter = this.context.createAnalyser();
    meter.fftSize = size;
    node.connect(meter);
    return meter;
  }

  // Sets all lanes at one instant. Two lanes that must cancel out do so even while their faders move.
  set(levels, gliding) {
    const begin = this.context.currentTime + (gliding ? 0.01 : 0);
    levels.forEach((level, lane) => {
      glide(this.strips[lane].gain, level.gain, begin, gliding);
      glide(this.strips[lane].pan, level.pan, begin, gliding);
    });
  }

  start(buffer, at, offset, length) {
    const rate = this.context.sampleRate;
    const node = this.context.createBufferSource();
    node.buffer = buffer;
    node.connect(this.splitter);
    node.onended = () => node.disconnect();
    node.start(at / rate, offset / rate);
    if (offset + length < buffer.length) node.stop((at + length) / rate);
    return node;
  }

  dispose() { this.gate.disconnect(); }
}
