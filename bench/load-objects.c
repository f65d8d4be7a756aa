// Opens each object with libbpf, without loading it into the kernel, and prints the seconds that took.
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <bpf/libbpf.h>

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

int main(int argc, char **argv)
{
	struct timespec from, to;
	int opened = 0;

	libbpf_set_print(silent);
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 1; i < argc; i++) {
		struct bpf_object *object = bpf_object__open_file(argv[i], NULL);

		if (!object)
			continue;
		opened++;
		bpf_object__close(object);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	printf("{\"opened\":%d,\"seconds\":%f}\n", opened, (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 1e9);
	return 0;
}
