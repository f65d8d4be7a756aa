// Kernel objects that an event file describes: `{"struct": "sock", "__sk_common": {"skc_dport": 443}}`, a reference such as {"task": 1200} or
// {"file": "/etc/passwd"}, or {"object": "NAME"} for one that "objects" of the scenario describes. They begin as the simulated kernel
// would have made them; what the file says of them counts more.

import { resolve, type Btf } from '#core/btf';
import type { Region } from '#core/vm';
import { concat, littleEndian } from '../integers.ts';
import type { KernelState } from '../state.ts';
import type { KernelObject } from '../subsystems/kernel-structs.ts';
import { encodeValue, integerFrom } from '../typed-values.ts';
import { DEFAULT_OBJECTS } from './default-objects.ts';

export type Described = Readonly<Record<string, unknown>>;

/** Thrown at the place in a description that does not fit; `path` leads to it. */
export class DescriptionProblem extends Error {
  constructor(
    readonly path: readonly string[],
    message: string,
  ) {
    super(message);
  }
}

const REFERENCES = ['task', 'file', 'device', 'cgroup', 'socket', 'object'] as const;

export const isDescribed = (value: unknown): value is Described =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && ('struct' in value || REFERENCES.some((name) => name in value));

export type Allocate = (struct: string, label: string) => Region;

/** The address of a described object. `wanted` is the struct that a pointer to it names. */
export function describedObject(
  kernel: KernelState,
  value: Described,
  allocate: Allocate,
  wanted?: string,
  path: readonly string[] = [],
): bigint {
  const { structs } = kernel.objects;
  if (typeof value['object'] === 'string') {
    const address = structs.known(`described:${value['object']}`);
    if (address === undefined) throw new DescriptionProblem([...path, 'object'], `there is no object "${value['object']}" in "objects"`);
    return address;
  }
  if (value['task'] !== undefined) {
    const task = kernel.tasks.get(Number(value['task']));
    if (!task) throw new DescriptionProblem([...path, 'task'], `there is no process ${String(value['task'])}`);
    return kernel.tasks.addressOf(task);
  }
  if (typeof value['file'] === 'string' && !('struct' in value)) {
    const file = value['file'];
    if (wanted === 'dentry') return kernel.objects.dentry(file);
    if (wanted === 'inode') return kernel.objects.inode(file);
    if (wanted === 'path') return kernel.objects.path(file);
    if (wanted === 'filename') return kernel.objects.filename(file);
    return kernel.objects.file(file);
  }
  if (typeof value['device'] === 'string' && !('struct' in value)) {
    const device = kernel.devices.byName(value['device']);
    if (!device) throw new DescriptionProblem([...path, 'device'], `there is no device ${value['device']}`);
    return kernel.objects.device(device);
  }
  if (typeof value['cgroup'] === 'string' && !('struct' in value)) return kernel.objects.cgroup(value['cgroup']);
  const struct = String(value['struct'] ?? wanted);
  if (structs.btf && structs.sizeOf(struct) === undefined)
    throw new DescriptionProblem([...path, 'struct'], `the kernel's types have no struct ${struct}`);
  const object = structs.loose(allocate(struct === 'sock' ? 'tcp_sock' : struct, struct), struct);
  DEFAULT_OBJECTS[struct]?.fill?.(kernel, object);
  fillDescribed(kernel, object, value, allocate, path);
  return object.address;
}

/** Writes the members that a description names; `struct` is no member. */
export function fillDescribed(
  kernel: KernelState,
  object: KernelObject,
  value: Described,
  allocate: Allocate,
  path: readonly string[] = [],
): void {
  const { structs } = kernel.objects;
  const { btf } = structs;
  if (!btf) return;
  const write = (members: Described, prefix: string, at: readonly string[]): void => {
    for (const [name, member] of Object.entries(members)) {
      if (name === 'struct' && prefix === '') continue;
      const whole = `${prefix}${name}`;
      const here = [...at, name];
      const place = structs.place(object.struct, whole);
      if (!place) throw new DescriptionProblem(here, `struct ${object.struct} has no member ${whole}`);
      if (place.bits > 0) {
        object.put(place, integerFrom(member) ?? 0n);
        continue;
      }
      const type = resolve(btf, place.typeId);
      if ((type?.kind === 'struct' || type?.kind === 'union') && typeof member === 'object' && member !== null && !Array.isArray(member)) {
        write(member as Described, `${whole}.`, here);
        continue;
      }
      object.put(
        place,
        type?.kind === 'ptr' ? pointer(type.type, member, here) : bytesOf(btf, place.typeId, place.size, member, here, name),
      );
    }
  };
  const pointer = (target: number, member: unknown, at: readonly string[]): bigint => {
    const pointee = resolve(btf, target);
    if (typeof member === 'object' && member !== null && !Array.isArray(member))
      return describedObject(kernel, member as Described, allocate, pointee?.kind === 'struct' ? pointee.name : undefined, at);
    if (member === null) return 0n;
    const integer = integerFrom(member);
    if (integer !== undefined) return integer;
    if (typeof member === 'string') return structs.text(`text:${member}`, member);
    throw new DescriptionProblem(at, 'an address, text, null or an object is wanted for a pointer');
  };
  write(value, '', path);
}

/** Ports and addresses that C calls big-endian are written as people say them. */
function bytesOf(btf: Btf, typeId: number, size: number, member: unknown, at: readonly string[], name: string): Uint8Array {
  const named = btf.type(typeId);
  const integer = integerFrom(member);
  if (named?.kind === 'typedef' && /^__be(16|32|64)$/.test(named.name)) {
    if (integer !== undefined) return littleEndian(integer, size).reverse();
    if (typeof member === 'string' && /^\d+(\.\d+){3}$/.test(member))
      return concat(...member.split('.').map((part) => Uint8Array.of(Number(part))));
  }
  const bytes = encodeValue(btf, typeId, size, member);
  if (!(bytes instanceof Uint8Array)) throw new DescriptionProblem(at, `${name}: ${bytes.problem.replace(/^value: /, '')}`);
  return bytes;
}
