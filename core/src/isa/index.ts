// The instruction set: encoding, the opcode table, and both text forms. Knows no map, no program type and no memory.

export * from './encoding.ts';
