// Why a call is refused: the helper or kfunc is not for this program, or an argument is not what the prototype asks for.

import {
  contextFieldAt,
  contextRow,
  contextStructOf,
  helperAllowed,
  helperById,
  HELPERS,
  helperRule,
  HELPER_MAPS,
  kfuncByName,
  programType,
} from '#core/catalog';
import { BPF_CALL, BPF_JMP, BPF_PSEUDO_CALL, BPF_PSEUDO_KFUNC_CALL, BPF_ST, BPF_STX, insnClass } from '#core/isa';
import { byteCount } from './byte-words.ts';
import { describeCall } from './causes.ts';
import { baseType, PTR_TO_MAP_VALUE, PTR_TO_STACK, SCALAR_VALUE, type Register } from '../state/registers.ts';
import type { Cause } from '../types.ts';
import { explainBounds } from './bounds.ts';
import { argumentText, kindOf } from './pointers.ts';
import type { Explained, RejectedCase } from './rejected-case.ts';
import { callText, knownRange } from './value-words.ts';

const typeWord = (c: RejectedCase): string => programType(c.env.programType)?.name ?? c.env.programType;

/** The callee's name without brackets, and its parameters as declared. */
function callee(c: RejectedCase): { name: string; parameters: readonly { type: string; name: string }[] } | undefined {
  const { insn } = c;
  if (insn?.opcode !== (BPF_JMP | BPF_CALL)) return undefined;
  if (insn.src === BPF_PSEUDO_KFUNC_CALL) {
    const name = c.env.program.kfuncs[insn.imm] ?? 'the kfunc';
    return { name, parameters: kfuncByName(name)?.parameters ?? [] };
  }
  if (insn.src === BPF_PSEUDO_CALL) return { name: describeCall(c.env, c.at).replace(/\(\)$/, ''), parameters: [] };
  const helper = helperById(insn.imm);
  return helper && { name: helper.name, parameters: helper.parameters };
}

const declaration = ({ type, name }: { type: string; name: string }): string =>
  name === '' ? type : `${type}${type.endsWith('*') ? '' : ' '}${name}`;

