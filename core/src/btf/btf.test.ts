// BTF read, asked, printed and formatted: on a small one made here, so that no compiler is needed.

import { describe, expect, it } from 'vitest';
import {
  alignOf,
  bpftoolValue,
  declarationOf,
  definitionOf,
  essentialLength,
  findMember,
  formatValue,
  parseValue,
  printVmlinuxHeader,
  readBtf,
  resolve,
  sizeOf,
  typeName,
  writeBtf,
  type Btf,
  type BtfComposite,
  type BtfType,
} from './index.ts';

/** Without its id, which is its place. */
type WithoutId = BtfType extends infer T ? (T extends unknown ? Omit<T, 'id'> : never) : never;

/** Types in order; ids count from 1. */
function btfOf(...types: WithoutId[]): Btf {
  const { btf, problems } = readBtf(writeBtf(types.map((type, i) => ({ ...type, id: i + 1 }) as BtfType)));
  expect(problems).toEqual([]);
  return btf!;
}

const int = (name: string, size: number, signed = false, extra: { char?: boolean; bool?: boolean } = {}): WithoutId => ({
  kind: 'int',
  name,
  size,
  signed,
  char: false,
  bool: false,
  bits: 8 * size,
  bitOffset: 0,
  ...extra,
});
const member = (name: string, type: number, bitOffset: number, bitSize = 0) => ({ name, type, bitOffset, bitSize });

const INT = 1;
const CHAR = 2;
const U64 = 3;
const BE32 = 5;
const COMM = 6;
const STATE = 8;
const EVENT = 11;

/** A struct with everything that a map's value may have. */
const sample = (): Btf =>
  btfOf(
    int('int', 4, true),
    int('char', 1, true),
    int('unsigned long long', 8),
    int('unsigned int', 4),
    { kind: 'typedef', name: '__be32', type: 4 },
    { kind: 'array', name: '', type: CHAR, indexType: INT, count: 8 },
    int('_Bool', 1, false, { bool: true }),
    {
      kind: 'enum',
      name: 'state',
      size: 4,
      signed: false,
      enumerators: [
        { name: 'IDLE', value: 0n },
        { name: 'BUSY', value: 7n },
      ],
    },
    { kind: 'ptr', name: '', type: EVENT },
    { kind: 'union', name: '', size: 8, members: [member('wide', U64, 0), member('narrow', INT, 0)] },
    {
      kind: 'struct',
      name: 'event',
      size: 56,
      members: [
        member('pid', INT, 0),
        member('saddr', BE32, 32),
        member('comm', COMM, 64),
        member('ok', 7, 128),
        member('low', INT, 136, 3),
        member('state', STATE, 160),
        member('next', 9, 192),
        member('', 10, 256),
        member('mac', 12, 320),
        member('at', U64, 384),
      ],
    },
    { kind: 'array', name: '', type: 13, indexType: INT, count: 6 },
    int('unsigned char', 1),
  );

