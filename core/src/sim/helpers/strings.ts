// Helpers on text: bpf_snprintf, bpf_strtol, bpf_strtoul, bpf_strncmp. Kernel source: kernel/bpf/helpers.c.

import { errno } from '../errno.ts';
import { concat, cString, fromCString, littleEndian } from '../integers.ts';
import { formatText } from '../format.ts';
import type { Call, HelperTable } from './helper.ts';
import { argumentArray, formatReader } from './trace-helpers.ts';

interface Parsed {
  negative: boolean;
  value: bigint;
  consumed: number;
}

/** White space, minus, base prefix, digits; a negative errno where that is not what the text holds. */
function parseInteger(text: string, flags: bigint): Parsed | number {
  const base = Number(flags & 0x1fn);
  if (flags & ~0x1fn || ![0, 8, 10, 16].includes(base)) return errno('EINVAL');
  const space = /^[\s]*/.exec(text)![0].length;
  let rest = text.slice(space);
  const negative = rest.startsWith('-');
  const sign = negative ? 1 : 0;
  rest = rest.slice(sign);
  let radix = base;
  let prefix = 0;
  // With base 16 the prefix goes even where no digit follows it (_parse_integer_fixup_radix).
  if ((radix === 0 && /^0x[0-9a-f]/i.test(rest)) || (radix === 16 && /^0x/i.test(rest))) {
    radix = 16;
    prefix = 2;
  } else if (radix === 0) radix = rest.startsWith('0') ? 8 : 10;
  const digits = { 8: /^[0-7]+/, 10: /^\d+/, 16: /^[0-9a-f]+/i }[radix as 8 | 10 | 16].exec(rest.slice(prefix))?.[0];
  if (!digits) return errno('EINVAL');
  const value = BigInt(`${{ 8: '0o', 10: '', 16: '0x' }[radix as 8 | 10 | 16]}${digits}`);
  if (value >= 1n << 64n) return errno('ERANGE');
  return { negative, value, consumed: space + sign + prefix + digits.length };
}

function toInteger(call: Call, signed: boolean): number {
  const bytes = call.read(call.arg(1), call.u32(2), 'buffer');
  // Whatever happens, the result is written.
  call.write(call.arg(4), new Uint8Array(8), 'result');
  const parsed = parseInteger(fromCString(bytes), call.arg(3));
  if (typeof parsed === 'number') return parsed;
  if (signed) {
    if (parsed.value > (parsed.negative ? 1n << 63n : (1n << 63n) - 1n)) return errno('ERANGE');
  } else if (parsed.negative) return errno('EINVAL');
  call.write(call.arg(4), littleEndian(parsed.negative ? -parsed.value : parsed.value, 8), 'result');
  return parsed.consumed;
}

export const STRING_HELPERS: HelperTable = {
  bpf_snprintf: (call) => {
    const size = call.u32(2);
    const args = argumentArray(call, call.arg(4), call.u32(5));
    const format = call.tryString(call.arg(3), 4096);
    if (!args || format === undefined) return errno('EINVAL');
    const text = formatText(format, args, formatReader(call));
    if (typeof text === 'number') return text;
    const bytes = cString(text);
    if (size > 0) call.write(call.arg(1), bytes.length <= size ? bytes : concat(bytes.subarray(0, size - 1), new Uint8Array(1)), 'str');
    return bytes.length;
  },
  bpf_strtol: (call) => toInteger(call, true),
  bpf_strtoul: (call) => toInteger(call, false),
  bpf_strncmp: (call) => {
    const size = call.u32(2);
    const first = call.read(call.arg(1), size, 's1');
    const second = call.stringBytes(call.arg(3), size) ?? call.fault('s2 is not readable');
    for (let i = 0; i < size; i++) {
      const difference = first[i]! - (second[i] ?? 0);
      if (difference !== 0) return difference < 0 ? -1 : 1;
      if (first[i] === 0) break;
    }
    return 0;
  },
};
