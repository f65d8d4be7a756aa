// A list whose elements have lists of the same.
#include "cases.h"
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define __uptr __attribute__((btf_type_tag("uptr")))
#undef __percpu_kptr
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#undef __kptr_untrusted
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
extern void bpf_task_release(struct task_struct *p) __ksym;
struct ln { int a; struct bpf_list_node n; }; struct pl { int a; };
struct lo { struct bpf_spin_lock l; struct bpf_list_head h __contains(lo, n); struct bpf_list_node n; }; struct v_owner { struct lo f; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct v_owner); } m_owner_array SEC(".maps");
SEC("tc") int p_owner_array(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_array, &k); if (!v) return 0; return *(volatile int*)&v->f & 0; return 0; }
SEC("tc") int r_owner_array(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_array, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_owner_array(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_array, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1); __type(key, int); __type(value, struct v_owner); } m_owner_hash SEC(".maps");
SEC("tc") int p_owner_hash(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 0; return 0; }
SEC("tc") int r_owner_hash(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_owner_hash(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_hash, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 1); __type(key, int); __type(value, struct v_owner); } m_owner_lru_hash SEC(".maps");
SEC("tc") int p_owner_lru_hash(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_lru_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 0; return 0; }
SEC("tc") int r_owner_lru_hash(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_lru_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_owner_lru_hash(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_lru_hash, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct v_owner); } m_owner_percpu_array SEC(".maps");
SEC("tc") int p_owner_percpu_array(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_percpu_array, &k); if (!v) return 0; return *(volatile int*)&v->f & 0; return 0; }
SEC("tc") int r_owner_percpu_array(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_percpu_array, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_owner_percpu_array(struct __sk_buff *c) { int k = 0; struct v_owner *v = bpf_map_lookup_elem(&m_owner_percpu_array, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
