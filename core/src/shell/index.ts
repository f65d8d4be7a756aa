// bpftool, trace_pipe and /sys/fs/bpf over a simulated kernel.
export {};
