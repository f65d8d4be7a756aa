// Every random number of a simulated kernel comes from one seed, so that a run can be repeated exactly.
// The generator is xorshift32 with a multiplicative output step: good enough for sampling, useless for secrets.

export class Random {
  private state: number;

  constructor(seed: number) {
    // Zero is the one state that xorshift never leaves.
    this.state = (Math.imul(seed >>> 0, 0x9e3779b1) ^ 0x7f4a7c15) >>> 0 || 1;
  }

  /** An unsigned 32-bit number. */
  next(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x >>> 0;
    return Math.imul(this.state, 0x2545f491) >>> 0;
  }

  save(): number {
    return this.state;
  }

  load(state: number): void {
    this.state = state;
  }
}
