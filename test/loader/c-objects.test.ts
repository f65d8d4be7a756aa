// What the loader makes of C, case by case: our own small texts, compiled here, and what must come out.

import { describe, expect, it } from 'vitest';
import { findMember, formatValue, readBtf, resolve, writeBtf, type Btf } from '#core/btf';
import { readElf } from '#core/elf';
import {
  BPF_PSEUDO_BTF_ID,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_FUNC,
  BPF_PSEUDO_KFUNC_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  isCall,
  isLdImm64,
} from '#core/isa';
import { loadObject, type LoadedObject, type LoadOptions } from '#core/program';
import { plainCompiler, PRELUDE } from './compile-c.ts';

const compiler = await plainCompiler();
const load = (text: string, options: LoadOptions = {}, build: { target?: string; flags?: readonly string[] } = {}): LoadedObject =>
  loadObject(compiler!.compile(text, build), 'dir/case.bpf.o', options);
const mapOf = (object: LoadedObject, name: string) => object.maps.find((map) => map.name === name)!;
const messages = (object: LoadedObject): string[] =>
  [...object.problems, ...object.programs.flatMap(({ problems }) => problems)].map(({ severity, message }) => `${severity}: ${message}`);

/** The BTF of a text compiled for nothing else: a kernel of our own. */
function kernelOf(text: string): Btf {
  const { elf } = readElf(compiler!.compile(text));
  return readBtf(elf!.section('.BTF')!.bytes).btf!;
}

