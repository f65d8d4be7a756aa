// The assembler on small texts: bytes, and what it says about mistakes. A case is a text and what comes of it.
import { describe, expect, it } from 'vitest';
import { toHex } from '#core/bytes';
import { assemble, disassemble, writeObject, type AssembledObject } from './index.ts';

const HELPERS: Readonly<Record<string, number>> = { bpf_map_lookup_elem: 1, bpf_ktime_get_ns: 5, bpf_trace_printk: 6 };
const run = (text: string): AssembledObject =>
  assemble(text, {
    helperId: (name) => HELPERS[name],
    helperNames: Object.keys(HELPERS),
    isMapType: (name) => ['hash', 'array'].includes(name),
  });
const listing = (text: string): string[] => {
  const object = run(text);
  expect(object.problems).toEqual([]);
  return object.sections.flatMap((section) => disassemble(section.insns).map((line) => line.text));
};
const complaints = (text: string): string[] => run(text).problems.map((one) => `${one.span!.line}:${one.span!.column}: ${one.message}`);

describe('assemble', () => {
  it.each<[string, string, string[]]>([
    [
      'labels in both directions',
      'again: r1 += 1\nif r1 < 9 goto again\ngoto out\nr2 = 1\nout: exit',
      ['r1 += 0x1', 'if r1 < 0x9 goto -0x2', 'goto +0x1', 'r2 = 0x1', 'exit'],
    ],
    ['numeric labels', '1: r1 += 1\nif r1 < 9 goto 1b\ngoto 1f\n1: exit', ['r1 += 0x1', 'if r1 < 0x9 goto -0x2', 'goto +0x0', 'exit']],
    [
      'every comment',
      'r1 = 1 # one\nr2 = 2 // two\n; three\n/* four\nr9 = 9 */ r3 = 3 ; r3 is three\nexit',
      ['r1 = 0x1', 'r2 = 0x2', 'r3 = 0x3', 'exit'],
    ],
    ['statements behind semicolons', 'r1 = 1; r2 = 2; exit', ['r1 = 0x1', 'r2 = 0x2', 'exit']],
    [
      'remarks behind semicolons',
      'r1 = 1 ; uses r1, r2\ngoto out ; goto out of here\nout: exit ; TODO: exit the program',
      ['r1 = 0x1', 'goto +0x0', 'exit'],
    ],
    [
      'dialects mixed',
      'mov %r0, 1\nw1 = 2\nldxdw %r2, [%r1+8]\nlock fetch add [%r10-8], %r2\nexit',
      ['r0 = 0x1', 'w1 = 0x2', 'r2 = *(u64 *)(r1 + 0x8)', 'r2 = atomic_fetch_add((u64 *)(r10 - 0x8), r2)', 'exit'],
    ],
    ['helpers by name', 'call bpf_ktime_get_ns\nexit', ['call 0x5', 'exit']],
    ['a subprogram', 'call twice\nexit\ntwice: r0 = r1\nexit', ['call 0x1', 'exit', 'r0 = r1', 'exit']],
    [
      'the verifier walks out of order',
      '0: (b7) r0 = 0          ; R0_w=0\n1: (15) if r1 == 0x0 goto pc+1 ; R1=ctx()\n3: (95) exit\nfrom 1 to 2: R0=0 R1=ctx()\n2: (07) r0 += 1\n3: (95) exit\nprocessed 5 insns (limit 1000000) max_states_per_insn 0',
      ['r0 = 0x0', 'if r1 == 0x0 goto +0x1', 'r0 += 0x1', 'exit'],
    ],
    [
      'a log with its messages',
      'Live regs before insn:\n      0: .1........ (b7) r0 = 0\n      1: 0......... (95) exit\n0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\nR0 !read_ok\ninvalid access to packet, off=0 size=8, R1(id=0,off=0,r=0)',
      ['r0 = 0x0', 'exit'],
    ],
    [
      'bpftool with opcodes',
      'int prog(struct xdp_md * ctx):\n; return 1;\n   0: (b7) r0 = 1\n       b7 00 00 00 01 00 00 00\n   1: (95) exit\n       95 00 00 00 00 00 00 00',
      ['r0 = 0x1', 'exit'],
    ],
    ['.set is a constant', '.set LIMIT, 3 + 4\nr1 = LIMIT ll\nexit', ['r1 = 0x7 ll', 'exit']],
  ])('%s', (_name, text, expected) => {
    expect(listing(text)).toEqual(expected);
  });

  it('keeps a call that a helper of the same name would take for the function of the file', () => {
    expect(run('call bpf_ktime_get_ns\nexit\nbpf_ktime_get_ns: exit').sections[0]!.insns[0]).toMatchObject({ src: 1, imm: 1 });
  });

  it.each<[string, string, string[]]>([
    [
      'all mistakes, not the first',
      'r1 = \nr2 += r11\nexit extra',
      [
        '1:5: expected a register, a number, a load or a symbol here, the line ends',
        '2:7: there is no register r11: registers are r0 to r10',
        '3:6: expected the end of the line, found "extra"',
      ],
    ],
    ['width', 'w1 = r2', ['1:6: w1 and r2 have different widths; use w2']],
    [
      'range',
      'r1 = 2147483648',
      [
        "1:6: 2147483648 does not fit the 32 bits of an instruction's constant (-2147483648 to 2147483647); write 0x80000000 for these bits, or ll behind it for all 64",
      ],
    ],
    ['offset', 'r1 = *(u8 *)(r2 + 40000)', ['1:17: an offset of 40000 does not fit 16 bits (-32768 to 32767)']],
    ['a label that is not there', 'loop: goto lop\nexit', ['1:12: there is no label lop in section .text; did you mean loop?']],
    [
      'a helper that is not there',
      'call bpf_ktime_get_n\nexit',
      [
        '1:6: there is no function or helper bpf_ktime_get_n; did you mean bpf_ktime_get_ns? (a kfunc is declared with .extern bpf_ktime_get_n)',
      ],
    ],
    [
      'a map that is not there',
      '.map counts, type=hash, key=4, value=8, max_entries=1\nr1 = &count\nexit',
      [
        '2:7: there is no map or symbol count; did you mean counts? (a map is declared with .map count, type=hash, key=4, value=8, max_entries=1)',
      ],
    ],
    [
      'a map type that is not there',
      '.map m, type=hsah, key=4, value=4, max_entries=1',
      ['1:14: there is no map type "hsah"; types are hash, array, percpu_hash, percpu_array, lru_hash, ringbuf, prog_array, …'],
    ],
    ['a label twice', 'a: exit\na: exit', ['2:1: a is defined already, in line 1']],
    ['a mnemonic with a slip', 'mvo %r0, 1\nexit', ['1:1: there is no instruction or directive "mvo"; did you mean mov?']],
    ['a directive', '.sectoin "xdp"', ['1:1: there is no directive .sectoin']],
    [
      'bytes that contradict',
      '0:\tb7 00 00 00 01 00 00 00\tr0 = 0x2',
      ['1:28: the bytes in this line say "r0 = 0x1", the text does not; correct one, or delete the bytes'],
    ],
    ['opcode that contradicts', '0: (b4) r0 = 1', ["1:9: the opcode in this line is 0xb4, the text's is 0xb7; correct one of them"]],
    ['a log with a hole', '0: (b7) r0 = 0\n2: (95) exit', ['2:9: slots 1 to 1 are missing: the log does not show them']],
    ['a string without end', '.license "GPL', ['1:10: the string has no closing quote']],
    [
      'reserved fields in bytes',
      '.byte 0x95, 1, 0, 0, 0, 0, 0, 0\nexit',
      ['1:1: insn 0: exit does not use dst: it must be 0, here it is r1'],
    ],
    ['a symbol that needs itself', '.data\n.set a, b\n.set b, a\n.long a', ['4:7: this value depends on itself']],
  ])('says %s', (_name, text, expected) => {
    expect(complaints(text)).toEqual(expected);
  });

  it('strictRegisters refuses what is read before it is written', () => {
    expect(assemble('or %r0, %r10\nexit', { strictRegisters: true }).problems.map((one) => one.message)).toEqual([
      'r0 is read before anything wrote it: at the start only r1 to r5 and r10 can hold something',
    ]);
    expect(assemble('r0 = r2\nr0 += r1\nexit', { strictRegisters: true }).problems).toEqual([]);
  });

  it('keeps sections, symbols, maps, lines and references', () => {
    const object = run(
      '.map counts, type=hash, key=4, value=8, max_entries=64\n.license "GPL"\n.section "xdp"\n.globl prog\nprog:\n  r1 = counts ll\n  call sub\n  exit\nsub: r0 = 2\n exit\n.section .rodata\nmessage: .asciz "hi"\n.long 1, 2',
    );
    expect(object.problems).toEqual([]);
    expect(object.maps).toMatchObject([{ name: 'counts', type: 'hash', keySize: 4, valueSize: 8, maxEntries: 64, line: 1 }]);
    expect(object.license).toBe('GPL');
    const [xdp, rodata] = object.sections;
    expect(xdp).toMatchObject({ name: 'xdp', flags: 'ax', relocations: [{ offset: 0, type: 1, symbol: 'counts' }] });
    expect(xdp!.lines.map((line) => [line.insn, line.line, line.column, line.text])).toEqual([
      [0, 6, 3, 'r1 = counts ll'],
      [2, 7, 3, 'call sub'],
      [3, 8, 3, 'exit'],
      [4, 9, 6, 'r0 = 2'],
      [5, 10, 2, 'exit'],
    ]);
    expect(toHex(rodata!.bytes)).toBe('6869000100000002000000');
    expect(object.symbols.map((symbol) => [symbol.name, symbol.section, symbol.offset, symbol.size, symbol.kind])).toEqual([
      ['prog', 'xdp', 0, 32, 'func'],
      ['sub', 'xdp', 32, 16, 'func'],
      ['message', '.rodata', 0, 11, 'notype'],
    ]);
    expect(object.references.map((one) => [one.kind, one.name, one.definition?.line])).toEqual([
      ['address', 'counts', 1],
      ['call', 'sub', 9],
    ]);
  });

  it('a section without a label has an implicit function', () => {
    expect(run('.section "kprobe/do_sys_open"\nr0 = 0\nexit').symbols).toMatchObject([
      { name: 'kprobe_do_sys_open', implicit: true, kind: 'func', size: 16 },
    ]);
  });

  it('an object keeps local functions apart from programs', () => {
    const object = run('.section "xdp"\n.globl a\na: call sub\nexit\nsub: r0 = 2\nexit\n.globl b\nb: call sub\nexit');
    expect(object.problems).toEqual([]);
    const { bytes, problems } = writeObject(object, { mapTypeId: () => 1 });
    expect(problems).toEqual([]);
    // ELF magic and EM_BPF; that libbpf and the kernel take it is tested where they are.
    expect(toHex(bytes.subarray(0, 20))).toBe('7f454c46020101000000000000000000' + '0100f700');
  });

  it('says which jump leaves its function', () => {
    const object = run('.section "xdp"\n.globl a\na: call sub\ngoto inner\nexit\nsub: r0 = 2\ninner: exit');
    expect(writeObject(object, { mapTypeId: () => 1 }).problems.map((one) => [one.span!.line, one.message])).toEqual([
      [4, 'this jump leaves its function a; functions are entered by call only'],
    ]);
  });

  it.each([
    '',
    '\0\0\0',
    '"',
    '/*',
    'r',
    'r1',
    'r1 =',
    '*(',
    '.section',
    '.fill 99999999999',
    '.zero 99999999999999999999',
    '.map',
    '.map x,',
    'if',
    'call',
    'lock',
    '[',
    '%',
    '0:',
    '0: (',
    '.set a, a',
    '.uleb128 a',
    '\ud800',
    '.asciz "\ud800"',
    '.p2align 60',
    '.insn 1',
    'x:'.repeat(500),
    '('.repeat(5000),
    `.long ${'('.repeat(4000)}`,
  ])('survives %j', (text) => {
    expect(assemble(text).sections.length).toBeGreaterThanOrEqual(0);
  });

  it.each<[string, () => string]>([
    ['a line of a million words', () => 'word '.repeat(50_000)],
    ['a line of statements', () => 'r1 = 1; '.repeat(5_000)],
    ['labels without end', () => Array.from({ length: 5_000 }, (_, i) => `l${i}: goto l${i + 1}x`).join('\n')],
    ['numeric labels', () => '1: goto 1b\n'.repeat(5_000)],
    ['jumps to exit', () => `${'goto exit\n'.repeat(3_000)}${'exit\n'.repeat(3_000)}`],
    ['data names', () => `.data\n${Array.from({ length: 5_000 }, (_, i) => `d${i}: .byte ${i & 255}`).join('\n')}`],
    ['bytes that are no instructions', () => '.quad -1\n'.repeat(5_000)],
    ['sections', () => Array.from({ length: 1000 }, (_, i) => `.section s${i}\nf${i}: exit`).join('\n')],
    [
      'lengths that depend on each other',
      () => Array.from({ length: 300 }, (_, i) => `a${i}: .uleb128 a${(i * 7) % 300} - a${(i * 13) % 300} + 100`).join('\n'),
    ],
  ])('takes no time over %s', (_name, text) => {
    const input = text();
    const start = process.cpuUsage().user;
    const object = assemble(input);
    if (object.problems.length === 0) writeObject(object, { mapTypeId: () => 1 });
    expect((process.cpuUsage().user - start) / 1000).toBeLessThan(1500);
  });

  it('survives random cuts of a good text', () => {
    const good =
      '.map counts, type=hash, key=4, value=8\n.section "xdp"\nprog: r1 = counts ll\nif r1 s> r2 goto +3\nlock *(u64 *)(r1 + 8) += r2\nr2 = atomic_fetch_add((u64 *)(r10 - 8), r2)\n0: (85) call bpf_map_lookup_elem#1\n.long prog - prog, 5\nexit\n';
    let seed = 7;
    const random = (below: number): number => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % below;
    let withProblems = 0;
    for (let i = 0; i < 400; i++) {
      const from = random(good.length);
      const text = good.slice(0, from) + good.slice(from + 1 + random(12)).replace(/[a-z]/, String.fromCharCode(33 + random(90)));
      if (assemble(text).problems.length > 0) withProblems++;
    }
    expect(withProblems).toBeGreaterThan(200);
  });
});
