/* Runs prog(mem, len) of a shared object each time a line comes, and prints its result and the processor time it took in nanoseconds. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef unsigned long long (*program)(unsigned char *memory, unsigned long long length);

static unsigned char memory[8192 + 64];

int main(int argc, char **argv)
{
	char line[16];
	void *object = argc == 2 ? dlopen(argv[1], RTLD_NOW) : 0;
	program run = object ? (program)dlsym(object, "prog") : 0;

	if (!run)
		return 1;
	while (fgets(line, sizeof(line), stdin)) {
		struct timespec before, after;
		unsigned long long result;

		memset(memory, 0, sizeof(memory));
		for (int i = 0; i < 8192; i++)
			memory[i] = i * 7 + 3;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		result = run(memory, 8192);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		printf("%llx %lld\n", result, (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec);
		fflush(stdout);
	}
	return 0;
}