/** `Argument 2 of bpf_map_lookup_elem() (\`const void *key\`)`. */
function argumentWords(c: RejectedCase, regno: number): string {
  const called = callee(c);
  const parameter = called?.parameters[regno - 1];
  return `Argument ${regno} of ${called?.name ?? 'the function'}()${parameter ? ` (\`${declaration(parameter)}\`)` : ''}`;
}

const WANTED: Readonly<Record<string, string>> = {
  scalar: 'a number',
  ctx: "the program's context",
  const_map_ptr: 'a map (`&map`)',
  map_key: 'a pointer to a key in initialised memory: the stack, a map value or packet data',
  map_value: 'a pointer to a value in initialised memory: the stack, a map value or packet data',
  mem: 'a pointer to memory that the program may access',
  fixed_size_mem: 'a pointer to memory that the program may access',
  const_size: 'a size',
  const_size_or_zero: 'a size',
  const_alloc_size_or_zero: 'a constant size',
  btf_id: 'a pointer to a kernel object',
  btf_id_sock_common: 'a socket',
  sock_common: 'a socket',
  socket: 'a full socket',
  percpu_btf_id: 'a per-CPU kernel variable',
  func: 'a static function',
  stack: 'a pointer to the stack',
  timer: 'a struct bpf_timer in a map value',
  spin_lock: 'a struct bpf_spin_lock in a map value or allocated object',
  const_str: 'a string in a read-only map (a `static const char[]`)',
  ringbuf_mem: 'a record that bpf_ringbuf_reserve() gave',
  dynptr: 'a struct bpf_dynptr on the stack',
  kptr_xchg_dest: 'a kptr field of a map value or allocated object',
};

function wanted(c: RejectedCase, regno: number): string | undefined {
  const helper = c.insn && c.insn.src !== BPF_PSEUDO_KFUNC_CALL && c.insn.src !== BPF_PSEUDO_CALL ? helperById(c.insn.imm) : undefined;
  const rule = helper && helperRule(helper, c.env.programType).arguments[regno - 1];
  if (!rule) return undefined;
  return rule.struct ? `a pointer to struct ${rule.struct}` : WANTED[rule.kind];
}

/** helper-argument, kfunc-argument where the catalogue knows the parameter. */
export function explainArgument(c: RejectedCase): Explained {
  const { regno, register } = c;
  if (regno === undefined || !register) return {};
  const causes = c.causes(c.events());
  const text = argumentText(c, regno - 1);
  const given = `${text === undefined ? 'it' : `\`${text}\``} is ${kindOf(register)}${register.type === SCALAR_VALUE && register.scalar.mask === 0n && register.scalar.value !== 0n ? ` (${knownRange(register)})` : ''}`;
  const wants = wanted(c, regno);
  if (c.message.includes('to the packet is not allowed'))
    return {
      explanation: `${callee(c)?.name ?? 'The helper'}() cannot read packet data directly, and ${text === undefined ? `argument ${regno}` : `\`${text}\``} points into the packet.`,
      advice: 'Copy the bytes to the stack first, or use bpf_skb_load_bytes() or bpf_xdp_load_bytes().',
      causes,
    };
  if (c.message.includes('Invalid format string'))
    return {
      explanation: 'The format asks for other values than are passed, or has a conversion that bpf_trace_printk() does not know.',
      causes,
    };
  if (c.message.includes('readonly map'))
    return {
      explanation: `${argumentWords(c, regno)} must be a constant string: ${given}, which may change.`,
      advice: 'Use a `static const char[]`, which goes to .rodata.',
      causes,
    };
  if (c.message.includes('zero-terminated'))
    return {
      explanation: `${argumentWords(c, regno)} is a string without a zero at its end.`,
      advice: 'Give the array room for the final zero.',
      causes,
    };
  if (wants === undefined)
    return {
      ...(c.rejection.details.explanation === undefined && { explanation: `${argumentWords(c, regno)} is not what it takes: ${given}.` }),
      causes,
    };
  const isPointer = register.type !== SCALAR_VALUE;
  return {
    explanation: `${argumentWords(c, regno)} must be ${wants}; ${given}.`,
    advice: isPointer
      ? 'Pass what the prototype asks for, or copy the data to a variable on the stack and pass its address.'
      : /pointer|memory|string/.test(wants)
        ? 'Pass the address of a variable: `&key`.'
        : 'Pass what the prototype asks for.',
    causes,
  };
}

/** kfunc-argument. */
export function explainKfuncArgument(c: RejectedCase): Explained {
  const { regno, register, message } = c;
  const called = callee(c);
  if (regno === undefined || !register || !called) return {};
  const causes = c.causes(c.events());
  const text = argumentText(c, regno - 1);
  const given = `${text === undefined ? 'it' : `\`${text}\``} is ${kindOf(register)}`;
  const words = argumentWords(c, regno);
  if (/must be referenced or trusted|must be a rcu pointer/.test(message)) {
    const rcu = message.includes('rcu');
    return {
      explanation: `${words} must be a pointer that is known to be alive: ${given}, which was reached through other pointers${rcu ? ' outside of an RCU section' : ''}.`,
      advice: rcu
        ? 'Take it inside bpf_rcu_read_lock() and bpf_rcu_read_unlock(), or acquire a reference.'
        : 'Acquire a reference first (as bpf_task_acquire() does), or use an argument of the traced function directly.',
      causes,
    };
  }
  const expected = /expected pointer to (STRUCT )?(.+?)(?: but R|$)/.exec(message);
  if (expected) return { explanation: `${words} must be a pointer to ${expected[1] ? 'struct ' : ''}${expected[2]!}; ${given}.`, causes };
  if (message.includes('is not a scalar')) return { explanation: `${words} must be a number; ${given}.`, causes };
  if (/must point to/.test(message))
    return { explanation: `${words} takes a pointer that the kernel gave, or memory without pointers in it; ${given}.`, causes };
  if (/type ID argument/.test(message))
    return {
      explanation: `${words} must be the type id of a struct of this program: use the macro, as \`bpf_obj_new(typeof(*p))\`.`,
      causes,
    };
  return { explanation: `${words} is not what it takes: ${given}.`, causes };
}

