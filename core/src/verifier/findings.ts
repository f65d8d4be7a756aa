// The message catalogue: what each kind of finding means, in C's terms, and the way out.
// The kernel's own line comes from the check that found it; a check may say more exactly what is wrong than the row here.
// Category and problem are in the words of Linux 7.3's reports.

interface FindingRow {
  /** Stable, and the name of its page in docs/verifier. */
  readonly code: string;
  readonly category: string;
  readonly problem: string;
  readonly explanation: string;
  readonly advice: string;
}

export const FINDINGS = [
  { code: 'null-dereference', category: 'Memory safety', problem: 'Possible NULL pointer dereference', explanation: 'The pointer may be NULL here: nothing on this path has compared it with NULL.', advice: 'Check the pointer before it is used: `if (!value) return 0;`.' },
  { code: 'scalar-dereference', category: 'Memory safety', problem: 'Dereference of a number', explanation: 'The register holds a number, not a pointer that the verifier knows.', advice: 'Read kernel memory with bpf_probe_read_kernel() or through a BTF pointer, and keep pointers in variables the verifier can follow.' },
  { code: 'invalid-mem-access', category: 'Memory safety', problem: 'Access through a pointer of the wrong type', explanation: 'This kind of pointer cannot be read or written directly.', advice: 'Use the helper that works on this object.' },
  { code: 'map-value-bounds', category: 'Memory safety', problem: 'Out-of-bounds access to a map value', explanation: 'The access can reach outside the map value.', advice: 'Compare the index with the number of elements before the access.' },
  { code: 'map-key-bounds', category: 'Memory safety', problem: 'Out-of-bounds access to a map key', explanation: 'The access reaches outside the map key.', advice: 'Access only key_size bytes.' },
  { code: 'packet-bounds', category: 'Memory safety', problem: 'Out-of-bounds access to packet data', explanation: 'The program has not shown that the packet is that long.', advice: 'Compare with data_end first: `if (ptr + size > data_end) return …;`.' },
  { code: 'mem-bounds', category: 'Memory safety', problem: 'Out-of-bounds access to memory', explanation: 'The access can reach outside the memory.', advice: 'Check the offset or ask for a larger size.' },
  { code: 'negative-index', category: 'Memory safety', problem: 'Offset may be negative', explanation: 'The offset can be less than zero.', advice: 'Make the index unsigned, or check `index >= 0` too.' },
  { code: 'unbounded-index', category: 'Memory safety', problem: 'Offset has no upper bound', explanation: 'Nothing on this path limits the offset from above.', advice: 'Check the index against the size before the access, or mask it with `&`.' },
  { code: 'stack-bounds', category: 'Memory safety', problem: 'Out-of-bounds stack access', explanation: 'The access reaches outside the 512 bytes of stack.', advice: 'Keep the index within the array, or use a per-CPU array map for large buffers.' },
  { code: 'stack-uninitialised', category: 'Memory safety', problem: 'Read of uninitialised stack', explanation: 'Bytes of the stack are read that no instruction on this path has written.', advice: 'Initialise the variable, padding included: `struct key k = {};` or __builtin_memset().' },
  { code: 'stack-corruption', category: 'Memory safety', problem: 'A spilled pointer would be overwritten in part', explanation: 'A pointer was saved here; it can only be read and written whole.', advice: 'Read and write all 8 bytes.' },
  { code: 'stack-dynptr-write', category: 'Memory safety', problem: 'Write over a dynptr', explanation: 'The memory holds a dynptr; only dynptr helpers may write it.', advice: 'Release the dynptr first, or use other memory.' },
  { code: 'misaligned', category: 'Memory safety', problem: 'Misaligned access', explanation: 'The address is not a multiple of the access size, and strict alignment is asked for.', advice: 'Copy byte by byte, or load with the natural alignment.' },
  { code: 'uninitialised-register', category: 'Register safety', problem: 'Read of an uninitialised register', explanation: 'The register has no value on this path.', advice: 'Give the variable a value on every path. Helper calls clobber r1 to r5.' },
  { code: 'frame-pointer-write', category: 'Register safety', problem: 'Write to the frame pointer', explanation: 'r10 always points to the top of the stack frame.', advice: 'Use another register.' },
  { code: 'invalid-register', category: 'Instruction', problem: 'No such register', explanation: 'eBPF has registers r0 to r10.', advice: 'Use r0 to r10.' },
  { code: 'pointer-arithmetic', category: 'Pointer arithmetic', problem: 'Operation not allowed on a pointer', explanation: 'Only adding and subtracting numbers keeps a pointer usable.', advice: 'Do the arithmetic on an integer and add it to the pointer.' },
  { code: 'pointer-arithmetic-null', category: 'Pointer arithmetic', problem: 'Arithmetic on a pointer that may be NULL', explanation: 'After arithmetic a NULL check could not tell any more whether the pointer was NULL.', advice: 'Check the pointer for NULL first.' },
  { code: 'pointer-offset-range', category: 'Pointer arithmetic', problem: 'Offset too large or unknown', explanation: 'The number added to the pointer is not limited enough.', advice: 'Limit the number from below and above before adding it.' },
  { code: 'pointer-variable-offset', category: 'Pointer arithmetic', problem: 'Pointer must have a fixed offset', explanation: 'This kind of pointer can only be used with an offset known at load time.', advice: 'Use the pointer as it was given, with constant offsets.' },
  { code: 'ctx-access', category: 'Context access', problem: 'Invalid context access', explanation: 'The context of this program type has no such field, or not with this size or direction.', advice: 'Access the fields of the context with their own size; see which ones this program type may read and write.' },
  { code: 'write-forbidden', category: 'Memory safety', problem: 'Write to read-only memory', explanation: 'The program may not write this memory.', advice: 'Copy the data and change the copy.' },
  { code: 'read-forbidden', category: 'Memory safety', problem: 'Read of write-only memory', explanation: 'The map was made with BPF_F_WRONLY_PROG.', advice: 'Make the map without that flag.' },
  { code: 'special-field-access', category: 'Memory safety', problem: 'Direct access to a special field', explanation: 'The kernel owns this part of the value (a lock, timer, list or kptr).', advice: 'Use the helpers and kfuncs for that field.' },
  { code: 'kptr', category: 'Kernel pointers', problem: 'Invalid use of a kptr', explanation: 'kptr fields hold a pointer to one type of object and are accessed whole.', advice: 'Load it whole, and exchange it with bpf_kptr_xchg().' },
  { code: 'helper-not-allowed', category: 'Helper call', problem: 'Helper not available to this program type', explanation: 'This program type may not call that helper.', advice: 'Use a helper of this program type, or another program type.' },
  { code: 'helper-unknown', category: 'Helper call', problem: 'No such helper', explanation: 'The kernel has no helper with this number.', advice: 'Check the number; a newer kernel may have it.' },
  { code: 'helper-gpl', category: 'Helper call', problem: 'Helper is for GPL programs only', explanation: 'The program does not declare a GPL-compatible licence.', advice: 'char LICENSE[] SEC("license") = "GPL"; if you can license it so.' },
  { code: 'helper-context', category: 'Helper call', problem: 'Helper call not allowed here', explanation: 'The call is not allowed in this place.', advice: 'Move the call out of the locked or non-sleepable section.' },
  { code: 'helper-argument', category: 'Helper call', problem: 'Wrong kind of argument', explanation: 'The argument is not what the helper takes.', advice: 'Pass what the prototype asks for.' },
  { code: 'helper-argument-null', category: 'Helper call', problem: 'Argument may be NULL', explanation: 'The helper does not take NULL here.', advice: 'Check the pointer for NULL before the call.' },
  { code: 'helper-argument-size', category: 'Helper call', problem: 'Size argument not limited', explanation: 'The size may be zero, negative or too large for the memory.', advice: 'Limit the size before the call: `if (size > sizeof(buf)) return 0;` with an unsigned size.' },
  { code: 'helper-argument-constant', category: 'Helper call', problem: 'Argument must be a constant', explanation: 'The verifier must know the value at load time.', advice: 'Pass a compile-time constant.' },
  { code: 'helper-map', category: 'Helper call', problem: 'Map type does not fit the helper', explanation: 'The helper does not work on this type of map.', advice: 'Use the helper for that map, or another map type.' },
  { code: 'kfunc-unknown', category: 'Kfunc call', problem: 'No such kfunc', explanation: 'The target kernel has no kfunc of that name.', advice: 'Check the name and the kernel version, or guard the call with bpf_ksym_exists().' },
  { code: 'kfunc-not-allowed', category: 'Kfunc call', problem: 'Kfunc not available to this program type', explanation: 'This program type may not call that kfunc.', advice: 'Use another program type.' },
  { code: 'kfunc-argument', category: 'Kfunc call', problem: 'Wrong kind of argument', explanation: 'The argument is not what the kfunc takes.', advice: 'Pass what the prototype asks for.' },
  { code: 'kfunc-context', category: 'Kfunc call', problem: 'Kfunc call not allowed here', explanation: 'The call is not allowed in this place.', advice: 'Move the call out of the locked or non-sleepable section.' },
  { code: 'reference-leak', category: 'Resource lifetime', problem: 'Reference not released', explanation: 'A reference acquired on this path is still held at the end.', advice: 'Release it on every path, also after an error.' },
  { code: 'reference-state', category: 'Resource lifetime', problem: 'Reference in the wrong state', explanation: 'The object was not acquired, or has been released already.', advice: 'Release what was acquired, once.' },
  { code: 'dynptr', category: 'Dynamic pointers', problem: 'Invalid use of a dynptr', explanation: 'Dynptrs live on the stack and are used through helpers only.', advice: 'Initialise the dynptr with its helper and pass its address unchanged.' },
  { code: 'iterator', category: 'Iterators', problem: 'Invalid use of an iterator', explanation: 'An iterator lives on the stack, is created once, and is destroyed on every path.', advice: 'Use bpf_for_each() or create, next and destroy in that order.' },
  { code: 'lock', category: 'Locking', problem: 'Lock held or released wrongly', explanation: 'Locks must be taken and released in pairs on every path.', advice: 'Unlock before returning and before calls that are not allowed under a lock.' },
  { code: 'graph-node', category: 'Graph structures', problem: 'Invalid use of a list or tree node', explanation: 'Nodes are added and removed under the lock that protects the root.', advice: 'Take the lock in the same object as the root, and pass the node of the type the root contains.' },
  { code: 'return-value', category: 'Return value', problem: 'Return value out of range', explanation: 'This program type may return only certain values.', advice: 'Return one of the values that the hook understands.' },
  { code: 'pointer-leak', category: 'Pointer leak', problem: 'A pointer would be stored or returned', explanation: 'Kernel addresses may not leave the program here.', advice: 'Store data, not pointers.' },
  { code: 'infinite-loop', category: 'Control flow', problem: 'Infinite loop', explanation: 'The loop comes back to an instruction with nothing changed, so it would never end.', advice: 'Make sure the loop counter changes and is checked against a constant bound.' },
  { code: 'unreachable', category: 'Control flow', problem: 'Unreachable instruction', explanation: 'No path leads to this instruction.', advice: 'Remove the dead code.' },
  { code: 'jump-out-of-range', category: 'Control flow', problem: 'Jump out of the program or function', explanation: 'The jump leaves its function.', advice: 'Jump within the function; call other functions.' },
  { code: 'fall-through', category: 'Control flow', problem: 'Function does not end with exit or jump', explanation: 'Execution would run into whatever comes behind.', advice: 'End every function with exit.' },
  { code: 'control-flow', category: 'Control flow', problem: 'Invalid control flow', explanation: 'The program cannot go on this way.', advice: 'Restructure the code.' },
  { code: 'call-depth', category: 'Control flow', problem: 'Too many nested calls', explanation: 'At most 8 function frames may be nested.', advice: 'Inline some functions.' },
  { code: 'stack-depth', category: 'Limits', problem: 'Stack too deep', explanation: 'The functions of a call chain share 512 bytes of stack.', advice: 'Use smaller variables, or a per-CPU array map for large buffers.' },
  { code: 'too-large', category: 'Limits', problem: 'Too many instructions to verify', explanation: 'The verifier gives up after one million instructions.', advice: 'Split the program, use bpf_loop() or open-coded iterators instead of unrolled or long loops, and reduce branches inside loops.' },
  { code: 'too-many-branches', category: 'Limits', problem: 'Too many open branches', explanation: 'The verifier keeps at most 8192 branches to come back to.', advice: 'Reduce the number of branches in a row, or loop with bpf_loop().' },
  { code: 'invalid-instruction', category: 'Instruction', problem: 'Invalid instruction', explanation: 'The instruction or one of its fields is not allowed.', advice: 'Check how the instruction was made; a compiler does not emit it.' },
  { code: 'invalid-program', category: 'Program', problem: 'Program cannot be loaded', explanation: 'Something about the program as a whole is not allowed.', advice: 'See the message.' },
  { code: 'map-program', category: 'Program', problem: 'Map cannot be used by this program', explanation: 'This program type may not use a map of this kind.', advice: 'Use another kind of map.' },
  { code: 'btf', category: 'Types', problem: 'Type information missing or unusable', explanation: 'The verifier needs type information that is not there.', advice: 'Compile with -g and keep the .BTF section.' },
  { code: 'btf-access', category: 'Memory safety', problem: 'Invalid access to a kernel object', explanation: 'The access does not match the type of the object.', advice: 'Access fields of the struct with their own size.' },
  { code: 'different-pointers', category: 'Memory safety', problem: 'One instruction, different kinds of pointers', explanation: 'Depending on the path, this instruction would access different kinds of memory.', advice: 'Separate the accesses in the source so that the compiler does not merge them.' },
  { code: 'global-function', category: 'Functions', problem: 'Invalid arguments of a global function', explanation: 'Global functions are verified by themselves, so their arguments must match their declaration.', advice: 'Make the function static, or pass what its prototype says.' },
  { code: 'callback', category: 'Functions', problem: 'Invalid callback', explanation: 'The function cannot be used as a callback here.', advice: 'Pass a static function with the expected signature.' },
  { code: 'exception', category: 'Functions', problem: 'bpf_throw not allowed here', explanation: 'An exception may not leave this place.', advice: 'Release what is held before bpf_throw().' },
  { code: 'atomic', category: 'Instruction', problem: 'Invalid atomic operation', explanation: 'Atomic operations work on 4 or 8 bytes of memory that the program may write.', advice: 'Use a map value or the stack.' },
  { code: 'division-by-zero', category: 'Instruction', problem: 'Division by zero', explanation: 'The divisor is the constant zero.', advice: 'Divide by something else.' },
  { code: 'verifier-limit', category: 'Limits', problem: 'Internal limit', explanation: 'The verifier cannot follow this program.', advice: 'Simplify the code.' },
] as const satisfies readonly FindingRow[];

