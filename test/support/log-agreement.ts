// Our verifier's log beside the one that the kernel at hand writes for the same program of the corpus. Programs are loaded with libbpf,
// never attached or pinned. How long the kernel took is left out.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_IDX,
  BPF_PSEUDO_MAP_IDX_VALUE,
  BPF_PSEUDO_MAP_VALUE,
  type Insn,
  isLdImm64,
} from '#core/isa';
import type { Program } from '#core/program';
import { buildC } from './build-c.ts';
import { runAgreement } from './oracle-agreement.ts';
import { oracleFolder } from './requirements.ts';

export interface LogComparison {
  name: string;
  /** Of the kernel's log. */
  lines: number;
  /** Equal ones, from the beginning to the first that differs, and from the end to the last. */
  sameLines: number;
  difference?: { at: number; kernel: string | undefined; ours: string | undefined };
}

export interface LogQuery {
  /** As bpf_attr.log_level. */
  level: number;
  file?: string | undefined;
  prog?: string | undefined;
  /** Every nth program only. */
  sample?: number;
}

/** One answer per program; `skipped` where libbpf did not get as far as the verifier, the verdicts differ, or the log is too large. */
export function* compareLogs({ level, file, prog, sample }: LogQuery): Generator<LogComparison | { name: string; skipped: string }> {
  const logger = buildC('libbpf-log', ['bpf', 'elf', 'z']);
  if (logger === undefined)
    throw new Error('test/support/libbpf-log.c could not be built: libbpf-dev, libelf-dev and zlib1g-dev are needed');
  const query = {
    macro: false,
    logLevel: level,
    ...(file === undefined ? {} : { file }),
    ...(prog === undefined ? {} : { prog }),
    ...(sample === undefined ? {} : { sample }),
  };
  for (const { row, name, verdict, program } of runAgreement(query)) {
    if (!verdict || !program) continue;
    const input = `${row.prog} ${row.prog_flags ?? 0}\n`;
    const output = execFileSync(logger, [path.join(oracleFolder()!, 'obj', `${row.file}.bpf.o`), String(level)], {
      input,
      maxBuffer: 1 << 26,
    });
    const end = output.indexOf(10);
    const [, , outcome, length] = output.subarray(0, end).toString().split(' ');
    if (length === '0' || (outcome === 'loaded') !== (verdict.verdict === 'accepted')) {
      yield { name, skipped: length === '0' ? 'no log' : `the kernel says ${outcome}` };
      continue;
    }
    const kernelLog = output.subarray(end + 1).toString('latin1');
    // libbpf goes on without BTF where the kernel refuses the object's: then nothing names a source line.
    if (/^; /m.test(verdict.log) && !/^; /m.test(kernelLog)) yield { name, skipped: 'loaded without BTF' };
    else yield { name, ...compareText(kernelLog, verdict.log, program) };
  }
}

/**
 * Without what differs from load to load: how long it took, and the addresses of maps, of which ours has the numbers. The lines in
 * which the kernel follows its stack liveness at level 2 (`(0) frame 0 insn 1 +live -8`) are left out: ours does not write them.
 */
function linesOf(log: string, program: Program): string[] {
  return log
    .trimEnd()
    .split('\n')
    .filter((line) => !/^\(\d[\d,]*\) (frame \d+ insn \d+ |live stack update done)/.test(line))
    .map((line) => {
      if (/^verification time \d+ usec$/.test(line)) return 'verification time 0 usec';
      const load = /^((?:mark_precise: .* before |(?: *\d+ )? *)(\d+): .*?\(18\) r\d+ = )0x[0-9a-f]+ *(.*)$/.exec(line);
      return load && isMapReference(program.insns[Number(load[2])]) ? `${load[1]}(address) ${load[3]}` : line;
    });
}

const isMapReference = (insn: Insn | undefined): boolean =>
  insn !== undefined &&
  isLdImm64(insn) &&
  [BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_PSEUDO_MAP_IDX, BPF_PSEUDO_MAP_IDX_VALUE, BPF_PSEUDO_BTF_ID].includes(insn.src);

function compareText(kernelLog: string, ourLog: string, program: Program): Omit<LogComparison, 'name'> {
  const kernel = linesOf(kernelLog, program);
  const ours = linesOf(ourLog, program);
  let at = 0;
  while (at < kernel.length && kernel[at] === ours[at]) at++;
  if (at === kernel.length && at === ours.length) return { lines: at, sameLines: at };
  let fromEnd = 0;
  while (
    fromEnd < kernel.length - at &&
    fromEnd < ours.length - at &&
    kernel[kernel.length - 1 - fromEnd] === ours[ours.length - 1 - fromEnd]
  )
    fromEnd++;
  return { lines: kernel.length, sameLines: at + fromEnd, difference: { at: at + 1, kernel: kernel[at], ours: ours[at] } };
}
