#!/usr/bin/python3
# Prints a line whenever a program is started.
# The C below runs in the kernel: set a breakpoint in it and press F5. A real machine runs this with `sudo ./hello.py`.
from bcc import BPF

program = r"""
int hello(void *ctx) {
    bpf_trace_printk("Hello World!");
    return 0;
}
"""

b = BPF(text=program)
b.attach_kprobe(event=b.get_syscall_fnname("execve"), fn_name="hello")

b.trace_print()
