// The macros of the libbpf-style headers and the constants of the kernel's interface that programs use most, in our words.
// Names and meaning are the interface's; what a helper or kernel function does stands in the catalog.

export interface HeaderMacro {
  name: string;
  /** As one would write the use. */
  usage: string;
  /** Snippet to insert behind the name, where it takes arguments. */
  snippet?: string;
  header: 'bpf_helpers.h' | 'bpf_tracing.h' | 'bpf_core_read.h' | 'bpf_endian.h';
  summary: string;
  /** Written at the top level instead of inside functions. */
  topLevel?: true;
}

export const HEADER_MACROS = [
  {
    name: 'SEC',
    usage: 'SEC("xdp")',
    snippet: '("${1:xdp}")',
    header: 'bpf_helpers.h',
    topLevel: true,
    summary:
      'Puts the next function or variable into a section of the object. The section says what it is: which type of program, where it attaches, a map, the licence.',
  },
  {
    name: 'bpf_printk',
    usage: 'bpf_printk(fmt, …)',
    snippet: '("${1:%d}"${2:, value})',
    header: 'bpf_helpers.h',
    summary:
      "Prints a line to the kernel's trace pipe, for debugging. Up to three values work on every kernel, more need Linux 5.16 (bpf_trace_vprintk). Only for programs with a GPL-compatible licence.",
  },
  {
    name: 'BPF_SNPRINTF',
    usage: 'BPF_SNPRINTF(out, out_size, fmt, …)',
    snippet: '(${1:out}, sizeof(${1:out}), "${2:%d}", ${3:value})',
    header: 'bpf_helpers.h',
    summary: 'Formats values into memory, like snprintf. Linux 5.13.',
  },
  {
    name: 'BPF_SEQ_PRINTF',
    usage: 'BPF_SEQ_PRINTF(seq, fmt, …)',
    snippet: '(${1:seq}, "${2:%d\\\\n}", ${3:value})',
    header: 'bpf_helpers.h',
    summary: 'Prints into the file of an iterator program. Linux 5.8.',
  },
  {
    name: 'bpf_for',
    usage: 'bpf_for(i, start, end) { … }',
    snippet: '(${1:i}, ${2:0}, ${3:n}) {\n\t$0\n}',
    header: 'bpf_helpers.h',
    summary:
      'A loop whose end need not be known when the program is loaded: the verifier checks the body once and knows that `i` lies between `start` and `end`. Linux 6.4.',
  },
  {
    name: 'bpf_repeat',
    usage: 'bpf_repeat(n) { … }',
    snippet: '(${1:n}) {\n\t$0\n}',
    header: 'bpf_helpers.h',
    summary: 'Runs the body `n` times. Linux 6.4.',
  },
  {
    name: 'bpf_for_each',
    usage: 'bpf_for_each(type, cur, args…) { … }',
    snippet: '(${1:task}, ${2:cur}, ${3:args}) {\n\t$0\n}',
    header: 'bpf_helpers.h',
    summary: 'Walks an open-coded iterator of the kernel, such as `task` or `css`; it is destroyed whichever way the loop is left.',
  },
  {
    name: 'bpf_tail_call_static',
    usage: 'bpf_tail_call_static(ctx, &map, slot)',
    snippet: '(${1:ctx}, &${2:map}, ${3:slot})',
    header: 'bpf_helpers.h',
    summary: 'A tail call with a constant index, which the kernel turns into a direct jump.',
  },
  {
    name: 'bpf_ksym_exists',
    usage: 'bpf_ksym_exists(symbol)',
    snippet: '(${1:symbol})',
    header: 'bpf_helpers.h',
    summary: 'Whether the running kernel has a weak `__ksym` symbol or kernel function.',
  },
  {
    name: 'barrier_var',
    usage: 'barrier_var(variable)',
    snippet: '(${1:variable})',
    header: 'bpf_helpers.h',
    summary: 'The compiler forgets what it knows of the variable. Keeps it from removing a check that the verifier needs to see.',
  },
  {
    name: '__always_inline',
    usage: 'static __always_inline',
    header: 'bpf_helpers.h',
    summary:
      'The function becomes part of its callers: nothing is called at run time, and the verifier sees its body with what the caller knows.',
  },
  {
    name: '__noinline',
    usage: 'static __noinline',
    header: 'bpf_helpers.h',
    summary: 'The function stays one of its own. A static one is verified at each call, a global one once and for any arguments.',
  },
  {
    name: '__hidden',
    usage: '__hidden',
    header: 'bpf_helpers.h',
    summary: 'A global function with hidden visibility is verified like a static one: with what its callers know.',
  },
  {
    name: '__weak',
    usage: '__weak',
    header: 'bpf_helpers.h',
    summary: 'A weak symbol: another definition wins, and an extern one may be missing.',
  },
  {
    name: '__ksym',
    usage: 'extern … __ksym',
    header: 'bpf_helpers.h',
    summary: "The symbol is the kernel's: a kernel function (kfunc) or a kernel variable.",
  },
  {
    name: '__kconfig',
    usage: 'extern int LINUX_KERNEL_VERSION __kconfig',
    header: 'bpf_helpers.h',
    summary: "The loader fills the variable from the kernel's configuration.",
  },
  {
    name: '__uint',
    usage: '__uint(max_entries, 1024)',
    snippet: '(${1:max_entries}, ${2:1024})',
    header: 'bpf_helpers.h',
    summary: 'A number in the definition of a map: type, max_entries, map_flags, key_size, value_size, pinning.',
  },
  {
    name: '__type',
    usage: '__type(key, __u32)',
    snippet: '(${1:key}, ${2:__u32})',
    header: 'bpf_helpers.h',
    summary: "The type of a map's keys or values.",
  },
  {
    name: '__array',
    usage: '__array(values, …)',
    snippet: '(values, $1)',
    header: 'bpf_helpers.h',
    summary: 'The inner map of a map of maps, or the programs of a prog array.',
  },
  {
    name: 'BPF_KPROBE',
    usage: 'int BPF_KPROBE(name, arguments…)',
    header: 'bpf_tracing.h',
    topLevel: true,
    summary: "A kprobe or uprobe program that names the probed function's arguments with their types; `ctx` is there too.",
  },
  {
    name: 'BPF_KRETPROBE',
    usage: 'int BPF_KRETPROBE(name, ret)',
    header: 'bpf_tracing.h',
    topLevel: true,
    summary: 'A kretprobe or uretprobe program with the return value as its argument.',
  },
  {
    name: 'BPF_KSYSCALL',
    usage: 'int BPF_KSYSCALL(name, arguments…)',
    header: 'bpf_tracing.h',
    topLevel: true,
    summary: 'A program on a system call that names its arguments; it finds them whether or not the kernel wraps its system calls.',
  },
  {
    name: 'BPF_PROG',
    usage: 'int BPF_PROG(name, arguments…)',
    header: 'bpf_tracing.h',
    topLevel: true,
    summary: 'A program with typed arguments (fentry, fexit, tp_btf, lsm, struct_ops): takes them out of the array that the context is.',
  },
  {
    name: 'PT_REGS_PARM1',
    usage: 'PT_REGS_PARM1(ctx)',
    snippet: '(${1:ctx})',
    header: 'bpf_tracing.h',
    summary:
      'First argument of the probed function; PT_REGS_PARM2 to 8 are the others, PT_REGS_RC the return value. PT_REGS_PARM1_CORE reads it with a probe helper, PT_REGS_PARM1_SYSCALL at a system call.',
  },
  {
    name: 'PT_REGS_RC',
    usage: 'PT_REGS_RC(ctx)',
    snippet: '(${1:ctx})',
    header: 'bpf_tracing.h',
    summary: 'Return value of the probed function, in a kretprobe or uretprobe.',
  },
  {
    name: 'BPF_CORE_READ',
    usage: 'BPF_CORE_READ(src, a, b, c)',
    snippet: '(${1:task}, ${2:pid})',
    header: 'bpf_core_read.h',
    summary: 'Reads `src->a->b->c` from kernel memory, each pointer by a probe helper, at the offsets of the running kernel.',
  },
  {
    name: 'BPF_CORE_READ_INTO',
    usage: 'BPF_CORE_READ_INTO(&dst, src, a, b)',
    snippet: '(&${1:dst}, ${2:src}, ${3:field})',
    header: 'bpf_core_read.h',
    summary: 'Like BPF_CORE_READ, into memory of any type; returns 0 or an error.',
  },
  {
    name: 'BPF_CORE_READ_STR_INTO',
    usage: 'BPF_CORE_READ_STR_INTO(&buffer, src, a, b)',
    snippet: '(&${1:buffer}, ${2:src}, ${3:field})',
    header: 'bpf_core_read.h',
    summary: 'Follows pointers and copies the text at the end; returns its length.',
  },
  {
    name: 'bpf_core_read',
    usage: 'bpf_core_read(&dst, sizeof(dst), &src->field)',
    snippet: '(&${1:dst}, sizeof(${1:dst}), &${2:src->field})',
    header: 'bpf_core_read.h',
    summary: 'Copies a field from kernel memory at its offset in the running kernel.',
  },
  {
    name: 'bpf_core_field_exists',
    usage: 'bpf_core_field_exists(src->field)',
    snippet: '(${1:src->field})',
    header: 'bpf_core_read.h',
    summary: "Whether the running kernel's type has the field. Known when the program is loaded: the other branch is not verified.",
  },
  {
    name: 'bpf_core_type_exists',
    usage: 'bpf_core_type_exists(struct x)',
    snippet: '(${1:struct task_struct})',
    header: 'bpf_core_read.h',
    summary: 'Whether the running kernel has the type.',
  },
  {
    name: 'bpf_core_enum_value',
    usage: 'bpf_core_enum_value(enum x, NAME)',
    snippet: '(${1:enum x}, ${2:NAME})',
    header: 'bpf_core_read.h',
    summary: 'The number of an enumerator in the running kernel.',
  },
  {
    name: 'bpf_htons',
    usage: 'bpf_htons(x)',
    snippet: '(${1:x})',
    header: 'bpf_endian.h',
    summary: "16 bits from this machine's byte order to the network's; of a constant already when compiled.",
  },
  {
    name: 'bpf_ntohs',
    usage: 'bpf_ntohs(x)',
    snippet: '(${1:x})',
    header: 'bpf_endian.h',
    summary: "16 bits from the network's byte order to this machine's.",
  },
  {
    name: 'bpf_htonl',
    usage: 'bpf_htonl(x)',
    snippet: '(${1:x})',
    header: 'bpf_endian.h',
    summary: "32 bits from this machine's byte order to the network's.",
  },
  {
    name: 'bpf_ntohl',
    usage: 'bpf_ntohl(x)',
    snippet: '(${1:x})',
    header: 'bpf_endian.h',
    summary: "32 bits from the network's byte order to this machine's.",
  },
  {
    name: 'bpf_cpu_to_be64',
    usage: 'bpf_cpu_to_be64(x)',
    snippet: '(${1:x})',
    header: 'bpf_endian.h',
    summary: "64 bits from this machine's byte order to big endian.",
  },
  {
    name: 'bpf_be64_to_cpu',
    usage: 'bpf_be64_to_cpu(x)',
    snippet: '(${1:x})',
    header: 'bpf_endian.h',
    summary: "64 bits from big endian to this machine's byte order.",
  },
] as const satisfies readonly HeaderMacro[];

