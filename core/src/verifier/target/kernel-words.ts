// What older kernels say in other words. Checks write the newest kernel's lines; here they become those of the target. Only words are
// changed: which lines there are, and what decides them, is in the checks.

import { atLeast, type KernelVersion } from '#core/catalog';

interface Rewording {
  /** The first release with the new words. */
  readonly since: KernelVersion;
  readonly from: RegExp;
  readonly to: string;
}

const REWORDINGS: readonly Rewording[] = [
  {
    since: '6.14',
    from: /^BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region$/,
    to: 'bpf_spin_unlock is missing',
  },
  { since: '6.10', from: /^program of this type cannot use helper (\w+#\d+)$/, to: 'unknown func $1' },
  { since: '6.8', from: /^R\d+ invalid zero-sized read: .*/, to: 'invalid zero-sized read' },
  { since: '6.8', from: /^arg#(\d+) expects pointer to ctx$/, to: 'arg#$1 expected pointer to ctx, but got PTR' },
  // A number that is known was written as a pair of value and unknown bits, like any other.
  { since: '6.8', from: /^(misaligned .*access off (?:2\+)?)(\d+)\+/, to: '$1(0x$2; 0x0)+' },
  { since: '6.2', from: /ringbuf_mem/g, to: 'alloc_mem' },
  { since: '6.2', from: /\b(?:trusted|rcu)_ptr_/g, to: 'ptr_' },
];

const known = new Map<KernelVersion, readonly Rewording[]>();

/** The line as this kernel writes it. */
export function wordsOf(kernel: KernelVersion, line: string): string {
  let older = known.get(kernel);
  if (!older) known.set(kernel, (older = REWORDINGS.filter(({ since }) => !atLeast(kernel, since))));
  return older.reduce((text, { from, to }) => text.replace(from, to), line);
}
