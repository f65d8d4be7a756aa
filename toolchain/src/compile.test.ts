import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { formatProblem } from '#core/problem';
import { loadObject } from '#core/program';
import { missing } from '#test/requirements';
import { compile, type CompileRequest } from './compile.ts';
import { findCompiler } from './find-compiler.ts';

const search = await findCompiler();
const compiler = search.compiler ?? missing('clang', search.problems[0]!.message);

/** A vmlinux.h of our own, so that these tests need no kernel. */
const VMLINUX = `#ifndef __VMLINUX_H__
#define __VMLINUX_H__
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif
typedef unsigned char __u8; typedef unsigned short __u16; typedef unsigned int __u32; typedef unsigned long long __u64;
typedef signed char __s8; typedef short __s16; typedef int __s32; typedef long long __s64;
typedef __u16 __be16; typedef __u32 __be32; typedef __u32 __wsum; typedef _Bool bool;
enum bpf_map_type { BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PROG_ARRAY = 3 };
struct pt_regs { unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss; };
struct mm_struct { unsigned long start_code; };
struct task_struct { int pid; struct mm_struct *mm; struct task_struct *real_parent; char comm[16]; unsigned flag_a : 3; };
struct bpf_iter_num { __u64 __opaque[1]; };
struct xdp_md { __u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex; };
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif
#endif
`;

const PROGRAM = `// Counts.
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include "count.h"

SEC("xdp")
int count(struct xdp_md *ctx)
{
	return PASS + ctx->ingress_ifindex;
}

char LICENSE[] SEC("license") = "GPL";
`;

