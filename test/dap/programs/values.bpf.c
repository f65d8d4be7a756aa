// Values with a meaning: addresses and ports in network order, kernel objects behind pointers, text, enumerators.
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_core_read.h>

enum verdict { UNKNOWN, LOCAL = 7, FAR };

struct flow {
	__be32 saddr;
	__be32 daddr;
	__be16 sport;
	__be16 dport;
	__u8 mac[6];
	struct in6_addr mapped;
	enum verdict verdict;
	char name[8];
	_Bool seen;
};

struct flow last = {};

SEC("xdp")
int packet_values(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *data_end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > data_end)
		return XDP_PASS;
	last.saddr = ip->saddr; // #BP headers
	last.daddr = ip->daddr;
	last.sport = tcp->source;
	last.dport = tcp->dest;
	__builtin_memcpy(last.mac, eth->h_source, sizeof(last.mac));
	last.mapped.in6_u.u6_addr8[10] = 0xff;
	last.mapped.in6_u.u6_addr8[11] = 0xff;
	last.mapped.in6_u.u6_addr32[3] = ip->saddr;
	last.verdict = FAR;
	last.name[0] = 'f';
	last.name[1] = '1';
	last.seen = 1;
	bpf_printk("port %d", bpf_ntohs(tcp->dest)); // #BP filled
	return XDP_PASS;
}

SEC("tc")
int buffer_values(struct __sk_buff *ctx)
{
	bpf_printk("%d bytes of protocol %x", ctx->len, ctx->protocol); // #BP buffer
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_task_values(unsigned long long *ctx)
{
	struct task_struct *task = bpf_get_current_task_btf();
	int pid = task->pid;

	bpf_printk("%d %s", pid, task->comm); // #BP task
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
