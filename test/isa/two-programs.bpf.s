# Two programs that share a function, a map with every field, a global, a callback's address, and both dialects.
.license "GPL"
.map counts, type=hash, key=4, value=8, max_entries=64, flags=1
.map events, type=ringbuf, max_entries=4096

.section "xdp"
.globl first
first:
	call twice
	r1 = hits ll
	r2 = *(u32 *)(r1 + 0)
	w2 += 1
	*(u32 *)(r1 + 0) = w2
	r0 = 2
	exit
twice:                          # shared: the object has it in .text
	mov %r0, 7
	lsh %r0, 1
	exit

.section "tc"
.globl second
second:
	stw [%r10-4], 3
	mov %r2, %r10
	add %r2, -4
	lddw %r1, counts
	call bpf_map_lookup_elem
	jeq %r0, 0, out
	mov %r1, 1
	lock fetch add [%r0], %r1
out:
	r1 = 4
	r2 = each ll
	r3 = 0
	r4 = 0
	call bpf_loop
	r0 = 0
	exit

.text
.type each, @function
each:
	r0 = 0
	exit

.bss
.globl hits
hits:	.zero 4