describe.skipIf(!compiler)('maps', () => {
  it('of every form that libbpf takes', () => {
    const object = load(
      `
      struct key { u32 a; u16 b; };
      struct { __uint(type, 1); __type(key, struct key); __type(value, u64); __uint(max_entries, 100); __uint(map_flags, 1); __uint(pinning, 1); } by_type SEC(".maps");
      struct { __uint(type, 2); __uint(key_size, 4); __uint(value_size, 24); __uint(max_entries, 7); } by_size SEC(".maps");
      struct { __uint(type, 30); __type(value, u32); __uint(max_entries, 10); __ulong(map_extra, 3); } bloom SEC(".maps");
      struct { __uint(type, 33); __uint(map_flags, 1024); __uint(max_entries, 4); __ulong(map_extra, 0x1ull << 44); } arena SEC(".maps");
      struct { __uint(type, 27); __uint(max_entries, 5000); } ring SEC(".maps");
      struct { __uint(type, 4); __type(key, int); __type(value, int); } perf SEC(".maps");
      struct { __uint(type, 1); __type(key, u32); __type(value, u32); } open SEC(".maps");
      static struct { __uint(type, 2); __type(key, u32); __type(value, u32); __uint(max_entries, 1); } internal SEC(".maps");
      SEC("xdp") int use(void *ctx) { u32 k = 0; return map_lookup(&internal, &k) != 0; }`,
      { cpus: 8 },
    );
    expect(messages(object)).toEqual([]);
    expect(
      object.maps
        .slice(0, 8)
        .map(({ name, type, keySize, valueSize, maxEntries, flags }) => `${name}: ${type} ${keySize} ${valueSize} ${maxEntries} ${flags}`),
    ).toEqual([
      // In the order of the section: the compiler puts what is used first.
      'internal: array 4 4 1 0',
      'by_type: hash 8 8 100 1',
      'by_size: array 4 24 7 0',
      'bloom: bloom_filter 0 4 10 0',
      'arena: arena 0 0 4 1024',
      'ring: ringbuf 0 0 8192 0',
      'perf: perf_event_array 4 4 8 0',
      'open: hash 4 4 0 0',
    ]);
    expect(mapOf(object, 'by_type').pinned).toBe(true);
    expect(mapOf(object, 'bloom').mapExtra).toBe(3n);
    expect(mapOf(object, 'arena').mapExtra).toBe(1n << 44n);
    expect(mapOf(object, 'open').sizedByUser).toBe(true);
    const key = resolve(object.btf!, mapOf(object, 'by_type').keyTypeId!);
    expect(key?.name).toBe('key');
    const use = object.programs[0]!.insns.find((insn) => isLdImm64(insn) && insn.src === BPF_PSEUDO_MAP_FD)!;
    expect(object.maps[use.imm]!.name).toBe('internal');
  });

  it('know the line of their declaration', () => {
    const text = `
      struct { __uint(type, 2); __type(key, u32); __type(value, u32); __uint(max_entries, 1); } first SEC(".maps");
      static struct { __uint(type, 2); __type(key, u32); __type(value, u32); __uint(max_entries, 1); } second SEC(".maps");
      u32 counter;
      SEC("xdp") int use(void *ctx) { u32 k = counter; return map_lookup(&second, &k) != map_lookup(&first, &k); }`;
    const object = load(text);
    const prelude = PRELUDE.split('\n').length;
    expect(mapOf(object, 'first').declared?.line).toBe(prelude + 1);
    expect(mapOf(object, 'second').declared?.line).toBe(prelude + 2);
    expect(mapOf(object, 'first').declared?.file).toMatch(/case\.c$/);
    expect(object.maps.find(({ globalSection }) => globalSection === '.bss')!.declared).toBeUndefined();
  });

  it('of maps and of programs, with their first values', () => {
    const object = load(`
      SEC("xdp") int first(void *ctx) { return 1; }
      SEC("xdp") int second(void *ctx) { return 2; }
      struct inner { __uint(type, 2); __type(key, u32); __type(value, u64); __uint(max_entries, 3); } one SEC(".maps"), two SEC(".maps");
      struct { __uint(type, 12); __uint(max_entries, 4); __type(key, u32); __array(values, struct inner); } outer SEC(".maps") = { .values = { [1] = &one, [3] = &two } };
      struct { __uint(type, 3); __uint(max_entries, 2); __uint(key_size, 4); __array(values, int (void *)); } programs SEC(".maps") = { .values = { [0] = (void *)&second, [1] = (void *)&first } };`);
    expect(messages(object)).toEqual([]);
    expect(mapOf(object, 'outer').slots).toEqual([
      { index: 1, target: 'one' },
      { index: 3, target: 'two' },
    ]);
    expect(mapOf(object, 'outer').inner).toMatchObject({ name: 'outer.inner', type: 'array', keySize: 4, valueSize: 8, maxEntries: 3 });
    expect(mapOf(object, 'programs').slots).toEqual([
      { index: 0, target: 'second' },
      { index: 1, target: 'first' },
    ]);
  });

  it.each([
    ['struct { __type(key, u32); } m SEC(".maps");', 'map m: it has no type: write __uint(type, BPF_MAP_TYPE_…)'],
    ['struct { __uint(type, 1); __uint(colour, 3); } m SEC(".maps");', 'map m: member colour is unknown'],
    [
      'struct { __uint(type, 1); __uint(key_size, 8); __type(key, u32); } m SEC(".maps");',
      'map m: key_size 8 and the size of its type (4) differ',
    ],
    [
      'struct s; struct { __uint(type, 1); __type(value, struct s *); __uint(pinning, 5); } m SEC(".maps");',
      'map m: invalid pinning value 5',
    ],
    [
      'struct i { __uint(type, 2); }; struct { __uint(type, 2); __array(values, struct i); } m SEC(".maps");',
      'map m: values are maps, but the type is array',
    ],
    ['u32 m SEC(".maps") = 1;', 'map m: its definition is not a struct'],
  ])('says what is wrong in %s', (text, message) => {
    expect(messages(load(text)).join('\n')).toContain(`error: ${message}`);
  });

  it('of the old form are read, and refused as libbpf refuses them', () => {
    const object = load(
      'struct { u32 type, key, value, max, flags; } counts SEC("maps") = { 1, 4, 8, 16, 0 }; SEC("xdp") int p(void *c) { u32 k = 0; return map_lookup(&counts, &k) != 0; }',
    );
    expect(object.maps).toMatchObject([{ name: 'counts', type: 'hash', keySize: 4, valueSize: 8, maxEntries: 16 }]);
    expect(messages(object)).toEqual([expect.stringContaining('error: legacy map definitions in SEC("maps") are not supported by libbpf')]);
    expect(object.programs[0]!.insns.find(isLdImm64)).toMatchObject({ src: BPF_PSEUDO_MAP_FD, imm: 0 });
  });
});

