// Decoded segments: all lanes of one index in one buffer, a bounded number of them in memory.

const CACHE_BYTES = 96 * 1024 * 1024;
const LEAST_SEGMENTS = 4;

class Segments {
  constructor(onChange) {
    this.onChange = onChange;
    this.ready = new Map(); // index -> AudioBuffer (2 channels a lane, lanes side by side), least recently used first
    this.loading = new Map(); // index -> AbortController
    this.failed = new Map(); // index -> sentence
  }

  update(data) {
    this.data = data;
    // Decoding needs a context of the right rate, but no permission to make sound.
    if (this.decoder?.sampleRate !== data.samplerate) this.decoder = new OfflineAudioContext(1, 1, data.samplerate);
  }

  get(index) {
    const buffer = this.ready.get(index);
    if (buffer) {
      this.ready.delete(index);
      this.ready.set(index, buffer);
    }
    return buffer;
  }

  want(index) {
    if (this.ready.has(index) || this.loading.has(index) || this.failed.has(index)) return;
    const abort = new AbortController();
    this.loading.set(index, abort);
    this.load(index, abort.signal)
      .then((buffer) => this.keep(index, buffer))
      .catch((error) => { if (!abort.signal.aborted) this.failed.set(index, String(error.message || error)); })
      .finally(() => {
        if (this.loading.get(index) === abort) this.loading.delete(index);
        if (!abort.signal.aborted) this.onChange(index);
      });
  }

  // Stops loading what a seek has made useless.
  only(indices) {
    for (const [index, abort] of this.loading) {
      if (!indices.includes(index)) { abort.abort(); this.loading.delete(index); }
    }
  }

  retry() { this.failed.clear(); }

  dispose() {
    this.only([]);
    this.ready.clear();
  }

  async load(index, signal) {
    const decoded = await Promise.all(this.data.lanes.map((lane) => this.decode(lane, index, signal)));
    const length = this.data.lossy ? this.data.segment_frames : decoded[0].length;
    if (this.data.lossy) return this.join(decoded, length);
    const odd = decoded.findIndex((buffer) => buffer.length !== length);
    if (odd >= 0) throw new Error(`“${this.data.lanes[odd].label}” has another length than the other stems ${this.at(index)}.`);
    this.check(index, length);
    return this.join(decoded, length);
  }

  async decode(lane, index, signal) {
    let bytes;
    try {
      bytes = await fetchBytes(lane.segment(index), signal);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new Error(`“${lane.label}” could not be loaded ${this.at(index)}. Check the connection, then try again.`);
    }
    try {
      return await this.decoder.decodeAudioData(bytes);
    } catch {
      throw new Error(`“${lane.label}” could not be decoded ${this.at(index)}. Try again, or run the separation again.`);
    }
  }

  at(index) { return `at ${formatTime((index * this.data.segment_frames) / this.data.samplerate, 0)}`; }

  // A segment of the wrong length would shift everything after it, so it is an error, not something to hide.
  check(index, length) {
    const { segment_frames: full, frames } = this.data;
    const expected = frames === null ? full : Math.min(full, frames - index * full);
    const last = frames === null && index === this.data.available - 1;
    if (length !== expected && !(last && length < full)) {
      throw new Error(`The sound ${this.at(index)} is ${length} samples long instead of ${expected}. Run the separation again.`);
    }
  }

  // All lanes in one buffer. What a lossy codec added at the end is left out, what it lost stays silent.
  join(decoded, length) {
    const joined = new AudioBuffer({ numberOfChannels: 2 * decoded.length, length, sampleRate: this.data.samplerate });
    decoded.forEach((buffer, lane) => {
      joined.copyToChannel(buffer.getChannelData(0).subarray(0, length), 2 * lane);
      joined.copyToChannel(buffer.getChannelData(buffer.numberOfChannels > 1 ? 1 : 0).subarray(0, length), 2 * lane + 1);
    });
    return joined;
  }

  keep(index, buffer) {
    this.ready.set(index, buffer);
    const bytes = buffer.numberOfChannels * this.data.segment_frames * 4;
    const most = Math.max(LEAST_SEGMENTS, Math.floor(CACHE_BYTES / bytes));
    while (this.ready.size > most) this.ready.delete(this.ready.keys().next().value);
  }
}