const byName = new Map<string, HeaderMacro>(HEADER_MACROS.map((macro) => [macro.name, macro]));

export const headerMacro = (name: string): HeaderMacro | undefined => byName.get(name);

export function macroMarkdown({ usage, summary, header }: HeaderMacro): string {
  return `\`\`\`c\n${usage}\n\`\`\`\n\n${summary}\n\nMacro of \`<bpf/${header}>\`.`;
}

export interface ActionConstant {
  name: string;
  value: number;
  summary: string;
}

const TRAFFIC_CONTROL = [
  { name: 'TC_ACT_OK', value: 0, summary: 'lets the packet pass, and ends the classification' },
  { name: 'TC_ACT_SHOT', value: 2, summary: 'drops the packet' },
  { name: 'TC_ACT_REDIRECT', value: 7, summary: 'sends the packet where bpf_redirect said' },
  { name: 'TC_ACT_PIPE', value: 3, summary: 'goes on with the next action' },
  { name: 'TC_ACT_UNSPEC', value: -1, summary: 'does what the filter was configured to do' },
] as const satisfies readonly ActionConstant[];

const VERDICT = [
  { name: 'SK_PASS', value: 1, summary: 'lets it pass' },
  { name: 'SK_DROP', value: 0, summary: 'drops it' },
] as const satisfies readonly ActionConstant[];

/** What programs of a type return, by the kernel's names. */
export const ACTIONS: Readonly<Record<string, readonly ActionConstant[]>> = {
  xdp: [
    { name: 'XDP_PASS', value: 2, summary: 'gives the packet to the network stack' },
    { name: 'XDP_DROP', value: 1, summary: 'drops the packet in the driver' },
    { name: 'XDP_TX', value: 3, summary: 'sends the packet out of the device it came in by' },
    { name: 'XDP_REDIRECT', value: 4, summary: 'sends the packet where bpf_redirect or bpf_redirect_map said' },
    { name: 'XDP_ABORTED', value: 0, summary: 'drops the packet and counts an error (tracepoint xdp:xdp_exception)' },
  ],
  sched_cls: TRAFFIC_CONTROL,
  sched_act: TRAFFIC_CONTROL,
  sk_skb: VERDICT,
  sk_msg: VERDICT,
  sk_lookup: VERDICT,
  sk_reuseport: VERDICT,
};
