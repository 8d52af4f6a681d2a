// Random numbers that depend on nothing but their place: Threefry-2x32-20 (Salmon et al. 2011, "Parallel random numbers:
// as easy as 1, 2, 3"). The numbers of training step n are a function of seed and n, so any step can be done again.

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24];
const block = new Uint32Array(2); // of the last call: no allocation a number

function threefry(key0, key1, counter0, counter1) {
  const keys = [key0 | 0, key1 | 0, (0x1bd11bda ^ key0 ^ key1) | 0];
  let x0 = (counter0 + keys[0]) | 0;
  let x1 = (counter1 + keys[1]) | 0;
  for (let round = 0; round < 20; round += 1) {
    const turn = ROTATIONS[round & 7];
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << turn) | (x1 >>> (32 - turn))) ^ x0;
    if ((round & 3) === 3) {
      const group = (round >> 2) + 1;
      x0 = (x0 + keys[group % 3]) | 0;
      x1 = (x1 + keys[(group + 1) % 3] + group) | 0;
    }
  }
  block[0] = x0;
  block[1] = x1;
  return block;
}

const unit = (word) => ((word >>> 8) + 0.5) / 16777216; // inside (0, 1), exact in single precision

// One stream of numbers for one purpose at one training step.
class Stream {
  constructor(seed, purpose, step) {
    Object.assign(this, { seed: seed >>> 0, purpose: SPEC.random.streams[purpose], step: step >>> 0, next: 0 });
  }

  words() { return threefry(this.seed, this.purpose, this.next++, this.step); }

  uniforms(count, low = 0, high = 1) {
    const numbers = new Float32Array(count);
    for (let i = 0; i < count; i += 2) {
      const pair = this.words();
      numbers[i] = low + (high - low) * unit(pair[0]);
      if (i + 1 < count) numbers[i + 1] = low + (high - low) * unit(pair[1]);
    }
    return numbers;
  }

  normals(count) {
    const numbers = new Float32Array(count);
    for (let i = 0; i < count; i += 2) {
      const pair = this.words();
      const radius = Math.sqrt(-2 * Math.log(unit(pair[0])));
      const angle = 2 * Math.PI * unit(pair[1]);
      numbers[i] = radius * Math.cos(angle);
      if (i + 1 < count) numbers[i + 1] = radius * Math.sin(angle);
    }
    return numbers;
  }

  // `count` whole numbers from 0 to `end` - 1.
  integers(count, end) {
    return Int32Array.from(this.uniforms(count), (value) => Math.min(end - 1, Math.floor(value * end)));
  }
}
