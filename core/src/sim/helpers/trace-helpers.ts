// bpf_trace_printk and bpf_trace_vprintk: lines of trace_pipe, as kernel/trace/trace_output.c lays them out.

import { toHex } from '#core/bytes';
import { errno } from '../errno.ts';
import { fromCString, fromLittleEndian } from '../integers.ts';
import { formatText, type FormatReader } from '../format.ts';
import type { KernelState, Run } from '../state.ts';
import type { Call, HelperTable } from './helper.ts';

/** The buffer of bpf_trace_printk (BPF_TRACE_PRINTK_SIZE). */
const PRINTK_SIZE = 1024;
/** MAX_BPRINTF_VARARGS. */
const MAXIMUM_ARGUMENTS = 12;

export const formatReader = (call: Call): FormatReader => ({
  text: (address) => call.tryString(address, 512),
  bytes: (address, size) => call.tryRead(address, size),
});

/** `            bash-1200    [000] d..31   100.001000: bpf_trace_printk: text`: comm, pid, CPU, flags, seconds since boot. */
export function traceLine(kernel: KernelState, run: Run, text: string): string {
  // The idle task has no comm in the buffer's cache of names.
  const comm = run.task.pid === 0 ? '<idle>' : run.task.comm;
  const microseconds = kernel.now() / 1000n;
  const time = `${microseconds / 1_000_000n}.${String(microseconds % 1_000_000n).padStart(6, '0')}`;
  return `${comm.padStart(16)}-${String(run.task.pid).padEnd(7)} [${String(run.cpu).padStart(3, '0')}] ${run.traceFlags} ${time.padStart(12)}: bpf_trace_printk: ${text}`;
}

/** The format text: NUL-terminated within its size, or undefined. */
function formatAt(call: Call, address: bigint, size: number): string | undefined {
  const bytes = call.read(address, size, 'format');
  return bytes.includes(0) ? fromCString(bytes) : undefined;
}

function print(call: Call, format: string | undefined, args: readonly bigint[]): number {
  if (format === undefined) return errno('EINVAL');
  const text = formatText(format, args, formatReader(call));
  if (typeof text === 'number') return text;
  const cut = text.slice(0, PRINTK_SIZE - 1);
  call.kernel.emit({ kind: 'trace', line: traceLine(call.kernel, call.run, cut) });
  return text.length;
}

/** Arguments as an array of u64 in the program's memory; undefined where its size is no multiple of 8 or too large. */
export function argumentArray(call: Call, address: bigint, size: number): bigint[] | undefined {
  if (size % 8 !== 0 || size > MAXIMUM_ARGUMENTS * 8 || (size > 0 && address === 0n)) return undefined;
  const bytes = call.read(address, size, 'data');
  return Array.from({ length: size / 8 }, (_, i) => fromLittleEndian(bytes.subarray(8 * i, 8 * i + 8)));
}

export const TRACE_HELPERS: HelperTable = {
  bpf_trace_printk: (call) => print(call, formatAt(call, call.arg(1), call.u32(2)), [call.arg(3), call.arg(4), call.arg(5)]),
  // What an iterator's reader sees; each call is a line of its own here.
  bpf_seq_printf: (call) => {
    const args = argumentArray(call, call.arg(4), call.u32(5));
    const format = formatAt(call, call.arg(2), call.u32(3));
    if (!args || format === undefined) return errno('EINVAL');
    const text = formatText(format, args, formatReader(call));
    if (typeof text === 'number') return text;
    call.kernel.emit({ kind: 'note', line: text.replace(/\n$/, '') });
    return 0;
  },
  bpf_seq_write: (call) => {
    call.kernel.emit({ kind: 'note', line: toHex(call.read(call.arg(2), call.u32(3), 'data'), ' ') });
    return 0;
  },
  bpf_trace_vprintk: (call) => {
    const args = argumentArray(call, call.arg(3), call.u32(4));
    return args ? print(call, formatAt(call, call.arg(1), call.u32(2)), args) : errno('EINVAL');
  },
};
