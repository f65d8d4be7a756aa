// The tables against each other, and the questions asked of them. test/catalog compares them with the facts and with a kernel.
import { describe, expect, it } from 'vitest';
import {
  ATTACH_TYPES,
  CONTEXT_ROWS,
  findSection,
  HELPER_MAPS,
  helperAllowed,
  helperById,
  helperByName,
  helperRule,
  HELPERS,
  helperTakesMap,
  LINK_TYPES,
  MAP_TYPES,
  mapType,
  nearestSection,
  PROGRAM_TYPE_NAMES,
  PROGRAM_TYPES,
  SECTIONS,
  SYSCALL_COMMANDS,
  attachType,
  contextRow,
  contextRead,
  contextWrite,
  contextStructOf,
  returnRange,
} from './index.ts';
import { HELPER_PROSE } from './helper-prose.ts';

describe('tables agree with each other', () => {
  it('every helper has an id, one rule at least, and a summary of one line', () => {
    expect(HELPERS.map(({ id }) => id)).toEqual(Array.from({ length: 211 }, (_, index) => index + 1));
    for (const helper of HELPERS) {
      expect(helper.summary, helper.name).toMatch(/^[A-Z][^\n]+\.$/);
      expect(helper.parameters.length >= helper.rules[0].arguments.length - 2, helper.name).toBe(true);
    }
    expect(HELPERS.filter(({ details }) => details !== undefined).length).toBeGreaterThanOrEqual(60);
    expect(Object.keys(HELPER_PROSE).filter((name) => !helperByName(name))).toEqual([]);
  });
  it.each(HELPERS.map((helper) => [helper.name, helper] as const))(
    '%s: the verifier checks as many arguments as the declaration has',
    (_, helper) => {
      // Declared with an argument that the prototype of one family, or every one, leaves unchecked.
      const fewer = { bpf_get_branch_snapshot: 1, bpf_get_cgroup_classid: 1 }[helper.name] ?? 0;
      const counts = helper.rules.map((rule) => rule.arguments.length);
      expect(Math.min(...counts)).toBe(Math.min(5, helper.parameters.length) - fewer);
    },
  );
  it('ids follow the enums', () => {
    expect(PROGRAM_TYPES.map(({ id, name }) => [id, name])).toEqual(PROGRAM_TYPE_NAMES.map((name, index) => [index + 1, name]));
    expect(MAP_TYPES.map(({ id }) => id)).toEqual(MAP_TYPES.map((_, index) => index + 1));
    expect(ATTACH_TYPES.map(({ id }) => id)).toEqual(ATTACH_TYPES.map((_, index) => index));
    expect(SYSCALL_COMMANDS.map(({ id }) => id)).toEqual(SYSCALL_COMMANDS.map((_, index) => index));
    expect(LINK_TYPES.map(({ id }) => id)).toEqual(LINK_TYPES.map((_, index) => index + 1));
  });
  it('sections name attach types of their own program type', () => {
    for (const row of SECTIONS as readonly { section: string; programType: string; attachType?: string }[]) {
      if (row.attachType !== undefined) expect(attachType(row.attachType)?.programType, row.section).toBe(row.programType);
    }
    expect(new Set(SECTIONS.map(({ section }) => section)).size).toBe(SECTIONS.length);
  });
  it('map rules name helpers and maps that exist', () => {
    for (const [helper, maps] of Object.entries(HELPER_MAPS)) {
      expect(helperByName(helper), helper).toBeDefined();
      for (const map of maps) {
        expect(mapType(map), map).toBeDefined();
        expect(helperTakesMap(helper, map), `${helper} ${map}`).toBe(true);
      }
    }
  });
});

