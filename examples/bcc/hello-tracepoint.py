#!/usr/bin/python3
# Prints every file that is opened, from the record of a tracepoint.
from bcc import BPF

program = r"""
TRACEPOINT_PROBE(syscalls, sys_enter_openat) {
    char name[64];

    bpf_probe_read_user_str(name, sizeof(name), args->filename);
    bpf_trace_printk("opens %s", name);
    return 0;
}
"""

b = BPF(text=program)
b.trace_print()