/** helper-argument-size. */
export function explainSize(c: RejectedCase): Explained {
  const { regno, register } = c;
  if (regno === undefined || !register) return {};
  const called = callee(c);
  const map = mapArgument(c);
  if (register.type !== SCALAR_VALUE) {
    if (map && map.definition.keySize === 0)
      return {
        explanation: `Map \`${map.definition.name}\` (${map.type}) has no keys: ${called?.name ?? 'this helper'}() does not work on it.`,
        advice: 'Use the helpers of that map type.',
      };
    return { explanation: `${called?.name ?? 'The call'}() is asked to access 0 bytes.` };
  }
  const events = c.events();
  const text = argumentText(c, regno - 1);
  const named = c.variable();
  const subject = text === undefined ? (named ? `\`${named.name}\`` : 'The size') : `\`${text}\``;
  const { scalar } = register;
  const variable = named?.name ?? (text !== undefined && /^\w+$/.test(text) ? text : undefined);
  const memory = regno > 1 ? memorySize(c, regno - 1) : undefined;
  const room = memory ? `; ${memory.words}` : '';
  const limit = memory?.size;
  const signed = scalar.smin < 0n;
  const zero = scalar.umin === 0n && /zero-sized/.test(c.message);
  const reason = zero ? 'it may be 0, and 0 bytes are not allowed here' : signed ? 'it may be negative' : 'it has no upper limit';
  return {
    explanation: `${subject}, the size in argument ${regno} of ${called?.name ?? 'the call'}(), ${knownRange(register) === 'any number' ? 'can be any number' : `is ${knownRange(register)}`}: ${reason}${zero ? '' : room}.`,
    advice:
      variable === undefined
        ? 'Limit the size before the call, with an unsigned type.'
        : zero
          ? `Check first: \`if (${variable} == 0) return 0;\`.`
          : `Check first: \`if (${signed ? `${variable} < 0 || ` : ''}${variable} > ${limit ?? 'sizeof(buffer)'}) return 0;\`${signed ? ', or make it unsigned' : ''}.`,
    ...(variable !== undefined && { variable }),
    ...(variable !== undefined &&
      limit !== undefined &&
      !zero && { fix: { kind: 'bound' as const, expression: variable, limit: limit + 1, signed, insn: c.at } }),
    causes: c.causes(events),
  };
}

function mapArgument(c: RejectedCase): Register['map'] {
  return [1, 2, 3].map((regno) => c.now[regno]).find((register) => register?.type === 3)?.map;
}

/** How large the memory behind an argument is. */
function memorySize(c: RejectedCase, regno: number): { size: number; words: string } | undefined {
  const pointer = c.now[regno];
  if (!pointer || pointer.scalar.mask !== 0n) return undefined;
  const offset = pointer.off + Number(BigInt.asIntN(64, pointer.scalar.value));
  if (pointer.type === PTR_TO_STACK) {
    const variable =
      c.names.onStack(c.env.state.frames[pointer.frame + 1]?.callsite ?? c.at, offset) ?? named(c, argumentText(c, regno - 1));
    return variable && { size: variable.layout.size, words: `\`${variable.name}\` has ${byteCount(variable.layout.size)}` };
  }
  if (baseType(pointer.type) === PTR_TO_MAP_VALUE && pointer.map)
    return {
      size: pointer.map.valueSize - offset,
      words: `${byteCount(pointer.map.valueSize - offset)} of the value of map \`${pointer.map.definition.name}\` follow`,
    };
  return undefined;
}

const named = (c: RejectedCase, text: string | undefined) =>
  text === undefined ? undefined : c.names.byName(c.at, text.replace(/^&/, ''));

