// Why a pointer cannot be used: it may be NULL, it is only a number, nobody gave it a value, or arithmetic has spoilt it.

import { contextFieldAt, contextStruct } from '#core/catalog';
import { BPF_CALL, BPF_JMP, BPF_LDX, insnClass } from '#core/isa';
import { byteCount } from './byte-words.ts';
import { describeCall } from './causes.ts';
import {
  baseType,
  isPacketPointer,
  mayBeNull,
  PTR_TO_BTF_ID,
  PTR_TO_CTX,
  PTR_TO_MAP_KEY,
  PTR_TO_MAP_VALUE,
  PTR_TO_MEM,
  PTR_TO_STACK,
  type Register,
  SCALAR_VALUE,
  typeName,
} from '../state/registers.ts';
import type { Explained, RejectedCase } from './rejected-case.ts';
import { callText, endsLife, knownRange } from './value-words.ts';

/** A register's type in words of C. */
export function kindOf(register: Register): string {
  const nullable = mayBeNull(register.type) ? ' that may be NULL' : '';
  switch (baseType(register.type)) {
    case SCALAR_VALUE:
      return register.scalar.mask === 0n && register.scalar.value === 0n ? 'NULL (the number 0)' : 'a number';
    case PTR_TO_CTX:
      return 'the context';
    case PTR_TO_STACK:
      return 'a pointer to the stack';
    case PTR_TO_MAP_VALUE:
      return `a pointer to a value of map \`${register.map?.definition.name ?? '?'}\`${nullable}`;
    case PTR_TO_MAP_KEY:
      return `a pointer to a key of map \`${register.map?.definition.name ?? '?'}\``;
    case PTR_TO_MEM:
      return `a pointer to ${byteCount(register.memSize)} of memory${nullable}`;
    case PTR_TO_BTF_ID: {
      const struct = register.btf?.type(register.btfId)?.name;
      return `a pointer to ${struct ? `struct ${struct}` : 'a kernel object'}${nullable}`;
    }
    case 3:
      return `map \`${register.map?.definition.name ?? '?'}\` itself`;
    case 9:
      return 'the end of the packet';
    case 11:
    case 12:
    case 13:
    case 15:
      return `a pointer to a socket${nullable}`;
    case 20:
      return 'a function';
    default:
      return isPacketPointer(register.type)
        ? 'a pointer to packet data'
        : register.type === 0
          ? 'nothing'
          : `a pointer (${typeName(register.type)})${nullable}`;
  }
}

