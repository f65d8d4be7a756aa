// ELF64 as eBPF objects use it.
export {};
