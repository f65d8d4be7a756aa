# SYNTAX TEST "source.ebpf-asm" "LLVM's pseudo-C"

	.section "xdp"
#^^^^^^^^ keyword.control.directive.ebpf-asm
#         ^^^^^ string.quoted.double.ebpf-asm
count:
# <----- entity.name.label.ebpf-asm
	r6 = r1
#^^ variable.language.register.ebpf-asm
#   ^ keyword.operator.assignment.ebpf-asm
	w0 = *(u32 *)(r6 + 16)
#^^ variable.language.register.ebpf-asm
#       ^^^ storage.type.ebpf-asm
#                   ^^ constant.numeric.ebpf-asm
	lock *(u64 *)(r0 + 0) += r1
#^^^^ storage.modifier.atomic.ebpf-asm
	if r1 s> 0x10 goto missing
#^^ keyword.control.flow.ebpf-asm
#      ^^ keyword.operator.comparison.ebpf-asm
#         ^^^^ constant.numeric.ebpf-asm
#              ^^^^ keyword.control.flow.ebpf-asm
	call bpf_map_lookup_elem
#^^^^ keyword.control.call.ebpf-asm
#     ^^^^^^^^^^^^^^^^^^^ entity.name.function.call.ebpf-asm
	r1 = counts ll
#     ^^^^^^ variable.other.ebpf-asm
#            ^^ keyword.operator.word.ebpf-asm
	r2 = be16 r2
#     ^^^^ support.function.byteswap.ebpf-asm
	exit	// done
#^^^^ keyword.control.flow.ebpf-asm
#    	^^^^^^^ comment.line.ebpf-asm
