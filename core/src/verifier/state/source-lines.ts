// The source lines that the log shows between instructions.

import type { VerifierEnvironment } from './environment.ts';
import type { LineRecord } from '#core/program';

const previous = new WeakMap<VerifierEnvironment, LineRecord>();

/** The record that covers a slot. */
export function lineAt(env: VerifierEnvironment, insn: number): LineRecord | undefined {
  const { lines } = env.program;
  let low = 0;
  let high = lines.length - 1;
  if (high < 0 || lines[0]!.insn > insn) return undefined;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (lines[middle]!.insn <= insn) low = middle;
    else high = middle - 1;
  }
  return lines[low];
}

/** `; count++; @ prog.c:7` with its newline, or nothing when this line was printed last. */
export function formatLine(env: VerifierEnvironment, insn: number, prefix: string): string {
  const line = lineAt(env, insn);
  const last = previous.get(env);
  if (!line || line === last || env.log.level === 0) return '';
  if (last && last.file === line.file && last.line === line.line) return '';
  previous.set(env, line);
  const name = line.file.slice(line.file.lastIndexOf('/') + 1);
  return `${prefix}${line.text.replace(/^\s+/, '')} @ ${name}:${line.line}\n`;
}
