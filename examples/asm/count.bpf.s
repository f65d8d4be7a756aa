# Count packets per IP protocol, in eBPF assembly: no compiler needed.
# The text is LLVM's pseudo-C: registers r0 to r10 (w0 to w10 are their lower halves), r1 is the context, r10 the frame pointer.
# docs/assembly.md in the repository says everything the assembler understands.

	.map counts, type=hash, key=4, value=8, max_entries=256

	.section "xdp"
	.globl count
count:
	r6 = *(u32 *)(r1 + 4)		# ctx->data_end
	r7 = *(u32 *)(r1 + 0)		# ctx->data

	# The verifier wants proof that 34 bytes are there: 14 of Ethernet, 20 of IPv4.
	r2 = r7
	r2 += 34
	if r2 > r6 goto pass

	r3 = *(u16 *)(r7 + 12)		# the EtherType, in network byte order
	r3 = be16 r3
	if r3 != 0x0800 goto pass

	r3 = *(u8 *)(r7 + 23)		# the IP header's protocol
	*(u32 *)(r10 - 4) = r3		# the key lies on the stack

	r1 = counts ll
	r2 = r10
	r2 += -4
	call bpf_map_lookup_elem
	if r0 == 0 goto first

	r1 = 1
	lock *(u64 *)(r0 + 0) += r1	# other CPUs count at the same time
	goto pass

first:
	r1 = 1
	*(u64 *)(r10 - 16) = r1
	r1 = counts ll
	r2 = r10
	r2 += -4
	r3 = r10
	r3 += -16
	r4 = 0				# BPF_ANY
	call bpf_map_update_elem

pass:
	r0 = 2				# XDP_PASS
	exit

	.license "GPL"
