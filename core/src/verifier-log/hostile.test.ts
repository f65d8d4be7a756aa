// Logs come from anywhere: damaged ones are read without a throw, quickly, and into values of the right shape.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readVerifierLogs } from './index.ts';

const folder = path.join(import.meta.dirname, '../../../test/verifier-log/logs');
const logs = readdirSync(folder).map((file) => readFileSync(path.join(folder, file), 'utf8'));

/** Repeatable: mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const FRAGMENTS = [
  '\u0000',
  '\u001b[31m',
  '\u001b]0;',
  '{"log":"',
  '\\n',
  '\r\n',
  '; ',
  ' @ ',
  '-- BEGIN PROG LOAD LOG --\n',
  '-- END PROG LOAD LOG --\n',
  'processed 1 insns',
  'from 1 to 2: ',
  'frame99999999: ',
  'Verification failed: x: y\n',
  'At:\n',
  '>>> ',
  '| ^-- error: ',
  'R0=((((',
  'load program: permission denied: ',
  '9'.repeat(400),
  'R99999999999 invalid mem access',
  '__proto__',
  'constructor',
  '0: (85) call pc+0\n',
  '\ud800',
  '🐝',
];

function damaged(text: string, random: (below: number) => number): string {
  let result = text;
  for (let change = random(6) + 1; change > 0; change--) {
    const at = random(result.length + 1);
    const length = random(60);
    switch (random(6)) {
      case 0:
        result = result.slice(0, at) + result.slice(at + length);
        break;
      case 1:
        result = result.slice(0, at) + FRAGMENTS[random(FRAGMENTS.length)]! + result.slice(at);
        break;
      case 2:
        result = result.slice(0, at) + String.fromCharCode(random(256)) + result.slice(at + 1);
        break;
      case 3:
        result = result.slice(0, at) + result.slice(Math.max(0, at - length), at) + result.slice(at);
        break;
      case 4:
        result = result.slice(at) + result.slice(0, at);
        break;
      default: {
        const other = logs[random(logs.length)]!;
        result = result.slice(0, at) + other.slice(random(other.length)) + result.slice(at);
        break;
      }
    }
  }
  return result.slice(0, 200_000);
}

describe('damaged logs', () => {
  it('are read without a throw, and what is read is within the text', () => {
    let slowest = 0;
    for (let seed = 0; seed < 600; seed++) {
      const random = randomFrom(seed);
      const text = damaged(logs[random(logs.length)]!, random);
      const lines = text.split('\n').length;
      const before = performance.now();
      const { programs, advice } = readVerifierLogs(text);
      slowest = Math.max(slowest, performance.now() - before);
      expect(programs.length > 0, `seed ${seed}`).toBe(advice === undefined);
      for (const { firstLine, lastLine, finding, insns } of programs) {
        expect(firstLine >= 1 && firstLine <= lastLine && lastLine <= lines, `seed ${seed}: ${firstLine} to ${lastLine} of ${lines}`).toBe(
          true,
        );
        if (finding) expect(finding.logLine >= 1 && finding.logLine <= lines, `seed ${seed}`).toBe(true);
        for (const { logLine } of insns) expect(logLine <= lines).toBe(true);
      }
    }
    expect(slowest).toBeLessThan(2000);
  });
});

describe('texts made to be slow are read in time that grows with their length', () => {
  const repeated = (line: string, times: number): string => `0: R1=ctx() R10=fp0\n${`${line}\n`.repeat(times)}`;
  it.each([
    ['one line without an end', 'R0='.repeat(2_000_000)],
    ['brackets that never close', `R0=${'('.repeat(3_000_000)}`],
    ['blanks', ' '.repeat(5_000_000)],
    ['escapes that never end', '\u001b]'.repeat(500_000)],
    ['backslashes', `x="${'\\'.repeat(1_000_000)}\\n0: (95) exit`],
    ['quotes', `${'msg="'.repeat(200_000)}\\n0: (95) exit `],
    ['JSON in JSON', '{"log":'.repeat(100_000)],
    [
      'JSON that nests itself',
      Array.from({ length: 14 })
        .reduce<string>((text) => JSON.stringify({ log: text }), 'x'.repeat(10))
        .slice(0, 1_000_000),
    ],
    ['branches to nowhere', repeated('from 5 to 6: R0=1', 50_000)],
    ['calls without an end', repeated('1: (85) call pc+5\n7: (95) exit', 30_000)],
    ['a branch at every instruction', repeated('1: (15) if r1 == 0x0 goto pc+1\nfrom 1 to 3: R1=0\n3: (bf) r2 = r1', 30_000)],
    ['a register moved about', `${repeated('1: (bf) r2 = r1\n2: (bf) r1 = r2', 30_000)}R1 invalid mem access 'scalar'\nprocessed 1 insns`],
    ['prefixes of prefixes', '> '.repeat(1_000_000)],
    [
      'a report without an end',
      `0: (95) exit\nR0 !read_ok\n\nVerification failed: x: y\n${'At:\n  insn 1\n   | ^-- error: x\n'.repeat(40_000)}`,
    ],
    ["loaders' words", "libbpf: prog 'x': -- BEGIN PROG LOAD LOG --\n".repeat(50_000)],
    ['sentences of the verifier', 'R0 !read_ok\n'.repeat(80_000)],
    ['a sentence as long as a book', `R1 type=${'a,'.repeat(1_000_000)} expected=`],
    ['source comments', `; ${'a @ b:1 '.repeat(300_000)}`],
    ['stack slots', `0: ${'fp-8=mmmmmmmm '.repeat(200_000)}`],
  ])('%s', (_, text) => {
    const before = performance.now();
    readVerifierLogs(text);
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});
