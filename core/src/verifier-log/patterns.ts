// Which finding a sentence of the kernel's verifier means: one table, first match counts. The codes are those of our own verifier, so
// that a log and a verdict of ours say the same. Words of older kernels stand beside today's.

import type { FINDINGS } from '#core/verifier';

type FindingCode = (typeof FINDINGS)[number]['code'];

interface PatternRow {
  readonly code: FindingCode;
  readonly pattern: RegExp;
}

/** Groups with names tell more: `insn` the failing instruction, `register` the offending one. */
export const PATTERNS = [
  // Before the walk: instructions and control flow.
  { code: 'unreachable', pattern: /^unreachable insn (?<insn>\d+)/ },
  { code: 'infinite-loop', pattern: /^infinite loop detected at insn (?<insn>\d+)/ },
  // Linux before 5.3 allowed no loop.
  { code: 'infinite-loop', pattern: /^back-edge from insn (?<insn>\d+) to \d+/ },
  { code: 'jump-out-of-range', pattern: /^jump out of range from insn (?<insn>\d+) to/ },
  { code: 'jump-out-of-range', pattern: /^call to invalid destination/ },
  { code: 'fall-through', pattern: /^last insn is not an exit or jmp/ },
  { code: 'invalid-instruction', pattern: /^jump into the middle of ldimm64 insn (?<insn>\d+)/ },
  { code: 'invalid-instruction', pattern: /^unknown opcode [0-9a-f]+/ },
  { code: 'invalid-instruction', pattern: /^(?:invalid|unrecognized) bpf_ld_imm64 insn|^fd_idx without fd_array/ },
  { code: 'invalid-instruction', pattern: /^\S+ uses reserved fields/ },
  {
    code: 'invalid-instruction',
    pattern:
      /^(?:invalid (?:BPF_ALU|BPF_JMP\/JMP32|BPF_JMP|BPF_LD_IMM|BPF_LD|bpf_ld_imm64)\b|unknown insn class|invalid shift|invalid may_goto|may_goto insn|addr_space_cast insn)/,
  },
  { code: 'invalid-instruction', pattern: /^BPF_LD_\[ABS\|IND\] (?:instructions not allowed|uses)/ },
  { code: 'invalid-instruction', pattern: /^at the time of BPF_LD_ABS\|IND R6 != pointer to skb/ },
  { code: 'atomic', pattern: /^(?:BPF_ATOMIC|BPF_XADD|BPF_STX uses invalid atomic|invalid atomic operand size)/ },
  { code: 'division-by-zero', pattern: /^div(?:ision)? by zero/ },
  { code: 'invalid-register', pattern: /^R(?<register>\d+) is invalid/ },
  { code: 'uninitialised-register', pattern: /^R(?<register>\d+) !read_ok/ },
  { code: 'frame-pointer-write', pattern: /^frame pointer is read only/ },

  // Where the program is attached, and the maps that are made before it.
  { code: 'attach-target', pattern: /failed to find kernel BTF type ID of '/ },
  { code: 'attach-target', pattern: /^\w+(?:\(\) is not modifiable| is not sleepable)$/ },
  {
    code: 'attach-target',
    pattern: /^attach_btf_id \d+ points to (?:disabled hook|wrong type name)|^Attaching (?:tracing programs|fexit)/,
  },
  { code: 'attach-target', pattern: /^The function \w+ (?:has \d+ arguments\. Too many|return type|arg\d+ type|with variable args)/ },
  { code: 'attach-target', pattern: /^LSM programs must have a GPL compatible license/ },
  { code: 'map-program', pattern: /^(?:libbpf: )?map '[^']*': failed to create: / },

  // Limits.
  { code: 'too-large', pattern: /^BPF program is too (?:large|complex)\b/ },
  { code: 'too-many-branches', pattern: /^The sequence of \d+ jumps is too complex/i },
  {
    code: 'stack-depth',
    pattern: /^combined stack size of|^stack size of (?:subprog )?\d+ .*Too large|^tail_calls are not allowed when call stack/,
  },
  { code: 'call-depth', pattern: /^the call stack of \d+ frames is too deep/ },
  { code: 'call-depth', pattern: /^recursive call from|^tail_calls are not allowed in programs with bpf-to-bpf calls/ },

  // Pointers that are none, or perhaps none.
  { code: 'null-dereference', pattern: /^R(?<register>\d+) invalid mem access '[^']*or_null[^']*'/ },
  { code: 'scalar-dereference', pattern: /^R(?<register>\d+) invalid mem access '(?:scalar|inv|imm)'/ },
  { code: 'invalid-mem-access', pattern: /^R(?<register>\d+) invalid mem access '/ },
  { code: 'pointer-arithmetic-null', pattern: /^R(?<register>\d+) pointer arithmetic on \S+ prohibited, null-check it first/ },
  {
    code: 'pointer-arithmetic',
    pattern:
      /^R(?<register>\d+) (?:pointer (?:arithmetic|\S+ pointer|operation)|32-bit pointer arithmetic|bitwise operator|subtraction from stack pointer|tried to (?:subtract|add|sub)\b|has pointer with unsupported alu|has unknown alu)/,
  },
  {
    code: 'pointer-offset-range',
    pattern: /^(?:math between \S+ pointer and|value -?\d+ makes \S+ pointer be out of bounds|\S+ pointer offset -?\d+ is not allowed)/,
  },

  // Bounds.
  { code: 'negative-index', pattern: /^R(?<register>\d+) min value is negative, either use unsigned index/ },
  { code: 'helper-argument-size', pattern: /^R(?<register>\d+) min value is negative, either use unsigned or/ },
  { code: 'unbounded-index', pattern: /^R(?<register>\d+) unbounded memory access, make sure to bounds check/ },
  { code: 'helper-argument-size', pattern: /^R(?<register>\d+) unbounded memory access, use 'var &= const'/ },
  { code: 'helper-argument-size', pattern: /^(?:R(?<register>\d+) )?invalid zero-sized read/ },
  { code: 'map-value-bounds', pattern: /^invalid access to map value|^direct value offset of|^invalid access to map_value/ },
  { code: 'map-key-bounds', pattern: /^invalid access to map key/ },
  { code: 'packet-bounds', pattern: /^invalid access to packet|^R(?<register>\d+) offset is outside of the packet/ },
  { code: 'mem-bounds', pattern: /^invalid access to (?:memory|flow keys)/ },
  {
    code: 'map-value-bounds',
    pattern: /^R(?<register>\d+) (?:min|max) value is outside of the (?:array range|allowed memory range|map value)/,
  },
  { code: 'negative-index', pattern: /^R(?<register>\d+) invalid \S+ buffer access: off=-/ },
  { code: 'mem-bounds', pattern: /^R(?<register>\d+) invalid (?:rdonly|rdwr|tracepoint|\S+) buffer access/ },
  { code: 'pointer-variable-offset', pattern: /^R(?<register>\d+) invalid variable buffer offset/ },
  { code: 'mem-bounds', pattern: /^R(?<register>\d+) invalid \S+ access off=/ },
  { code: 'misaligned', pattern: /^misaligned (?:\S+ )?access off/ },

  // The stack.
  { code: 'stack-uninitialised', pattern: /^invalid read from stack (?:R(?<register>\d+) )?(?:off [-(]?[0-9x]|var_off )/ },
  {
    code: 'stack-uninitialised',
    pattern: /^invalid indirect (?:read from|access to) stack (?:R(?<register>\d+) )?(?:off -?\d+\+\d+|var_off )/,
  },
  { code: 'stack-uninitialised', pattern: /^uninit stack in range of var-offset write/ },
  {
    code: 'stack-bounds',
    pattern: /^invalid (?:read from|write to|access to|(?:unbounded )?variable-offset|unbounded|indirect|zero-size|bounded)\b.* ?stack/,
  },
  {
    code: 'stack-bounds',
    pattern:
      /^invalid stack (?:off|type)|^variable(?: offset)? stack|^R(?<register>\d+) variable stack access|^attempt to corrupt spilled|^stack pointer/,
  },
  {
    code: 'stack-corruption',
    pattern:
      /^invalid size of register (?:spill|fill|saved)|^cannot spill pointers to stack|^attempt to corrupt spilled pointer|^corrupted spill memory/,
  },
  { code: 'stack-dynptr-write', pattern: /^potential write to dynptr/ },

  // Context, packets, kernel objects.
  { code: 'ctx-access', pattern: /^invalid bpf_context access/ },
  { code: 'ctx-access', pattern: /^func '.*' (?:doesn't have|offset|size|arg\d+)/ },
  { code: 'pointer-variable-offset', pattern: /^(?:dereference of modified|negative offset) \S+ ptr R(?<register>\d+)/ },
  { code: 'pointer-variable-offset', pattern: /^variable \S+ access var_off=/ },
  { code: 'pointer-variable-offset', pattern: /^R(?<register>\d+) is \S+ invalid variable offset/ },
  { code: 'pointer-variable-offset', pattern: /^R(?<register>\d+) must have zero offset when passed/ },
  { code: 'btf-access', pattern: /^R(?<register>\d+) is \S+ (?:invalid negative access|access (?:user|percpu) memory)/ },
  {
    code: 'btf-access',
    pattern:
      /^Cannot access kernel 'struct|^cannot access ptr member|^access beyond struct|^access beyond the end of member|^Type '.*' is not a struct|^access is to a field of/,
  },

  // Reading and writing what may not be.
  {
    code: 'write-forbidden',
    pattern:
      /^R(?<register>\d+) cannot write into|^cannot write into|^write into map forbidden|^the prog does not allow writes to packet data|^only read (?:is|from)|^no write support to|^write to change key R(?<register2>\d+) not allowed|^\S+\(\) may write into memory pointed by R/,
  },
  { code: 'write-forbidden', pattern: /^write access (?:to|at)|^helper call is not allowed to write/ },
  { code: 'read-forbidden', pattern: /^read from map forbidden/ },
  {
    code: 'pointer-leak',
    pattern:
      /^R(?<register>\d+) leaks addr|^leaking pointer|^R(?<register2>\d+) pointer comparison prohibited|^R(?<register3>\d+) partial copy of pointer/,
  },
  { code: 'different-pointers', pattern: /^same insn cannot be used with different pointers/ },
  {
    code: 'special-field-access',
    pattern: /^direct access to \S+ is disallowed|^(?:bpf_spin_lock|bpf_timer|bpf_\w+) cannot be accessed (?:directly|indirectly)/,
  },

  // Locks, before the maps' sentences that share their beginning.
  { code: 'lock', pattern: /cannot be used inside \S+ region/ },
  {
    code: 'lock',
    pattern:
      /^(?:bpf_\w*spin_lock at off=\d+ must be held|held lock and object are not|bpf_\w+_unlock (?:of different lock|without taking a lock|cannot be out of order)|bpf_spin_unlock)/,
  },
  {
    code: 'lock',
    pattern:
      /^(?:Locking two bpf_spin_locks|Acquiring the same lock|bpf_spin_lock (?:is missing|requires)|unlock is missing|can't spin_\{lock,unlock\}|global function calls are not allowed while holding a lock)/i,
  },
  {
    code: 'lock',
    pattern:
      /^(?:expected (?:an initialized|uninitialized) irq flag|irq flag acquired by|irq_flag is not on the stack|cannot restore irq state)/,
  },
  {
    code: 'lock',
    pattern:
      /'bpf_\w*spin_lock'|has (?:no valid|to have BTF in order to use) \w*spin_lock|\w*spin_lock_lock|'struct \w*spin_lock'|doesn't have constant offset. \w*spin_lock/,
  },
  {
    code: 'lock',
    pattern: /^(?:bpf_rcu_read_unlock|bpf_rcu_read_lock|bpf_preempt_enable) is missing|^(?:BPF_EXIT|tail_call).* (?:inside|within) /,
  },

  // References.
  { code: 'reference-leak', pattern: /^Unreleased reference id=|would lead to reference leak/ },
  { code: 'reference-leak', pattern: /cannot be mixed with socket references/ },
  {
    code: 'reference-state',
    pattern:
      /^R(?<register>\d+) must be referenced when passed to release function|^arg \d+ is an unacquired reference|reference has not been acquired before|conversion of owning ref to non-owning failed|^more than one arg with ref_obj_id|^release kernel function .* expects/,
  },

  // Dynptrs, iterators, lists and trees.
  {
    code: 'graph-node',
    pattern: /^(?:verifier internal error: )?(?:bpf_(?:list|rb)_\w+|rbtree_\w+|list_\w+) (?:not found at offset|argument for unknown)/,
  },
  { code: 'graph-node', pattern: /^R(?<register>\d+) doesn't have constant offset. bpf_(?:list|rb)_/ },
  {
    code: 'graph-node',
    pattern:
      /^arg#\d+ offset=\d+, but expected|^operation on bpf_\w+ expects arg|^rbtree_remove node input must be|^rbtree_\w+ not allowed|^bpf_rbtree_|expects arg#\d+ bpf_(?:list|rb)_node/,
  },
  {
    code: 'dynptr',
    pattern:
      /dynptr (?:has to be|mutates)|^Dynptr has to be|^Expected (?:an initialized dynptr|a dynptr of type|an? \w* ?dynptr)|^cannot overwrite referenced dynptr|^cannot pass in dynptr|^cannot pass pointer to const bpf_dynptr|^cannot release unowned const bpf_dynptr|^dynptr is not on the stack|for bpf_dynptr_from_mem data|expected pointer to stack or const struct bpf_dynptr/,
  },
  {
    code: 'iterator',
    pattern:
      /^iter is not on the stack|expected pointer to an iterator on stack|^expected (?:an initialized|uninitialized|valid) iter|^expected an RCU CS when using|^iter has to be|^cannot pass in iter|^unexpected iter/,
  },

  // Global functions and callbacks, whose sentences hold others.
  { code: 'exception', pattern: /exception c(?:all)?b(?:ack)?\b|^bpf_throw kfunc/ },
  { code: 'helper-map', pattern: /^callback function not allowed for map/ },
  { code: 'callback', pattern: /^callback function|^cannot use BPF_LD_\[ABS\|IND\] within callback|cb (?:does not support|not supported)/ },
  {
    code: 'global-function',
    pattern:
      /^Caller passes invalid args|^arg#\d+ expects pointer to ctx|^Global function(?:s need valid BTF|.* (?:args|has))|^arg#\d+ .*(?:global|expected (?:a )?pointer to (?:ctx|context))/,
  },

  // kptrs.
  {
    code: 'kptr',
    pattern:
      /^kptr (?:access|in map)|^invalid kptr access|kptr isn't referenced kptr|doesn't point to kptr|^R(?<register>\d+) has no valid kptr|^store to (?:referenced kptr|uptr) disallowed|^BPF_ST imm must be 0 when storing to kptr|(?:kptr|uptr) cannot be accessed|kptr has to be at the constant offset/,
  },

  // Helpers.
  { code: 'helper-unknown', pattern: /^invalid func unknown#|^unknown func unknown#/ },
  {
    code: 'helper-not-allowed',
    pattern: /^program of this type cannot use helper|^unknown func \S+#\d+|^helper call is not allowed in probe/,
  },
  { code: 'helper-gpl', pattern: /^cannot call (?:GPL-restricted|GPL only|kernel) function from (?:non-GPL|proprietary)/ },
  {
    code: 'helper-context',
    pattern:
      /^helper call might sleep|^sleepable helper|^function calls are not allowed while holding a lock|^func \S+ (?:not supported for program type|supported only for)|^global functions that may sleep/,
  },
  {
    code: 'helper-map',
    pattern:
      /^cannot pass map_type|^expected prog array map for tail call|^tail_call abusing map_ptr|pointer in R1 map_uid=|^map '.*' has no valid/,
  },
  { code: 'helper-argument-null', pattern: /^Possibly NULL pointer passed to/ },
  { code: 'helper-argument-constant', pattern: /^R(?<register>\d+) (?:must be a known constant|is not a known constant|is not a const$)/ },
  { code: 'helper-argument', pattern: /^R(?<register>\d+) type=\S+ expected=/ },
  {
    code: 'helper-argument',
    pattern:
      /^helper access to the packet is not allowed|^string is not zero-terminated|^R(?<register>\d+) (?:does not point to a readonly map|is not a constant address)|^Invalid format string|^get_local_storage\(\)|^invalid map_ptr to access|^Helper has invalid btf_id|^R(?<register2>\d+) is of type \S* ?but|^unable to resolve the size of type|^invalid arg_type|has to be at the constant offset|^off -?\d+ doesn't point to/,
  },

  // Kfuncs.
  { code: 'kfunc-unknown', pattern: /^kernel btf_id of kfunc|^invalid kernel function call not eliminated|^kernel function not found/ },
  { code: 'kfunc-not-allowed', pattern: /^calling kernel functions? .*(?:not allowed|is not supported)/ },
  {
    code: 'kfunc-context',
    pattern:
      /^program must be sleepable|^kernel func \S+ (?:is sleepable within|requires RCU)|^metadata kfuncs require|^css_task_iter is only allowed|^nested rcu read lock|^unmatched (?:rcu read unlock|attempt to enable preemption)|^Calling bpf_rcu_read/,
  },
  { code: 'btf', pattern: /requires prog BTF$/ },
  {
    code: 'kfunc-argument',
    pattern:
      /^arg#\d+ (?:expected pointer to|pointer type|is \S+ expected|must)|^R(?<register>\d+) must be (?:a rcu pointer|referenced or trusted)|^kernel function \S+ (?:args#|returns|does not)|^local type ID argument|^bpf_(?:percpu_)?obj_new|^kfunc bpf_rdonly_cast|^Unknown type ID|^allocated object must be referenced|^R(?<register2>\d+) is not a scalar$|^Unrecognized arg#|^pointer in R\d+ isn't map pointer|^Function \S+ has \d+ > 5 args|^2 or more rdonly|^the kernel context of/,
  },

  // Exits.
  {
    code: 'return-value',
    pattern:
      /^At (?:program|callback|async callback|subprogram) (?:exit|return) the register R(?<register>\d+)|^R(?<register2>\d+) not a scalar value|^At callback return/,
  },
  {
    code: 'control-flow',
    pattern: /^cannot return stack pointer to the caller|^unexpected __bpf_trap|^invalid insn idx|^verifier bug. No program starts/,
  },

  // The program as a whole.
  {
    code: 'map-program',
    pattern:
      /^(?:tracing|socket filter) progs cannot use|^bpf_struct_ops map cannot be used|^Sleepable programs can only use|^no direct value access support|^perf_event programs can only use/,
  },
  {
    code: 'invalid-program',
    pattern:
      /^fd -?\d+ is not pointing to valid bpf_map|^attach to unsupported member|^struct ops programs must|^Only fentry\/fexit|^Tracing (?:program|programs) must|^attach_btf_id \d+|^\S+ is not a (?:function|bpf)|^the program has no instructions|^Invalid attach/i,
  },
  {
    code: 'btf',
    pattern:
      /^(?:LD_ABS|tail_call) is not allowed in subprogs without BTF|^map '.*' has to have BTF|^ldimm64 failed to find|^missing btf func_info|is only allowed in functions that return 'int'|^number of funcs in func_info|^invalid (?:name|func|line)_?(?:info|off)/i,
  },
  // What the kernel says of itself where a number was wanted and a pointer was given.
  { code: 'helper-argument', pattern: /^verifier bug: backtracking misuse/ },
  { code: 'verifier-limit', pattern: /^verifier (?:bug|internal error)|^REG INVARIANTS VIOLATION|^liveness analysis exceeded/i },
] as const satisfies readonly PatternRow[];

/** Longer sentences are none of the kernel's. */
const LONGEST = 2000;

export interface Meaning {
  code: FindingCode;
  insn?: number;
  register?: number;
}

/** What a sentence means, or undefined where it is not one of the verifier's that we know. */
export function meaningOf(line: string): Meaning | undefined {
  if (line.length > LONGEST) return undefined;
  for (const { code, pattern } of PATTERNS) {
    const match = pattern.exec(line);
    if (!match) continue;
    const groups = match.groups ?? {};
    const register = groups['register'] ?? groups['register2'] ?? groups['register3'];
    return {
      code: code === 'helper-argument' && isMissingNullCheck(line) ? 'helper-argument-null' : code,
      ...(groups['insn'] !== undefined && { insn: Number(groups['insn']) }),
      ...(register !== undefined && { register: Number(register) }),
    };
  }
  return undefined;
}

/** `R1 type=sock_or_null expected=sock_common, sock`: the kind fits, were it not for NULL. */
function isMissingNullCheck(line: string): boolean {
  const types = /^R\d+ type=(\S*) expected=(.*)$/.exec(line);
  if (!types?.[1]!.includes('_or_null')) return false;
  return types[2]!.split(', ').includes(types[1]!.replace('_or_null', ''));
}

interface ReportRow {
  readonly code: FindingCode;
  /** In `<category>: <problem>`, then in the reason, where the header alone does not tell. */
  readonly header: RegExp;
  readonly reason?: RegExp;
}

/** For a report of Linux 7.3 without the old sentence in front of it. */
export const REPORTS = [
  { code: 'null-dereference', header: /: invalid dereference/i, reason: /may be NULL|nullable/ },
  { code: 'scalar-dereference', header: /: invalid dereference/i, reason: /integer scalar/ },
  { code: 'pointer-variable-offset', header: /: invalid dereference/i, reason: /has offset/ },
  { code: 'invalid-mem-access', header: /: invalid dereference/i },
  { code: 'uninitialised-register', header: /: unreadable register/i },
  { code: 'uninitialised-register', header: /: missing stack argument/i },
  { code: 'map-value-bounds', header: /: access outside bounds/i, reason: /map value/ },
  { code: 'packet-bounds', header: /: access outside bounds/i, reason: /packet/ },
  { code: 'mem-bounds', header: /: access outside bounds/i },
  { code: 'stack-uninitialised', header: /^Memory Safety: .*uninit/i },
  { code: 'stack-bounds', header: /^Memory Safety: .*stack/i },
  { code: 'reference-leak', header: /: unreleased resource/i },
  { code: 'dynptr', header: /^Resource Lifetime Safety: .*dynptr/i },
  { code: 'iterator', header: /^Resource Lifetime Safety: .*iter/i },
  { code: 'lock', header: /^Resource Lifetime Safety: .*(?:lock|IRQ)/i },
  { code: 'reference-state', header: /^Resource Lifetime Safety/i },
  { code: 'helper-argument-null', header: /: invalid call argument/i, reason: /may be NULL|nullable/ },
  { code: 'kfunc-argument', header: /: invalid call argument/i, reason: /kfunc/ },
  { code: 'helper-argument', header: /: invalid call argument/i },
  { code: 'kfunc-context', header: /^Execution Context Safety/i, reason: /kfunc|rcu/i },
  { code: 'helper-context', header: /^Execution Context Safety/i },
  { code: 'jump-out-of-range', header: /^Program Structure: .*jump/i },
  { code: 'fall-through', header: /^Program Structure: .*(?:fall|last insn)/i },
  { code: 'call-depth', header: /^Program Structure: .*recurs/i },
  { code: 'control-flow', header: /^Program Structure/i },
  { code: 'stack-depth', header: /^Verifier Limit/i, reason: /stack depth/ },
  { code: 'call-depth', header: /^Verifier Limit/i, reason: /frame/ },
  { code: 'verifier-limit', header: /^Verifier (?:Limit|Internal)/i },
  { code: 'kfunc-not-allowed', header: /^Policy/i, reason: /kfunc/ },
  { code: 'helper-not-allowed', header: /^Policy/i },
] as const satisfies readonly ReportRow[];

export function codeOfReport(category: string, problem: string, reason: string): FindingCode | undefined {
  const header = `${category}: ${problem}`;
  return REPORTS.find((row: ReportRow) => row.header.test(header) && (row.reason === undefined || row.reason.test(reason)))?.code;
}
