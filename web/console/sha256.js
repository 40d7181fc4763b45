// SHA-256 (FIPS 180-4). Browsers offer theirs under https only, and many gateways have no TLS.

const primes = [];
for (let n = 2; primes.length < 64; n++)
  if (primes.every((prime) => n % prime !== 0)) primes.push(n);
/** The first 32 bits of a number's fraction. */
const fraction = (number) => (number - Math.floor(number)) * 2 ** 32 | 0;
const ROUND = primes.map((prime) => fraction(Math.cbrt(prime)));
const START = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));

const turned = (word, by) => word >>> by | word << 32 - by;

/** The hash of these bytes: 32 bytes. */
export function sha256(bytes) {
  const padded = new Uint8Array((bytes.length + 9 + 63 >> 6) * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  const state = Int32Array.from(START);
  for (let block = 0; block < padded.length; block += 64) mix(state, view, block);
  const hash = new DataView(new ArrayBuffer(32));
  state.forEach((word, index) => hash.setInt32(index * 4, word));
  return new Uint8Array(hash.buffer);
}

function mix(state, view, block) {
  const words = new Int32Array(64);
  for (let i = 0; i < 16; i++) words[i] = view.getInt32(block + i * 4);
  for (let i = 16; i < 64; i++) {
    const [w15, w2] = [words[i - 15], words[i - 2]];
    const s0 = turned(w15, 7) ^ turned(w15, 18) ^ w15 >>> 3;
    const s1 = turned(w2, 17) ^ turned(w2, 19) ^ w2 >>> 10;
    words[i] = words[i - 16] + s0 + words[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const first = h + s1 + (e & f ^ ~e & g) + ROUND[i] + words[i] | 0;
    const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const second = s0 + (a & b ^ a & c ^ b & c);
    [h, g, f, e, d, c, b, a] = [g, f, e, d + first | 0, c, b, a, first + second | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, index) => (state[index] += word));
}