describe.skipIf(!compiler)('globals', () => {
  const text = `
    const volatile int limit = 5; const volatile u8 text[8] = "abc"; static volatile int hidden_one = 3; int counter = 7; u64 zero; int own SEC(".data.own") = 1; __hidden int mine SEC(".bss.mine");
    SEC("xdp") int p(void *c) { counter += limit + hidden_one + text[1]; own++; mine++; return zero; }`;

  it('become maps of one value, named and flagged as libbpf does', () => {
    const object = load(text);
    const maps = object.maps.map(
      ({ name, valueSize, flags, globalSection }) => `${name}: ${valueSize} 0x${flags.toString(16)} ${globalSection}`,
    );
    expect(maps.sort()).toEqual([
      '.bss.mine: 4 0x0 .bss.mine',
      '.data.own: 4 0x400 .data.own',
      'case.bss: 8 0x400 .bss',
      'case.data: 8 0x400 .data',
      'case.rodata: 12 0x480 .rodata',
    ]);
    const value = object.programs[0]!.insns.findIndex(
      (insn) => isLdImm64(insn) && insn.src === BPF_PSEUDO_MAP_VALUE && object.maps[insn.imm]!.name === 'case.rodata',
    );
    expect(value).toBeGreaterThanOrEqual(0);
    const data = mapOf(object, 'case.data');
    const described = formatValue(object.btf!, data.valueTypeId!, data.initial!);
    expect(described).toContain('counter = 7');
    expect(described).toContain('hidden_one = 3');
  });

  it('take new values before load', () => {
    const object = load(text, { globals: { limit: 99n, text: new TextEncoder().encode('hello\0\0\0') } });
    const rodata = mapOf(object, 'case.rodata');
    expect(formatValue(object.btf!, rodata.valueTypeId!, rodata.initial!)).toContain('limit = 99');
    expect(messages(load(text, { globals: { nothing: 1n } }))).toEqual(['error: there is no global variable nothing in this object']);
  });

  it('of the kernel configuration get its values', () => {
    const kconfig =
      'extern int LINUX_KERNEL_VERSION __kconfig; extern u32 CONFIG_HZ __kconfig; extern bool CONFIG_BPF __kconfig; extern char CONFIG_NAME[8] __kconfig; extern u64 CONFIG_GONE __kconfig __weak;';
    const use = 'SEC("xdp") int p(void *c) { return LINUX_KERNEL_VERSION + CONFIG_HZ + CONFIG_BPF + CONFIG_NAME[1] + CONFIG_GONE; }';
    const object = load(kconfig + use, { kernelVersion: '6.1.20', kconfig: { CONFIG_HZ: '1000', CONFIG_NAME: '"edge"' } });
    expect(messages(object)).toEqual([]);
    const map = mapOf(object, 'case.kconfig');
    // Strictest alignment first, then the smallest, then by name.
    expect([...map.initial!]).toEqual([
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      ...[0xe8, 3, 0, 0],
      ...[20, 1, 6, 0],
      1,
      ...new TextEncoder().encode('edge'),
      0,
      0,
      0,
      0,
    ]);
    expect(messages(load(kconfig.replace('CONFIG_GONE __kconfig __weak', 'CONFIG_GONE __kconfig') + use, {}))).toContainEqual(
      expect.stringContaining('error: extern CONFIG_GONE: this option is not in the kernel configuration'),
    );
  });
});

