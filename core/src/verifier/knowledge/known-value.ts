// What the verifier knew of registers and stack at an instruction, joined over all paths: plain data for hovers and inlay hints,
// which may cross threads. Made in known-states.ts; said in words by whoever shows it.

/** One kind of thing that a value may be. Numbers are hulls over all paths that are of this kind. */
export interface KnownShape {
  /** The kernel's word without `_or_null`: `scalar`, `map_value`, `pkt`, `fp`, `ctx`, `trusted_ptr_`, … */
  type: string;
  /** A pointer that nobody has compared with NULL yet. */
  maybeNull: boolean;
  /** The scalar; of a pointer its whole offset, fixed and variable part. */
  umin: bigint;
  umax: bigint;
  smin: bigint;
  smax: bigint;
  u32min: number;
  u32max: number;
  s32min: number;
  s32max: number;
  /** Known one bits, and unknown bits, of a scalar. */
  bits: { value: bigint; mask: bigint };
  /** Name of the map of map_ptr, map_value and map_key, as the program has it, and the size of its values or keys. */
  map?: string;
  mapSize?: number;
  /** pkt and pkt_meta: bytes from here on that a comparison with the end has proven to be there. */
  proven?: number;
  /** mem: its bytes. */
  memSize?: number;
  /** The kernel type that a BTF pointer points at. */
  pointee?: string;
  /** A stack pointer's frame: 0 is the program's own. */
  frame?: number;
}

export interface KnownValue {
  /** Several where paths differ. Empty where only paths came here that the verifier did not follow. */
  shapes: readonly KnownShape[];
  /** As the kernel's log prints it; a few different ones. */
  texts: readonly string[];
  /** Paths came here with other numbers that the verifier did not follow, since nothing after depended on them. */
  open: boolean;
}

export interface KnownSlot {
  /** From the frame pointer: -8, -16, …; each has eight bytes. */
  offset: number;
  /** One letter for each byte as in the log, the highest address first; of the last state. */
  letters: string;
  /** What was spilled here, where something was on every path. */
  value?: KnownValue;
}

/** The innermost frame before an instruction. */
export interface KnownState {
  /** r0 to r10; undefined where nothing was ever in it. */
  registers: readonly (KnownValue | undefined)[];
  stack: readonly KnownSlot[];
  /** What the instruction changed, for each instruction that came next. */
  after: readonly { to: number; registers: readonly (KnownValue | undefined)[]; stack: readonly KnownSlot[] }[];
}

/** By slot in Program.insns; slots that no path reached are absent. */
export type KnownStates = ReadonlyMap<number, KnownState>;
