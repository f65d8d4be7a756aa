// The bpf() system call for tests, over standard input and output: one request a line, one answer a line.
// It creates maps, loads programs and test-runs them. It cannot attach and cannot pin: it has no such request.
// Words are separated by one space; bytes are hex, `-` stands for none. The answer's first word is a number, negative for -errno.
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_WORDS 24

static char *words[MAX_WORDS];
static int word_count;

static long bpf(int command, union bpf_attr *attr)
{
	long result = syscall(SYS_bpf, command, attr, sizeof(*attr));
	return result < 0 ? -errno : result;
}

static uint64_t number(int word)
{
	return word < word_count ? strtoull(words[word], NULL, 0) : 0;
}

static const char *text(int word)
{
	return word < word_count && strcmp(words[word], "-") ? words[word] : "";
}

// Returns a buffer of at least `least` bytes holding the word's bytes.
static unsigned char *bytes(int word, size_t least, size_t *length)
{
	const char *hex = text(word);
	size_t n = strlen(hex) / 2, i;
	unsigned char *out = calloc(1, (n > least ? n : least) + 1);

	for (i = 0; i < n; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], 0 };
		out[i] = strtoul(pair, NULL, 16);
	}
	if (length)
		*length = n;
	return out;
}

static void print_hex(const unsigned char *data, size_t length)
{
	size_t i;

	if (!length)
		putchar('-');
	for (i = 0; i < length; i++)
		printf("%02x", data[i]);
}

// btf BYTES
static void load_btf(void)
{
	union bpf_attr attr = {};
	size_t length;
	unsigned char *data = bytes(1, 0, &length);

	attr.btf = (uintptr_t)data;
	attr.btf_size = length;
	printf("%ld\n", bpf(BPF_BTF_LOAD, &attr));
	free(data);
}

// map TYPE KEY VALUE MAX FLAGS NAME INNER_FD BTF_FD KEY_TYPE VALUE_TYPE EXTRA
static void create_map(void)
{
	union bpf_attr attr = {};

	attr.map_type = number(1);
	attr.key_size = number(2);
	attr.value_size = number(3);
	attr.max_entries = number(4);
	attr.map_flags = number(5);
	strncpy(attr.map_name, text(6), sizeof(attr.map_name) - 1);
	attr.inner_map_fd = number(7);
	attr.btf_fd = number(8);
	attr.btf_key_type_id = number(9);
	attr.btf_value_type_id = number(10);
	attr.map_extra = number(11);
	printf("%ld\n", bpf(BPF_MAP_CREATE, &attr));
}

// load TYPE ATTACH_TYPE FLAGS LOG_LEVEL LICENSE NAME ATTACH_BTF_ID BTF_FD FUNC_INFO FUNC_INFO_SIZE LINE_INFO LINE_INFO_SIZE LOG_SIZE INSNS
// → FD LOG
// try …: the same, and the program is given back at once: its descriptor is 0.
static void load_program(int give_back)
{
	union bpf_attr attr = {};
	size_t insns_length, func_length, line_length;
	unsigned char *insns = bytes(14, 0, &insns_length), *func = bytes(9, 0, &func_length), *line = bytes(11, 0, &line_length);
	size_t log_size = number(13) ? number(13) : 1 << 24;
	char *log = calloc(1, log_size);
	long result;
	int attempt;

	attr.prog_type = number(1);
	attr.expected_attach_type = number(2);
	attr.prog_flags = number(3);
	attr.license = (uintptr_t)text(5);
	strncpy(attr.prog_name, text(6), sizeof(attr.prog_name) - 1);
	attr.attach_btf_id = number(7);
	attr.prog_btf_fd = number(8);
	if (func_length) {
		attr.func_info_rec_size = number(10);
		attr.func_info = (uintptr_t)func;
		attr.func_info_cnt = func_length / attr.func_info_rec_size;
	}
	if (line_length) {
		attr.line_info_rec_size = number(12);
		attr.line_info = (uintptr_t)line;
		attr.line_info_cnt = line_length / attr.line_info_rec_size;
	}
	attr.insns = (uintptr_t)insns;
	attr.insn_cnt = insns_length / 8;
	if (number(4)) {
		attr.log_level = number(4);
		attr.log_buf = (uintptr_t)log;
		attr.log_size = log_size;
	}
	// The kernel asks for another try when its memory was short for a moment.
	for (attempt = 0; attempt < 5; attempt++) {
		result = bpf(BPF_PROG_LOAD, &attr);
		if (result != -EAGAIN)
			break;
	}
	if (give_back && result >= 0) {
		close(result);
		result = 0;
	}
	printf("%ld ", result);
	print_hex((unsigned char *)log, strlen(log));
	putchar('\n');
	free(insns);
	free(func);
	free(line);
	free(log);
}

