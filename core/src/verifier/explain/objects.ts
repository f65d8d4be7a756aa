// Why an object with a life of its own is used wrongly: dynptrs, iterators, locks, lists and trees, kptrs.

import { BPF_CALL, BPF_JMP } from '#core/isa';
import { describeCall } from './causes.ts';
import { PTR_TO_STACK, type Register } from '../state/registers.ts';
import { byteKind, STACK_DYNPTR, STACK_ITER } from '../state/state.ts';
import type { Cause } from '../types.ts';
import { argumentText, kindOf } from './pointers.ts';
import type { Explained, RejectedCase } from './rejected-case.ts';
import { callText } from './value-words.ts';

/** The object that the offending argument points to, by name. */
function objectName(c: RejectedCase, regno = c.regno): string | undefined {
  if (regno === undefined) return undefined;
  const text = argumentText(c, regno - 1)?.replace(/^&/, '');
  if (text !== undefined && /^[\w.>-]+$/.test(text)) return text;
  const pointer = c.now[regno];
  return pointer?.type === PTR_TO_STACK && pointer.scalar.mask === 0n
    ? c.names.onStack(c.at, pointer.off + Number(BigInt.asIntN(64, pointer.scalar.value)))?.name
    : undefined;
}

/** What was last done with the bytes on the stack that an argument points to. */
function history(c: RejectedCase): Cause[] {
  const pointer = c.register;
  if (pointer?.type !== PTR_TO_STACK || pointer.scalar.mask !== 0n) return [];
  return c
    .causes(c.stackEvents(pointer.frame, pointer.off + Number(BigInt.asIntN(64, pointer.scalar.value)), 8))
    .map((cause) => ({ ...cause, text: cause.text.replace(/ writes it$/, ' used it last') }));
}

/** dynptr. */
export function explainDynptr(c: RejectedCase): Explained {
  const { message, register } = c;
  const name = objectName(c);
  const subject = name === undefined ? 'The dynptr' : `\`${name}\``;
  const causes = history(c);
  const callee = c.insn?.opcode === (BPF_JMP | BPF_CALL) ? describeCall(c.env, c.at) : 'this';
  if (message.startsWith('Expected an initialized dynptr'))
    return {
      explanation: `${subject} is no initialised dynptr when ${callee} gets it: it was not made on this path, was released, or its bytes were overwritten.`,
      advice:
        'Make it with bpf_dynptr_from_mem(), bpf_dynptr_from_skb(), bpf_dynptr_from_xdp() or bpf_ringbuf_reserve_dynptr() on every path that leads here.',
      causes,
    };
  if (message.startsWith('Expected a dynptr of type'))
    return {
      explanation: `${subject} is a dynptr of another kind than ${callee} takes (${/type (\w+)/.exec(message)?.[1] ?? 'another'}).`,
      causes,
    };
  if (message.startsWith('cannot overwrite referenced')) {
    const held = c.references.find(({ kind }) => kind === 'pointer');
    return {
      explanation: `This writes over a dynptr that still holds something${held ? `: ${callText(c, held.insn)}${c.place(held.insn)} gave it` : ''}.`,
      advice: 'Submit, discard or release it first.',
      causes: held ? [{ insn: held.insn, kind: 'origin', text: `${callText(c, held.insn)} makes the dynptr` }] : causes,
    };
  }
  if (message.includes('at an offset') || message.includes('constant offset'))
    return {
      explanation: `${callee} must get the address of a struct bpf_dynptr itself; ${name === undefined ? 'the argument' : `\`${name}\``} points into one or beside it.`,
      causes,
    };
  if (message.includes('uninitialized dynptr'))
    return {
      explanation: `${callee} makes a new dynptr, and ${name === undefined ? 'the argument' : `\`${name}\``} is one already, or may not be changed here.`,
      causes,
    };
  if (message.includes('cannot release'))
    return {
      explanation: `${callee} would end ${name === undefined ? 'a dynptr' : `\`${name}\``} that belongs to the caller.`,
      advice: 'Only who made a dynptr releases it.',
      causes,
    };
  if (message.includes('expected pointer to stack'))
    return {
      explanation: `${callee} takes the address of a struct bpf_dynptr on the stack; ${name === undefined ? 'the argument' : `\`${name}\``} is ${register ? kindOf(register) : 'something else'}.`,
      causes,
    };
  if (message.startsWith('Unsupported reg type'))
    return {
      explanation: `bpf_dynptr_from_mem() takes memory of a map value; \`${argumentText(c, 0) ?? 'the argument'}\` is ${register ? kindOf(register) : 'other memory'}.`,
      causes,
    };
  if (message.includes('const bpf_dynptr'))
    return { explanation: `${callee} would change ${name === undefined ? 'a dynptr' : `\`${name}\``} that was passed as const.`, causes };
  return { causes };
}

/** iterator. */
export function explainIterator(c: RejectedCase): Explained {
  const { message } = c;
  const name = objectName(c);
  const subject = name === undefined ? 'The iterator' : `\`${name}\``;
  const callee = describeCall(c.env, c.at);
  const causes = history(c);
  if (message.startsWith('expected an initialized'))
    return {
      explanation: `${subject} has not been created when ${callee} gets it, or has been destroyed already.`,
      advice: 'Create it with its _new() function first, and destroy it once; bpf_for() and bpf_for_each() do both.',
      causes,
    };
  if (message.startsWith('expected uninitialized'))
    return {
      explanation: `${subject} is in use already: ${callee} would create it a second time.`,
      advice: 'Destroy it first, or use a variable of its own.',
      causes,
    };
  if (message.includes('RCU CS'))
    return { explanation: `${callee} walks objects that RCU protects, and this path is not inside bpf_rcu_read_lock().`, causes };
  return { causes };
}