/** The name by which the offending pointer is spoken of. */
function pointerText(c: RejectedCase): string {
  const name = c.pointerName();
  return name === undefined ? 'the pointer' : `\`${name}\``;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Where the pointer comes from: `, which bpf_map_lookup_elem(&m, &k) gives (line 20),`. */
function source(c: RejectedCase): { insn: number; text: string } | undefined {
  const origin = c.events().find((event) => event.kind === 'call' || event.kind === 'load');
  if (!origin) return undefined;
  return {
    insn: origin.insn,
    text:
      origin.kind === 'call'
        ? callText(c, origin.insn)
        : (c.names.expression(origin.insn)?.text.length ?? 99) < 50
          ? `\`${c.names.expression(origin.insn)!.text}\``
          : 'the load',
  };
}

/** null-dereference, pointer-arithmetic-null, helper-argument-null. */
export function explainNull(c: RejectedCase): Explained {
  const { register } = c;
  if (!register) return {};
  if (register.type === SCALAR_VALUE) {
    const what = argumentText(c, (c.regno ?? 1) - 1);
    return {
      explanation: `${describeCall(c.env, c.at)} gets NULL${what === undefined || what === 'NULL' ? '' : ` (\`${what}\`)`}, which it does not take.`,
      advice: 'Pass an object.',
      causes: c.causes(c.events()),
    };
  }
  const from = source(c);
  const origin = from && c.names.line(from.insn);
  const call = c.insn?.opcode === (BPF_JMP | BPF_CALL);
  // A call's argument is seldom one expression: the variable that took the pointer says which it is.
  const name =
    (call ? (c.variable()?.name ?? argumentText(c, (c.regno ?? 1) - 1)) : c.pointerName()) ??
    (origin ? c.assignedAt(from.insn) : undefined);
  const where = from
    ? `: ${from.text}${c.place(from.insn)} may give NULL, and nothing on this path has compared it with NULL`
    : ': nothing on this path has compared it with NULL';
  const subject = name === undefined ? 'The pointer' : `\`${name}\``;
  const receiver = call ? ` when it is passed to ${describeCall(c.env, c.at)}` : '';
  return {
    explanation: `${subject} may be NULL${receiver}${where}.`,
    advice:
      name === undefined
        ? 'Check the pointer before it is used.'
        : `Check it first: \`if (!${/^\w+$/.test(name) ? name : `(${name})`}) return 0;\`.`,
    ...(name !== undefined && {
      variable: name,
      fix: { kind: 'null-check' as const, expression: name, insn: c.at, ...(from && { obtained: from.insn }) },
    }),
    causes: c.causes(c.events()),
  };
}

/** The text of a call's argument, where the whole call stands in one line. */
export function argumentText(c: RejectedCase, index: number, insn = c.at): string | undefined {
  const expression = c.names.expression(insn)?.text;
  const inside = expression === undefined ? undefined : /\w\s*\((.*)\)$/s.exec(expression)?.[1];
  if (inside === undefined) return undefined;
  const parts: string[] = [''];
  let depth = 0;
  for (const letter of inside) {
    if (letter === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += letter;
    if ('([{'.includes(letter)) depth++;
    if (')]}'.includes(letter)) depth--;
  }
  const text = parts[index]?.trim();
  return text === undefined || text === '' || text.length > 40 ? undefined : text;
}

/** scalar-dereference: the pointer is a number. Why it became one is the answer. */
export function explainNumber(c: RejectedCase): Explained {
  const { register } = c;
  if (!register || register.type !== SCALAR_VALUE) return {};
  const events = c.events();
  const causes = c.causes(events);
  const text = pointerText(c);
  const name = c.pointerName();
  const isNull = register.scalar.mask === 0n && register.scalar.value === 0n;
  const variable = name === undefined ? {} : { variable: name };
  if (isNull) {
    const check = events.find((event) => event.kind === 'branch');
    return {
      explanation: `${capital(text)} is NULL on this path${check ? `: the comparison${c.place(check.insn)} has just found that out` : ''}.`,
      advice: 'Return from the branch in which the pointer is NULL.',
      causes,
      ...variable,
    };
  }
  const released = events.find((event) => event.kind === 'released');
  if (released) {
    const call = endsLife(c, released.insn)
      .replace(/^`|`$/g, '')
      .replace(/\(.*\)$/s, '()');
    const before = c.path[released.step]!.registers[released.register!];
    if (before && isPacketPointer(before.type)) {
      return {
        explanation: `${capital(text)} is no longer valid: \`${call}\`${c.place(released.insn)} may move the packet, which ends all pointers into it.`,
        advice: 'Load data and data_end from the context again after the call, and compare again.',
        causes,
        ...variable,
      };
    }
    return {
      explanation: `${capital(text)} is no longer valid: \`${call}\`${c.place(released.insn)} has ended it.`,
      advice: 'Use the object before it is released, submitted or unlocked.',
      causes,
      ...variable,
    };
  }
  const origin = events.at(-1);
  if (origin?.kind === 'load') {
    const from = c.path[origin.step]!.registers[c.env.insns[origin.insn]!.src];
    const what = from ? baseType(from.type) : 0;
    const place =
      what === PTR_TO_CTX
        ? 'the context holds it as a number'
        : what === PTR_TO_MAP_VALUE
          ? 'map values hold pointers as numbers, unless the field is a kptr'
          : what === PTR_TO_BTF_ID
            ? "the kernel's types say it is no pointer"
            : 'memory of this kind holds numbers';
    return {
      explanation: `${capital(text)} is a number to the verifier: ${place}${c.place(origin.insn)}.`,
      advice:
        'Read kernel memory at such an address with bpf_probe_read_kernel() (user memory with bpf_probe_read_user()), or BPF_CORE_READ().',
      causes,
      ...variable,
    };
  }
  if (origin?.kind === 'computed' || events.some((event) => event.kind === 'computed')) {
    return {
      explanation: `${capital(text)} is the result of arithmetic that leaves a number: ${knownRange(register)}.`,
      advice: 'Keep the pointer and add the number to it; do not compute addresses from numbers.',
      causes,
      ...variable,
    };
  }
  if (origin?.kind === 'call' || origin?.kind === 'memory-load') {
    return {
      explanation: `${capital(text)} is what ${callText(c, origin.insn)}${c.place(origin.insn)} gave: a number to the verifier.`,
      advice: 'Read kernel memory at such an address with bpf_probe_read_kernel(), or use a helper that returns a typed pointer.',
      causes,
      ...variable,
    };
  }
  if (origin?.kind === 'constant')
    return {
      explanation: `${capital(text)} is the number ${knownRange(register)}, not an address that the program was given.`,
      causes,
      ...variable,
    };
  if (origin?.kind === 'entry')
    return {
      explanation: `${capital(text)} is an argument of a global function and a number to the verifier: its declared type is no pointer that the function may use.`,
      causes,
      ...variable,
    };
  return { causes, ...variable };
}

/** uninitialised-register. */
export function explainUninitialised(c: RejectedCase): Explained {
  const { regno } = c;
  if (regno === undefined) return {};
  const events = c.events();
  const causes = c.causes(events);
  const clobbered = events.find((event) => event.kind === 'clobbered');
  if (clobbered) {
    return {
      explanation: `r${regno} has no value: \`${describeCall(c.env, clobbered.insn)}\`${c.place(clobbered.insn)} has overwritten r1 to r5, as every call does.`,
      advice: 'Keep what is needed after a call in r6 to r9 or on the stack.',
      causes,
    };
  }
  if (c.insn?.opcode === (BPF_JMP | BPF_CALL) && regno <= 5) {
    return {
      explanation: `Argument ${regno} of ${describeCall(c.env, c.at)} has no value on this path: r${regno} was never written.`,
      advice: 'Pass every argument that the prototype asks for.',
      causes,
    };
  }
  if (c.message.includes('R0') && c.insn !== undefined && (c.insn.opcode & 0xf7) === 0x95)
    return {
      explanation: 'The program ends on this path without a return value: r0 was never written.',
      advice: 'Return a value on every path.',
      causes,
    };
  const name = c.variable()?.name;
  return {
    explanation: `${name === undefined ? `r${regno}` : `\`${name}\``} has no value on this path: nothing has written it since the function began.`,
    causes,
  };
}

/** atomic. */
export function explainAtomic(c: RejectedCase): Explained {
  const pointer = c.insn && c.now[c.insn.dst];
  if (!pointer || pointer.type === 0) return {};
  return {
    explanation: `${c.shown ?? 'The atomic operation'} works on ${kindOf(pointer)}; only the stack, map values and other memory of the program can be changed atomically.`,
    causes: c.causes(c.events(c.insn.dst)),
  };
}

/** A field of a socket that is not there, or not of that size. */
export function explainSocketField(c: RejectedCase): Explained | undefined {
  const found = /invalid (sock|sock_common|tcp_sock|xdp_sock) access off=(-?\d+) size=(\d+)/.exec(c.message);
  if (!found) return undefined;
  const struct = found[1] === 'tcp_sock' ? 'bpf_tcp_sock' : found[1] === 'xdp_sock' ? 'bpf_xdp_sock' : 'bpf_sock';
  const field = contextStruct(struct) && Number(found[2]) >= 0 ? contextFieldAt(contextStruct(struct)!, Number(found[2])) : undefined;
  const name = field === undefined ? `offset ${found[2]}` : `\`${struct}.${field.name}\``;
  const common =
    found[1] === 'sock_common'
      ? ': this socket may be a request or time-wait socket, of which only some fields can be read; bpf_sk_fullsock() gives a full one'
      : field
        ? ` (${field.type} at offset ${field.offset})`
        : '';
  return {
    explanation: `${found[3]} byte${found[3] === '1' ? '' : 's'} at ${name} cannot be read${common}.`,
    advice: 'Read the fields of the struct with their own size.',
    causes: c.causes(c.events()),
  };
}

/** invalid-mem-access: a pointer that cannot be dereferenced. */
export function explainOpaque(c: RejectedCase): Explained {
  const { register } = c;
  if (!register) return {};
  return {
    explanation: `${capital(pointerText(c))} is ${kindOf(register)}: it cannot be read or written directly.`,
    causes: c.causes(c.events()),
  };
}

/** pointer-arithmetic. */
export function explainArithmetic(c: RejectedCase): Explained {
  const { register, insn } = c;
  if (!register || !insn) return {};
  const target = c.now[insn.dst];
  const source = (insn.opcode & 8) !== 0 ? c.now[insn.src] : undefined;
  const causes = c.causes(c.events());
  const shown = c.shown ?? 'The operation';
  if (target && source && target.type !== SCALAR_VALUE && source.type !== SCALAR_VALUE)
    return {
      explanation: `${capital(shown)} combines two pointers: ${kindOf(target)} and ${kindOf(source)}.`,
      advice: 'Only subtracting two pointers into the same packet gives something; compute with numbers.',
      causes,
    };
  if (c.message.includes('subtract pointer from scalar'))
    return {
      explanation: `${capital(shown)} subtracts a pointer (${source ? kindOf(source) : 'the second operand'}) from a number.`,
      causes,
    };
  const pointer = register.type !== SCALAR_VALUE ? register : target && target.type !== SCALAR_VALUE ? target : source;
  if (!pointer || pointer.type === SCALAR_VALUE) return { causes };
  if (c.message.includes('32-bit'))
    return {
      explanation: `${capital(shown)} computes with the low 32 bits of ${kindOf(pointer)}.`,
      advice: 'Do not cast pointers to 32-bit integers.',
      causes,
    };
  if (/bitwise|operator/.test(c.message))
    return { explanation: `${capital(shown)} does more to ${kindOf(pointer)} than adding or subtracting a number.`, causes };
  return {
    explanation: `${capital(shown)} moves ${kindOf(pointer)}, which must stay as the kernel gave it.`,
    advice: 'Access members at fixed offsets of the pointer itself.',
    causes,
  };
}

/** pointer-variable-offset. */
export function explainModified(c: RejectedCase): Explained {
  const { register } = c;
  if (!register || register.type === SCALAR_VALUE) return {};
  const causes = c.causes(c.events(c.regno, register.scalar.mask === 0n ? 'object' : 'offset'));
  const isCall = c.insn?.opcode === (BPF_JMP | BPF_CALL);
  const use = isCall ? `passed to ${describeCall(c.env, c.at)}` : c.insn && insnClass(c.insn) === BPF_LDX ? 'read' : 'used';
  const name = isCall ? argumentText(c, (c.regno ?? 1) - 1) : c.pointerName();
  const subject = name === undefined ? capital(kindOf(register)) : `\`${name}\` (${kindOf(register)})`;
  if (register.scalar.mask !== 0n)
    return {
      explanation: `${subject} is ${use} at an offset that is only known while the program runs: ${knownRange({ ...register, type: SCALAR_VALUE } as Register)}.`,
      advice: 'Use constant offsets with this kind of pointer; copy what must be indexed to the stack or a map value.',
      causes,
    };
  const off = register.off + Number(BigInt.asIntN(64, register.scalar.value));
  return {
    explanation: `${subject} is ${use} ${off < 0 ? `${-off} byte${off === -1 ? '' : 's'} before` : `${off} byte${off === 1 ? '' : 's'} behind`} the address that the kernel gave.`,
    advice: 'Pass the pointer as it was given.',
    causes,
  };
}
