// Philox 4x64 with 10 rounds (Salmon et al., SC11), word for word as numpy.random.Philox gives it.
// JavaScript has no fast integers of 64 bits, so a word is kept as two halves of 32, and those are multiplied in halves of
// 16: everything stays an integer of 32 bits, which compilers of JavaScript keep in a register.

const TWO_32 = 2 ** 32;
const ROUNDS = 10;
// Multipliers, and the increments of the key: high and low half
const M0H = 0xd2e7470e | 0;
const M0L = 0xe14c6c93 | 0;
const M1H = 0xca5a8263 | 0;
const M1L = 0x95121157 | 0;
const W0 = [0x9e3779b9, 0x7f4a7c15];
const W1 = [0xbb67ae85, 0x84caa73b];

/** High 32 bits of the product of two unsigned numbers of 32 bits. */
function highOf(a, b) {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const first = (Math.imul(ah, bl) + (Math.imul(al, bl) >>> 16)) | 0;
  const second = (Math.imul(al, bh) + (first & 0xffff)) | 0;
  return (Math.imul(ah, bh) + (first >>> 16) + (second >>> 16)) | 0;
}

/** 1 where the sum of two unsigned numbers of 32 bits, of which `sum` is what fits, went over the end. */
const carry = (sum, one) => ((sum >>> 0) < (one >>> 0) ? 1 : 0);

/** Product of two words into `out`: high word in [0, 1], low word in [2, 3], high half first. */
function multiply(ah, al, bh, bl, out) {
  const x = highOf(al, bl);
  const once = (x + Math.imul(al, bh)) | 0;
  const middle = (once + Math.imul(ah, bl)) | 0;
  let over = carry(once, x) + carry(middle, once);
  const third = (highOf(al, bh) + over) | 0;
  over = carry(third, over);
  const fourth = (third + highOf(ah, bl)) | 0;
  over += carry(fourth, third);
  const upper = (fourth + Math.imul(ah, bh)) | 0;
  over += carry(upper, fourth);
  out[0] = (highOf(ah, bh) + over) | 0;
  out[1] = upper;
  out[2] = middle;
  out[3] = Math.imul(al, bl);
}

/** Keys of all rounds for a seed below 2^53: ROUNDS x [k0 high, k0 low, k1 high, k1 low]. */
function keysOf(seed) {
  const keys = new Int32Array(4 * ROUNDS);
  let k0h = Math.floor(seed / TWO_32);
  let k0l = seed % TWO_32;
  let [k1h, k1l] = [0, 0];
  for (let round = 0; round < ROUNDS; round += 1) {
    keys.set([k0h, k0l, k1h, k1l], 4 * round);
    k0h = (k0h + W0[0] + (k0l + W0[1] >= TWO_32 ? 1 : 0)) % TWO_32;
    k0l = (k0l + W0[1]) % TWO_32;
    k1h = (k1h + W1[0] + (k1l + W1[1] >= TWO_32 ? 1 : 0)) % TWO_32;
    k1l = (k1l + W1[1]) % TWO_32;
  }
  return keys;
}

/**
 * Words of the stream of a seed.
 *
 * @param {number} seed - Key, an integer from 0 to 2^53 - 1.
 * @param {number} first - First counter value, as given to numpy (which counts up before it draws).
 * @param {number} counts - Counter values; each gives four words.
 * @returns {Uint32Array} 8 numbers per counter value: four words, low half first.
 */
export function philoxWords(seed, first, counts) {
  const keys = keysOf(seed);
  const words = new Uint32Array(8 * counts);
  const p = new Int32Array(4);
  const q = new Int32Array(4);
  for (let count = 0; count < counts; count += 1) {
    const counter = first + count + 1;
    let al = counter | 0;
    let ah = Math.floor(counter / TWO_32) | 0;
    let bl = 0;
    let bh = 0;
    let cl = 0;
    let ch = 0;
    // the last word of the counter separates this stream from every other use of the seed
    let dl = 1;
    let dh = 0;
    for (let k = 0; k < keys.length; k += 4) {
      multiply(M0H, M0L, ah, al, p);
      multiply(M1H, M1L, ch, cl, q);
      ah = q[0] ^ bh ^ keys[k];
      al = q[1] ^ bl ^ keys[k + 1];
      bh = q[2];
      bl = q[3];
      ch = p[0] ^ dh ^ keys[k + 2];
      cl = p[1] ^ dl ^ keys[k + 3];
      dh = p[2];
      dl = p[3];
    }
    const at = 8 * count;
    words[at] = al;
    words[at + 1] = ah;
    words[at + 2] = bl;
    words[at + 3] = bh;
    words[at + 4] = cl;
    words[at + 5] = ch;
    words[at + 6] = dl;
    words[at + 7] = dh;
  }
  return words;
}
