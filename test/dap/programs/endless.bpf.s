; Counts for ever. The verifier refuses it; a debugger must still be able to stop it.
.license "GPL"
.section "xdp"
.globl endless
endless:
	r0 = 0
	r1 = 0
again:
	r1 += 1
	if r1 != -1 goto again
	exit
