// Hello, map: counts, for each user, how many programs were started.
// A kprobe runs when the kernel enters a function; here it is the one behind the execve system call.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, uid_t);   // the user
	__type(value, __u64); // how often
} counts SEC(".maps");

SEC("ksyscall/execve")
int hello_map(struct pt_regs *ctx)
{
	uid_t uid = bpf_get_current_uid_gid() & 0xffffffff;
	__u64 one = 1;
	__u64 *count = bpf_map_lookup_elem(&counts, &uid);

	// The lookup may find nothing. The verifier refuses the program when this check is gone: try it.
	if (!count) {
		bpf_map_update_elem(&counts, &uid, &one, BPF_ANY);
		return 0;
	}
	*count += 1;
	bpf_printk("uid %d has started %d programs", uid, *count);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
