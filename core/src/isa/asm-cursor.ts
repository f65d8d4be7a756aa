// A cursor over the tokens of one statement, with the readers that every syntax shares: registers, numbers in range,
// memory operands, jump targets. What it does not find it says, with what it expected.

import { AsmError, type Token } from './asm-lexer.ts';

/** A name that an instruction or a datum refers to, to be resolved when the whole text is read. */
export interface Reference {
  kind: 'jump' | 'jump32' | 'call' | 'address';
  name: string;
  /** Bytes added to the address (kind address only). */
  addend: number;
  /** The number behind `#` in `call name#5`. */
  number?: number;
  column: number;
  endColumn: number;
}

/** A register operand: `half` for w0 to w10. */
export interface RegisterOperand {
  number: number;
  half: boolean;
  token: Token;
}

export type JumpTarget = { distance: number; name?: undefined } | { name: string; token: Token; distance?: undefined };

export class Cursor {
  private at = 0;

  constructor(
    private readonly tokens: readonly Token[],
    /** Column behind the statement, where something missing is reported. */
    private readonly end: number,
  ) {}

  get done(): boolean {
    return this.at >= this.tokens.length;
  }

  peek(ahead = 0): Token | undefined {
    return this.tokens[this.at + ahead];
  }

  next(): Token | undefined {
    return this.tokens[this.at++];
  }

  /** Ends the statement whatever follows, for remarks like `<LBB0_2>` behind a target. */
  skipRest(): void {
    this.at = this.tokens.length;
  }

  is(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token !== undefined && token.kind !== 'string' && token.text === text;
  }

  accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.at++;
    return true;
  }

  fail(expected: string): AsmError {
    const token = this.peek();
    if (!token) return new AsmError(`expected ${expected} here, the line ends`, this.end, this.end + 1);
    return new AsmError(`expected ${expected}, found "${token.text}"`, token.column, token.endColumn);
  }

  expect(text: string, expected = `"${text}"`): Token {
    if (!this.is(text)) throw this.fail(expected);
    return this.next()!;
  }

  finish(): void {
    if (!this.done) throw this.fail('the end of the line');
  }

  name(expected: string): Token {
    const token = this.peek();
    if (token?.kind !== 'name') throw this.fail(expected);
    this.at++;
    return token;
  }

  isRegister(ahead = 0): boolean {
    const token = this.peek(ahead);
    return token?.kind === 'name' && /^%?[rw]\d+$/.test(token.text);
  }

  register(expected = 'a register (r0 to r10)'): RegisterOperand {
    const token = this.peek();
    const match = token?.kind === 'name' ? /^%?([rw])(\d+)$/.exec(token.text) : null;
    if (!token || !match) throw this.fail(expected);
    const number = Number(match[2]);
    if (number > 10 || match[2] !== String(number))
      throw new AsmError(
        `there is no register ${token.text}: registers are ${match[1]}0 to ${match[1]}10`,
        token.column,
        token.endColumn,
        'asm-register',
      );
    this.at++;
    return { number, half: match[1] === 'w', token };
  }

  /** r0 to r10, not the w names. */
  wideRegister(expected = 'a register (r0 to r10)'): number {
    const register = this.register(expected);
    if (register.half)
      throw new AsmError(
        `${register.token.text} is half a register; here stands the whole one, r${register.number}`,
        register.token.column,
        register.token.endColumn,
      );
    return register.number;
  }

  isNumber(): boolean {
    const ahead = this.is('-') || this.is('+') ? 1 : 0;
    return this.peek(ahead)?.kind === 'number';
  }

  /** A signed number of any size. */
  integer(expected = 'a number'): { value: bigint; hexadecimal: boolean; column: number; endColumn: number } {
    const first = this.peek();
    const negative = this.is('-');
    if (negative || this.is('+')) this.at++;
    const token = this.peek();
    if (!first || token?.kind !== 'number' || /^\d+[bf]$/.test(token.text)) {
      if (first !== token) this.at--;
      throw this.fail(expected);
    }
    this.at++;
    const hexadecimal = /^0[xXbB]/.test(token.text);
    const digits = token.text.replaceAll('_', '');
    const magnitude = BigInt(hexadecimal || !/^0+\d/.test(digits) ? digits : digits.replace(/^0+(?=\d)/, ''));
    return { value: negative ? -magnitude : magnitude, hexadecimal, column: first.column, endColumn: token.endColumn };
  }

  /** A 32-bit constant: -2147483648 to 2147483647, or the same bits in hexadecimal up to 0xffffffff. */
  imm32(expected = 'a 32-bit number'): number {
    const { value, hexadecimal, column, endColumn } = this.integer(expected);
    const highest = hexadecimal && value > 0n ? 0xffff_ffffn : 0x7fff_ffffn;
    if (value < -0x8000_0000n || value > highest) {
      const hint = !hexadecimal && value > 0n && value <= 0xffff_ffffn ? `; write 0x${value.toString(16)} for these bits` : '';
      throw new AsmError(
        `${value} does not fit the 32 bits of an instruction's constant (-2147483648 to 2147483647)${hint}`,
        column,
        endColumn,
        'asm-range',
      );
    }
    return Number(BigInt.asIntN(32, value));
  }

  /** 32 bits, signed or unsigned, as a signed number. */
  word32(expected: string): number {
    const { value, column, endColumn } = this.integer(expected);
    if (value < -0x8000_0000n || value > 0xffff_ffffn) throw new AsmError(`${value} does not fit 32 bits`, column, endColumn, 'asm-range');
    return Number(BigInt.asIntN(32, value));
  }

  /** A 64-bit constant, signed or unsigned. */
  imm64(): bigint {
    const { value, column, endColumn } = this.integer('a 64-bit number');
    if (value < -(1n << 63n) || value >= 1n << 64n) throw new AsmError(`${value} does not fit 64 bits`, column, endColumn, 'asm-range');
    return BigInt.asUintN(64, value);
  }

  /** Sign and distance of a memory operand behind its register; nothing is 0. */
  offset(): number {
    if (!this.is('+') && !this.is('-')) return 0;
    return this.distance(16, 'an offset');
  }

  /** A signed number of `bits` bits that must have its sign. */
  distance(bits: 16 | 32, what: string): number {
    const { value, column, endColumn } = this.integer(what);
    const limit = 1n << BigInt(bits - 1);
    if (value < -limit || value >= limit) {
      throw new AsmError(
        `${what} of ${value} does not fit ${bits} bits (${-limit} to ${limit - 1n})${bits === 16 && what.includes('jump') ? '; gotol (ja32) reaches further' : ''}`,
        column,
        endColumn,
        'asm-range',
      );
    }
    return Number(value);
  }

  /** `+3`, `-0xa`, `pc+3`, a label, `1f` or `1b`; a `<name>` behind it is a remark. */
  target(bits: 16 | 32 = 16): JumpTarget {
    if (this.is('pc') && (this.is('+', 1) || this.is('-', 1))) this.at++;
    let target: JumpTarget;
    const token = this.peek();
    if (this.is('+') || this.is('-')) {
      target = { distance: this.distance(bits, 'a jump') };
    } else if (token?.kind === 'number' && /^\d+[bf]$/.test(token.text)) {
      this.at++;
      target = { name: token.text, token };
    } else if (token?.kind === 'name' && !this.isRegister()) {
      this.at++;
      target = { name: token.text, token };
    } else {
      throw this.fail('a label or a signed distance such as +3');
    }
    if (this.is('<')) this.skipRest();
    return target;
  }
}