/** What the kernel does not say: warnings.ts. */
export const WARNINGS = [
  { code: 'uninitialised-stack', category: 'Memory safety', problem: 'Uninitialised stack handed to a helper', explanation: 'The helper reads stack that nothing has written.', advice: 'Clear the whole variable first, padding included: `struct key key = {};` leaves padding to the compiler, __builtin_memset(&key, 0, sizeof(key)) does not.' },
  { code: 'unwritten-record', category: 'Memory safety', problem: 'Unwritten bytes in a ring-buffer record', explanation: 'The record has bytes that nothing has written.', advice: 'Clear it behind the NULL check: __builtin_memset(record, 0, sizeof(*record));' },
  { code: 'empty-tail-call', category: 'Control flow', problem: 'Tail call to a slot without a program', explanation: 'The slot is empty, so the tail call fails.', advice: 'Use a slot that is filled, or fill this one: `.values = { [0] = &program }`, or from user space.' },
  { code: 'meaningless-return', category: 'Return value', problem: 'Return value without a meaning', explanation: 'The hook does not know this return value.', advice: 'Return one of the values that the hook knows.' },
] as const satisfies readonly FindingRow[];

export type FindingCode = (typeof FINDINGS)[number]['code'];
export type WarningCode = (typeof WARNINGS)[number]['code'];

const byCode = new Map<string, FindingRow>([...FINDINGS, ...WARNINGS].map((row) => [row.code, row]));

export const findingRow = (code: FindingCode | WarningCode): FindingRow => byCode.get(code)!;
