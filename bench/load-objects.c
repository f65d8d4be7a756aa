// Opens each object with libbpf, without loading it into the kernel, a number of rounds (the first argument). Prints how many it
// could open, the seconds of the quickest round, and the sum of each object's quickest opening.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <bpf/libbpf.h>

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
}

static double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	int rounds = atoi(argv[1]), opened = 0;
	double *quickest = malloc(argc * sizeof(*quickest)), round = 1e9, sum = 0;

	libbpf_set_print(silent);
	for (int n = 0; n < rounds; n++) {
		double begin = now();

		opened = 0;
		for (int i = 2; i < argc; i++) {
			double start = now(), took;
			struct bpf_object *object = bpf_object__open_file(argv[i], NULL);

			if (object)
				opened++;
			bpf_object__close(object);
			took = now() - start;
			if (n == 0 || took < quickest[i])
				quickest[i] = took;
		}
		if (now() - begin < round)
			round = now() - begin;
	}
	for (int i = 2; i < argc; i++)
		sum += quickest[i];
	printf("{\"opened\":%d,\"round\":%f,\"sum\":%f}\n", opened, round, sum);
	return 0;
}
