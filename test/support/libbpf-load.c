// Opens an object with libbpf and loads it into the running kernel, for tests: one line a program, its name and whether it was loaded.
// It attaches nothing and pins nothing; what libbpf has to say goes to standard error.
#include <bpf/libbpf.h>
#include <stdio.h>
#include <sys/resource.h>

int main(int argc, char **argv)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	struct bpf_object *object;
	struct bpf_program *program;
	struct bpf_map *map;

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	object = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
	if (!object)
		return 2;
	bpf_object__for_each_map(map, object)
		bpf_map__set_pin_path(map, NULL);
	bpf_object__load(object);
	bpf_object__for_each_program(program, object)
		printf("%s %s\n", bpf_program__name(program), bpf_program__fd(program) >= 0 ? "loaded" : "refused");
	bpf_object__close(object);
	return 0;
}
