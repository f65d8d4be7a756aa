/* bool, for a compiler that comes without its headers (zig from npm). Looked at after every other folder. */
#ifndef EBPF_WORKBENCH_STDBOOL_H
#define EBPF_WORKBENCH_STDBOOL_H

#define bool _Bool
#define true 1
#define false 0
#define __bool_true_false_are_defined 1

#endif
