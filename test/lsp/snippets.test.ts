// Every snippet of C compiles and is accepted in a new file: the whole-file snippet first, the others behind its headers. So do the
// functions that completion writes for a section.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { verify } from '#core/verifier';
import { wholeFunction } from '../../server/src/languages/c/attach-targets.ts';
import { missing, repository } from '#test/requirements';
import { findCompiler, openProgram, readTargetKernel, verifierFacts } from '#toolchain';

interface Snippet {
  prefix: string;
  body: string[];
}

const snippets = JSON.parse(readFileSync(path.join(repository, 'syntaxes/bpf-c.code-snippets'), 'utf8')) as Record<string, Snippet>;
const { compiler } = await findCompiler();
const runs = compiler !== undefined || (missing('clang', 'no compiler that knows BPF was found') ?? false);

/** As an editor inserts it when nothing is typed: each stop with its default, of a choice the first. */
const filled = ({ body }: Snippet): string => insert(body.join('\n'));

const insert = (snippet: string): string =>
  snippet
    .replace(/\$\{\d+\|([^,|]*)[^}]*\|\}/g, '$1')
    .replace(/\$\{\d+:([^}]*)\}/g, '$1')
    .replace(/\$\d+|\$\{\d+\}/g, '');

const file = Object.values(snippets).find(({ prefix }) => prefix === 'bpf-file')!;
const headers = filled(file).split('\n\n')[0]!;

const licence = 'char LICENSE[] SEC("license") = "GPL";';

async function acceptedAsItComes(text: string): Promise<number> {
  const { object, problems } = await openProgram('/new/new.bpf.c', { text, language: 'c' });
  expect(problems.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([]);
  const facts = verifierFacts(readTargetKernel());
  for (const program of object!.programs) {
    expect(program.problems.map(({ message }) => message)).toEqual([]);
    expect([program.name, verify(program, object!, facts).verdict]).toEqual([program.name, 'accepted']);
  }
  return object!.programs.length;
}

test.skipIf(!runs).each(Object.entries(snippets))('snippet: %s', async (_, snippet) => {
  const text = snippet === file ? filled(file) : `${headers}\n\n${filled(snippet)}\n\n${licence}\n`;
  const programs = await acceptedAsItComes(text);
  if (/\bint \w+\(/.test(filled(snippet))) expect(programs).toBe(1);
});

const SECTIONS = `fentry/vfs_read fexit/vfs_open fexit/d_path kprobe/do_unlinkat kretprobe/do_unlinkat kprobe/tcp_v4_connect
  ksyscall/unlinkat kretsyscall/unlinkat lsm/file_open lsm.s/bprm_check_security tp_btf/sched_switch raw_tp/sched_switch
  tracepoint/sched/sched_process_exit tp/syscalls/sys_enter_execve tp/syscalls/sys_exit_read iter/task xdp tc tcx/ingress
  cgroup_skb/egress cgroup/connect4 cgroup/bind4 cgroup/sock_create sockops sk_msg sk_lookup socket perf_event sk_reuseport
  cgroup/sysctl cgroup/getsockopt cgroup/dev flow_dissector lwt_in netfilter`.split(/\s+/);

test.skipIf(!runs).each(SECTIONS)('function for SEC("%s")', async (section) => {
  const whole = wholeFunction(readTargetKernel().btf, section);
  expect(whole).toBeDefined();
  expect(await acceptedAsItComes(`${headers}\n\nSEC("${section}")\n${insert(whole!.snippet)}\n\n${licence}\n`)).toBe(1);
});
