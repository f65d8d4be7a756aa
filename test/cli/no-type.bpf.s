# A program in a section that says nothing of its type.
.license "GPL"
.section "mine"
.globl main
main:
 r0 = 2
 exit
