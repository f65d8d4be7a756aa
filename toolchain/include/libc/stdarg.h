/* Variable arguments, for a compiler that comes without its headers (zig from npm). Looked at after every other folder. */
#ifndef EBPF_WORKBENCH_STDARG_H
#define EBPF_WORKBENCH_STDARG_H

typedef __builtin_va_list va_list;
#define va_start(list, last) __builtin_va_start(list, last)
#define va_arg(list, type) __builtin_va_arg(list, type)
#define va_end(list) __builtin_va_end(list)
#define va_copy(to, from) __builtin_va_copy(to, from)

#endif
