// Writes WebAssembly's binary format (core specification, chapter 5): LEB128 numbers, sections, and a function body's instructions.
// Knows nothing of eBPF.

/** Value types. */
export const I32 = 0x7f;
export const I64 = 0x7e;

/** Instructions' opcodes, under the specification's names. */
export const W = {
  unreachable: 0x00,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  br_if: 0x0d,
  br_table: 0x0e,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  select: 0x1b,
  local_get: 0x20,
  local_set: 0x21,
  local_tee: 0x22,
  i32_load: 0x28,
  i64_load: 0x29,
  i32_load8_u: 0x2d,
  i32_load16_u: 0x2f,
  i64_load8_s: 0x30,
  i64_load8_u: 0x31,
  i64_load16_s: 0x32,
  i64_load16_u: 0x33,
  i64_load32_s: 0x34,
  i64_load32_u: 0x35,
  i32_store: 0x36,
  i64_store: 0x37,
  i64_store8: 0x3c,
  i64_store16: 0x3d,
  i64_store32: 0x3e,
  i32_const: 0x41,
  i64_const: 0x42,
  i32_eqz: 0x45,
  i32_eq: 0x46,
  i32_ne: 0x47,
  i32_lt_s: 0x48,
  i32_lt_u: 0x49,
  i32_gt_s: 0x4a,
  i32_gt_u: 0x4b,
  i32_le_s: 0x4c,
  i32_le_u: 0x4d,
  i32_ge_s: 0x4e,
  i32_ge_u: 0x4f,
  i64_eqz: 0x50,
  i64_eq: 0x51,
  i64_ne: 0x52,
  i64_lt_s: 0x53,
  i64_lt_u: 0x54,
  i64_gt_s: 0x55,
  i64_gt_u: 0x56,
  i64_le_s: 0x57,
  i64_le_u: 0x58,
  i64_ge_s: 0x59,
  i64_ge_u: 0x5a,
  i32_add: 0x6a,
  i32_sub: 0x6b,
  i32_mul: 0x6c,
  i32_div_s: 0x6d,
  i32_div_u: 0x6e,
  i32_rem_s: 0x6f,
  i32_rem_u: 0x70,
  i32_and: 0x71,
  i32_or: 0x72,
  i32_xor: 0x73,
  i32_shl: 0x74,
  i32_shr_s: 0x75,
  i32_shr_u: 0x76,
  i32_rotl: 0x77,
  i64_add: 0x7c,
  i64_sub: 0x7d,
  i64_mul: 0x7e,
  i64_div_s: 0x7f,
  i64_div_u: 0x80,
  i64_rem_s: 0x81,
  i64_rem_u: 0x82,
  i64_and: 0x83,
  i64_or: 0x84,
  i64_xor: 0x85,
  i64_shl: 0x86,
  i64_shr_s: 0x87,
  i64_shr_u: 0x88,
  i64_rotl: 0x89,
  i32_wrap_i64: 0xa7,
  i64_extend_i32_s: 0xac,
  i64_extend_i32_u: 0xad,
  i32_extend8_s: 0xc0,
  i32_extend16_s: 0xc1,
  i64_extend8_s: 0xc2,
  i64_extend16_s: 0xc3,
  i64_extend32_s: 0xc4,
} as const;

/** Type of a block that leaves nothing on the stack. */
export const EMPTY_BLOCK = 0x40;

/** Bytes that grow. */
export class ByteWriter {
  private bytes = new Uint8Array(1024);
  length = 0;

  private ensure(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(value: number): void {
    if (this.length === this.bytes.length) this.ensure(1);
    this.bytes[this.length++] = value;
  }

  append(other: Uint8Array): void {
    this.ensure(other.length);
    this.bytes.set(other, this.length);
    this.length += other.length;
  }

  /** Unsigned LEB128 of up to 32 bits. */
  unsigned(value: number): void {
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a 32-bit number. */
  signed(value: number): void {
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  /** Signed LEB128 of a 64-bit number given as halves. */
  signed64(low: number, high: number): void {
    let lower = low | 0;
    let upper = high | 0;
    for (;;) {
      const digit = lower & 0x7f;
      lower = (lower >>> 7) | (upper << 25);
      upper >>= 7;
      if ((lower === 0 && upper === 0 && (digit & 0x40) === 0) || (lower === -1 && upper === -1 && (digit & 0x40) !== 0)) {
        this.byte(digit);
        return;
      }
      this.byte(digit | 0x80);
    }
  }

  name(text: string): void {
    this.unsigned(text.length);
    for (let i = 0; i < text.length; i++) this.byte(text.charCodeAt(i));
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(0, this.length);
  }
}

export interface FunctionType {
  params: readonly number[];
  results: readonly number[];
}

export interface ModuleParts {
  types: readonly FunctionType[];
  /** Functions from outside, numbered first. */
  imports: readonly { module: string; name: string; type: number }[];
  /** Bodies: locals beyond the parameters as (count, type) pairs, and instructions without the final `end`. */
  functions: readonly { type: number; locals: readonly (readonly [count: number, type: number])[]; code: Uint8Array }[];
  exports: readonly { name: string; function: number }[];
}

/** A module that imports its memory as `env.memory`. */
export function moduleBytes({ types, imports, functions, exports }: ModuleParts): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  for (const byte of [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]) out.byte(byte);
  const section = (id: number, write: (content: ByteWriter) => void): void => {
    const content = new ByteWriter();
    write(content);
    out.byte(id);
    out.unsigned(content.length);
    out.append(content.finish());
  };
  section(1, (content) => {
    content.unsigned(types.length);
    for (const { params, results } of types) {
      content.byte(0x60);
      content.unsigned(params.length);
      for (const type of params) content.byte(type);
      content.unsigned(results.length);
      for (const type of results) content.byte(type);
    }
  });
  section(2, (content) => {
    content.unsigned(imports.length + 1);
    content.name('env');
    content.name('memory');
    content.byte(0x02);
    content.byte(0x00);
    content.unsigned(1);
    for (const { module, name, type } of imports) {
      content.name(module);
      content.name(name);
      content.byte(0x00);
      content.unsigned(type);
    }
  });
  section(3, (content) => {
    content.unsigned(functions.length);
    for (const { type } of functions) content.unsigned(type);
  });
  section(7, (content) => {
    content.unsigned(exports.length);
    for (const { name, function: index } of exports) {
      content.name(name);
      content.byte(0x00);
      content.unsigned(index);
    }
  });
  section(10, (content) => {
    content.unsigned(functions.length);
    for (const { locals, code } of functions) {
      const body = new ByteWriter();
      body.unsigned(locals.length);
      for (const [count, type] of locals) {
        body.unsigned(count);
        body.byte(type);
      }
      body.append(code);
      body.byte(W.end);
      content.unsigned(body.length);
      content.append(body.finish());
    }
  });
  return out.finish();
}
