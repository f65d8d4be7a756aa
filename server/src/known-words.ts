// What the verifier knew of a value, in words for people: a range for numbers, what it points at for pointers.
// Says nothing of where the value is; that is knowledge.ts's matter.

import type { CType } from '#core/dwarf';
import type { KnownShape, KnownSlot, KnownValue } from '#core/verifier';

const S64_MAX = 0x7fff_ffff_ffff_ffffn;

/** `long` for a hover (a clause), `short` for an inlay hint (a few characters). */
export type Length = 'long' | 'short';

/** "0 to 15", "points to a value of map `counts` (8 bytes), never NULL here". `type` is the C type of what is described, where known. */
export function knownWords(value: KnownValue, type: CType | undefined, length: Length = 'long'): string {
  const pointers = value.shapes.filter((shape) => shape.type !== 'scalar');
  const scalar = value.shapes.find((shape) => shape.type === 'scalar');
  if (pointers.length === 0) return value.open || !scalar ? untracked(type, length) : numberWords(scalar, type, length);
  const isNull = scalar !== undefined && scalar.umax === 0n;
  const words = pointers.map((shape) => (length === 'long' ? pointerWords(shape, isNull) : pointerHint(shape, isNull)));
  if (value.open || (scalar && !isNull)) words.push(length === 'long' ? 'a number that is no address' : 'number');
  return words.join(length === 'long' ? '; or it ' : ' | ');
}

/** Nothing depends on it: saying a range would speak of some paths only. */
const untracked = (type: CType | undefined, length: Length): string =>
  length === 'short'
    ? 'any'
    : `any value${type && type.kind !== 'void' ? ` of \`${type.name}\`` : ''}: nothing after this depends on which`;

const grouped = (value: bigint): string => value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');

interface Bounds {
  low: bigint;
  high: bigint;
  /** Every value of the type. */
  all: boolean;
}

/** The range in the C type's own terms: as wide and as signed as that. */
function boundsOf(shape: KnownShape, type: CType | undefined): Bounds {
  const signed =
    type !== undefined && (type.kind === 'integer' || type.kind === 'enum') ? type.signed : shape.smin < 0n && shape.umax > S64_MAX;
  const size = type === undefined || type.size === 0 || type.size > 8 ? 8 : type.size;
  const bits = BigInt(size * 8);
  const least = signed ? -(1n << (bits - 1n)) : 0n;
  const most = signed ? (1n << (bits - 1n)) - 1n : (1n << bits) - 1n;
  const candidates: readonly (readonly [bigint, bigint])[] =
    size === 8
      ? [signed ? [shape.smin, shape.smax] : [shape.umin, shape.umax]]
      : [
          signed ? [shape.smin, shape.smax] : [shape.umin, shape.umax],
          signed ? [BigInt(shape.s32min), BigInt(shape.s32max)] : [BigInt(shape.u32min), BigInt(shape.u32max)],
          // A narrow signed number in a register that was filled without its sign.
          [shape.umin, shape.umax],
        ];
  const fitting = candidates.filter(([low, high]) => low >= least && high <= most).sort((a, b) => (a[1] - a[0] < b[1] - b[0] ? -1 : 1))[0];
  const [low, high] = fitting ?? [least, most];
  return { low, high, all: low === least && high === most };
}

/** Powers of two that every value is a multiple of. */
function step(shape: KnownShape): bigint {
  const known = shape.bits.value | shape.bits.mask;
  return known === 0n ? 1n : known & -known;
}

function numberWords(shape: KnownShape, type: CType | undefined, length: Length): string {
  const { low, high, all } = boundsOf(shape, type);
  if (low === high) return constantWords(low, type, length);
  const multiple = step(shape);
  if (length === 'short') return all ? 'any' : `${grouped(low)}…${grouped(high)}`;
  const multiples = multiple > 1n && multiple < high - low ? `, a multiple of ${grouped(multiple)}` : '';
  if (all) return multiples ? `any${multiples.slice(1)}` : `any value${type && type.kind !== 'void' ? ` of \`${type.name}\`` : ''}`;
  return `${grouped(low)} to ${grouped(high)}${multiples}`;
}

function constantWords(value: bigint, type: CType | undefined, length: Length): string {
  if (type?.kind === 'pointer' && value === 0n) return 'NULL';
  const named = type?.kind === 'enum' ? type.values.find((one) => one.value === value)?.name : undefined;
  if (length === 'short') return named ?? grouped(value);
  return `always ${named === undefined ? grouped(value) : `\`${named}\` (${grouped(value)})`}`;
}

const isConstant = ({ smin, smax }: KnownShape): boolean => smin === smax;

function offsetWords(shape: KnownShape): string {
  if (isConstant(shape)) return shape.smin === 0n ? '' : ` at offset ${grouped(shape.smin)}`;
  return ` at offset ${grouped(shape.smin)} to ${grouped(shape.smax)}`;
}

const bytes = (count: number): string => (count === 1 ? '1 byte' : `${grouped(BigInt(count))} bytes`);

function pointerWords(shape: KnownShape, mayBeZero: boolean): string {
  const nullness = shape.maybeNull || mayBeZero ? ', may be NULL here' : NEVER_NULL.has(shape.type) ? ', never NULL here' : '';
  return `${target(shape)}${nullness}`;
}

/** Types for which a reader wonders. */
const NEVER_NULL = new Set([
  'map_value',
  'mem',
  'ringbuf_mem',
  'rdonly_mem',
  'sock',
  'sock_common',
  'tcp_sock',
  'trusted_ptr_',
  'rcu_ptr_',
  'ptr_',
  'map_key',
]);

function target(shape: KnownShape): string {
  switch (shape.type) {
    case 'map_value':
      return shape.map?.startsWith('.')
        ? `points to the program's own data (\`${shape.map}\`)${offsetWords(shape)}`
        : `points to a value of map \`${shape.map}\` (${bytes(shape.mapSize ?? 0)})${offsetWords(shape)}`;
    case 'map_key':
      return `points to a key of map \`${shape.map}\` (${bytes(shape.mapSize ?? 0)})${offsetWords(shape)}`;
    case 'map_ptr':
      return `is the map \`${shape.map}\``;
    case 'ctx':
      return `points to the program's context${offsetWords(shape)}`;
    case 'pkt':
      return `points into the packet${offsetWords(shape)}; ${provenWords(shape.proven ?? 0)}`;
    case 'pkt_meta':
      return `points into the packet's metadata${offsetWords(shape)}; ${provenWords(shape.proven ?? 0)}`;
    case 'pkt_end':
      return "points behind the packet's last byte";
    case 'fp':
      return `points to the stack${isConstant(shape) ? `, \`fp${shape.smin === 0n ? '' : String(shape.smin)}\`` : offsetWords(shape)}${shape.frame ? ` of frame ${shape.frame}` : ''}`;
    case 'func':
      return 'is a function of this program';
    case 'dynptr_ptr':
      return 'points to a dynptr';
    case 'sock':
    case 'sock_common':
    case 'tcp_sock':
    case 'xdp_sock':
      return `points to a \`struct ${shape.type === 'sock' ? 'bpf_sock' : shape.type}\``;
    case 'flow_keys':
      return `points to the flow's keys${offsetWords(shape)}`;
    default:
  }
  const mem = /^((?:\w+_)?)mem$/.exec(shape.type);
  if (mem)
    return `points to ${bytes(shape.memSize ?? 0)} of ${mem[1] === 'ringbuf_' ? 'a ring buffer record' : mem[1] === 'rdonly_' ? 'read-only memory' : 'memory'}${offsetWords(shape)}`;
  const kernel = /^((?:\w+_)*)ptr_$/.exec(shape.type);
  if (kernel)
    return `points to the kernel's \`struct ${shape.pointee}\`${TRUST.find(([prefix]) => kernel[1]!.includes(prefix))?.[1] ?? ''}${offsetWords(shape)}`;
  return `is a \`${shape.type}\` pointer${offsetWords(shape)}`;
}