const lockCauses = (c: RejectedCase): Cause[] =>
  c.references
    .filter(({ kind }) => kind !== 'pointer')
    .map(({ insn }) => ({ insn, kind: 'origin', text: `${callText(c, insn)} takes the lock` }));

/** What a register points into, for locks and graphs. */
function owner(c: RejectedCase, register: Register | undefined, regno: number | undefined): string {
  const text = regno === undefined ? undefined : argumentText(c, regno - 1);
  if (!register) return text === undefined ? 'the object' : `\`${text}\``;
  const global = register.map?.definition.globalSection === undefined ? undefined : c.names.valueAt(register.map.definition, register.off);
  return global ? `the global variable \`${global.name}\`` : text === undefined ? kindOf(register) : `\`${text}\``;
}

/** lock. */
export function explainLock(c: RejectedCase): Explained {
  const { message } = c;
  const causes = [...lockCauses(c), ...(c.rejection.details.causes ?? [])];
  const callee = c.insn?.opcode === (BPF_JMP | BPF_CALL) ? describeCall(c.env, c.at) : 'This instruction';
  const root = c.now[c.regno ?? 1];
  const where = owner(c, root, c.regno ?? 1);
  if (message.includes('not in the same allocation'))
    return {
      explanation: `${callee} works on ${where}, and the lock that is held belongs to another object${causes[0] && c.place(causes[0].insn) ? `: it was taken${c.place(causes[0].insn)}` : ''}.`,
      advice:
        'Put the lock into the same struct (or the same global section, side by side) as the list head or tree root, and take that lock.',
      causes,
    };
  if (message.includes('must be held for'))
    return {
      explanation: `${callee} works on ${where} without its lock: the bpf_spin_lock beside the list head or tree root must be held.`,
      advice: 'Call bpf_spin_lock() on the lock in the same struct first.',
      causes,
    };
  if (message.includes('without taking a lock'))
    return {
      explanation: `${callee} unlocks ${where}, which is not locked on this path.`,
      advice: 'Lock it on every path that leads here.',
      causes,
    };
  if (message.includes('of different lock'))
    return {
      explanation: `${callee} unlocks ${where}, and another lock is held.`,
      advice: 'Unlock what was locked: through the same pointer.',
      causes,
    };
  if (message.includes('out of order'))
    return {
      explanation: `${callee} ends a section while one that began later is still open.`,
      advice: 'End sections in the reverse order.',
      causes,
    };
  if (message.includes('Locking two'))
    return {
      explanation: `${callee} takes a second lock; only one bpf_spin_lock may be held at a time.`,
      advice: 'Unlock the first lock before taking the next.',
      causes,
    };
  if (message.includes('AA deadlock'))
    return { explanation: `${callee} takes a lock that this path holds already: it would wait for itself.`, causes };
  if (message.includes('cannot be used inside')) {
    const region = /inside (.+)$/.exec(message)?.[1] ?? 'a region';
    return {
      explanation: `The path leaves while a ${region.replace(' region', '')} section is open${causes[0] ? `, which began${c.place(causes[0].insn) || ' on this line'}` : ''}.`,
      advice: 'End the section on every path, also before an early return.',
      causes,
    };
  }
  if (message.includes('has no valid'))
    return {
      explanation: `${callee} gets ${where}, which has no lock: the struct has no member of type struct bpf_spin_lock.`,
      advice: "Add `struct bpf_spin_lock lock;` to the value's type.",
      causes,
    };
  if (/off \d+ doesn't point/.test(message))
    return {
      explanation: `${callee} gets an address beside the lock: \`${argumentText(c, 0) ?? 'the argument'}\` is at offset ${/off (\d+)/.exec(message)![1]} and the lock at ${/at (\d+)$/.exec(message)?.[1] ?? 'another'}.`,
      advice: 'Pass `&value->lock`.',
      causes,
    };
  if (message.includes('global function calls'))
    return {
      explanation: `A global function is called while a lock is held; it is verified by itself, without knowing of the lock.`,
      advice: 'Make the function static.',
      causes,
    };
  if (message.includes('irq'))
    return {
      explanation: `${callee}: ${message.replace(/^\w/, (letter) => letter.toLowerCase())}.`,
      advice: 'Restore each saved interrupt state once, in the reverse order, with the function of the same family.',
      causes,
    };
  if (message.includes('rbtree cb'))
    return { explanation: "The comparison function of a tree runs with the tree's lock held, and may not lock or unlock.", causes };
  return { causes };
}

/** graph-node. */
export function explainGraph(c: RejectedCase): Explained {
  const { message, regno } = c;
  const causes = c.causes(c.events());
  const callee = describeCall(c.env, c.at);
  const text = regno === undefined ? undefined : argumentText(c, regno - 1);
  const what = text === undefined ? 'the argument' : `\`${text}\``;
  const kind = /bpf_(list_head|list_node|rb_root|rb_node)/.exec(message)?.[0];
  if (message.includes('not found at offset'))
    return {
      explanation: `${callee} looks for a ${kind ?? 'node'} at ${what} (offset ${/offset=(-?\d+)/.exec(message)?.[1] ?? '?'}), and there is none.`,
      advice: `Pass the address of the member itself, as \`&node->${kind?.includes('rb') ? 'rb' : 'list'}\`.`,
      causes,
    };
  if (message.includes('expects arg') || message.includes('but expected'))
    return {
      explanation: `${callee}: ${what} is a node of another type, or another member, than the root contains.`,
      advice: 'The root says in __contains(type, member) which nodes it holds.',
      causes,
    };
  if (message.includes('constant offset'))
    return { explanation: `${callee}: ${what} is at an offset that is only known while the program runs.`, causes };
  return { causes };
}

/** kptr. */
export function explainKptr(c: RejectedCase): Explained {
  const { message, register } = c;
  const causes = c.causes(c.events());
  const found = /off=(\d+)/.exec(message)?.[1];
  if (message.includes('store to referenced'))
    return {
      explanation: `${c.shown ?? 'The store'} would overwrite a kptr that may hold a reference.`,
      advice: 'Exchange it: `old = bpf_kptr_xchg(&value->ptr, new);` and release `old`.',
      causes,
    };
  if (message.includes('variable offset'))
    return { explanation: 'A kptr is accessed at an offset that is only known while the program runs.', causes };
  if (message.includes('misaligned') || message.includes('BPF_DW'))
    return { explanation: `${c.shown ?? 'The access'} touches a part of a kptr; its 8 bytes are read whole.`, causes };
  if (message.startsWith('invalid kptr access'))
    return {
      explanation: `${c.shown ?? 'The store'} puts ${register ? kindOf(register) : 'a pointer'} into a kptr of another type (${/expected=(\S+)/.exec(message)?.[1]?.replace(/^ptr_/, 'struct ') ?? '?'}).`,
      causes,
    };
  if (message.includes("doesn't point to kptr") || message.includes('no valid kptr'))
    return {
      explanation: `bpf_kptr_xchg() gets an address${found ? ` (offset ${found})` : ''} at which there is no kptr.`,
      advice: 'Mark the member with __kptr and pass its address.',
      causes,
    };
  return { causes };
}

/** misaligned. */
export function explainMisaligned(c: RejectedCase): Explained {
  const size = /size (\d+)/.exec(c.message)?.[1];
  const stack = c.register?.type === PTR_TO_STACK || c.message.includes('stack');
  return {
    explanation: `${c.shown ?? 'The access'} needs an address that is a multiple of ${size ?? 'its size'}${stack ? ': accesses to the stack must always be aligned' : ', since strict alignment is asked for'}.`,
    causes: c.causes(c.events(c.regno, 'offset')),
  };
}

/** stack-dynptr-write and stack-corruption: which object is overwritten. */
export function explainOverwritten(c: RejectedCase): Explained {
  const slots = c.env.state.frame.stack;
  const at = slots.findIndex((slot) => byteKind(slot, 7) === STACK_DYNPTR || byteKind(slot, 7) === STACK_ITER);
  const name = at < 0 ? undefined : c.names.onStack(c.at, -(at + 1) * 8)?.name;
  if (c.rejection.code === 'stack-dynptr-write')
    return {
      explanation: `${c.shown ?? 'This call'} would write over ${name === undefined ? 'a dynptr on the stack' : `the dynptr \`${name}\``}.`,
      causes: history(c),
    };
  if (c.message.includes('fill'))
    return {
      explanation: `${c.shown ?? 'The load'} reads a part of a pointer that was saved on the stack.`,
      advice: 'Read all 8 bytes.',
      causes: c.causes(c.events()),
    };
  return { causes: c.causes(c.events()) };
}
