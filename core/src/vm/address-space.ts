// Where things lie in the simulated kernel's 64-bit address space, and how addresses become offsets into the one linear buffer.
// Every region without a fixed address lies in a direct map: its address is DIRECT_MAP plus its offset in the linear buffer.
// DIRECT_MAP's low 32 bits are zero, so the low half of such an address *is* the offset: both engines rely on it.

/** Where x86-64 Linux puts its own direct map (Documentation/arch/x86/x86_64/mm.rst, without randomisation). */
export const DIRECT_MAP = 0xffff_8880_0000_0000n;
/** The high half of every direct-map address, as Int32Array holds it. */
export const DIRECT_MAP_HIGH = 0xffff8880 | 0;

/**
 * Packets have addresses below 4 GiB, because a program reads them from 32-bit context fields (xdp_md.data, __sk_buff.data) that a kernel
 * would rewrite into loads of its own 64-bit pointers. They lie in this window of the linear buffer, and their address is the offset.
 * A program with an arena gives low addresses another meaning: there they are the low halves of the arena's addresses, which are offsets too.
 */
export const PACKET_WINDOW = 0x80000;
export const PACKET_WINDOW_SIZE = 0x80000;

/** Addresses of the program's own functions, as ld_imm64 with BPF_PSEUDO_FUNC gives them: module text on x86-64. */
export const FUNCTION_BASE = 0xffff_ffff_c000_0000n;
export const FUNCTION_BASE_HIGH = -1;
export const FUNCTION_BASE_LOW = 0xc0000000 | 0;

/** The value that a register holds for a pointer to the subprogram whose first slot is `slot`. */
export const functionAddress = (slot: number): bigint => FUNCTION_BASE + BigInt(slot) * 8n;

/** The slot of a function pointer, or undefined for any other value. Whether a subprogram starts there is the caller's question. */
export function functionSlot(address: bigint): number | undefined {
  const distance = BigInt.asUintN(64, address) - FUNCTION_BASE;
  return distance >= 0n && distance < 0x3000_0000n && distance % 8n === 0n ? Number(distance / 8n) : undefined;
}

/** Each frame's stack: MAX_BPF_STACK. */
export const STACK_SIZE = 512;
/** From one frame's stack to the next one's: a gap of 64 bytes belongs to nobody, so that running over is a fault. */
export const STACK_STRIDE = 576;
/** MAX_CALL_FRAMES. */
export const MAX_FRAMES = 8;
/** BPF_MAX_LOOPS: how often the may_gotos of one frame fall through before they jump. */
export const MAY_GOTO_LIMIT = 8 * 1024 * 1024;
