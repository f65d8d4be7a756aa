// struct pt_regs of x86-64 as kprobes, uprobes and system calls show it, and values as C passes them in registers.
// Offsets: arch/x86/include/asm/ptrace.h; argument order: System V ABI, section 3.2.3, and for system calls A.2.1.

import { ERRNO } from '../errno.ts';
import { cString, concat, littleEndian, utf8 } from '../integers.ts';
import { integerFrom } from '../typed-values.ts';
import type { ArgumentValue } from '../scenario/events.ts';
import type { KernelState } from '../state.ts';
import { eventRegion, type EventState } from './plan.ts';
import { fromHex } from '#core/bytes';
import type { Region } from '#core/vm';
import { parseAddress } from '../packet.ts';
import { describedObject, isDescribed } from './described-objects.ts';

export const PT_REGS = {
  r15: 0,
  r14: 8,
  r13: 16,
  r12: 24,
  bp: 32,
  bx: 40,
  r11: 48,
  r10: 56,
  r9: 64,
  r8: 72,
  ax: 80,
  cx: 88,
  dx: 96,
  si: 104,
  di: 112,
  orig_ax: 120,
  ip: 128,
  cs: 136,
  flags: 144,
  sp: 152,
  ss: 160,
} as const;
export const PT_REGS_SIZE = 168;

export type RegisterName = keyof typeof PT_REGS;

const FUNCTION_ARGUMENTS = ['di', 'si', 'dx', 'cx', 'r8', 'r9'] as const satisfies readonly RegisterName[];
/** System calls pass the fourth argument in r10: rcx is the return address. */
const SYSCALL_ARGUMENTS = ['di', 'si', 'dx', 'r10', 'r8', 'r9'] as const satisfies readonly RegisterName[];

const KERNEL_CODE = { cs: 0x10n, ss: 0x18n, flags: 0x246n } as const;
const USER_CODE = { cs: 0x33n, ss: 0x2bn, flags: 0x246n } as const;

/** The bytes of a pt_regs with these registers; the others are zero. */
export function registers(values: Partial<Record<RegisterName, bigint>>): Uint8Array {
  const bytes = new Uint8Array(PT_REGS_SIZE);
  const view = new DataView(bytes.buffer);
  for (const name in values) {
    const register = name as RegisterName;
    view.setBigUint64(PT_REGS[register], BigInt.asUintN(64, values[register] ?? 0n), true);
  }
  return bytes;
}

const assign = (names: readonly RegisterName[], args: readonly bigint[]): Partial<Record<RegisterName, bigint>> =>
  Object.fromEntries(args.slice(0, names.length).map((value, i) => [names[i]!, value]));

/** Registers at a kernel function's entry. */
export const functionRegisters = (args: readonly bigint[], ip: bigint, sp: bigint): Uint8Array =>
  registers({ ...KERNEL_CODE, ...assign(FUNCTION_ARGUMENTS, args), ip, sp });

/** Registers at a user function's entry. */
export const userRegisters = (args: readonly bigint[], ip: bigint, sp: bigint): Uint8Array =>
  registers({ ...USER_CODE, ...assign(FUNCTION_ARGUMENTS, args), ip, sp });

/** Registers when a function returns. */
export const returnRegisters = (value: bigint, ip: bigint, sp: bigint): Uint8Array => registers({ ...KERNEL_CODE, ax: value, ip, sp });

/** What user space had in its registers when it made the system call. ax is -ENOSYS until the call has returned. */
export const syscallRegisters = (number: number, args: readonly bigint[], ip: bigint, sp: bigint, returned?: bigint): Uint8Array =>
  registers({ ...USER_CODE, ...assign(SYSCALL_ARGUMENTS, args), orig_ax: BigInt(number), ax: returned ?? BigInt(-ERRNO.ENOSYS), ip, sp });

/** The call has returned: ax holds its value. */
export function writeReturn(kernel: KernelState, regs: Region, value: bigint): void {
  kernel.memory.view(regs).set(littleEndian(value, 8), PT_REGS.ax);
}

