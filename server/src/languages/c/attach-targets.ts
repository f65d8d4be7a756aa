// What a section may attach to, from the target kernel's types: functions, LSM hooks, tracepoints, system calls, iterators; and the
// function that goes with such a section, with its arguments.

import { type Btf, type BtfFuncProto, declarationOf, definitionOf, skipModifiers, typeName } from '#core/btf';
import { findSection, programType, tracepoint } from '#core/catalog';

export type TargetKind = 'function' | 'modifiable function' | 'lsm hook' | 'tracepoint' | 'system call' | 'iterator';

const FUNCTION_SECTIONS = /^(?:kprobe|kretprobe|kprobe\.multi|kretprobe\.multi|kprobe\.session|fentry|fexit|fsession)(?:\.s)?$/;

/** `kprobe` → functions; undefined for sections that attach to something else than a name of the kernel. */
export function targetKind(prefix: string): TargetKind | undefined {
  const bare = prefix.replace(/^\?/, '');
  if (FUNCTION_SECTIONS.test(bare)) return 'function';
  if (/^fmod_ret(?:\.s)?$/.test(bare)) return 'modifiable function';
  if (/^lsm(?:\.s)?$|^lsm_cgroup$/.test(bare)) return 'lsm hook';
  if (/^(?:tp_btf|raw_tp|raw_tracepoint)(?:\.w|\.s)?$/.test(bare)) return 'tracepoint';
  if (/^(?:ksyscall|kretsyscall)$/.test(bare)) return 'system call';
  if (/^iter(?:\.s)?$/.test(bare)) return 'iterator';
  return undefined;
}

interface Targets {
  functions: readonly string[];
  tracepoints: readonly string[];
  iterators: readonly string[];
}

const known = new WeakMap<Btf, Targets>();

function targetsOf(btf: Btf): Targets {
  let targets = known.get(btf);
  if (targets) return targets;
  const functions = new Set<string>();
  const tracepoints = new Set<string>();
  const iterators = new Set<string>();
  for (let id = 1; id < btf.typeCount; id++) {
    const kind = btf.kind(id);
    if (kind !== 'func' && kind !== 'typedef' && kind !== 'struct') continue;
    const name = btf.type(id)?.name ?? '';
    if (kind === 'func') functions.add(name);
    else if (kind === 'typedef' && name.startsWith('btf_trace_')) tracepoints.add(name.slice('btf_trace_'.length));
    else if (kind === 'struct' && name.startsWith('bpf_iter__')) iterators.add(name.slice('bpf_iter__'.length));
  }
  targets = { functions: [...functions].sort(), tracepoints: [...tracepoints].sort(), iterators: [...iterators].sort() };
  known.set(btf, targets);
  return targets;
}

const SYSCALL = '__x64_sys_';
const LSM = 'bpf_lsm_';

/** Names that begin so, at most `limit`. */
export function attachTargets(btf: Btf | undefined, kind: TargetKind, prefix: string, limit: number): string[] {
  if (!btf) return [];
  const { functions, tracepoints, iterators } = targetsOf(btf);
  switch (kind) {
    case 'function':
      return beginning(functions, prefix, limit);
    // Functions whose result may be replaced: security hooks, and those that take injected errors, which BTF does not mark.
    case 'modifiable function':
      return beginning(functions, prefix.startsWith('security_') ? prefix : 'security_', limit).filter((name) => name.startsWith(prefix));
    case 'lsm hook':
      return beginning(functions, LSM + prefix, limit).map((name) => name.slice(LSM.length));
    case 'system call':
      return beginning(functions, SYSCALL + prefix, limit).map((name) => name.slice(SYSCALL.length));
    case 'tracepoint':
      return beginning(tracepoints, prefix, limit);
    case 'iterator':
      return beginning(iterators, prefix, limit);
  }
}

function beginning(sorted: readonly string[], prefix: string, limit: number): string[] {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < prefix) low = middle + 1;
    else high = middle;
  }
  const found: string[] = [];
  for (; low < sorted.length && found.length < limit && sorted[low]!.startsWith(prefix); low++) found.push(sorted[low]!);
  return found;
}

/** The prototype behind a target; a tracepoint's without the `__data` that comes first. */
function prototypeOf(btf: Btf, kind: TargetKind, target: string): BtfFuncProto | undefined {
  if (kind === 'tracepoint') {
    // The function that calls the programs has the names; the typedef that the verifier asks has the types alone.
    const caller = btf.find(`__traceiter_${target}`, 'func');
    const named = caller === undefined ? undefined : btf.type(caller);
    const iterated = named?.kind === 'func' ? btf.type(named.type) : undefined;
    if (iterated?.kind === 'func_proto') return { ...iterated, parameters: iterated.parameters.slice(1) };
    const id = btf.find(`btf_trace_${target}`, 'typedef');
    const typedef = id === undefined ? undefined : btf.type(id);
    const pointer = typedef?.kind === 'typedef' ? skipModifiers(btf, typedef.type) : undefined;
    const proto = pointer?.kind === 'ptr' ? btf.type(pointer.type) : undefined;
    return proto?.kind === 'func_proto' ? { ...proto, parameters: proto.parameters.slice(1) } : undefined;
  }
  const name = kind === 'lsm hook' ? LSM + target : kind === 'system call' ? `__do_sys_${target}` : target;
  const id = btf.find(name, 'func');
  const func = id === undefined ? undefined : btf.type(id);
  const proto = func?.kind === 'func' ? btf.type(func.type) : undefined;
  return proto?.kind === 'func_proto' ? proto : undefined;
}