describe.skipIf(!compiler)('programs', () => {
  it('are put together with what they call, depth first', () => {
    const object = load(`
      int total;
      static __noinline int leaf(int x) { total += x; return x * 3; }
      __noinline int middle(int x) { return leaf(x) + leaf(x + 1); }
      __hidden __noinline int last(int x) { total -= x; return x; }
      SEC("tc") int a(void *c) { return middle(1) + last(2); }
      SEC("tc") int b(void *c) { return last(5); }`);
    expect(messages(object)).toEqual([]);
    const [a, b] = object.programs;
    expect(a!.subprograms.map(({ name, linkage }) => `${name} ${linkage}`)).toEqual([
      'a global',
      'middle global',
      'leaf static',
      'last static',
    ]);
    expect(b!.subprograms.map(({ name }) => name)).toEqual(['b', 'last']);
    a!.insns.forEach((insn, i) => {
      if (isCall(insn) && insn.src === BPF_PSEUDO_CALL) expect(a!.subprograms.map(({ start }) => start)).toContain(i + insn.imm + 1);
    });
    const leaf = a!.subprograms[2]!;
    expect(leaf.origin).toMatchObject({ section: '.text' });
    expect(a!.lines.every(({ insn }) => insn < a!.insns.length)).toBe(true);
    const inLeaf = a!.lines.filter(({ insn }) => insn >= leaf.start && insn < leaf.end);
    expect(inLeaf.some(({ text }) => text.includes('total += x'))).toBe(true);
  });

  it('carry callbacks as distances', () => {
    const object = load(
      'int n; static __noinline int each(u32 i, void *ctx) { n++; return 0; } SEC("tc") int p(void *c) { return loop(4, each, 0, 0); }',
    );
    const [program] = object.programs;
    const at = program!.insns.findIndex((insn) => isLdImm64(insn) && insn.src === BPF_PSEUDO_FUNC);
    expect(at + program!.insns[at]!.imm + 1).toBe(program!.subprograms.find(({ name }) => name === 'each')!.start);
  });

  it.each([
    ['xdp', { type: 'xdp', attachType: 'BPF_XDP', sleepable: false, autoload: true }],
    ['?kprobe/do_unlinkat', { type: 'kprobe', attachTarget: 'do_unlinkat', autoload: false }],
    ['fentry.s/vfs_read', { type: 'tracing', attachType: 'BPF_TRACE_FENTRY', attachTarget: 'vfs_read', sleepable: true, flags: 16 }],
    ['xdp.frags/devmap', { type: 'xdp', attachType: 'BPF_XDP_DEVMAP', flags: 32 }],
    ['lsm_cgroup/socket_bind', { type: 'lsm', attachType: 'BPF_LSM_CGROUP', attachTarget: 'socket_bind' }],
    ['tp/sched/sched_switch', { type: 'tracepoint', attachTarget: 'sched/sched_switch' }],
    ['freplace/handler', { type: 'ext', attachTarget: 'handler' }],
    ['uprobe//usr/bin/bash:readline', { type: 'kprobe', attachTarget: '/usr/bin/bash:readline' }],
  ])('in section %s', (section, facts) => {
    expect(load(`SEC("${section}") int p(void *c) { return 0; }`).programs[0]).toMatchObject(facts);
  });

  it('say what an old or mistyped section is called now', () => {
    expect(messages(load('SEC("classifier/in") int p(void *c) { return 0; }'))).toEqual([
      "warning: section classifier/in says nothing about the program's type; it is called tc now",
    ]);
    expect(messages(load('SEC("kprob/x") int p(void *c) { return 0; }'))).toEqual([expect.stringContaining('it is called kprobe now')]);
    expect(messages(load('SEC("xdp") static int p(void *c) { return 0; }'))).toEqual([
      expect.stringContaining('error: p in section xdp is static'),
    ]);
  });

  it('name kernel functions and variables', () => {
    const text = `
      struct task; extern struct task *get_task(int pid) __ksym; extern void gone(int x) __ksym __weak; extern const int counter __ksym; extern const int lost __ksym __weak; extern const void address __ksym;
      SEC("tc") int p(void *c) { if (gone) gone(1); return get_task(1) != 0 && counter && &lost && &address != 0; }`;
    const kernel = kernelOf('struct task; int counter; struct task *get_task(int pid) { return 0; } int use(void) { return counter; }');
    const object = load(text, { kernelBtf: kernel, kernelAddress: (name) => (name === 'address' ? 0xffff_ffff_8123_4567n : undefined) });
    expect(messages(object)).toEqual([]);
    const [program] = object.programs;
    expect(program!.kfuncs).toEqual(['get_task']);
    expect(program!.ksyms).toMatchObject([{ name: 'counter', kernelTypeId: kernel.find('counter', 'var'), weak: false }]);
    expect(program!.insns.filter((insn) => isCall(insn)).map(({ src, imm }) => [src, imm])).toEqual([
      [0, 2_002_000_000 + ['counter', 'get_task', 'gone', 'lost'].indexOf('gone')],
      [BPF_PSEUDO_KFUNC_CALL, 0],
    ]);
    expect(program!.insns.filter((insn) => isLdImm64(insn) && insn.src === BPF_PSEUDO_BTF_ID)).toHaveLength(1);
    const strong = load(text.replace('gone(int x) __ksym __weak', 'gone(int x) __ksym'), { kernelBtf: kernel, kernelAddress: () => 1n });
    expect(messages(strong)).toContainEqual(
      expect.stringContaining('the target kernel has no kfunc gone of this type in its BTF; declare it __weak'),
    );
  });

  it('say where a kernel variable without a type has no address', () => {
    const text = `extern const void init_thing __ksym; extern const void maybe __ksym __weak;
      SEC("tc") int p(void *c) {
        return (long)&init_thing + (long)&maybe + (long)&init_thing > 1; }`;
    const [said, ...rest] = load(text).programs[0]!.problems;
    expect(said).toMatchObject({ severity: 'note', code: 'ksym-address', message: expect.stringContaining('init_thing is 0 here') });
    expect(said!.span?.line).toBeGreaterThan(0);
    expect(rest).toEqual([]);
    expect(messages(load(text, { kernelAddress: () => 16n }))).toEqual([]);
    expect(messages(load(text, { kernelAddress: () => undefined }))[0]).toContain(
      'error: function p, instruction 2: the target kernel has no variable init_thing',
    );
  });

  it('fill struct_ops', () => {
    const text = `
      struct ops___v2 { int (*init)(void *c); void (*done)(void *c); char name[8]; };
      SEC("struct_ops/init") int my_init(void *c) { return 0; }
      SEC("?struct_ops/done") int my_done(void *c) { return 0; }
      struct ops___v2 table SEC(".struct_ops.link") = { .init = (void *)my_init, .name = "mine" };
      struct ops___v2 later SEC("?.struct_ops") = { .done = (void *)my_done };`;
    const kernel = kernelOf(
      'struct ops { int (*init)(void *c); void (*done)(void *c); char name[8]; }; struct bpf_struct_ops_ops { u64 state[3]; struct ops data; } x;',
    );
    const object = load(text, { kernelBtf: kernel });
    expect(messages(object)).toEqual([]);
    expect(mapOf(object, 'table')).toMatchObject({
      type: 'struct_ops',
      keySize: 4,
      valueSize: 48,
      maxEntries: 1,
      flags: 8192,
      structOps: { type: 'ops___v2', programs: [{ member: 'init', program: 'my_init' }] },
    });
    expect(mapOf(object, 'later').autocreate).toBe(false);
    expect(object.programs.map(({ name, autoload, structOps }) => [name, autoload, structOps])).toEqual([
      ['my_init', true, { type: 'ops', member: 'init' }],
      ['my_done', false, { type: 'ops', member: 'done' }],
    ]);
  });
});