// run FD REPEAT DATA CTX DATA_OUT_SIZE → RESULT RETVAL DATA_OUT CTX_OUT NANOSECONDS
static void test_run(void)
{
	union bpf_attr attr = {};
	size_t data_length, ctx_length, out_size = number(5) ? number(5) : 1 << 16;
	unsigned char *data = bytes(3, 0, &data_length), *ctx = bytes(4, 0, &ctx_length);
	unsigned char *data_out = calloc(1, out_size), *ctx_out = calloc(1, 4096);
	long result;

	attr.test.prog_fd = number(1);
	attr.test.repeat = number(2);
	if (data_length) {
		attr.test.data_in = (uintptr_t)data;
		attr.test.data_size_in = data_length;
		attr.test.data_out = (uintptr_t)data_out;
		attr.test.data_size_out = out_size;
	}
	if (ctx_length) {
		attr.test.ctx_in = (uintptr_t)ctx;
		attr.test.ctx_size_in = ctx_length;
		attr.test.ctx_out = (uintptr_t)ctx_out;
		attr.test.ctx_size_out = 4096;
	}
	result = bpf(BPF_PROG_TEST_RUN, &attr);
	if (result == -EINVAL && ctx_length && attr.test.ctx_out) {
		// Some program types take a context but give none back.
		attr.test.ctx_out = 0;
		attr.test.ctx_size_out = 0;
		result = bpf(BPF_PROG_TEST_RUN, &attr);
	}
	printf("%ld %u ", result, attr.test.retval);
	print_hex(data_out, result || !data_length ? 0 : attr.test.data_size_out);
	putchar(' ');
	print_hex(ctx_out, result || !ctx_length || !attr.test.ctx_out ? 0 : attr.test.ctx_size_out);
	printf(" %u\n", attr.test.duration);
	free(data);
	free(ctx);
	free(data_out);
	free(ctx_out);
}

// lookup FD KEY VALUE_SIZE → RESULT VALUE
static void lookup(void)
{
	union bpf_attr attr = {};
	size_t size = number(3);
	unsigned char *key = bytes(2, 0, NULL), *value = calloc(1, size + 8);
	long result;

	attr.map_fd = number(1);
	attr.key = (uintptr_t)key;
	attr.value = (uintptr_t)value;
	result = bpf(BPF_MAP_LOOKUP_ELEM, &attr);
	printf("%ld ", result);
	print_hex(value, result ? 0 : size);
	putchar('\n');
	free(key);
	free(value);
}

// update FD KEY VALUE FLAGS, delete FD KEY
static void change(int command)
{
	union bpf_attr attr = {};
	unsigned char *key = bytes(2, 0, NULL), *value = bytes(3, 0, NULL);

	attr.map_fd = number(1);
	attr.key = (uintptr_t)key;
	if (command == BPF_MAP_UPDATE_ELEM) {
		attr.value = (uintptr_t)value;
		attr.flags = number(4);
	}
	printf("%ld\n", bpf(command, &attr));
	free(key);
	free(value);
}

// next FD KEY|- KEY_SIZE → RESULT KEY
static void next_key(void)
{
	union bpf_attr attr = {};
	size_t length, size = number(3);
	unsigned char *key = bytes(2, size, &length), *next = calloc(1, size + 1);
	long result;

	attr.map_fd = number(1);
	attr.key = length ? (uintptr_t)key : 0;
	attr.next_key = (uintptr_t)next;
	result = bpf(BPF_MAP_GET_NEXT_KEY, &attr);
	printf("%ld ", result);
	print_hex(next, result ? 0 : size);
	putchar('\n');
	free(key);
	free(next);
}

// freeze FD
static void freeze(void)
{
	union bpf_attr attr = {};

	attr.map_fd = number(1);
	printf("%ld\n", bpf(BPF_MAP_FREEZE, &attr));
}

// info FD → RESULT VERIFIED_INSNS XLATED
static void program_info(void)
{
	union bpf_attr attr = {};
	struct bpf_prog_info info = {};
	unsigned char *xlated;
	long result;

	attr.info.bpf_fd = number(1);
	attr.info.info_len = sizeof(info);
	attr.info.info = (uintptr_t)&info;
	result = bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
	if (!result && info.xlated_prog_len) {
		uint32_t length = info.xlated_prog_len, verified = info.verified_insns;

		xlated = calloc(1, length);
		memset(&info, 0, sizeof(info));
		info.xlated_prog_insns = (uintptr_t)xlated;
		info.xlated_prog_len = length;
		result = bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
		printf("%ld %u ", result, verified);
		print_hex(xlated, result ? 0 : info.xlated_prog_len);
		putchar('\n');
		free(xlated);
		return;
	}
	printf("%ld 0 -\n", result);
}

int main(void)
{
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;

	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	while ((length = getline(&line, &capacity, stdin)) > 0) {
		char *rest = line, *word;

		line[strcspn(line, "\n")] = 0;
		for (word_count = 0; word_count < MAX_WORDS && (word = strsep(&rest, " ")); word_count++)
			words[word_count] = word;
		if (!strcmp(words[0], "btf"))
			load_btf();
		else if (!strcmp(words[0], "map"))
			create_map();
		else if (!strcmp(words[0], "try"))
			load_program(1);
		else if (!strcmp(words[0], "load"))
			load_program(0);
		else if (!strcmp(words[0], "run"))
			test_run();
		else if (!strcmp(words[0], "lookup"))
			lookup();
		else if (!strcmp(words[0], "update"))
			change(BPF_MAP_UPDATE_ELEM);
		else if (!strcmp(words[0], "delete"))
			change(BPF_MAP_DELETE_ELEM);
		else if (!strcmp(words[0], "next"))
			next_key();
		else if (!strcmp(words[0], "freeze"))
			freeze();
		else if (!strcmp(words[0], "info"))
			program_info();
		else if (!strcmp(words[0], "close"))
			printf("%d\n", close(number(1)) ? -errno : 0);
		else
			printf("%d\n", -ENOSYS);
		fflush(stdout);
	}
	return 0;
}
