// The parts of an ELF64 file that eBPF objects use, as values. Layout and numbers are the System V gABI's.

/** Section types (gABI, "Section Header"). */
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;

export const SHF_WRITE = 0x1;
export const SHF_ALLOC = 0x2;
export const SHF_EXECINSTR = 0x4;
export const SHF_COMPRESSED = 0x800;

export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;
export const SHN_ABS = 0xfff1;
export const SHN_COMMON = 0xfff2;

export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const STB_WEAK = 2;

export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;

export const STV_INTERNAL = 1;
export const STV_HIDDEN = 2;

export const ET_REL = 1;
export const EM_BPF = 247;

/** Relocations of EM_BPF (kernel documentation, bpf/llvm_reloc.rst). */
export const R_BPF_64_64 = 1;
export const R_BPF_64_ABS64 = 2;
export const R_BPF_64_ABS32 = 3;
export const R_BPF_64_NODYLD32 = 4;
export const R_BPF_64_32 = 10;

export interface ElfSection {
  /** Index in the section header table. */
  index: number;
  name: string;
  type: number;
  flags: number;
  /** Byte offset in the file. */
  offset: number;
  /** Bytes the section has in memory; for SHT_NOBITS the file holds none of them. */
  size: number;
  link: number;
  info: number;
  align: number;
  entrySize: number;
  /** The section's bytes, a view of the file; empty for SHT_NOBITS, cut short where the file is. */
  bytes: Uint8Array;
}

export interface ElfSymbol {
  /** Index in the symbol table. */
  index: number;
  name: string;
  /** Byte offset in its section (in relocatable objects). */
  value: number;
  size: number;
  /** STB_… */
  binding: number;
  /** STT_… */
  type: number;
  /** STV_… */
  visibility: number;
  /** Index of the section it is defined in, SHN_UNDEF for an extern one. */
  section: number;
}

export interface ElfRelocation {
  /** Byte offset in the section that is patched. */
  offset: number;
  /** R_BPF_… */
  type: number;
  symbol: ElfSymbol;
  /** Of SHT_RELA sections; SHT_REL keeps it in the patched bytes. */
  addend?: number;
}

export interface Elf {
  readonly bytes: Uint8Array;
  readonly littleEndian: boolean;
  /** ET_… */
  readonly type: number;
  /** EM_… */
  readonly machine: number;
  readonly sections: readonly ElfSection[];
  readonly symbols: readonly ElfSymbol[];
  /** The first section of that name. */
  section(name: string): ElfSection | undefined;
  /** Visits the relocations that patch this section in the file's order. Cheap where a section has very many. */
  eachRelocation(section: number, visit: (offset: number, type: number, symbol: ElfSymbol, addend: number | undefined) => void): void;
  /** The same as a list, sorted by offset. */
  relocations(section: number): readonly ElfRelocation[];
  /** Symbols defined in this section, sorted by value. */
  symbolsIn(section: number): readonly ElfSymbol[];
}
