/* Attaches every program of an object in a real kernel, does one thing after the other in a child of its own, and prints for each the names
 * and facts that order.bpf.c logged, as JSON lines. usage: ask-order TARGET COUNT NAMES FACTS order.bpf.o, the first
 * four being the places of these variables in .bss. ask-order.sh does all of it. */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENTRIES 96
static volatile unsigned *target, *count;
static char (*names)[32];
static long long *facts;
static int listener;
static pid_t self;

static void step_getpid(void) { syscall(SYS_getpid); }
static void step_execve(void) { char *argv[] = { "true", "x", NULL }, *envp[] = { NULL }; syscall(SYS_execve, "/bbin/true", argv, envp); }
static void step_execve_missing(void) { char *argv[] = { "x", NULL }, *envp[] = { NULL }; syscall(SYS_execve, "/nowhere", argv, envp); }
static void step_openat(void) { syscall(SYS_openat, AT_FDCWD, "/tmp/order-file", O_RDONLY, 0); }
static int kept;
static void step_read(void) { char buffer[8]; syscall(SYS_read, kept, buffer, sizeof(buffer)); }
static void step_write(void) { syscall(SYS_write, kept, "hello", 5); }
static void step_close(void) { syscall(SYS_close, kept); }
static void step_unlinkat(void) { syscall(SYS_unlinkat, AT_FDCWD, "/tmp/order-gone", 0); }
static void step_mkdirat(void) { syscall(SYS_mkdirat, AT_FDCWD, "/tmp/order-folder", 0755); }
static void step_renameat2(void) { syscall(SYS_renameat2, AT_FDCWD, "/tmp/order-from", AT_FDCWD, "/tmp/order-to", 0); }
static void step_clone(void) { if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0) _exit(0); }
static void step_exit_group(void) { syscall(SYS_exit_group, 3); }
static void step_socket(void) { syscall(SYS_socket, AF_INET, SOCK_STREAM, 0); }
static void address(struct sockaddr_in *in, int port) { memset(in, 0, sizeof(*in)); in->sin_family = AF_INET; in->sin_port = htons(port); in->sin_addr.s_addr = htonl(INADDR_LOOPBACK); }
static void step_connect(void) { struct sockaddr_in in; address(&in, 7000); syscall(SYS_connect, kept, &in, sizeof(in)); }
static void step_bind(void) { struct sockaddr_in in; address(&in, 7001); syscall(SYS_bind, kept, &in, sizeof(in)); }
static void step_listen(void) { syscall(SYS_listen, kept, 5); }
static void step_sendto(void) { syscall(SYS_sendto, kept, "hello", 5, 0, NULL, 0); }
static void step_mmap(void) { syscall(SYS_mmap, 0, 4096, 1, 2, kept, 0); }
static void step_kill(void) { syscall(SYS_kill, self, SIGUSR1); }

static void prepare_file(void) { kept = open("/tmp/order-file", O_RDWR | O_CREAT, 0644); }
static void prepare_names(void) { close(open("/tmp/order-gone", O_RDWR | O_CREAT, 0644)); close(open("/tmp/order-from", O_RDWR | O_CREAT, 0644)); }
static void prepare_socket(void) { kept = socket(AF_INET, SOCK_STREAM, 0); }
static void prepare_bound(void) { struct sockaddr_in in; prepare_socket(); address(&in, 7002); bind(kept, (void *)&in, sizeof(in)); }
static void prepare_connected(void) { struct sockaddr_in in; prepare_socket(); address(&in, 7000); connect(kept, (void *)&in, sizeof(in)); }
static void ignore(int number) { (void)number; }
static void prepare_signal(void) { signal(SIGUSR1, ignore); }
static void nothing(void) { }

static const struct { const char *name; void (*prepare)(void), (*step)(void); } steps[] = {
	{ "getpid", nothing, step_getpid }, { "execve", nothing, step_execve }, { "execve of a missing file", nothing, step_execve_missing },
	{ "openat", prepare_file, step_openat }, { "read", prepare_file, step_read }, { "write", prepare_file, step_write },
	{ "close", prepare_file, step_close }, { "unlinkat", prepare_names, step_unlinkat }, { "mkdirat", nothing, step_mkdirat },
	{ "renameat2", prepare_names, step_renameat2 }, { "clone", nothing, step_clone }, { "exit_group", nothing, step_exit_group },
	{ "socket", nothing, step_socket }, { "connect", prepare_socket, step_connect }, { "bind", prepare_socket, step_bind },
	{ "listen", prepare_bound, step_listen }, { "kill", prepare_signal, step_kill },
	{ "sendto", prepare_connected, step_sendto }, { "mmap", prepare_file, step_mmap },
};

int main(int argc, char **argv)
{
	struct bpf_object *object = bpf_object__open_file(argv[argc - 1], NULL);
	struct bpf_program *program;
	struct bpf_map *map;
	size_t size;
	char *bss;

	if (!object || bpf_object__load(object)) { fprintf(stderr, "not loaded: %s\n", strerror(errno)); return 1; }
	bpf_object__for_each_program(program, object) {
		struct bpf_link *link = bpf_program__attach(program);
		if (!link) fprintf(stderr, "%s: not attached: %s\n", bpf_program__section_name(program), strerror(errno));
	}
	map = bpf_object__find_map_by_name(object, ".bss");
	size = map ? (bpf_map__value_size(map) + 4095) / 4096 * 4096 : 0;
	bss = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	if (bss == MAP_FAILED) { fprintf(stderr, "no .bss: %s\n", strerror(errno)); return 1; }
	/* Where the object's symbols lie in .bss: llvm-nm says. */
	target = (void *)(bss + atoi(argv[1])); count = (void *)(bss + atoi(argv[2]));
	names = (void *)(bss + atoi(argv[3])); facts = (void *)(bss + atoi(argv[4]));
	listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in in; address(&in, 7000); bind(listener, (void *)&in, sizeof(in)); listen(listener, 8);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int status;
		*target = 0xffffffff;
		pid_t child = fork();
		if (child == 0) {
			self = getpid();
			/* What libbpf keeps open is not this child's. */
			syscall(SYS_close_range, 3, ~0U, 0);
			steps[i].prepare();
			kill(getpid(), SIGSTOP);
			*count = 0; *target = self;
			steps[i].step();
			*target = 0xffffffff;
			_exit(0);
		}
		waitpid(child, &status, WUNTRACED);
		*target = 0xffffffff;
		kill(child, SIGCONT);
		waitpid(child, &status, 0);
		*target = 0xffffffff;
		printf("{\"step\": \"%s\", \"runs\": [", steps[i].name);
		for (unsigned at = 0; at < *count && at < ENTRIES; at++) {
			/* What the program that execve started does by itself. */
			if (at && !strcmp(names[at], "raw_tp/sys_enter")) break;
			printf("%s[\"%s\", %lld]", at ? ", " : "", names[at], facts[at]);
		}
		printf("]}\n");
		fflush(stdout);
	}
	return 0;
}
