#!/usr/bin/python3
# Sends a struct to the script for every program that is started.
from bcc import BPF

program = r"""
struct data_t {
    u32 pid;
    u32 uid;
    char command[16];
    char message[12];
};

BPF_PERF_OUTPUT(output);

int hello(void *ctx) {
    struct data_t data = {};
    char message[12] = "Hello World";

    data.pid = bpf_get_current_pid_tgid() >> 32;
    data.uid = bpf_get_current_uid_gid() & 0xFFFFFFFF;
    bpf_get_current_comm(&data.command, sizeof(data.command));
    bpf_probe_read_kernel(&data.message, sizeof(data.message), message);

    output.perf_submit(ctx, &data, sizeof(data));
    return 0;
}
"""

b = BPF(text=program)
b.attach_kprobe(event=b.get_syscall_fnname("execve"), fn_name="hello")


def print_event(cpu, data, size):
    event = b["output"].event(data)
    print(f"{event.pid} {event.uid} {event.command.decode()} {event.message.decode()}")


b["output"].open_perf_buffer(print_event)
while True:
    b.perf_buffer_poll()
