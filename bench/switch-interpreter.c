/* An eBPF interpreter as one C switch without checks: the yardstick for ours. Knows the instructions of the bench programs only.
 * Standard input: the slots as 16 hex digits a line, an empty line, then one line per run; prints result and processor time in nanoseconds. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <stdlib.h>
#include <time.h>

struct insn {
	uint8_t opcode, dst : 4, src : 4;
	int16_t off;
	int32_t imm;
};

static unsigned char memory[8192 + 64];
static struct insn code[65536];

static uint64_t run(const struct insn *insn, uint64_t r1, uint64_t r2)
{
	static unsigned char stacks[8][512];
	uint64_t r[11] = { 0, r1, r2 }, saved[8][4];
	const struct insn *back[8];
	int depth = 0;

	r[10] = (uint64_t)(stacks[0] + 512);
	for (;; insn++) {
#define D r[insn->dst]
#define S r[insn->src]
#define I ((int64_t)insn->imm)
#define ALU(op, name) \
	case 0x07 | op: name(D, (uint64_t)I); break; \
	case 0x0f | op: name(D, S); break; \
	case 0x04 | op: { uint32_t d = D; name(d, (uint32_t)I); D = d; break; } \
	case 0x0c | op: { uint32_t d = D; name(d, (uint32_t)S); D = d; break; }
#define ADD(a, b) a += b
#define SUB(a, b) a -= b
#define MUL(a, b) a *= b
#define DIV(a, b) a = (b) ? a / (b) : 0
#define MOD(a, b) a = (b) ? a % (b) : a
#define OR(a, b) a |= b
#define AND(a, b) a &= b
#define XOR(a, b) a ^= b
#define MOV(a, b) a = b
#define LSH(a, b) a <<= (b) & (sizeof(a) * 8 - 1)
#define RSH(a, b) a >>= (b) & (sizeof(a) * 8 - 1)
#define JUMP(op, compare, type, type32) \
	case 0x05 | op: if ((type)D compare (type)I) insn += insn->off; break; \
	case 0x0d | op: if ((type)D compare (type)S) insn += insn->off; break; \
	case 0x06 | op: if ((type32)D compare (type32)I) insn += insn->off; break; \
	case 0x0e | op: if ((type32)D compare (type32)S) insn += insn->off; break;
		switch (insn->opcode) {
		ALU(0x00, ADD) ALU(0x10, SUB) ALU(0x20, MUL) ALU(0x30, DIV) ALU(0x40, OR) ALU(0x50, AND) ALU(0x60, LSH) ALU(0x70, RSH)
		ALU(0x90, MOD) ALU(0xa0, XOR) ALU(0xb0, MOV)
		case 0xc7: D = (int64_t)D >> (I & 63); break;
		case 0xcf: D = (int64_t)D >> (S & 63); break;
		case 0xc4: D = (uint32_t)((int32_t)D >> (I & 31)); break;
		case 0xcc: D = (uint32_t)((int32_t)D >> (S & 31)); break;
		case 0x87: D = -D; break;
		case 0x84: D = (uint32_t)-D; break;
		case 0xdc: D = insn->imm == 16 ? __builtin_bswap16(D) : insn->imm == 32 ? __builtin_bswap32(D) : __builtin_bswap64(D); break;
		case 0xd4: D = insn->imm == 16 ? (uint16_t)D : insn->imm == 32 ? (uint32_t)D : D; break;
		case 0x18: D = (uint32_t)insn->imm | (uint64_t)insn[1].imm << 32; insn++; break;
		case 0x71: D = *(uint8_t *)(S + insn->off); break;
		case 0x69: D = *(uint16_t *)(S + insn->off); break;
		case 0x61: D = *(uint32_t *)(S + insn->off); break;
		case 0x79: D = *(uint64_t *)(S + insn->off); break;
		case 0x73: *(uint8_t *)(D + insn->off) = S; break;
		case 0x6b: *(uint16_t *)(D + insn->off) = S; break;
		case 0x63: *(uint32_t *)(D + insn->off) = S; break;
		case 0x7b: *(uint64_t *)(D + insn->off) = S; break;
		case 0x72: *(uint8_t *)(D + insn->off) = I; break;
		case 0x6a: *(uint16_t *)(D + insn->off) = I; break;
		case 0x62: *(uint32_t *)(D + insn->off) = I; break;
		case 0x7a: *(uint64_t *)(D + insn->off) = I; break;
		case 0x05: insn += insn->off; break;
		JUMP(0x10, ==, uint64_t, uint32_t) JUMP(0x20, >, uint64_t, uint32_t) JUMP(0x30, >=, uint64_t, uint32_t) JUMP(0x40, &, uint64_t, uint32_t)
		JUMP(0x50, !=, uint64_t, uint32_t) JUMP(0x60, >, int64_t, int32_t) JUMP(0x70, >=, int64_t, int32_t) JUMP(0xa0, <, uint64_t, uint32_t)
		JUMP(0xb0, <=, uint64_t, uint32_t) JUMP(0xc0, <, int64_t, int32_t) JUMP(0xd0, <=, int64_t, int32_t)
		case 0x85:
			if (insn->src != 1)
				exit(3);
			memcpy(saved[depth], r + 6, 32);
			back[depth++] = insn;
			r[10] = (uint64_t)(stacks[depth] + 512);
			insn += insn->imm;
			break;
		case 0x95:
			if (depth == 0)
				return r[0];
			insn = back[--depth];
			memcpy(r + 6, saved[depth], 32);
			r[10] = (uint64_t)(stacks[depth] + 512);
			break;
		default:
			fprintf(stderr, "opcode %02x\n", insn->opcode);
			exit(2);
		}
	}
}

int main(void)
{
	char line[64];

	for (int slot = 0; fgets(line, sizeof(line), stdin) && line[0] != '\n'; slot++) {
		uint64_t word = strtoull(line, 0, 16);
		memcpy(&code[slot], &word, 8);
	}
	while (fgets(line, sizeof(line), stdin)) {
		struct timespec before, after;
		uint64_t result;

		memset(memory, 0, sizeof(memory));
		for (int i = 0; i < 8192; i++)
			memory[i] = i * 7 + 3;
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
		result = run(code, (uint64_t)memory, 8192);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
		printf("%llx %lld\n", (unsigned long long)result, (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec);
		fflush(stdout);
	}
	return 0;
}
