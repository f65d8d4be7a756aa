#!/usr/bin/python3
# Counts the programs that each user starts, in a hash map that the script reads every two seconds.
from time import sleep

from bcc import BPF

program = r"""
BPF_HASH(counter_table);

int hello(void *ctx) {
    u64 uid = bpf_get_current_uid_gid() & 0xFFFFFFFF;
    u64 counter = 0;
    u64 *seen = counter_table.lookup(&uid);

    if (seen != 0)
        counter = *seen;
    counter++;
    counter_table.update(&uid, &counter);
    return 0;
}
"""

b = BPF(text=program)
b.attach_kprobe(event=b.get_syscall_fnname("execve"), fn_name="hello")

while True:
    sleep(2)
    for uid, count in b["counter_table"].items():
        print(f"user {uid.value}: {count.value}")
