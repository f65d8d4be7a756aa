// Loads single programs of an object into the running kernel with libbpf and prints the kernel's log, for tests: libbpf-log OBJECT LEVEL.
// Standard input has a line per program, its name and its flags; the answer is a line `== NAME loaded|refused BYTES`, then the log's bytes.
// It attaches nothing and pins nothing; a log of more than 4 MB is given as 0 bytes.
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define LOG_SIZE (4 << 20)

static int silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return 0;
}

static void load_one(const char *file, const char *name, unsigned flags, int level, char *log)
{
	struct bpf_object *object = bpf_object__open_file(file, NULL);
	struct bpf_program *program, *wanted = NULL;
	struct bpf_map *map;
	int loaded;

	log[0] = 0;
	if (object) {
		bpf_object__for_each_map(map, object)
			bpf_map__set_pin_path(map, NULL);
		bpf_object__for_each_program(program, object) {
			int is_wanted = strcmp(bpf_program__name(program), name) == 0;

			bpf_program__set_autoload(program, is_wanted);
			if (!is_wanted)
				continue;
			wanted = program;
			bpf_program__set_flags(program, bpf_program__flags(program) | flags);
			bpf_program__set_log_buf(program, log, LOG_SIZE);
			bpf_program__set_log_level(program, level);
		}
		bpf_object__load(object);
	}
	loaded = wanted && bpf_program__fd(wanted) >= 0;
	size_t length = strnlen(log, LOG_SIZE);
	if (length > LOG_SIZE - 2)
		length = 0;
	printf("== %s %s %zu\n", name, loaded ? "loaded" : "refused", length);
	fwrite(log, 1, length, stdout);
	bpf_object__close(object);
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	char *log = malloc(LOG_SIZE);
	char name[256];
	unsigned flags;

	if (argc != 3 || !log)
		return 2;
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	libbpf_set_print(silent);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	while (scanf("%255s %u", name, &flags) == 2)
		load_one(argv[1], name, flags, atoi(argv[2]), log);
	return 0;
}
