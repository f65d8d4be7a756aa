// Relocation types of the BPF ELF ABI (kernel documentation, bpf/llvm_reloc.rst).

/** The 64-bit constant of an ld_imm64. */
export const R_BPF_64_64 = 1;
export const R_BPF_64_ABS64 = 2;
export const R_BPF_64_ABS32 = 3;
/** A 32-bit offset in .BTF and .BTF.ext that a linker leaves to its reader. */
export const R_BPF_64_NODYLD32 = 4;
/** A call's distance. */
export const R_BPF_64_32 = 10;
