// Logs that a real kernel and libbpf printed (test/verifier-log/logs, from test/verifier-log/programs), read as they are, and inside
// everything that may stand around a log. What is read is golden text: `vitest -u` writes it anew.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LoggedProgram } from './index.ts';
import { readVerifierLogs } from './index.ts';
import { PREFIXES } from './unwrap.ts';

const folder = path.join(import.meta.dirname, '../../../test/verifier-log');
const logOf = (name: string): string => readFileSync(path.join(folder, 'logs', `${name}.log`), 'utf8');

function place(source: NonNullable<LoggedProgram['finding']>['source']): string {
  if (!source) return 'nowhere';
  return `${source.file ?? '?'}:${source.line ?? '?'}${source.column === undefined ? '' : `:${source.column}`}${source.uncertain ? ' (uncertain)' : ''} | ${source.text}`;
}

function told({ name, loader, verdict, errno, firstLine, lastLine, truncated, finding, statistics, insns }: LoggedProgram): string {
  const head = `${name ?? '-'} by ${loader ?? '-'}: ${verdict} ${errno ?? '-'}, lines ${firstLine} to ${lastLine}, ${insns.length} instruction lines, ${statistics ? JSON.stringify(statistics) : 'no statistics'}${truncated ? ', truncated' : ''}`;
  if (!finding) return head;
  return [
    head,
    `${finding.code ?? 'no code'} at insn ${finding.insn ?? '-'} ${finding.instruction ?? ''}`,
    place(finding.source),
    ...finding.lines.map((line) => `says ${line}`),
    `register ${finding.register ?? '-'}: ${finding.known ?? '-'}`,
    ...finding.registers.map((one) => `  ${one.name}=${one.value}`),
    ...finding.causes.map((cause) => `cause ${cause.insn ?? '-'} ${place(cause.source)}: ${cause.text}`),
    ...(finding.report
      ? [
          `report ${finding.report.category} / ${finding.report.problem}`,
          `reason ${finding.report.reason}`,
          `suggestion ${finding.report.suggestion}`,
        ]
      : []),
  ].join('\n  ');
}

const all = (text: string): string => `${readVerifierLogs(text).programs.map(told).join('\n')}\n`;

describe('a log that a kernel printed', () => {
  for (const name of readdirSync(path.join(folder, 'logs'))
    .filter((file) => file.endsWith('.log'))
    .map((file) => file.slice(0, -4))) {
    it(name, async () => {
      await expect(all(logOf(name))).toMatchFileSnapshot(path.join(folder, 'golden', `${name}.txt`));
    });
  }
});

/** The finding alone: line numbers of the text differ with what stands around it. */
const meaning = (text: string): unknown =>
  readVerifierLogs(text).programs.map(({ verdict, errno, finding }) => [
    verdict,
    errno,
    finding && { ...finding, logLine: 0, causes: finding.causes.map((cause) => ({ ...cause, logLine: 0 })) },
  ]);

const NAMES = ['no-null-check.libbpf-level1', 'index-too-large.libbpf-level2', 'never-submitted.libbpf-level1', 'linux-7.3'];
const each = (text: string, change: (line: string) => string): string => text.split('\n').map(change).join('\n');

describe.each(NAMES)('%s means the same', (name) => {
  const text = logOf(name);
  const expected = meaning(text);

  it('with Windows line ends', () => expect(meaning(text.replaceAll('\n', '\r\n'))).toEqual(expected));
  it('with colours', () =>
    expect(meaning(each(text, (line) => `\u001b[31m${line.replace('R0', '\u001b[1mR0\u001b[0m')}\u001b[0m`))).toEqual(expected));
  for (const { from, examples } of PREFIXES)
    for (const example of examples)
      it(`behind ${JSON.stringify(example)} of ${from}`, () => expect(meaning(each(text, (line) => example + line))).toEqual(expected));
  it('behind a time stamp of a container in a CI job', () =>
    expect(meaning(each(text, (line) => `2026-03-01T10:11:12.1234567Z agent-1  | 2026/03/01 10:11:12 ${line}`))).toEqual(expected));
  it('as lines of JSON, as docker keeps them', () =>
    expect(meaning(each(text, (line) => JSON.stringify({ log: `${line}\n`, stream: 'stderr', time: '2026-03-01T10:11:12Z' })))).toEqual(
      expected,
    ));
  it('in one field of a structured log', () =>
    expect(meaning(`{"level":"error","msg":"loading failed","error":${JSON.stringify(text)}}`)).toEqual(expected));
  it('in one quoted field', () =>
    expect(meaning(`time="2026-03-01" level=error msg=${JSON.stringify(text)} subsys=loader`)).toEqual(expected));
  it('among other output', () =>
    expect(meaning(`make: Entering directory\n\n  CC  refused.bpf.o\n${text}\nmake: *** [test] Error 1\nsee R1 of the manual\n`)).toEqual(
      expected,
    ));
});

/** The log between libbpf's marks. */
const core = (name: string): string => /-- BEGIN PROG LOAD LOG --\n([\s\S]*?)-- END/.exec(logOf(name))![1]!.trimEnd();

