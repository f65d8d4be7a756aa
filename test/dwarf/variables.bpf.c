// Every kind of variable that a debugger meets, in one program: the objects beside it are this file compiled by several clangs.
// No header: the tests must not depend on what a machine has installed.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long s64;
typedef u16 be16;
#define SEC(name) __attribute__((section(name), used))
#define __noinline __attribute__((noinline))
#define __always_inline inline __attribute__((always_inline))

enum color { RED, GREEN = 5, BLUE = -1 };
enum wide { WIDE = 0x100000000ULL };

struct point { int x, y; };
union number { u64 whole; u32 halves[2]; };

struct packet {
  u8 version : 4, length : 4;
  be16 port;
  u32 flags : 3;
  u32 rest : 29;
  struct point at;
  union { u32 address4; u8 address6[16]; };
  enum color color;
  int (*handler)(struct packet *packet, const char *name);
  const char *name;
  int table[2][3];
  struct packet *next;
  u64 tail[];
};

struct xdp_md { u32 data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex; };

static u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static long (*bpf_get_current_comm)(void *buffer, u32 size) = (void *)16;

int limit = 10;
const volatile u32 setting = 7;
static int seen;
struct packet *last;

static __always_inline int clamp(int value, int lowest, int highest) {
  if (value < lowest) {
    int missing = lowest - value;
    seen += missing;
    return lowest;
  }
  return value > highest ? highest : value;
}

static __always_inline u64 twice(u64 amount) {
  u64 result = clamp(amount, 1, limit);
  return result * 2;
}

__noinline int area(struct point *corner, int scale) {
  static int calls;
  calls++;
  return corner->x * corner->y * scale;
}

SEC("xdp") int variables(struct xdp_md *ctx) {
  char name[16] = {};
  struct point corner = {3, 4};
  union number stamp;
  enum color color = ctx->rx_queue_index ? GREEN : BLUE;
  const int fixed = 42;
  u64 sum = 0;

  stamp.whole = bpf_ktime_get_ns();
  bpf_get_current_comm(name, sizeof(name));
  for (u32 i = 0; i < setting; i++) {
    u64 step = twice(ctx->ingress_ifindex + i);
    sum += step;
  }
  {
    int sum_inner = area(&corner, fixed);
    if (sum_inner > (int)sum)
      return name[0] + color;
  }
  seen += stamp.halves[0];
  return sum + seen;
}

char _license[] SEC("license") = "GPL";
