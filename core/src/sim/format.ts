// The format language of bpf_trace_printk, bpf_trace_vprintk, bpf_snprintf and bpf_seq_printf:
// which specifiers there are and what each prints, as kernel/bpf/helpers.c (bpf_bprintf_prepare) and lib/vsprintf.c define.

import { errno } from './errno.ts';
import { toHex } from '#core/bytes';

export interface FormatReader {
  /** Text at a kernel (or user) address; undefined where nothing is readable. */
  text(address: bigint): string | undefined;
  bytes(address: bigint, size: number): Uint8Array | undefined;
}

const INTEGER = /^(ll|l)?([iduxX])/;

/** What `%p` prints of an address: never the address itself. */
function hashed(address: bigint): string {
  let hash = 0x811c9dc5;
  for (let rest = BigInt.asUintN(64, address); rest > 0n; rest >>= 8n) hash = Math.imul(hash ^ Number(rest & 0xffn), 0x01000193);
  return `00000000${(hash >>> 0).toString(16).padStart(8, '0')}`;
}

const ipv4 = (bytes: Uint8Array, padded: boolean): string =>
  [...bytes].map((byte) => (padded ? String(byte).padStart(3, '0') : String(byte))).join('.');

function ipv6(bytes: Uint8Array, plain: boolean): string {
  const groups = Array.from({ length: 8 }, (_, i) => toHex(bytes.subarray(2 * i, 2 * i + 2)));
  return groups.join(plain ? '' : ':');
}

function pad(text: string, flags: string, width: number, numeric: boolean): string {
  if (flags.includes('-')) return text.padEnd(width);
  if (!flags.includes('0') || !numeric) return text.padStart(width);
  const sign = /^[-+ ]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}

/** The text, or a negative errno for a format that the kernel refuses. */
export function formatText(format: string, args: readonly bigint[], reader: FormatReader): string | number {
  let text = '';
  let next = 0;
  for (let at = 0; at < format.length; at++) {
    const character = format[at]!;

    if (!/[\x09-\x0d\x20-\x7e]/.test(character)) return errno('EINVAL');
    if (character !== '%') {
      text += character;
      continue;
    }
    if (format[at + 1] === '%') {
      text += '%';
      at++;
      continue;
    }
    if (next >= args.length) return errno('EINVAL');
    let rest = format.slice(at + 1);
    const flags = /^[0+\- ]*/.exec(rest)![0];
    rest = rest.slice(flags.length);
    const width = Number(/^\d*/.exec(rest)![0] || 0);
    const widthLength = /^\d*/.exec(rest)![0].length;
    rest = rest.slice(widthLength);
    const value = BigInt.asUintN(64, args[next++]!);
    const piece = specifier(rest, value, flags, reader);
    if (piece === undefined) return errno('EINVAL');
    text += pad(piece.text, flags, width, piece.numeric);
    at += flags.length + widthLength + piece.length;
  }
  return text;
}

interface Piece {
  text: string;
  /** Characters of the format it used. */
  length: number;
  numeric: boolean;
}

function specifier(rest: string, value: bigint, flags: string, reader: FormatReader): Piece | undefined {
  if (rest[0] === 'p') return pointer(rest, value, reader);
  if (rest[0] === 's') return { text: reader.text(value) ?? '', length: 1, numeric: false };
  if (rest[0] === 'c') return { text: String.fromCharCode(Number(value & 0xffn)), length: 1, numeric: false };
  const integer = INTEGER.exec(rest);
  if (!integer) return undefined;
  const width = integer[1] === undefined ? 32 : 64;
  const conversion = integer[2]!;
  const length = integer[0].length;
  if (conversion === 'd' || conversion === 'i') {
    const signed = BigInt.asIntN(width, value);
    const sign = signed < 0n ? '' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
    return { text: sign + signed.toString(), length, numeric: true };
  }
  const unsigned = BigInt.asUintN(width, value);
  const digits = conversion === 'u' ? unsigned.toString() : unsigned.toString(16);
  return { text: conversion === 'X' ? digits.toUpperCase() : digits, length, numeric: true };
}

function pointer(rest: string, value: bigint, reader: FormatReader): Piece | undefined {
  const kind = rest[1];
  const address = rest.slice(1, 3);
  if ((kind === 'k' || kind === 'u') && rest[2] === 's') return { text: reader.text(value) ?? '', length: 3, numeric: false };
  if (/^[iI][46]$/.test(address)) {
    const bytes = reader.bytes(value, address[1] === '4' ? 4 : 16) ?? new Uint8Array(address[1] === '4' ? 4 : 16);
    const plain = address[0] === 'i';
    return { text: address[1] === '4' ? ipv4(bytes, plain) : ipv6(bytes, plain), length: 3, numeric: false };
  }
  const raw = value.toString(16).padStart(16, '0');
  if (kind === 'x') return { text: raw, length: 2, numeric: false };
  if (kind === 'K') return { text: hashed(value), length: 2, numeric: false };
  if (kind === 's' || kind === 'S' || kind === 'B') return { text: `0x${value.toString(16)}`, length: 2, numeric: false };
  if (kind === undefined || /[\s!-/:-@[-`{-~]/.test(kind)) return { text: hashed(value), length: 1, numeric: false };
  return undefined;
}