/** A bounds error of memory that a call is given together with a size. */
export function explainMemoryArgument(c: RejectedCase): Explained {
  const { regno, rejection, insn } = c;
  if (insn?.opcode !== (BPF_JMP | BPF_CALL) || regno === undefined || rejection.details.access === undefined) return explainBounds(c);
  const { access } = rejection.details;
  const pointer = c.now[regno];
  const size = c.now[regno + 1];
  const memory = memorySize(c, regno);
  const called = callee(c)?.name ?? 'The call';
  const text = argumentText(c, regno - 1);
  const known =
    memory?.words ??
    (access.total === undefined ? undefined : `${text === undefined ? 'the memory' : `\`${text}\``} has ${byteCount(access.total)}`);
  if (pointer?.type === PTR_TO_STACK && pointer.scalar.mask === 0n && known === undefined) {
    const offset = pointer.off + Number(BigInt.asIntN(64, pointer.scalar.value));
    return {
      explanation: `${called}() may access ${byteCount(access.size)} from fp${offset}, and the stack ends after ${-offset}.`,
      advice: 'Pass a smaller size, or a larger buffer.',
      causes: size ? c.causes(c.events(regno + 1)) : [],
    };
  }
  if (!pointer || pointer.scalar.mask !== 0n || known === undefined) return explainBounds(c);
  const total = memory?.size ?? access.total!;
  const isVariable = size?.type === SCALAR_VALUE && size.scalar.mask !== 0n;
  const sizeText = isVariable ? (c.variable(regno + 1)?.name ?? argumentText(c, regno)) : undefined;
  const causes = isVariable ? c.causes(c.events(regno + 1)) : c.causes(c.events());
  return {
    explanation: `${called}() ${isVariable ? `may access up to ${access.size}` : `accesses ${access.size}`} bytes${text === undefined ? '' : ` of \`${text}\``}; ${known}${sizeText === undefined ? '' : `, and \`${sizeText}\` is ${knownRange(size!)}`}.`,
    advice:
      sizeText !== undefined
        ? `Check first: \`if (${sizeText} > ${total}) return 0;\`.`
        : 'Pass memory as large as the call needs, or a smaller size.',
    ...(sizeText !== undefined && {
      variable: sizeText,
      fix: { kind: 'bound' as const, expression: sizeText, limit: total + 1, signed: false, insn: c.at },
    }),
    causes,
  };
}

/** helper-argument-constant. */
export function explainConstant(c: RejectedCase): Explained {
  const { regno, register } = c;
  if (regno === undefined || !register) return {};
  const text = argumentText(c, regno - 1);
  return {
    explanation: `${argumentWords(c, regno)} must be known when the program is loaded; ${text === undefined ? 'it' : `\`${text}\``} is ${knownRange(register)}.`,
    advice: 'Pass a constant, or branch on the value and call with a constant in each branch.',
    causes: c.causes(c.events()),
  };
}

/** helper-map. */
export function explainHelperMap(c: RejectedCase): Explained {
  const map = mapArgument(c);
  const called = callee(c);
  if (!map || !called) return {};
  const others = Object.entries(HELPER_MAPS)
    .filter(([, types]) => types.includes(map.type))
    .map(([helper]) => helper);
  const takes = HELPER_MAPS[called.name];
  return {
    explanation: `${called.name}() does not work on map \`${map.definition.name}\`, which is of type ${map.type}${takes ? `; it takes ${takes.slice(0, 6).join(', ')}` : ''}.`,
    advice:
      others.length > 0
        ? `Maps of type ${map.type} are used with ${others
            .slice(0, 4)
            .map((one) => `${one}()`)
            .join(', ')}.`
        : 'Use the helper for that map, or another map type.',
    causes: declaredHere(c, map),
  };
}

function declaredHere(c: RejectedCase, map: Register['map']): Cause[] {
  const span = map && c.names.declarationOf(map.definition);
  return map && span ? [{ insn: c.at, kind: 'declared', text: `map \`${map.definition.name}\` is declared here`, span }] : [];
}

/** Helpers that do nearly the same. */
const FAMILIES: readonly (readonly string[])[] = [
  ['bpf_skb_load_bytes', 'bpf_xdp_load_bytes'],
  ['bpf_skb_store_bytes', 'bpf_xdp_store_bytes'],
  ['bpf_skb_adjust_room', 'bpf_xdp_adjust_head'],
  ['bpf_skb_output', 'bpf_xdp_output', 'bpf_perf_event_output', 'bpf_ringbuf_output'],
  ['bpf_skb_change_tail', 'bpf_xdp_adjust_tail'],
  ['bpf_skb_change_head', 'bpf_xdp_adjust_head'],
  ['bpf_probe_read', 'bpf_probe_read_kernel', 'bpf_probe_read_user'],
  ['bpf_probe_read_str', 'bpf_probe_read_kernel_str', 'bpf_probe_read_user_str'],
  ['bpf_get_current_task', 'bpf_get_current_task_btf'],
  ['bpf_clone_redirect', 'bpf_redirect', 'bpf_redirect_map'],
  ['bpf_ktime_get_coarse_ns', 'bpf_ktime_get_ns', 'bpf_ktime_get_boot_ns'],
  ['bpf_get_retval', 'bpf_set_retval'],
  ['bpf_get_socket_cookie', 'bpf_get_netns_cookie'],
  ['bpf_get_stackid', 'bpf_get_stack'],
  ['bpf_copy_from_user', 'bpf_probe_read_user'],
  ['bpf_override_return', 'bpf_send_signal'],
];