describe('reading', () => {
  it('finds types by name and kind', () => {
    const btf = sample();
    expect(btf.find('event', 'struct')).toBe(EVENT);
    expect(btf.find('event', 'union')).toBeUndefined();
    expect(btf.find('nothing')).toBeUndefined();
    expect(btf.typeCount).toBe(14);
    expect(btf.type(99)).toBeUndefined();
  });

  it('continues a base', () => {
    const base = sample();
    const split = btfOf({ kind: 'struct', name: 'more', size: 4, members: [member('x', INT, 0)] });
    expect(split.find('more')).toBe(1);
    // Names and ids of a split blob go on behind the base's: here its only name lies at the end of the base's strings.
    const own = new Uint8Array(24 + 24 + 5);
    const view = new DataView(own.buffer);
    view.setUint16(0, 0xeb9f, true);
    own[2] = 1;
    [24, 0, 24, 24, 5].forEach((value, i) => view.setUint32(4 + 4 * i, value, true));
    const baseStrings = writeBtf([]).length; // only the empty string
    expect(baseStrings).toBe(25);
    let end = 0;
    while (base.string(end) !== undefined) end++;
    [end, (4 << 24) | 1, 8, 0, INT, 32].forEach((value, i) => view.setInt32(24 + 4 * i, value, true));
    own.set(new TextEncoder().encode('late\0'), 48);
    const { btf, problems } = readBtf(own, base);
    expect(problems).toEqual([]);
    expect(btf!.find('late', 'struct')).toBe(14);
    expect(btf!.find('event')).toBe(EVENT);
    expect(btf!.type(14)).toMatchObject({ name: 'late', members: [{ name: '', type: INT, bitOffset: 32 }] });
    expect(typeName(btf!, (btf!.type(14) as BtfComposite).members[0]!.type)).toBe('int');
  });

  it.each([
    ['nothing', new Uint8Array(), 'the BTF data ends inside its header: 0 bytes of 24'],
    ['text', new TextEncoder().encode('hello hello hello hello hello'), 'not BTF: it does not start with the magic number 0xeb9f'],
  ])('says what is wrong with %s', (_what, bytes, message) => {
    expect(readBtf(bytes).problems.map((problem) => problem.message)).toEqual([message]);
  });

  it('keeps what stands in front of damage', () => {
    const bytes = writeBtf([{ ...int('int', 4, true), id: 1 } as BtfType, { ...int('char', 1), id: 2 } as BtfType]);
    new DataView(bytes.buffer).setUint32(24 + 16 + 4, 31 << 24, true);
    const { btf, problems } = readBtf(bytes);
    expect(btf!.typeCount).toBe(2);
    expect(problems.map(({ message }) => message)).toEqual(['BTF type 2 has the unknown kind 31; kinds up to 19 (enum64) are known']);
  });

  it('ends cycles', () => {
    const btf = btfOf(
      { kind: 'typedef', name: 'a', type: 2 },
      { kind: 'const', name: '', type: 1 },
      { kind: 'struct', name: '', size: 4, members: [member('', 3, 0)] },
    );
    expect(resolve(btf, 1)).toBeUndefined();
    expect(sizeOf(btf, 1)).toBeUndefined();
    expect(alignOf(btf, 3)).toBe(1);
    expect(findMember(btf, btf.type(3) as BtfComposite, 'x')).toBeUndefined();
    expect(definitionOf(btf, 3)).toContain('struct');
  });

  it('tells essential names from flavours', () => {
    const essential = (name: string): string => name.slice(0, essentialLength(name));
    expect(['task_struct', 'task_struct___old', 'a___b___c', 'x____y', '___x', 'x___'].map(essential)).toEqual([
      'task_struct',
      'task_struct',
      'a___b',
      'x____y',
      '___x',
      'x___',
    ]);
    const btf = btfOf(
      { kind: 'struct', name: 'sock___v1', size: 0, members: [] },
      { kind: 'struct', name: 'sock', size: 0, members: [] },
      { kind: 'struct', name: 'sock_common', size: 0, members: [] },
    );
    expect(btf.findFlavours('sock')).toEqual([1, 2]);
    expect(btf.findAll('sock')).toEqual([2]);
  });
});

describe('C', () => {
  it('declares pointers, arrays, functions and qualifiers as C has them', () => {
    const btf = btfOf(
      int('int', 4, true),
      { kind: 'ptr', name: '', type: 1 },
      { kind: 'const', name: '', type: 2 },
      { kind: 'const', name: '', type: 1 },
      { kind: 'ptr', name: '', type: 4 },
      { kind: 'array', name: '', type: 1, indexType: 1, count: 3 },
      { kind: 'ptr', name: '', type: 6 },
      {
        kind: 'func_proto',
        name: '',
        type: 2,
        parameters: [
          { name: 'a', type: 1 },
          { name: '', type: 0 },
        ],
      },
      { kind: 'ptr', name: '', type: 8 },
      { kind: 'array', name: '', type: 9, indexType: 1, count: 2 },
      { kind: 'func', name: 'call', type: 8, linkage: 'global' },
      { kind: 'type_tag', name: 'user', type: 1 },
      { kind: 'ptr', name: '', type: 12 },
    );
    const all = [2, 3, 5, 6, 7, 9, 10].map((id) => declarationOf(btf, id, 'x'));
    expect(all).toEqual([
      'int *x',
      'int *const x',
      'const int *x',
      'int x[3]',
      'int (*x)[3]',
      'int *(*x)(int a, ...)',
      'int *(*x[2])(int a, ...)',
    ]);
    expect(definitionOf(btf, 11)).toBe('int *call(int a, ...);');
    expect(typeName(btf, 13)).toBe('__user int *');
    expect(typeName(btf, 6)).toBe('int[3]');
  });

  it('puts padding and packed where only they give the offsets', () => {
    const btf = btfOf(
      int('int', 4, true),
      int('char', 1, true),
      { kind: 'struct', name: 'gap', size: 16, members: [member('a', 1, 0), member('b', 1, 64)] },
      { kind: 'struct', name: 'tight', size: 5, members: [member('a', 2, 0), member('b', 1, 8)] },
      { kind: 'struct', name: 'bits', size: 4, members: [member('a', 1, 0, 3), member('b', 1, 8, 4)] },
    );
    expect(definitionOf(btf, 3)).toBe('struct gap {\n\tint a;\n\tint: 32;\n\tint b;\n\tint: 32;\n};');
    expect(definitionOf(btf, 4)).toBe('struct tight {\n\tchar a;\n\tint b;\n} __attribute__((packed));');
    expect(definitionOf(btf, 5)).toBe('struct bits {\n\tint a: 3;\n\tchar: 5;\n\tint b: 4;\n};');
  });

  it('makes one header, definitions before uses and names apart', () => {
    const btf = btfOf(
      int('int', 4, true),
      { kind: 'struct', name: 'outer', size: 8, members: [member('in', 3, 0), member('again', 4, 32)] },
      { kind: 'struct', name: 'inner', size: 4, members: [member('x', 1, 0)] },
      { kind: 'struct', name: 'inner', size: 4, members: [member('y', 1, 0)] },
      { kind: 'typedef', name: 'outer_t', type: 2 },
    );
    const header = printVmlinuxHeader(btf);
    expect(header).toContain('struct inner___2 {\n\tint y;\n};');
    expect(header.indexOf('struct inner {')).toBeLessThan(header.indexOf('struct outer {'));
    expect(header).toContain('typedef struct outer outer_t;');
    expect(header).toContain('preserve_access_index');
  });
});

