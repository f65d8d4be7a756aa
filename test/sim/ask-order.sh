#!/usr/bin/env bash
# Asks a real kernel which programs of order.bpf.c run at which system call, in what order: writes order-VERSION.jsonl beside this script.
# usage: ask-order.sh VERSION KERNEL_VM   VERSION is 6.12; KERNEL_VM the script that runs a command in a virtual machine of that kernel.
#   Needs clang with the BPF target, llvm-nm, gcc and libbpf's static library. CLANG and NM name others.
set -euo pipefail
version=${1:?VERSION}; kernel_vm=${2:?KERNEL_VM}
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
vmlinux=$(dirname "$(find "${XDG_CACHE_HOME:-$HOME/.cache}/ebpf-workbench" -name vmlinux.h | head -1)")
"${CLANG:-clang}" -g -O2 --target=bpf -mcpu=v3 -D__TARGET_ARCH_x86 -I"$vmlinux" -I"$root/toolchain/include" -c "$here/order.bpf.c" -o "$work/order.bpf.o"
gcc -O2 -static "$here/ask-order.c" -l:libbpf.a -lelf -lz -o "$work/ask-order"
place() { echo $((16#$("${NM:-llvm-nm}" "$work/order.bpf.o" | awk -v name="$1" '$3 == name { print $1 }'))); }
"$kernel_vm" "$version" "$work" "/job/ask-order $(place target) $(place count) $(place names) $(place facts) /job/order.bpf.o > /job/out/order.jsonl"
cp "$work/out/order.jsonl" "$here/order-$version.jsonl"