/** helper-not-allowed. */
export function explainNotAllowed(c: RejectedCase): Explained {
  const helper = c.insn && helperById(c.insn.imm);
  if (!helper) return {};
  const { programType: type, attachType, kernel } = c.env;
  const types = Object.keys(helper.programTypes).map((name) => programType(name)?.name ?? name);
  const isAllowed = (name: string): boolean => {
    const row = HELPERS.find((one) => one.name === name);
    return row !== undefined && helperAllowed(row, type, attachType, kernel).allowed;
  };
  const alternatives = FAMILIES.filter((family) => family.includes(helper.name))
    .flat()
    .filter((name) => name !== helper.name && isAllowed(name));
  const base = c.rejection.details.explanation ?? `A program of type ${typeWord(c)} may not call ${helper.name}().`;
  const mine = types.includes(typeWord(c));
  return {
    explanation: `${base.replace(/\.$/, '')}${types.length > 0 && !mine ? `: it is for ${types.slice(0, 6).join(', ')}${types.length > 6 ? ` and ${types.length - 6} other types` : ''}` : ''}.`,
    advice:
      mine && alternatives.length === 0
        ? 'The same type may call it when attached elsewhere.'
        : alternatives.length > 0
          ? `This program may call ${alternatives
              .slice(0, 3)
              .map((name) => `${name}()`)
              .join(' or ')}.`
          : 'Use a program of one of those types, or pass the data through a map.',
    fix: { kind: 'helper', helper: helper.name, alternatives, insn: c.at },
  };
}

/** What libbpf puts where a CO-RE relocation found nothing in the target kernel. */
const POISON = 195896080;
/** Millions of the numbers that libbpf calls where a weak kfunc is missing. */
const POISONED_KFUNC = 2002;

/** helper-unknown: mostly a CO-RE relocation that found nothing. */
export function explainUnknownHelper(c: RejectedCase): Explained {
  const { insn } = c;
  if (!insn) return {};
  if (Math.floor(insn.imm / 1_000_000) === POISONED_KFUNC) {
    const name = /^(\w+)\(/.exec(c.expression ?? '')?.[1];
    return {
      explanation: `${name === undefined ? 'This kfunc' : `\`${name}()\``} is weak and not in the target kernel: the loader put an impossible call in its place.`,
      advice: `Ask first whether it is there: \`if (bpf_ksym_exists(${name ?? '…'}))\`.`,
    };
  }
  if (insn.imm !== POISON) return {};
  const relocation = c.env.program.coreRelocations.find((one) => one.insn === c.at);
  const spec = relocation ? `\`${relocation.spec}\`` : 'a type or field';
  const guard = relocation?.kind.startsWith('type')
    ? 'bpf_core_type_exists()'
    : relocation?.kind.startsWith('enum')
      ? 'bpf_core_enum_value_exists()'
      : 'bpf_core_field_exists()';
  return {
    explanation: `This line uses ${spec}, which the target kernel does not have: the loader put an impossible call in its place (195896080 is 0xbad2310)${relocation?.result.includes(':') ? `; ${relocation.result.replace(/^(poisoned|error): /, '')}` : ''}.`,
    advice: `Ask first whether it is there: \`if (${guard.replace('()', '(…)')})\`. Code behind such a check is never verified where it is not.`,
  };
}

/** helper-gpl. */
export function explainGpl(c: RejectedCase): Explained {
  const called = callee(c);
  const license = c.env.object.license;
  return {
    explanation: `${called?.name ?? 'This function'}() may only be called by programs under a GPL-compatible licence; this object ${license === '' ? 'declares none' : `declares "${license}"`}.`,
    advice: 'If the licence allows it: `char LICENSE[] SEC("license") = "GPL";` (or "Dual BSD/GPL", "Dual MIT/GPL").',
    fix: { kind: 'license' },
  };
}

