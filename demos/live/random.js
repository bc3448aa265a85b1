// ---- Python's random numbers ----------------------------------------------------------------

// The generator of Python's random.Random(seed) for a whole number, 0 or more: MT19937 by Makoto
// Matsumoto and Takuji Nishimura, begun with its init_by_array.
class PythonRandom {
  constructor(seed) {
    const key = [];
    for (let rest = BigInt(seed); rest > 0n; rest >>= 32n) key.push(Number(rest & 0xffffffffn));
    this.words = new Uint32Array(624);
    this.place = 624;
    this.begin(key.length ? key : [0]);
  }

  begin(key) {
    const words = this.words;
    words[0] = 19650218;
    for (let i = 1; i < 624; i += 1) {
      words[i] = Math.imul(words[i - 1] ^ (words[i - 1] >>> 30), 1812433253) + i;
    }
    let i = 1, j = 0;
    for (let count = Math.max(624, key.length); count > 0; count -= 1) {
      words[i] = (words[i] ^ Math.imul(words[i - 1] ^ (words[i - 1] >>> 30), 1664525)) + key[j] + j;
      i += 1;
      j = (j + 1) % key.length;
      if (i === 624) { words[0] = words[623]; i = 1; }
    }
    for (let count = 623; count > 0; count -= 1) {
      words[i] = (words[i] ^ Math.imul(words[i - 1] ^ (words[i - 1] >>> 30), 1566083941)) - i;
      i += 1;
      if (i === 624) { words[0] = words[623]; i = 1; }
    }
    words[0] = 0x80000000;
  }

  word() {
    if (this.place === 624) this.refill();
    let word = this.words[this.place];
    this.place += 1;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  refill() {
    const words = this.words;
    for (let i = 0; i < 624; i += 1) {
      const mixed = (words[i] & 0x80000000) | (words[(i + 1) % 624] & 0x7fffffff);
      words[i] = words[(i + 397) % 624] ^ (mixed >>> 1) ^ (mixed & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }

  random() {
    const high = this.word() >>> 5, low = this.word() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  uniform(a, b) {
    return a + (b - a) * this.random();
  }
}