const FORMS: Record<string, (log: string) => string> = {
  'no loader at all': (log) => log,
  bpftool: (log) =>
    `libbpf: loading refused.bpf.o\nlibbpf: prog 'no_null_check': BPF program load failed: Permission denied\nlibbpf: prog 'no_null_check': -- BEGIN PROG LOAD LOG --\n${log}\n-- END PROG LOAD LOG --\nlibbpf: prog 'no_null_check': failed to load: -13\nlibbpf: failed to load object 'refused.bpf.o'\nError: failed to load object file\n`,
  'cilium/ebpf with %+v': (log) =>
    `2026/03/01 10:11:12 loading objects: field NoNullCheck: program no_null_check: load program: permission denied:\n${log.replace(/^/gm, '\t')}\n`,
  BCC: (log) =>
    `bpf: Failed to load program: Permission denied\n${log}\n\nHINT: The 'map_value_or_null' error can happen if you dereference a pointer value from a map lookup without first checking if that pointer is NULL.\n\nTraceback (most recent call last):\n  File "hello.py", line 12, in <module>\nException: Failed to load BPF program b'no_null_check': Permission denied\n`,
  aya: (log) =>
    `Error: the BPF_PROG_LOAD syscall returned Permission denied (os error 13). Verifier output: ${log}\n\nCaused by:\n    Permission denied (os error 13)\n`,
  iproute2: (log) =>
    `\nProg section 'xdp' rejected: Permission denied (13)!\n - Type:         6\n - Instructions: 20 (0 over limit)\n - License:      GPL\n\nVerifier analysis:\n\n${log}\n\nError fetching program/map!\n`,
  veristat: (log) => `PROCESSING refused.bpf.o/no_null_check, DURATION US: 87, VERDICT: failure, VERIFIER LOG:\n${log}\n`,
  'a quoted mail': (log) => `On Sunday somebody wrote:\n${log.replace(/^/gm, '> ')}\n\nAny idea?\n`,
  'a block of Markdown': (log) => `It says\n\`\`\`\n${log}\n\`\`\`\nWhy?\n`,
};

describe.each(Object.entries(FORMS))('printed by %s', (form, print) => {
  const { programs } = readVerifierLogs(print(core('no-null-check.libbpf-level1')));
  const bare = readVerifierLogs(core('no-null-check.libbpf-level1')).programs[0]!.finding!;

  it('is one refused program with the same reason', () => {
    expect(programs.map(({ verdict }) => verdict)).toEqual(['rejected']);
    const { finding } = programs[0]!;
    expect({ ...finding, logLine: 0, causes: finding!.causes.map(({ insn, text }) => [insn, text]) }).toEqual({
      ...bare,
      logLine: 0,
      causes: bare.causes.map(({ insn, text }) => [insn, text]),
    });
  });

  it('has its name and errno, where the loader says them', () => {
    const { name, errno } = programs[0]!;
    expect([name, errno]).toEqual(
      form === 'iproute2'
        ? ['xdp', 'EACCES']
        : form === 'veristat'
          ? ['no_null_check', undefined]
          : form === 'aya'
            ? [undefined, 'EACCES']
            : /bpftool|cilium|BCC/.test(form)
              ? ['no_null_check', 'EACCES']
              : [undefined, undefined],
    );
  });
});

describe('one line', () => {
  const only = (text: string): LoggedProgram => {
    const { programs } = readVerifierLogs(text);
    expect(programs).toHaveLength(1);
    return programs[0]!;
  };

  it("of cilium/ebpf's %v", () => {
    const { name, errno, truncated, finding } = only(
      "loading objects: field X: program no_null_check: load program: permission denied: 7: (79) r1 = *(u64 *)(r0 +0): R0 invalid mem access 'map_value_or_null' (18 line(s) omitted)",
    );
    expect([name, errno, truncated, finding?.code, finding?.insn, finding?.instruction]).toEqual([
      'no_null_check',
      'EACCES',
      true,
      'null-dereference',
      7,
      '(79) r1 = *(u64 *)(r0 +0)',
    ]);
  });

  it('of cilium/ebpf on Linux 7.3: the reason and the suggestion', () => {
    const { finding } = only(
      'program x: load program: permission denied: R0 has never been initialized on this path, so the verifier cannot use it as an input (Initialize R0 on every path before this instruction)',
    );
    expect(finding?.report?.suggestion).toBe('Initialize R0 on every path before this instruction');
    expect(finding?.message).toContain('R0 has never been initialized');
  });

  it('of the verifier, pasted alone', () => {
    const { verdict, finding } = only("R2 min value is negative, either use unsigned or 'var &= const'\n");
    expect([verdict, finding?.code, finding?.register]).toEqual(['rejected', 'helper-argument-size', 2]);
  });
});

describe('a log that is cut off', () => {
  const whole = logOf('index-too-large.libbpf-level1').split('\n');

  it('at its start still tells the reason', () => {
    for (let first = 3; first < 20; first++)
      expect(readVerifierLogs(whole.slice(first).join('\n')).programs[0]?.finding?.code, String(first)).toBe('map-value-bounds');
  });

  it('before the refusal has no verdict', () => {
    const { programs } = readVerifierLogs(whole.slice(2, 12).join('\n'));
    expect(programs.map(({ verdict, truncated }) => [verdict, truncated])).toEqual([['unknown', true]]);
  });
});

describe('a text without a log is answered with what to do', () => {
  it.each([
    ['', /no text to read/i],
    ['hello\nworld\n', /No verifier log/],
    ["libbpf: prog 'x': BPF program load failed: Operation not permitted\nlibbpf: prog 'x': failed to load: -1\n", /\(EPERM\).*CAP_BPF/],
    ['int main(void) { return 0; }\n; a comment\n', /No verifier log/],
    ['R1 = 5 is not said by anybody\nprocessed food\n', /No verifier log/],
  ])('%j', (text, expected) => {
    const { programs, advice } = readVerifierLogs(text);
    expect(programs).toEqual([]);
    expect(advice).toMatch(expected);
  });
});