const TRUST: readonly (readonly [string, string])[] = [
  ['untrusted_', ' (untrusted: reads of it may fault and give 0)'],
  ['trusted_', ' (trusted)'],
  ['rcu_', ' (under RCU)'],
  ['user_', ' (user memory)'],
  ['percpu_', ' (one per CPU)'],
];

const provenWords = (proven: number): string =>
  proven === 0
    ? 'no byte from here on is proven to be there'
    : `${bytes(proven)} from here on ${proven === 1 ? 'is' : 'are'} proven to be there`;

function pointerHint(shape: KnownShape, mayBeZero: boolean): string {
  const maybe = shape.maybeNull || mayBeZero;
  switch (shape.type) {
    case 'pkt':
    case 'pkt_meta':
      return `${bytes(shape.proven ?? 0)} proven`;
    case 'map_value':
      return `${maybe ? 'may be NULL' : 'not NULL'}${isConstant(shape) ? '' : `, offset ${grouped(shape.smin)}…${grouped(shape.smax)}`}`;
    default:
      return maybe ? 'may be NULL' : 'not NULL';
  }
}

/** A variable on the stack that is no spilled register: what its bytes are. Undefined where the slots say nothing. */
export function stackWords(stack: readonly KnownSlot[], offset: number, size: number): string | undefined {
  let letters = '';
  for (let at = offset; at < offset + size; at++) {
    const slot = stack.find((one) => at >= one.offset && at < one.offset + 8);
    letters += slot?.letters[(-at - 1) % 8] ?? '?';
  }
  if (/^\?+$/.test(letters)) return 'not initialised yet';
  if (/\?/.test(letters)) return `${bytes([...letters].filter((letter) => letter === '?').length)} of ${size} not initialised yet`;
  if (/^0+$/.test(letters)) return 'all zero';
  if (/^[m0r]+$/.test(letters)) return 'initialised; the verifier does not track its value';
  return undefined;
}

/** The value spilled into the slot that a variable begins, where it fills no more than was spilled. */
export function spilled(stack: readonly KnownSlot[], offset: number, size: number): KnownValue | undefined {
  const slot = stack.find((one) => one.offset === offset);
  const bytesSpilled = [...(slot?.letters ?? '')].filter((letter) => letter === 'r').length;
  return bytesSpilled >= size ? slot?.value : undefined;
}