/** helper-context, kfunc-context, exception and the like: a call in the wrong place. */
export function explainPlace(c: RejectedCase): Explained {
  const called = callee(c);
  const held = c.references
    .filter(({ kind }) => kind !== 'pointer')
    .map(({ insn }): Cause => ({ insn, kind: 'origin', text: `${callText(c, insn)} begins the section` }));
  if (!called) return { causes: held };
  const subject = `${called.name}()`;
  if (/sleep/.test(c.message)) {
    const region = /in (.+ region)/.exec(c.message)?.[1];
    return {
      explanation: `${subject} may sleep, which ${region ? `is not allowed inside an ${region}`.replace('an rcu', 'an rcu').replace('an non', 'a non') : `a program in section "${c.env.program.section}" may not`}.`,
      advice: region
        ? 'Call it after the section has ended.'
        : 'Use a sleepable program: the section name gets `.s`, as `SEC("fentry.s/…")`, `SEC("lsm.s/…")` or `SEC("uprobe.s")`.',
      causes: held,
    };
  }
  if (/holding a lock/.test(c.message))
    return {
      explanation: `${subject} may not be called while a spin lock is held.`,
      advice: 'Call bpf_spin_unlock() first; do the work before or after the locked section.',
      causes: held,
    };
  return { causes: held };
}

/** kfunc-not-allowed, kfunc-unknown. */
export function explainKfunc(c: RejectedCase): Explained {
  const called = callee(c);
  const kfunc = called && kfuncByName(called.name);
  if (!called || !kfunc) return {};
  const types = (kfunc.programTypes ?? []).map((name) => programType(name)?.name ?? name);
  return types.length === 0 || c.rejection.code !== 'kfunc-not-allowed'
    ? {}
    : {
        explanation: `A program of type ${typeWord(c)} may not call ${called.name}(): it is for ${types.slice(0, 6).join(', ')}${types.length > 6 ? ' and others' : ''}.`,
        advice: 'Use a program of one of those types.',
      };
}

/** ctx-access. */
export function explainContext(c: RejectedCase): Explained {
  const { env, insn, register } = c;
  if (!insn) return {};
  const struct = contextStructOf(env.programType);
  const found = /off=(-?\d+) size=(\d+)/.exec(c.message);
  if (!found) return {};
  const [off, size] = [Number(found[1]), Number(found[2])];
  const isWrite = insnClass(insn) === BPF_ST || insnClass(insn) === BPF_STX;
  const verb = isWrite ? 'write' : 'read';
  const who = `A program of type ${typeWord(c)}${env.attachType && env.attachType !== '' ? ` (${env.attachType})` : ''}`;
  void register;
  if (!struct) {
    return {
      explanation: `${who} may not ${verb} ${byteCount(size)} at offset ${off} of its context: ${['tracing', 'lsm', 'struct_ops', 'raw_tracepoint'].includes(env.programType) ? `its arguments are ${size === 8 ? '' : 'read as '}8 bytes each, and this is none of them` : 'there is no such field'}.`,
      advice:
        env.programType === 'tracing' || env.programType === 'lsm'
          ? 'Declare the arguments with BPF_PROG(name, …) as the attach target has them.'
          : 'Access the fields that the context has.',
    };
  }
  const field = off >= 0 ? contextFieldAt(struct, off) : undefined;
  if (!field)
    return {
      explanation: `${who} gets a struct ${struct.name} of ${byteCount(struct.size)}; offset ${off} is outside of it.`,
      advice: 'Access the fields of the context.',
    };
  const row = contextRow(env.programType, env.attachType);
  const covers = (range: { size: number; from: number; to: number }): boolean =>
    range.from < field.offset + field.size && range.to + range.size > field.offset;
  const readable = row?.reads.some(covers) ?? false;
  const writable = row?.writes.some(covers) ?? false;
  const may =
    readable && writable ? 'read and write it' : readable ? 'only read it' : writable ? 'only write it' : 'neither read nor write it';
  const name = `${struct.name}.${field.name}`;
  const whole = off === field.offset && size === field.size;
  return {
    explanation: (isWrite ? writable : readable)
      ? `${who} may ${verb} \`${name}\`, but not ${whole ? 'this way' : `${byteCount(size)} at offset ${off - field.offset} of it: the field is ${field.type.startsWith('__u8') || field.size <= 8 ? `${byteCount(field.size)}` : field.type} long`}.`
      : `${who} may not ${verb} \`${name}\`: it may ${may}.`,
    advice: (isWrite ? writable : readable)
      ? `Access the field whole, with its own type (${field.type}).`
      : isWrite && row
        ? `It may write ${writableFields(struct.fields, row.writes)}.`
        : 'Other program types have this field; see docs for the context of this one.',
    ...(field && { variable: name }),
  };
}

