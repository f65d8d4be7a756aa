// 64-bit integers at borders are bigint; these say which way the sign goes.

export const MASK64 = 0xffff_ffff_ffff_ffffn;

/** The value's low 64 bits, read as unsigned. */
export const asU64 = (value: bigint): bigint => BigInt.asUintN(64, value);

/** The value's low 64 bits, read as signed. */
export const asS64 = (value: bigint): bigint => BigInt.asIntN(64, value);

/** `0x…` of the low 64 bits, without leading zeros. */
export const hex64 = (value: bigint): string => `0x${asU64(value).toString(16)}`;
