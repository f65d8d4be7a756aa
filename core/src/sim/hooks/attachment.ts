// Where a program's section attaches it, as far as simulated events go. Types without an event of their own are driven by `context` events.

import { findSection } from '#core/catalog';
import type { Program } from '#core/program';

export type Attachment =
  | { hook: 'xdp' }
  | { hook: 'skb'; direction: 'ingress' | 'egress' | 'both'; layer: 'link' | 'network' }
  /** A kernel function. `pattern` may hold `*` and `?`. `arguments` says what the context is. */
  | { hook: 'function'; pattern: string; when: 'entry' | 'exit' | 'both'; context: 'pt_regs' | 'arguments' }
  /** A system call by its own name, whatever the architecture calls the function. */
  | { hook: 'syscall'; name: string; when: 'entry' | 'exit' }
  | { hook: 'tracepoint'; category: string; name: string }
  | { hook: 'raw-tracepoint'; name: string; typed: boolean }
  | { hook: 'uprobe'; binary: string; function: string; when: 'entry' | 'exit' }
  | { hook: 'sample' }
  /** Nothing but a `context` event drives it; `why` ends a sentence about it. */
  | { hook: 'context'; why: string };

/** `kprobe` of `kprobe/do_unlinkat`, and `do_unlinkat`. */
function split(section: string): { prefix: string; target: string } {
  const name = section.replace(/^\?/, '');
  const slash = name.indexOf('/');
  return slash < 0 ? { prefix: name, target: '' } : { prefix: name.slice(0, slash), target: name.slice(slash + 1) };
}

/** `/bin/bash:readline+4` as its parts. */
function uprobeTarget(target: string): { binary: string; function: string } {
  const colon = target.lastIndexOf(':');
  const name = colon < 0 ? '' : target.slice(colon + 1).replace(/\+.*$/, '');
  return { binary: colon < 0 ? target : target.slice(0, colon), function: name };
}

const none = (why: string): Attachment => ({ hook: 'context', why });

export function attachmentOf(program: Program): Attachment {
  const { prefix: full, target: sectionTarget } = split(program.section);
  const prefix = full.replace(/\.s$/, '');
  const target = program.attachTarget ?? sectionTarget;
  switch (program.type) {
    case 'xdp':
      return program.attachType === 'BPF_XDP' || program.attachType === undefined
        ? { hook: 'xdp' }
        : none('runs behind a redirect into a devmap or cpumap');
    case 'sched_cls':
    case 'sched_act':
      return {
        hook: 'skb',
        direction:
          /EGRESS|PEER/.test(program.attachType ?? '') || /egress/.test(program.section)
            ? 'egress'
            : /INGRESS|PRIMARY/.test(program.attachType ?? '') || /ingress/.test(program.section)
              ? 'ingress'
              : 'both',
        layer: 'link',
      };
    case 'socket_filter':
      return { hook: 'skb', direction: 'ingress', layer: 'link' };
    case 'cgroup_skb':
      return {
        hook: 'skb',
        direction:
          program.attachType === 'BPF_CGROUP_INET_EGRESS'
            ? 'egress'
            : program.attachType === 'BPF_CGROUP_INET_INGRESS'
              ? 'ingress'
              : 'both',
        layer: 'network',
      };
    case 'lwt_in':
      return { hook: 'skb', direction: 'ingress', layer: 'network' };
    case 'lwt_out':
    case 'lwt_xmit':
      return { hook: 'skb', direction: 'egress', layer: 'network' };
    case 'kprobe':
      return probe(prefix, target);
    case 'tracepoint': {
      const [category = '', name = ''] = target.split('/');
      return name === '' ? none('has no tracepoint in its section') : { hook: 'tracepoint', category, name };
    }
    case 'raw_tracepoint':
    case 'raw_tracepoint_writable':
      return target === '' ? none('has no tracepoint in its section') : { hook: 'raw-tracepoint', name: target, typed: false };
    case 'perf_event':
      return { hook: 'sample' };
    case 'lsm':
      return target === ''
        ? none('has no LSM hook in its section')
        : { hook: 'function', pattern: `bpf_lsm_${target}`, when: 'entry', context: 'arguments' };
    case 'tracing':
      return tracing(program, prefix, target);
    default:
      return none(program.type === undefined ? 'has no program type' : `is of type ${program.type}, which no simulated event reaches yet`);
  }
}

function probe(prefix: string, target: string): Attachment {
  const exit = /ret(probe|syscall)/.test(prefix);
  const when = exit ? 'exit' : prefix.endsWith('.session') ? 'both' : 'entry';
  if (target === '') return none('has no function in its section');
  if (/^k(ret)?syscall$/.test(prefix)) return { hook: 'syscall', name: target, when: exit ? 'exit' : 'entry' };
  if (/^k(ret)?probe/.test(prefix)) return { hook: 'function', pattern: target.replace(/\+.*$/, ''), when, context: 'pt_regs' };
  if (/^u(ret)?probe/.test(prefix)) return { hook: 'uprobe', ...uprobeTarget(target), when: exit ? 'exit' : 'entry' };
  return none(`is attached by ${prefix}, which no simulated event reaches yet`);
}

function tracing(program: Program, prefix: string, target: string): Attachment {
  const section = findSection(program.section);
  const attachType = program.attachType ?? section?.attachType;
  if (target === '') return none('has no function in its section');
  switch (attachType) {
    case 'BPF_TRACE_RAW_TP':
      return { hook: 'raw-tracepoint', name: target, typed: true };
    case 'BPF_TRACE_FENTRY':
    case 'BPF_MODIFY_RETURN':
      return { hook: 'function', pattern: target, when: 'entry', context: 'arguments' };
    case 'BPF_TRACE_FEXIT':
      return { hook: 'function', pattern: target, when: 'exit', context: 'arguments' };
    default:
      return none(`is attached by ${prefix}, which no simulated event reaches yet`);
  }
}

/** Whether a probe's pattern names the function: `*` and `?` as in shells. */
export function matchesPattern(pattern: string, name: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern === name;
  const expression = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${expression}$`).test(name);
}
