// SYNTAX TEST "source.c" "what BPF adds to C"

SEC("?tracepoint/syscalls/sys_enter_execve")
// <--- entity.name.function.preprocessor.sec.bpf
//   ^ keyword.operator.optional.bpf
//    ^^^^^^^^^^ string.quoted.double.section.bpf
//               ^^^^^^^^^^^^^^^^^^^^^^^^^ string.quoted.double.target.bpf
	__uint(type, BPF_MAP_TYPE_HASH);
// <~------ support.function.macro.map.bpf
//      ^^^^ variable.parameter.map.bpf
//            ^^^^^^^^^^^^^^^^^ support.constant.map-type.bpf
	bpf_map_update_elem(&counts, &uid, &one, BPF_ANY);
// <~------------------- support.function.helper.bpf
//                                        ^^^^^^^ support.constant.bpf
	return XDP_DROP;
//      ^^^^^^^^ support.constant.bpf
int x; // SEC("xdp") in a comment
//        ^^^ comment.line.double-slash.c - entity.name.function.preprocessor.sec.bpf
