// The machine: registers, memory and two engines. Knows no helper and no map: it calls a host.

export type * from './types.ts';
