// ELF64 as eBPF objects use it: sections, symbols, relocations. Knows no map and no program.

export * from './types.ts';
export { isElf, readElf, type ElfResult } from './read-elf.ts';
