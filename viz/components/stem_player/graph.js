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

// The shifter's processor for a context, or a sentence why there is none: it is asked for once a context.
const shifters = new WeakMap();

function loadShifter(context) {
  if (!shifters.has(context)) {
    const load = async () => {
      const url = URL.createObjectURL(new Blob([SHIFTER_SOURCE], { type: "text/javascript" }));
      try {
        await context.audioWorklet.addModule(url);
      } finally {
        URL.revokeObjectURL(url);
      }
    };
    shifters.set(context, load());
  }
  return shifters.get(context);
}

const SHIFT_WINDOW = 4096; // as in the processor
const SHIFT_LATENCY = 4096 + 1024 + 256;

// splitter -> (merger -> gain -> pan -> meter) a lane -> gate -> dry, or shifter -> wet -> out
class Graph {
  constructor(context, lanes) {
    this.context = context;
    this.gate = context.createGain();
    this.out = context.createGain();
    this.dry = context.createGain();
    this.gate.connect(this.dry).connect(this.out).connect(context.destination);
    this.ratio = 1;
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

  // From time `when` on, what is played is shifted by `ratio`. Needs the processor, unless the ratio is 1.
  shift(ratio, when) {
    if (ratio === this.ratio) return;
    if (!this.shifter) {
      this.shifter = new AudioWorkletNode(this.context, "pitch-shifter", {
        channelCount: 2, channelCountMode: "explicit", outputChannelCount: [2], parameterData: { ratio: 1 },
      });
      this.wet = this.context.createGain();
      this.wet.gain.value = 0;
      this.gate.connect(this.shifter).connect(this.wet).connect(this.out);
    }
    this.ratio = ratio;
    this.shifter.parameters.get("ratio").setValueAtTime(ratio, when);
    this.dry.gain.setValueAtTime(ratio === 1 ? 1 : 0, when);
    this.wet.gain.setValueAtTime(ratio === 1 ? 0 : 1, when);
  }

  // Frames by which the shifter is late.
  get latency() { return this.ratio === 1 ? 0 : Math.round(SHIFT_LATENCY - (SHIFT_WINDOW / 2) * (1 - 1 / this.ratio)); }

  start(buffer, at, offset, end, speed) {
    const rate = this.context.sampleRate;
    const node = this.context.createBufferSource();
    node.buffer = buffer;
    node.connect(this.splitter);
    node.onended = () => node.disconnect();
    node.playbackRate.value = speed;
    node.start(at / rate, offset / rate);
    if (offset + (end - at) * speed < buffer.length) node.stop(end / rate);
    return node;
  }

  dispose() {
    this.gate.disconnect();
    this.out.disconnect();
  }
}
