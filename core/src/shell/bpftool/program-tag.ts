// The tag that bpftool shows of a program: the first eight bytes of a hash over its instructions, map references taken out.
// Kernel source: bpf_prog_calc_tag. SHA-1 (FIPS 180-4) up to 6.17; since 6.18 the kernel takes SHA-256.

import { toHex } from '#core/bytes';
import { atLeast, type KernelVersion } from '#core/catalog';
import { BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, encode, isLdImm64, type Insn } from '#core/isa';

const rotateLeft = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));
const rotateRight = (value: number, bits: number): number => (value >>> bits) | (value << (32 - bits));

/** The message with its end mark and its length in bits, as words in network order. */
function padded(bytes: Uint8Array): DataView {
  const size = Math.ceil((bytes.length + 9) / 64) * 64;
  const message = new Uint8Array(size);
  message.set(bytes);
  message[bytes.length] = 0x80;
  const view = new DataView(message.buffer);
  view.setUint32(size - 4, bytes.length * 8);
  view.setUint32(size - 8, Math.floor((bytes.length * 8) / 0x1_0000_0000));
  return view;
}

function bytesOf(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  words.forEach((word, i) => view.setInt32(4 * i, word));
  return bytes;
}

export function sha1(bytes: Uint8Array): Uint8Array {
  const message = padded(bytes);
  let state = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476, 0xc3d2e1f0 | 0];
  const words = new Int32Array(80);
  for (let block = 0; block < message.byteLength; block += 64) {
    for (let i = 0; i < 16; i++) words[i] = message.getInt32(block + 4 * i);
    for (let i = 16; i < 80; i++) words[i] = rotateLeft(words[i - 3]! ^ words[i - 8]! ^ words[i - 14]! ^ words[i - 16]!, 1);
    let [a, b, c, d, e] = state as [number, number, number, number, number];
    for (let i = 0; i < 80; i++) {
      const [f, k] =
        i < 20
          ? [(b & c) | (~b & d), 0x5a827999]
          : i < 40
            ? [b ^ c ^ d, 0x6ed9eba1]
            : i < 60
              ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
              : [b ^ c ^ d, 0xca62c1d6];
      const next = (rotateLeft(a, 5) + f + e + k + words[i]!) | 0;
      [e, d, c, b, a] = [d, c, rotateLeft(b, 30), a, next];
    }
    state = [a, b, c, d, e].map((word, i) => (word + state[i]!) | 0);
  }
  return bytesOf(state);
}

/** The first 32 bits of the fractional parts of a root of the first primes: what FIPS 180-4 section 4.2.2 and 5.3.3 define. */
function fractions(count: number, root: (prime: number) => number): number[] {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (prime) found.push(((root(n) % 1) * 0x1_0000_0000) | 0);
  }
  return found;
}

const SHA256_START = fractions(8, Math.sqrt);
const SHA256_ROUNDS = fractions(64, Math.cbrt);

export function sha256(bytes: Uint8Array): Uint8Array {
  const message = padded(bytes);
  let state = SHA256_START;
  const words = new Int32Array(64);
  for (let block = 0; block < message.byteLength; block += 64) {
    for (let i = 0; i < 16; i++) words[i] = message.getInt32(block + 4 * i);
    for (let i = 16; i < 64; i++) {
      const [x, y] = [words[i - 15]!, words[i - 2]!];
      words[i] =
        words[i - 16]! +
        words[i - 7]! +
        (rotateRight(x, 7) ^ rotateRight(x, 18) ^ (x >>> 3)) +
        (rotateRight(y, 17) ^ rotateRight(y, 19) ^ (y >>> 10));
    }
    let [a, b, c, d, e, f, g, h] = state as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const first =
        (h + (rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25)) + ((e & f) ^ (~e & g)) + SHA256_ROUNDS[i]! + words[i]!) | 0;
      const second = ((rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    state = [a, b, c, d, e, f, g, h].map((word, i) => (word + state[i]!) | 0);
  }
  return bytesOf(state);
}

/** 16 hex digits. Map references are 0, so that the same program has the same tag with other maps. */
export function programTag(insns: readonly Insn[], kernel: KernelVersion): string {
  const plain = insns.map((insn) => ({ ...insn }));
  for (let i = 0; i < plain.length; i++) {
    const insn = plain[i]!;
    if (!isLdImm64(insn)) continue;
    if (insn.src === BPF_PSEUDO_MAP_FD || insn.src === BPF_PSEUDO_MAP_VALUE) {
      insn.imm = 0;
      const second = plain[i + 1];
      if (second) second.imm = 0;
    }
    i++;
  }
  const bytes = encode(plain);
  return toHex((atLeast(kernel, '6.18') ? sha256(bytes) : sha1(bytes)).subarray(0, 8));
}