/** `struct file *file, int flags`; undefined where a parameter has no name. */
function parametersOf(btf: Btf, { parameters }: BtfFuncProto, most: number): string[] {
  return parameters
    .slice(0, most)
    .map(({ type, name }, index) => declarationOf(btf, type, name === '' ? `argument${index + 1}` : name, { tags: 'none' }));
}

/** What a hover says of a section's target; undefined where there is nothing to say. */
export function targetWords(btf: Btf, section: string): { prototype?: string; missing?: string } | undefined {
  const split = /^([\w.?]+)\/([A-Za-z_]\w*)$/.exec(section);
  const kind = split && targetKind(split[1]!);
  if (!split || !kind) return undefined;
  const target = split[2]!;
  const proto = prototypeOf(btf, kind, target);
  if (proto) {
    const returns = kind === 'tracepoint' ? 'void' : typeName(btf, proto.type);
    return { prototype: `${returns}${returns.endsWith('*') ? '' : ' '}${target}(${parametersOf(btf, proto, 32).join(', ') || 'void'})` };
  }
  if (kind === 'iterator') {
    const id = btf.find(`bpf_iter__${target}`, 'struct');
    return id === undefined ? { missing: `The target kernel has no iterator \`${target}\`.` } : { prototype: definitionOf(btf, id) };
  }
  if (kind === 'system call')
    return attachTargets(btf, kind, target, 1)[0] === target
      ? undefined
      : { missing: `The target kernel has no system call \`${target}\`.` };
  // A kprobe may stand on functions without types, in assembly or in modules.
  const sure = kind !== 'function' || /^f/.test(split[1]!.replace(/^\?/, ''));
  return {
    missing: `The target kernel's types have no ${kind} \`${target}\`${sure ? '' : '; a function of a module may have that name'}.`,
  };
}

/** `TC_ACT_OK` is no name that vmlinux.h has. */
const RETURNS: Readonly<Record<string, string>> = {
  xdp: 'XDP_PASS',
  sched_cls: '0; // TC_ACT_OK',
  sched_act: '0; // TC_ACT_OK',
  sk_skb: 'SK_PASS',
  sk_msg: 'SK_PASS',
  sk_lookup: 'SK_PASS',
  sk_reuseport: 'SK_PASS',
  cgroup_skb: '1',
  cgroup_sock: '1',
  cgroup_sock_addr: '1',
  cgroup_sockopt: '1',
  cgroup_sysctl: '1',
  cgroup_device: '1',
};
/** Arguments that BPF_KPROBE takes out of registers on every architecture. */
const PROBED_ARGUMENTS = 5;

export interface WholeFunction {
  /** `int BPF_PROG(on_vfs_read, struct file *file, …)`. */
  signature: string;
  /** With the body, as a snippet. */
  snippet: string;
}

/** The function for a section, ready to be filled. */
export function wholeFunction(btf: Btf | undefined, section: string): WholeFunction | undefined {
  const found = findSection(section);
  if (!found) return undefined;
  const split = /^\??([\w.]+)(?:\/(.*))?$/.exec(section);
  const prefix = split?.[1] ?? '';
  const target = split?.[2] ?? '';
  const kind = targetKind(prefix);
  const name = `on_${(target || prefix).replace(/^.*[/:]/, '').replace(/\W+/g, '_')}`;
  const proto = btf && kind && target !== '' ? prototypeOf(btf, kind, target) : undefined;
  const make = (macro: string, parameters: readonly string[]): WholeFunction => {
    const rest = parameters.length > 0 ? `, ${parameters.join(', ')}` : '';
    return finish(
      macro === '' ? `int ${name}(${parameters.join(', ')})` : `int ${macro}(${name}${rest})`,
      name,
      RETURNS[found.programType] ?? '0',
    );
  };
  if (btf && proto) {
    const returned = typeName(btf, proto.type) === 'void' ? [] : [declarationOf(btf, proto.type, 'ret', { tags: 'none' })];
    if (/^kretprobe/.test(prefix)) return make('BPF_KRETPROBE', returned);
    if (/^kprobe/.test(prefix)) return make('BPF_KPROBE', parametersOf(btf, proto, PROBED_ARGUMENTS));
    if (prefix === 'ksyscall') return make('BPF_KSYSCALL', parametersOf(btf, proto, PROBED_ARGUMENTS));
    if (prefix === 'kretsyscall') return make('BPF_KRETPROBE', ['int ret']);
    if (/^fexit|^fmod_ret/.test(prefix)) return make('BPF_PROG', [...parametersOf(btf, proto, 12), ...returned]);
    if (/^fentry|^lsm|^tp_btf/.test(prefix)) return make('BPF_PROG', parametersOf(btf, proto, 12));
  }
  const event = /^(?:tp|tracepoint)\/([\w-]+)\/(\w+)$/.exec(section.replace(/^\?/, ''));
  if (event) {
    const call = /^sys_(enter|exit)_/.exec(event[2]!)?.[1];
    const record = call ? `sys_${call}` : tracepoint(event[2]!, event[1])?.class;
    if (record !== undefined) return make('', [`struct trace_event_raw_${record} *ctx`]);
  }
  if (kind === 'iterator' && target !== '') return make('', [`struct bpf_iter__${target} *ctx`]);
  const context = programType(found.programType)?.context;
  return make('', [
    context && /^(?:struct )?\w+$/.test(context) ? `${context.startsWith('struct ') ? context : `struct ${context}`} *ctx` : 'void *ctx',
  ]);
}

function finish(signature: string, name: string, returned: string): WholeFunction {
  const escaped = signature.replace(/[$}\\]/g, '\\$&').replace(name, `\${1:${name}}`);
  return { signature, snippet: `${escaped}\n{\n\t$0\n\treturn ${returned.includes(';') ? returned : `${returned};`}\n}` };
}