describe.skipIf(!compiler)('CO-RE', () => {
  const LOCAL = `
    enum colour { RED = 1, GREEN = 2, GONE = 9 };
    struct inner { int x; int y; };
    struct thing { int a; u32 narrow; struct inner in; struct inner list[4]; union { int u1; short u2; }; int bits : 5; u32 ubits : 7; void *p; enum colour c; int sgn; int missing; } core;
    struct thing___old { int legacy; } core;
    struct absent { int a; } core;`;
  const KERNEL = `
    enum colour { BLACK, GREEN = 40, RED = 50 };
    struct inner { u64 pad; int y; int x; };
    struct thing { u64 first; int a; u64 narrow; struct inner in; struct inner list[8]; struct { int before; union { short u2; int u1; }; }; int gap : 3; int bits : 5; u32 ubits : 7; void *p; enum colour c; s64 sgn; int mising; };
    struct thing t; enum colour e;`;
  const program = (body: string): string => `${LOCAL} SEC("tc") int p(struct thing *t) { ${body} }`;
  const info = (expression: string, kind: number): string => `return __builtin_preserve_field_info(${expression}, ${kind});`;

  const offsetIn = (kernel: Btf, ...path: string[]): number => {
    let type = resolve(kernel, kernel.find('thing', 'struct')!)!;
    let bits = 0;
    for (const name of path) {
      if (type.kind !== 'struct' && type.kind !== 'union') throw new Error(name);
      const found = findMember(kernel, type, name)!;
      bits += found.bitOffset;
      type = resolve(kernel, found.member.type)!;
    }
    return bits / 8;
  };

  it.each([
    ['a member that moved', info('t->a', 0), (k: Btf) => offsetIn(k, 'a')],
    ['a member of a member', info('t->in.x', 0), (k: Btf) => offsetIn(k, 'in', 'x')],
    ['an element of an array of structs', info('t->list[2].y', 0), (k: Btf) => offsetIn(k, 'list') + 2 * 16 + 8],
    ['an anonymous member that is nested otherwise', info('t->u1', 0), (k: Btf) => offsetIn(k, 'u1')],
    ['the size of a member', info('t->narrow', 1), () => 8],
    ['existence', info('t->a', 2), () => 1],
    ['absence', info('t->missing', 2), () => 0],
    ['absence of a type', info('((struct absent *)t)->a', 2), () => 0],
    ['a flavour', info('((struct thing___old *)t)->legacy', 2), () => 0],
    ['the sign of a member', info('t->a', 3), () => 1],
    ['the sign of an unsigned bit field', info('t->ubits', 3), () => 0],
    ['the left shift of a bit field', info('t->bits', 4), () => 64 - 8],
    ['the right shift of a bit field', info('t->bits', 5), () => 64 - 5],
    ['the id of a type in the target', 'return __builtin_btf_type_id(*(struct inner *)0, 1);', (k: Btf) => k.find('inner', 'struct')!],
    ['that a type exists', 'return __builtin_preserve_type_info(*(struct inner *)0, 0);', () => 1],
    ['that a type does not exist', 'return __builtin_preserve_type_info(*(struct absent *)0, 0);', () => 0],
    ['the size of a type', 'return __builtin_preserve_type_info(*(struct inner *)0, 1);', () => 16],
    ['that a type does not match', 'return __builtin_preserve_type_info(*(struct thing *)0, 2);', () => 0],
    ['that a type matches', 'return __builtin_preserve_type_info(*(struct inner *)0, 2);', () => 1],
    ['that an enumerator exists', 'return __builtin_preserve_enum_value(*(enum colour *)RED, 0);', () => 1],
    ['that an enumerator does not', 'return __builtin_preserve_enum_value(*(enum colour *)GONE, 0);', () => 0],
    ['the value of an enumerator', 'return __builtin_preserve_enum_value(*(enum colour *)RED, 1);', () => 50],
  ])('finds %s', (_title, body, expected) => {
    const kernel = kernelOf(KERNEL);
    const object = load(program(body), { kernelBtf: kernel });
    expect(messages(object).filter((one) => one.startsWith('error'))).toEqual([]);
    const [loaded] = object.programs;
    expect(loaded!.coreRelocations).toHaveLength(1);
    const insn = loaded!.insns[loaded!.coreRelocations[0]!.insn]!;
    expect(insn.imm).toBe(expected(kernel));
  });

  it('makes loads as wide as the target has it, for unsigned integers and pointers only', () => {
    const kernel = kernelOf(KERNEL);
    const wide = load(program('return t->narrow;'), { kernelBtf: kernel });
    const at = wide.programs[0]!.coreRelocations[0]!;
    expect(wide.programs[0]!.insns[at.insn]).toMatchObject({ opcode: 0x79, off: offsetIn(kernel, 'narrow') });
    const signed = load(program('return t->sgn;'), { kernelBtf: kernel });
    expect(signed.programs[0]!.insns[signed.programs[0]!.coreRelocations[0]!.insn]).toMatchObject({ opcode: 0x85, imm: 0xbad2310 });
    expect(messages(signed)).toEqual([expect.stringContaining('cannot change its width')]);
  });

  it('poisons what the target lacks, and says where, what is near and how to guard it', () => {
    const object = load(program('return t->missing;'), { kernelBtf: kernelOf(KERNEL) });
    const [loaded] = object.programs;
    expect(loaded!.insns[loaded!.coreRelocations[0]!.insn]).toEqual({ opcode: 0x85, dst: 0, src: 0, off: 0, imm: 0xbad2310 });
    expect(loaded!.problems).toMatchObject([
      {
        severity: 'note',
        code: 'core-poisoned',
        span: { line: expect.any(Number) as number },
        message:
          "struct thing.missing does not exist in the target kernel's BTF; nearest: mising; where this code can be reached the program is refused: guard it with bpf_core_field_exists()",
      },
    ]);
  });

  it('refuses candidates that disagree', () => {
    const kernel = kernelOf(KERNEL);
    const types = Array.from({ length: kernel.typeCount - 1 }, (_, i) => kernel.type(i + 1)!);
    const int = kernel.find('int', 'int')!;
    const twice = readBtf(
      writeBtf([
        ...types,
        { kind: 'struct', id: types.length + 1, name: 'thing', size: 4, members: [{ name: 'a', type: int, bitOffset: 0, bitSize: 0 }] },
      ]),
    ).btf!;
    expect(messages(load(program('return t->a;'), { kernelBtf: twice }))).toEqual([
      expect.stringMatching(
        /^error: CO-RE relocation field_byte_offset of struct thing\.a in p: the target's BTF has several types thing that disagree/,
      ),
    ]);
  });

  it("takes the object's own types where no target is named", () => {
    const [loaded] = load(program('return t->a + t->missing;')).programs;
    expect(loaded!.problems).toEqual([]);
    expect(loaded!.coreRelocations.map(({ spec }) => spec)).toEqual(['struct thing.a', 'struct thing.missing']);
  });
});