/** Where the simulated process keeps its arguments and its code. */
export const USER_MEMORY = 0x7ffd_0000_1000n;
export const USER_CODE_ADDRESS = 0x5555_5555_5000n;
export const KERNEL_STACK = 0xffff_c900_0001_fe58n;

/** A made-up, steady address for a kernel function or variable: its name decides. */
export function symbolAddress(name: string): bigint {
  let hash = 0x811c9dc5;
  for (const byte of utf8(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return 0xffff_ffff_8100_0000n + BigInt((hash >>> 0) % 0x00c0_0000) * 16n;
}

const PAGE = 4096;

/** Puts bytes into user memory for as long as the event lasts; their address. They begin a page, so zeros to its end can be read too. */
export function userMemory(kernel: KernelState, state: EventState, bytes: Uint8Array, name: string): bigint {
  const size = Math.max(1, Math.ceil(bytes.length / PAGE)) * PAGE;
  const region = eventRegion(kernel, state, { kind: 'user', name, size, initial: bytes, base: state.nextUserAddress });
  // A page apart, so that running over the end of one does not land in the next.
  state.nextUserAddress += BigInt(size + PAGE);
  return region.base;
}

/**
 * An argument as a register holds it: numbers as they are; text, and lists of text (argv), in user memory; `{"hex": "…"}` as bytes in
 * user memory; a socket address as `{"address": "192.0.2.1", "port": 443}`; kernel objects as described-objects.ts reads them. Null and
 * missing arguments are 0. `wanted` is the struct that the parameter points at.
 */
export function argumentValue(
  kernel: KernelState,
  state: EventState,
  value: ArgumentValue | undefined,
  name: string,
  wanted?: string,
): bigint {
  if (value === undefined || value === null) return 0n;
  if (typeof value === 'string' && wanted === 'filename') return kernel.objects.filename(value);
  if (typeof value === 'string' && !/^-?(0x[0-9a-f]+|\d+)$/i.test(value)) return userMemory(kernel, state, cString(value), name);
  const integer = integerFrom(value);
  if (integer !== undefined) return BigInt.asUintN(64, integer);
  if (Array.isArray(value)) {
    const elements = (value as readonly ArgumentValue[]).map((element, i) =>
      typeof element === 'string'
        ? userMemory(kernel, state, cString(element), `${name}[${i}]`)
        : argumentValue(kernel, state, element, `${name}[${i}]`),
    );
    return userMemory(kernel, state, concat(...[...elements, 0n].map((element) => littleEndian(element, 8))), name);
  }
  if (isDescribed(value)) return describedObject(kernel, value, (struct, label) => eventStruct(kernel, state, struct, label), wanted);
  const fields: Readonly<Record<string, unknown>> = typeof value === 'object' && !Array.isArray(value) ? { ...value } : {};
  if ('address' in fields) {
    const bytes = socketAddress(String(fields['address']), Number(fields['port'] ?? 0));
    if (bytes) return userMemory(kernel, state, bytes, name);
  }
  if ('hex' in fields) {
    const bytes = fromHex(String(fields['hex']));
    if (bytes) return userMemory(kernel, state, bytes, name);
  }
  if ('text' in fields) return userMemory(kernel, state, cString(String(fields['text'])), name);
  return 0n;
}

/** A struct of the kernel that lives as long as the event. */
export function eventStruct(kernel: KernelState, state: EventState, struct: string, label: string): Region {
  return eventRegion(kernel, state, {
    kind: 'kernel',
    name: `struct ${label}`,
    size: Math.max(kernel.objects.structs.sizeOf(struct) ?? 256, 8),
    writable: false,
  });
}

/** struct sockaddr_in or sockaddr_in6. */
export function socketAddress(text: string, port: number): Uint8Array | undefined {
  const address = parseAddress(text);
  if (!address) return undefined;
  const ports = Uint8Array.of(port >> 8, port & 0xff);
  return address.length === 4
    ? concat(Uint8Array.of(2, 0), ports, address, new Uint8Array(8))
    : concat(Uint8Array.of(10, 0), ports, new Uint8Array(4), address, new Uint8Array(4));
}
