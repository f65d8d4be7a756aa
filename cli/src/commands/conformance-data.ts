// Reads a `.data` file of bpf_conformance: sections that begin with `--`, and `#` comments. Assembles the program; runs nothing.
// Lines of the assembly keep their numbers, so that a problem points into the file.

import { fromHex } from '#core/bytes';
import { formatProblem } from '#core/problem';

export interface ConformanceTest {
  program: Uint8Array;
  memory: Uint8Array;
  /** r0 at the end, 64 bits; undefined where the file gives none. */
  result: bigint | undefined;
  /** There is an `-- error` section: the program must be refused. */
  expectsError: boolean;
  /** What is wrong with the file, each located. */
  problems: string[];
  /** `file:line` of a slot, or of the program as a whole. */
  locate: (slot: number) => string;
}

const SECTIONS = ['asm', 'raw', 'mem', 'result', 'error', 'c', 'no register offset'] as const;
type SectionName = (typeof SECTIONS)[number];

interface Line {
  number: number;
  text: string;
}

export async function readConformanceTest(text: string, file: string): Promise<ConformanceTest> {
  const problems: string[] = [];
  const sections = new Map<SectionName, Line[]>();
  let current: Line[] | undefined;
  text.split(/\r?\n/).forEach((whole, i) => {
    const line = { number: i + 1, text: whole.replace(/#.*/, '') };
    if (line.text.includes('--')) {
      const name = line.text.slice(line.text.indexOf('--') + 2).trim();
      const known = SECTIONS.find((section) => section === name);
      current = [];
      if (known) sections.set(known, current);
      else problems.push(`${file}:${line.number}: there is no section "${name}"; sections are ${SECTIONS.join(', ')}`);
    } else if (line.text.trim() !== '') {
      if (current) current.push(line);
      else problems.push(`${file}:${line.number}: this line belongs to no section; a section begins with a line such as "-- asm"`);
    }
  });

  const asm = sections.get('asm');
  const raw = sections.get('raw');
  let program = new Uint8Array(0);
  if (!asm && !raw) problems.push(`${file}:1: there is neither an "-- asm" nor a "-- raw" section`);
  else if (raw) program = rawBytes(raw, file, problems);
  else if (asm && problems.length === 0) program = await assembled(asm, file, problems);

  return {
    program,
    memory: memoryBytes(sections.get('mem') ?? [], file, problems),
    result: resultValue(sections.get('result') ?? [], file, problems),
    expectsError: sections.has('error'),
    problems,
    locate: (slot) => `${file}:${(raw ?? asm)?.[slot]?.number ?? 1}`,
  };
}

async function assembled(lines: readonly Line[], file: string, problems: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const { assemble } = await import('#core/isa');
  // Blank lines in front and between keep the file's line numbers.
  const source: string[] = [];
  for (const { number, text } of lines) source[number - 1] = text;
  const text = Array.from(source, (line) => line ?? '').join('\n');
  const object = assemble(`${text}\n`, { file, strictRegisters: true });
  const errors = object.problems.filter(({ severity }) => severity === 'error');
  problems.push(...errors.map(formatProblem));
  const code = object.sections.filter(({ insns }) => insns.length > 0);
  if (errors.length === 0 && code.length !== 1) problems.push(`${file}:${lines[0]?.number ?? 1}: the program has no instruction`);
  return new Uint8Array(code[0]?.bytes ?? []);
}

/** Bytes (`07 00 01 …`) or 64-bit words (`0x0000000100010007`), in any mixture. */
function rawBytes(lines: readonly Line[], file: string, problems: string[]): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const { number, text } of lines) {
    for (const word of text.trim().split(/[\s,]+/)) {
      const digits = word.replace(/^0x/i, '');
      if (!/^[0-9a-f]+$/i.test(digits) || digits.length > 16 || (digits.length === word.length && digits.length % 2 !== 0)) {
        problems.push(`${file}:${number}: "${word}" is neither a byte nor a 64-bit word in hex`);
      } else if (digits.length <= 2) {
        bytes.push(Number.parseInt(digits, 16));
      } else {
        for (let value = BigInt(`0x${digits}`), i = 0; i < 8; i++, value >>= 8n) bytes.push(Number(value & 0xffn));
      }
    }
  }
  return Uint8Array.from(bytes);
}

function memoryBytes(lines: readonly Line[], file: string, problems: string[]): Uint8Array {
  const bytes = fromHex(lines.map(({ text }) => text).join(' '));
  if (!bytes) problems.push(`${file}:${lines[0]?.number ?? 1}: the memory is not bytes in hex`);
  return bytes ?? new Uint8Array(0);
}

function resultValue(lines: readonly Line[], file: string, problems: string[]): bigint | undefined {
  const last = lines.at(-1);
  if (!last) return undefined;
  const text = last.text.trim();
  if (/^-?(0x[0-9a-f]+|\d+)$/i.test(text)) return BigInt.asUintN(64, text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));
  problems.push(`${file}:${last.number}: the result "${text}" is neither hex (0x…) nor decimal`);
  return undefined;
}