function writableFields(
  fields: readonly { name: string; offset: number; size: number }[],
  ranges: readonly { size: number; from: number; to: number }[],
): string {
  const names = fields
    .filter(({ offset, size }) => ranges.some((range) => range.from < offset + size && range.to + range.size > offset))
    .map(({ name }) => name);
  return names.length === 0 ? 'none of its fields' : names.slice(0, 8).join(', ');
}

/** write-forbidden, read-forbidden. */
export function explainForbidden(c: RejectedCase): Explained {
  const { register } = c;
  const causes = c.causes(c.events());
  if (c.message === 'cannot write into packet' || c.message.includes('writes to packet data'))
    return {
      explanation: `A program of type ${typeWord(c)} may read packet data, not write it.`,
      advice: 'Packets are changed by programs of type xdp, sched_cls, lwt_xmit and sk_skb.',
      causes,
    };
  if (!register) return { causes };
  const map = register.map ?? mapArgument(c);
  if (c.message.includes('into map forbidden') || c.message.includes('from map forbidden')) {
    const write = c.message.startsWith('write');
    const section = map?.definition.globalSection;
    return {
      explanation:
        section?.startsWith('.rodata') || section?.startsWith('.kconfig')
          ? `This writes to a constant: ${section} is read-only once the program is loaded.`
          : `Map \`${map?.definition.name ?? '?'}\` is ${write ? 'read-only' : 'write-only'} for programs (${write ? 'BPF_F_RDONLY_PROG' : 'BPF_F_WRONLY_PROG'}).`,
      advice: section !== undefined ? 'Make the variable no `const`.' : 'Make the map without that flag.',
      causes: [...declaredHere(c, map), ...causes],
    };
  }
  const name = c.pointerName();
  return {
    explanation: `${name === undefined ? 'The pointer' : `\`${name}\``} is ${kindOf(register)}, which this program may only read.`,
    causes,
  };
}

/** map-program. */
export function explainMapProgram(c: RejectedCase): Explained {
  const what = /cannot use (\S+) yet/.exec(c.message)?.[1];
  const map = c.env.maps.find((one) => one.fields && what !== undefined && one.fields.fields.some(({ kind }) => what.includes(kind)));
  if (what === undefined) return {};
  return {
    explanation: `${map ? `Map \`${map.definition.name}\`` : 'A map'} has a ${what.replace(/[{}]/g, '').replace(',', ' or ')} in its values, and tracing programs cannot be loaded with such a map.`,
    advice: 'Use another map in this program, without that field.',
    causes: declaredHere(c, map),
  };
}

/** special-field-access. */
export function explainSpecialField(c: RejectedCase): Explained {
  const { insn } = c;
  const register = c.register ?? (insn && c.isAccess ? c.now[c.isWrite ? insn.dst : insn.src] : undefined);
  const field = /(bpf_\w+|kptr)/.exec(c.message)?.[1];
  const isCall = c.insn?.opcode === (BPF_JMP | BPF_CALL);
  if (!register || field === undefined) return {};
  const owner = register.map ? `the value of map \`${register.map.definition.name}\`` : kindOf(register).replace(/^a pointer to /, '');
  return {
    explanation: `${isCall ? `${describeCall(c.env, c.at)} would touch` : `${c.shown ?? 'The access'} touches`} the ${field} inside ${owner}, which only the kernel changes.`,
    advice: `Access the other members one by one; a ${field} is used through its own helpers.`,
    causes: c.causes(c.events()),
  };
}
