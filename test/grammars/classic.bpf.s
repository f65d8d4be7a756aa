# SYNTAX TEST "source.ebpf-asm" "classic mnemonics"

	mov %r0, 1
#^^^ keyword.mnemonic.ebpf-asm
#    ^^^ variable.language.register.ebpf-asm
#         ^ constant.numeric.ebpf-asm
	ldxdw %r0, [%r1+8]
#^^^^^ keyword.mnemonic.memory.ebpf-asm
#            ^^^ variable.language.register.ebpf-asm
	jeq32 %r0, 0x10, +1
#^^^^^ keyword.control.flow.ebpf-asm
	lock fetch add [%r10-8], %r1
#^^^^ storage.modifier.atomic.ebpf-asm
#     ^^^^^ storage.modifier.atomic.ebpf-asm
#           ^^^ keyword.mnemonic.ebpf-asm
	movsx832 %r1, %r2
#^^^^^^^^ keyword.mnemonic.ebpf-asm
	lddw %r1, 0x1122334455667788
#^^^^ keyword.mnemonic.memory.ebpf-asm
	call local func1
#^^^^ keyword.control.call.ebpf-asm
#     ^^^^^ storage.modifier.ebpf-asm
#           ^^^^^ entity.name.function.call.ebpf-asm
