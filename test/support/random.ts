// Numbers that follow from a seed (mulberry32), the same on every machine.

export class Random {
  constructor(private state: number) {}

  int32(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return t ^ (t >>> 14);
  }

  /** 0 to count - 1. */
  below(count: number): number {
    return (this.int32() >>> 0) % count;
  }

  chance(probability: number): boolean {
    return (this.int32() >>> 0) / 4294967296 < probability;
  }

  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}
