/* glibc's headers ask for the list of functions that the 32-bit library lacks, because BPF is no x86-64 to them.
 * BPF programs link no C library: the list is empty. Without this file <stdint.h> and <string.h> need a 32-bit libc installed. */
