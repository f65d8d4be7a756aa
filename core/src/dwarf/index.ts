// DWARF 4 and 5: what a debugger needs to know about the source.
export {};