describe('questions', () => {
  it.each([
    ['xdp', 'xdp', 'BPF_XDP', false, true, undefined],
    ['?kprobe/do_unlinkat', 'kprobe', undefined, false, false, 'do_unlinkat'],
    ['kprobe', 'kprobe', undefined, false, true, undefined],
    ['lsm.s/file_open', 'lsm', 'BPF_LSM_MAC', true, true, 'file_open'],
    ['fentry.s/do_x', 'tracing', 'BPF_TRACE_FENTRY', true, true, 'do_x'],
    ['tracepoint/syscalls/sys_enter_execve', 'tracepoint', undefined, false, true, 'syscalls/sys_enter_execve'],
    ['tc/ingress', 'sched_cls', 'BPF_TCX_INGRESS', false, true, undefined],
    ['uprobe.multi.s//bin/sh:main', 'kprobe', 'BPF_TRACE_UPROBE_MULTI', true, true, '/bin/sh:main'],
    ['cgroup/connect4', 'cgroup_sock_addr', 'BPF_CGROUP_INET4_CONNECT', false, true, undefined],
    ['syscall', 'syscall', undefined, true, true, undefined],
  ])('SEC("%s")', (name, type, attach, sleepable, autoload, target) => {
    const section = findSection(name);
    expect([section?.programType, section?.attachType, section?.sleepable, section?.autoload, section?.target]).toEqual([
      type,
      attach,
      sleepable,
      autoload,
      target,
    ]);
  });
  it.each(['', '?', 'xpd', 'xdp/foo', 'tc/foo', 'kprobes/x', '.text', 'cgroup'])('SEC("%s") is no section', (name) =>
    expect(findSection(name)).toBeUndefined(),
  );
  it.each([
    ['xpd', 'xdp'],
    ['kprobs/do_x', 'kprobe'],
    ['tracepiont/a/b', 'tracepoint'],
    ['cgroup/conect4', 'cgroup/connect4'],
    ['zzzzzz', undefined],
  ])('near %s stands %s', (typo, known) => expect(nearestSection(typo)).toBe(known));

  it.each([
    ['bpf_map_lookup_elem', 'xdp', undefined, '5.4', true],
    ['bpf_ringbuf_reserve', 'xdp', undefined, '5.4', false],
    ['bpf_ringbuf_reserve', 'xdp', undefined, '5.10', true],
    ['bpf_probe_read_kernel', 'xdp', undefined, '5.10', true],
    ['bpf_get_current_comm', 'xdp', undefined, '6.12', false],
    ['bpf_get_current_comm', 'xdp', undefined, '6.18', true],
    ['bpf_xdp_adjust_head', 'kprobe', undefined, '6.18', false],
    ['bpf_override_return', 'kprobe', undefined, '6.18', true],
    ['bpf_bind', 'cgroup_sock_addr', 'BPF_CGROUP_INET4_CONNECT', '6.18', true],
    ['bpf_bind', 'cgroup_sock_addr', 'BPF_CGROUP_INET4_BIND', '6.18', false],
    ['bpf_seq_printf', 'tracing', 'BPF_TRACE_FENTRY', '6.18', false],
    ['bpf_seq_printf', 'tracing', 'BPF_TRACE_ITER', '6.18', true],
    ['bpf_strtol', 'lsm', 'BPF_LSM_MAC', '6.18', true],
    ['bpf_map_lookup_elem', 'no_such_type', undefined, '6.18', false],
  ] as const)('%s in %s at %s on %s: %s', (name, type, attach, kernel, allowed) => {
    const answer = helperAllowed(helperByName(name)!, type, attach, kernel);
    expect(answer.allowed).toBe(allowed);
    expect(answer.reason === undefined).toBe(allowed);
  });
  it("prototypes differ by program type where the kernel's do", () => {
    const storage = helperByName('bpf_sk_storage_get')!;
    expect(['sched_cls', 'cgroup_sock', 'tracing'].map((type) => helperRule(storage, type).arguments[1]!.kind)).toEqual([
      'btf_id_sock_common',
      'ctx',
      'btf_id',
    ]);
    expect(helperById(1)!.rules[0].arguments.map(({ kind }) => kind)).toEqual(['const_map_ptr', 'map_key']);
    expect(helperById(1)!.rules[0].returns).toEqual({ kind: 'map_value', maybeNull: true });
  });
  it('contexts answer as the kernel did', () => {
    const xdp = contextRow('xdp', 'BPF_XDP')!;
    expect([0, 4, 8, 12, 20, 24].map((offset) => contextRead(xdp, offset, 4)?.gives)).toEqual([
      'packet',
      'packet_end',
      'packet_meta',
      'scalar',
      undefined,
      undefined,
    ]);
    expect(contextRead(contextRow('xdp', 'BPF_XDP_DEVMAP')!, 20, 4)?.gives).toBe('scalar');
    expect([contextRead(xdp, 0, 8), contextRead(xdp, 2, 4), contextWrite(xdp, 16, 4)]).toEqual([undefined, undefined, false]);
    expect(contextWrite(contextRow('sched_cls', undefined)!, 8, 4)).toBe(true);
    expect(contextStructOf('xdp')?.fields.map(({ name }) => name)).toEqual([
      'data',
      'data_end',
      'data_meta',
      'ingress_ifindex',
      'rx_queue_index',
      'egress_ifindex',
    ]);
    expect([
      returnRange('xdp', undefined),
      returnRange('cgroup_skb', 'BPF_CGROUP_INET_EGRESS'),
      returnRange('tracing', 'BPF_TRACE_FENTRY'),
    ]).toEqual([undefined, [0, 3], [0, 0]]);
    for (const row of CONTEXT_ROWS)
      for (const range of [...row.reads, ...row.writes]) expect(range.from % range.size, row.programType).toBe(0);
  });
});
