// What the generator believes of registers and stack while it writes a program: rough, so that most of what it writes is nearly valid.
// The verdict is the kernel's alone.

export type Value =
  | { readonly kind: 'none' }
  /** `max` bounds it, unsigned; Infinity where nothing is known. */
  | { readonly kind: 'scalar'; readonly max: number }
  | { readonly kind: 'ctx' }
  | { readonly kind: 'stack'; readonly off: number }
  | { readonly kind: 'value'; readonly size: number; readonly off: number; readonly orNull: boolean }
  /** `safe` bytes are known to be there. */
  | { readonly kind: 'packet'; readonly off: number; readonly safe: number }
  | { readonly kind: 'end' }
  | { readonly kind: 'record'; readonly size: number; readonly orNull: boolean }
  | { readonly kind: 'socket'; readonly orNull: boolean };

export type ValueKind = Value['kind'];

export const NONE: Value = { kind: 'none' };
export const ANY_SCALAR: Value = { kind: 'scalar', max: Infinity };
export const scalarUpTo = (max: number): Value => ({ kind: 'scalar', max });

/** What is believed where two paths meet. */
export function merge(a: Value, b: Value): Value {
  if (a.kind !== b.kind) return NONE;
  if (a.kind === 'scalar' && b.kind === 'scalar') return scalarUpTo(Math.max(a.max, b.max));
  if (a.kind === 'packet' && b.kind === 'packet') return a.off === b.off ? { ...a, safe: Math.min(a.safe, b.safe) } : NONE;
  return JSON.stringify(a) === JSON.stringify(b) ? a : NONE;
}

export class Model {
  registers: Value[] = new Array<Value>(10).fill(NONE);
  /** What was spilled at an offset (whole slots), and single bytes that were written. */
  spills = new Map<number, Value>();
  written = new Set<number>();

  copy(): Model {
    const copy = new Model();
    copy.registers = this.registers.slice();
    copy.spills = new Map(this.spills);
    copy.written = new Set(this.written);
    return copy;
  }

  meet(other: Model): void {
    this.registers = this.registers.map((value, i) => merge(value, other.registers[i]!));
    this.spills = new Map(
      [...this.spills].flatMap(([off, value]) => {
        const both = merge(value, other.spills.get(off) ?? NONE);
        return both.kind === 'none' ? [] : [[off, both] as const];
      }),
    );
    this.written = new Set([...this.written].filter((off) => other.written.has(off)));
  }

  write(off: number, size: number): void {
    for (let i = 0; i < size; i++) this.written.add(off + i);
    for (const at of [...this.spills.keys()]) if (at < off + size && off < at + 8) this.spills.delete(at);
  }

  isWritten(off: number, size: number): boolean {
    for (let i = 0; i < size; i++) if (!this.written.has(off + i)) return false;
    return true;
  }
}