describe.skipIf(!compiler)('other files', () => {
  it('big-endian objects are read, and said not to be run', () => {
    const text = 'int counter; SEC("xdp") int p(void *c) { counter += 5; return 2; }';
    const big = load(text, {}, { target: 'bpfeb' });
    const little = load(text);
    expect(big.runnable).toBe(false);
    expect(messages(big)).toEqual([expect.stringContaining('a big-endian object')]);
    expect(big.programs[0]!.insns).toEqual(little.programs[0]!.insns);
    expect(big.maps.map(({ name, valueSize }) => [name, valueSize])).toEqual([['case.bss', 4]]);
  });

  it('objects of another machine, empty and cut files are refused in one sentence', () => {
    const object = compiler!.compile('SEC("xdp") int p(void *c) { return 0; }');
    const other = object.slice();
    other[18] = 62;
    other[19] = 0;
    expect(messages(loadObject(other, 'x.o'))).toEqual([
      'error: this object is for x86-64, not for BPF: compile it with clang -target bpf',
    ]);
    expect(messages(loadObject(new Uint8Array(), 'x.o'))).toEqual(['error: not an ELF file: it does not start with 7f 45 4c 46']);
    expect(messages(loadObject(object.slice(0, 40), 'x.o'))).toEqual(['error: the ELF file ends inside its header: 40 bytes of 64']);
    expect(messages(loadObject(object.slice(0, 400), 'x.o')).join()).toMatch(/truncated/);
  });
});