describe.skipIf(!compiler)('compile', () => {
  let root: string;
  let project: string;
  let file: string;
  const temporary = process.env['TMPDIR'];

  beforeAll(async () => {
    root = await mkdtemp(path.join(os.tmpdir(), 'compile-test-'));
    project = path.join(root, 'project ä');
    file = path.join(project, 'count.bpf.c');
    // Everything the compiler and we put somewhere for a while goes here, where it can be counted.
    process.env['TMPDIR'] = path.join(root, 'temporary');
    await mkdir(process.env['TMPDIR']);
    await mkdir(project);
    await writeFile(path.join(project, 'vmlinux.h'), VMLINUX);
    await writeFile(path.join(project, 'count.h'), '#define PASS 2\n');
    await writeFile(file, PROGRAM);
  });
  afterAll(async () => {
    if (temporary === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = temporary;
    await rm(root, { recursive: true, force: true });
  });

  const build = (request: Partial<CompileRequest> = {}) =>
    compile({
      file,
      compiler: compiler!,
      ...request,
      settings: { cacheFolder: path.join(root, 'cache'), kernelBtf: path.join(root, 'none'), ...request.settings },
    });
  const contains = (object: Uint8Array | undefined, text: string): boolean => Buffer.from(object ?? []).includes(text);
  const places = (object: Uint8Array | undefined): string[] =>
    [...new Set(loadObject(object!, 'x').programs.flatMap(({ lines }) => lines.map(({ file: from }) => from)))].sort();

  test('a saved file: line info and debug info name the real path', async () => {
    const { object, problems } = await build();
    expect(problems.map(formatProblem)).toEqual([]);
    expect(places(object)).toEqual([file]);
    expect(contains(object, file)).toBe(true);
  });

  test('an unsaved text is compiled as if it were the file, with its includes', async () => {
    const { object, problems } = await build({ text: PROGRAM.replace('PASS +', 'PASS + 1 +') });
    expect(problems.map(formatProblem)).toEqual([]);
    expect(places(object)).toEqual([file]);
    expect(contains(object, process.env['TMPDIR']!)).toBe(false);
    expect(loadObject(object!, 'x').programs[0]!.insns.some(({ imm }) => imm === 3)).toBe(true);
  });

  test('a file that was never saved', async () => {
    const never = path.join(project, 'new.bpf.c');
    const { object, problems } = await build({ file: never, text: PROGRAM });
    expect(problems.map(formatProblem)).toEqual([]);
    expect(places(object)).toEqual([never]);
    expect(contains(object, process.env['TMPDIR']!)).toBe(false);
    const wrong = await build({ file: never, text: PROGRAM.replace('PASS', 'NOPE') });
    expect(wrong.problems.map(formatProblem)).toEqual([`${never}:9:9: error: use of undeclared identifier 'NOPE'`]);
    expect(existsSync(never)).toBe(false);
  });

  test('an untitled text, whose name says no language', async () => {
    const { object, problems } = await build({ file: path.join(project, 'Untitled-1'), text: PROGRAM });
    expect(problems.map(formatProblem)).toEqual([]);
    expect(loadObject(object!, 'x').programs).toHaveLength(1);
  });

  // Linux only: elsewhere there are no such headers, and a BPF program needs vmlinux.h.
  test.skipIf(!existsSync('/usr/include/linux/bpf.h') || !existsSync('/usr/include/stdint.h'))(
    "the C library's and the kernel's user-space headers, without a 32-bit libc",
    async () => {
      const text = `#include <stdint.h>\n#include <stddef.h>\n#include <string.h>\n#include <linux/bpf.h>\n#include <linux/if_ether.h>\n#include <bpf/bpf_helpers.h>\nSEC("xdp") int f(struct xdp_md *ctx) { uint32_t x = ctx->data; return x ? XDP_PASS : XDP_DROP; }\n`;
      expect((await build({ file: path.join(project, 'libc.bpf.c'), text })).problems.map(formatProblem)).toEqual([]);
    },
  );

  test('an unsaved header counts, and its errors carry the way to it', async () => {
    const header = path.join(project, 'count.h');
    const good = await build({ unsaved: new Map([[header, '#define PASS 77\n']]) });
    expect(loadObject(good.object!, 'x').programs[0]!.insns.some(({ imm }) => imm === 77)).toBe(true);
    const bad = await build({ unsaved: new Map([[header, 'int x = nope;\n']]) });
    expect(bad.object).toBeUndefined();
    expect(bad.problems[0]).toMatchObject({
      severity: 'error',
      message: "use of undeclared identifier 'nope'",
      span: { file: header, line: 1, column: 9, endLine: 1, endColumn: 13 },
      related: [{ span: { file, line: 4 } }],
    });
  });

  test("clang's messages are located in the real file", async () => {
    const { problems, object } = await build({ text: PROGRAM.replace('ctx->ingress_ifindex', 'ctx->nope') });
    expect(object).toBeUndefined();
    expect(problems.map(formatProblem)).toEqual([`${file}:9:21: error: no member named 'nope' in 'struct xdp_md'`]);
  });

  test('the precompiled vmlinux.h changes nothing but the time', async () => {
    const cache = path.join(root, 'cache', 'precompiled');
    expect(await readdir(cache)).toHaveLength(1);
    const quick = await build();
    // A macro in front of the include may change its meaning: it is read again then.
    const slow = await build({ text: PROGRAM.replace('// Counts.', '#define X') });
    expect(loadObject(quick.object!, 'x').programs[0]!.insns).toEqual(loadObject(slow.object!, 'x').programs[0]!.insns);
    expect(await readdir(cache)).toHaveLength(1);
    // A damaged one is made again.
    const [name] = await readdir(cache);
    await writeFile(path.join(cache, name!), 'no longer what it was');
    expect((await build()).problems.map(formatProblem)).toEqual([]);
  });

  test('a stale build is ended and leaves nothing behind', async () => {
    const controller = new AbortController();
    const running = build({ signal: controller.signal, text: PROGRAM });
    setTimeout(() => controller.abort(), 5);
    expect(await running).toMatchObject({ cancelled: true, problems: [] });
    expect(await build({ timeout: 1 })).toMatchObject({ cancelled: false, problems: [{ code: 'compiler-timeout' }] });
    expect(await readdir(process.env['TMPDIR']!)).toEqual([]);
    expect((await readdir(project)).sort()).toEqual(['count.bpf.c', 'count.h', 'vmlinux.h']);
  });

  test('what cannot be read, and what clang does not know, is said', async () => {
    expect((await build({ file: path.join(project, 'none.c') })).problems[0]!.code).toBe('unreadable');
    expect((await build({ file: 'relative.c', text: '' })).problems[0]!.message).toContain('absolute path');
    expect((await build({ settings: { flags: ['-fno-such-flag'] } })).problems.map(formatProblem)).toEqual([
      expect.stringMatching(/^error: unknown (argument|clang option): '-fno-such-flag'$/i),
    ]);
    expect((await build({ compiler: { ...compiler!, path: '/nowhere/clang' } })).problems.map(({ code }) => code)).toContain(
      'compiler-failed',
    );
    expect((await build({ file: path.join(root, 'alone.c'), text: '#include "vmlinux.h"\n' })).problems[0]!.message).toMatch(
      /'vmlinux.h' file not found\. The setting ebpf\.kernel\.btf names/,
    );
  });

  test('the stack limit is an error with a place', async () => {
    const text = `#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\nSEC("xdp") int big(struct xdp_md *ctx)\n{\n\tchar b[700];\n\tbpf_trace_printk(b, sizeof(b));\n\treturn 0;\n}\n`;
    const { problems } = await build({ text });
    expect(problems.map(formatProblem)).toEqual([expect.stringMatching(/:\d+:\d+: error: Looks like the BPF stack limit is exceeded/)]);
  });

  test('the macros of the libbpf headers that typical programs use', async () => {
    const text = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} jumps SEC(".maps");

extern int LINUX_KERNEL_VERSION __kconfig;
extern void bpf_rcu_read_lock(void) __ksym __weak;
__u64 out[8];
struct two { __u64 a, b; };

SEC("kprobe/f") int BPF_KPROBE(k, struct task_struct *task, int flags)
{
	int pid = BPF_CORE_READ(task, real_parent, pid);
	char comm[16];
	unsigned long code;

	bpf_core_read_str(comm, sizeof(comm), &task->comm);
	BPF_CORE_READ_INTO(&code, task, real_parent, mm, start_code);
	bpf_printk("pid %d %s %d %d", pid, comm, flags, BPF_CORE_READ_BITFIELD_PROBED(task, flag_a));
	return bpf_core_field_exists(task->pid) + code + bpf_core_type_size(struct task_struct);
}
SEC("kretprobe/f") int BPF_KRETPROBE(kr, long ret) { bpf_printk("returned %ld", ret); return 0; }
SEC("ksyscall/openat") int BPF_KSYSCALL(s, int dfd, const char *name, int flags) { return dfd + flags + (long)name; }
SEC("fentry/f") int BPF_PROG(e, struct task_struct *task, __u64 flags) { return task->pid + flags; }
SEC("fentry/g") int BPF_PROG2(e2, struct two, t, int, n) { return t.b + n; }
SEC("raw_tp/sys_enter") int BPF_PROG(r)
{
	int i, sum = 0;

	bpf_for(i, 0, 10) sum += i;
	bpf_repeat(3) sum++;
	out[0] = bpf_htons(0x1234) + bpf_ntohl(sum) + bpf_cpu_to_be64(sum) + LINUX_KERNEL_VERSION;
	if (bpf_ksym_exists(bpf_rcu_read_lock)) out[1] = KERNEL_VERSION(5, 4, 300);
	return sum;
}
SEC("xdp") int x(struct xdp_md *ctx)
{
	char text[32];

	barrier_var(ctx);
	BPF_SNPRINTF(text, sizeof(text), "%d %d", ctx->data, ctx->data_end);
	bpf_tail_call_static(ctx, &jumps, 1);
	return 2;
}
char LICENSE[] SEC("license") = "GPL";
`;
    const { object, problems } = await build({ text });
    expect(problems.map(formatProblem)).toEqual([]);
    expect(loadObject(object!, 'x').programs.map(({ name, section }) => `${section} ${name}`)).toEqual([
      'kprobe/f k',
      'kretprobe/f kr',
      'ksyscall/openat s',
      'fentry/f e',
      'fentry/g e2',
      'raw_tp/sys_enter r',
      'xdp x',
    ]);
  });
});
