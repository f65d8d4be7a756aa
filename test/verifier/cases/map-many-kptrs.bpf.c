// More kptrs than the kernel keeps account of.
#include "cases.h"
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define __uptr __attribute__((btf_type_tag("uptr")))
#undef __percpu_kptr
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#undef __kptr_untrusted
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
extern void bpf_task_release(struct task_struct *p) __ksym;
struct ln { int a; struct bpf_list_node n; }; struct pl { int a; };
struct v_k13 { struct task_struct __kptr *f[12]; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct v_k13); } m_k13_array SEC(".maps");
SEC("tc") int p_k13_array(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_array, &k); if (!v) return 0; struct task_struct *o=bpf_kptr_xchg(&v->f[2], 0); if (o) bpf_task_release(o); return 0; }
SEC("tc") int r_k13_array(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_array, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_k13_array(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_array, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1); __type(key, int); __type(value, struct v_k13); } m_k13_hash SEC(".maps");
SEC("tc") int p_k13_hash(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_hash, &k); if (!v) return 0; struct task_struct *o=bpf_kptr_xchg(&v->f[2], 0); if (o) bpf_task_release(o); return 0; }
SEC("tc") int r_k13_hash(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_k13_hash(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_hash, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 1); __type(key, int); __type(value, struct v_k13); } m_k13_lru_hash SEC(".maps");
SEC("tc") int p_k13_lru_hash(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_lru_hash, &k); if (!v) return 0; struct task_struct *o=bpf_kptr_xchg(&v->f[2], 0); if (o) bpf_task_release(o); return 0; }
SEC("tc") int r_k13_lru_hash(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_lru_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_k13_lru_hash(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_lru_hash, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct v_k13); } m_k13_percpu_array SEC(".maps");
SEC("tc") int p_k13_percpu_array(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_percpu_array, &k); if (!v) return 0; struct task_struct *o=bpf_kptr_xchg(&v->f[2], 0); if (o) bpf_task_release(o); return 0; }
SEC("tc") int r_k13_percpu_array(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_percpu_array, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_k13_percpu_array(struct __sk_buff *c) { int k = 0; struct v_k13 *v = bpf_map_lookup_elem(&m_k13_percpu_array, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(max_entries, 0); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, struct v_k13); } m_k13_task_storage SEC(".maps");
SEC("tp_btf/task_newtask") int p_k13_task_storage(struct __sk_buff *c) { struct v_k13 *v = bpf_task_storage_get(&m_k13_task_storage, bpf_get_current_task_btf(), 0, 0); if (!v) return 0; struct task_struct *o=bpf_kptr_xchg(&v->f[2], 0); if (o) bpf_task_release(o); return 0; }
SEC("tp_btf/task_newtask") int r_k13_task_storage(struct __sk_buff *c) { struct v_k13 *v = bpf_task_storage_get(&m_k13_task_storage, bpf_get_current_task_btf(), 0, 0); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tp_btf/task_newtask") int q_k13_task_storage(struct __sk_buff *c) { struct v_k13 *v = bpf_task_storage_get(&m_k13_task_storage, bpf_get_current_task_btf(), 0, 0); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