describe('values', () => {
  const bytes = (): Uint8Array => {
    const value = new Uint8Array(56);
    const view = new DataView(value.buffer);
    view.setInt32(0, -42, true);
    value.set([10, 0, 0, 1], 4);
    value.set(new TextEncoder().encode('bash'), 8);
    value[16] = 1;
    value[17] = 0b101;
    view.setUint32(20, 7, true);
    view.setBigUint64(24, 0xffff_8880_1234_5678n, true);
    view.setBigUint64(32, 5n, true);
    value.set([2, 0, 0, 0, 0xab, 1], 40);
    view.setBigUint64(48, 0xffff_ffff_ffff_ffffn, true);
    return value;
  };

  it('read as people read them', () => {
    const btf = sample();
    // Three bits of a signed int: 0b101 is -3.
    expect(formatValue(btf, EVENT, bytes())).toBe(
      '{pid = -42, saddr = 10.0.0.1, comm = "bash", ok = true, low = -3, state = BUSY, next = 0xffff888012345678, {wide = 5, narrow = 5}, mac = 02:00:00:00:ab:01, at = 18446744073709551615}',
    );
    expect(formatValue(btf, BE32, new Uint8Array([0, 0, 1, 0]))).toBe('256 (big-endian)');
    expect(formatValue(btf, EVENT, new Uint8Array(3))).toContain('3 of 56 bytes');
    expect(formatValue(btf, EVENT, bytes(), { describeAddress: () => 'task 7' })).toContain('0xffff888012345678 (task 7)');
  });

  it('read as bpftool prints them', () => {
    const tree = bpftoolValue(sample(), EVENT, bytes());
    const shown =
      tree.kind === 'object'
        ? Object.fromEntries(
            tree.members.map(({ name, value }) => [
              name,
              value.kind === 'number' || value.kind === 'string' ? value.text : value.kind === 'boolean' ? value.value : value.kind,
            ]),
          )
        : {};
    expect(shown).toEqual({
      pid: '-42',
      saddr: '16777226',
      comm: 'bash',
      ok: true,
      low: '0x5',
      state: 'BUSY',
      next: '0xffff888012345678',
      '': 'object',
      mac: 'array',
      at: '18446744073709551615',
    });
  });

  it('come back from their text', () => {
    const btf = sample();
    const back = parseValue(btf, EVENT, formatValue(btf, EVENT, bytes()));
    expect('bytes' in back ? Buffer.from(back.bytes).toString('hex') : back).toBe(Buffer.from(bytes()).toString('hex'));
  });

  it.each([
    ['{pid: 3, state: IDLE}', undefined],
    ['{.pid = 0x10, "comm": "sh"}', undefined],
    ['{1, 2}', undefined],
    ['{pid = 99999999999}', '99999999999 does not fit 32 bits (at character 19)'],
    ['{pit = 1}', 'struct event has no member pit (at character 7)'],
    ['{comm = "much too long"}', 'the text has 13 bytes, the array 8 (at character 24)'],
    ['{state = HAPPY}', 'HAPPY is no value of this type (at character 15)'],
    ['{pid = 1', ', or } is needed here (at character 9)'],
    ['', 'a struct is written {member = value, …} (at character 1)'],
  ])('text %s', (text, failure) => {
    const result = parseValue(sample(), EVENT, text);
    expect('failure' in result ? result.failure : undefined).toBe(failure);
  });
});
