// Opens an object with libbpf and loads its programs into the running kernel one by one, for tests. For each: a line with its name
// and 0, a negative errno, or `unasked` where libbpf gave up before; then the kernel's log; then a line with a single dot.
// It attaches nothing and pins nothing.
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define LOG_SIZE (1 << 20)

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

// Loads the program at `index` alone. Returns 0 when there is none.
static int ask(const char *file, int index, char *log)
{
	struct bpf_object *object = bpf_object__open_file(file, NULL);
	struct bpf_program *program, *asked = NULL;
	struct bpf_map *map;
	int at = 0, result;

	if (!object)
		return 0;
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, at == index);
		if (at++ == index)
			asked = program;
	}
	if (asked) {
		bpf_object__for_each_map(map, object)
			bpf_map__set_pin_path(map, NULL);
		log[0] = 0;
		bpf_program__set_log_buf(asked, log, LOG_SIZE);
		bpf_program__set_log_level(asked, 4);
		result = bpf_object__load(object);
		if (result && !log[0])
			printf("%s unasked\n.\n", bpf_program__name(asked));
		else
			printf("%s %d\n%s\n.\n", bpf_program__name(asked), result, log);
	}
	bpf_object__close(object);
	return asked != NULL;
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	char *log = malloc(LOG_SIZE);
	int index;

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(quiet);
	for (index = 0; argc == 2 && ask(argv[1], index, log); index++)
		;
	return 0;
}
