// The catalogue against what Linux 6.12 and 6.1 answered (tools/probe-older-kernels.mts): who may call which helper and kfunc, and which LSM
// hooks may sleep or are closed. Where the two differ, the difference is listed here, and goes from the list when it is mended.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { atLeast, helperAllowed, HELPERS, kfuncAllowed, KFUNCS, lsmHook } from '#core/catalog';
import { readTargetKernel } from '#toolchain';

interface Answers {
  helpers: Record<string, string[]>;
  kfuncs: Record<string, string[]>;
  hooks: Record<string, string>;
}

const answers = JSON.parse(readFileSync(path.join(import.meta.dirname, 'older-kernels.json'), 'utf8')) as Record<'6.12' | '6.1', Answers>;

/** Places of which every helper was asked; of the others only those that the catalogue had no date for. */
const ASKED_WHOLE = /^(?:tracing|lsm|struct_ops)/;
/** These depend on what a program is attached to; the verifier asks where it knows that. */
const BY_TARGET = new Set(['bpf_setsockopt', 'bpf_getsockopt']);
/** Kfuncs of drivers, which only a program bound to a device may call; and one that is everybody's by a slip of 6.12. */
const NOT_COMPARED = /^(?:bpf_xdp_metadata_|crash_kexec|bpf_modify_return_test)/;

const KNOWN: Record<'6.12' | '6.1', readonly string[]> = {
  '6.12': ['bpf_dynptr_from_skb: sock_ops BPF_CGROUP_SOCK_OPS', 'bpf_dynptr_from_skb: struct_ops'],
  '6.1': [
    'bpf_get_attach_cookie: tracing BPF_TRACE_RAW_TP',
    ...['device BPF_CGROUP_DEVICE', 'sysctl BPF_CGROUP_SYSCTL', 'sockopt BPF_CGROUP_GETSOCKOPT', 'sockopt BPF_CGROUP_SETSOCKOPT'].flatMap(
      (place) => [`bpf_get_current_pid_tgid: cgroup_${place}`, `bpf_get_current_ancestor_cgroup_id: cgroup_${place}`],
    ),
  ],
};

it.each(['6.12', '6.1'] as const)('who may call what on Linux %s', (kernel) => {
  const { btf } = readTargetKernel({ target: kernel });
  const { helpers, kfuncs } = answers[kernel];
  const different: string[] = [];
  for (const [place, names] of Object.entries(helpers)) {
    const [type, attach] = place.split(' ');
    const allowed = new Set(names);
    for (const helper of HELPERS) {
      if (BY_TARGET.has(helper.name)) continue;
      const ours = helperAllowed(helper, type, attach, kernel).allowed;
      if (allowed.has(helper.name) ? !ours : ours && ASKED_WHOLE.test(place)) different.push(`${helper.name}: ${place}`);
    }
  }
  for (const [place, names] of Object.entries(kfuncs)) {
    const [type, attach] = place.split(' ');
    const allowed = new Set(names);
    for (const kfunc of KFUNCS) {
      if (btf!.find(kfunc.name, 'func') === undefined || NOT_COMPARED.test(kfunc.name)) continue;
      if ((atLeast(kernel, kfunc.since) && kfuncAllowed(kfunc, type!, attach, kernel)) !== allowed.has(kfunc.name))
        different.push(`${kfunc.name}: ${place}`);
    }
  }
  expect(different.sort()).toEqual([...KNOWN[kernel]].sort());
});

it.each(['6.12', '6.1'] as const)('LSM hooks of Linux %s', (kernel) => {
  const different: string[] = [];
  for (const [name, answer] of Object.entries(answers[kernel].hooks)) {
    const words = answer.split(' ');
    const hook = lsmHook(name, kernel);
    if (hook.exists === answer.includes('wrong type name')) different.push(`${name} exists`);
    if (hook.exists && hook.disabled !== words.includes('d')) different.push(`${name} is disabled`);
    if (hook.exists && !hook.disabled && hook.maySleep !== words.includes('s')) different.push(`${name} may sleep`);
  }
  expect(different).toEqual([]);
});
