// A timer declared volatile is none.
#include "cases.h"
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define __uptr __attribute__((btf_type_tag("uptr")))
#undef __percpu_kptr
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#undef __kptr_untrusted
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
extern void bpf_task_release(struct task_struct *p) __ksym;
struct ln { int a; struct bpf_list_node n; }; struct pl { int a; };
struct v_vt { volatile struct bpf_timer f; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct v_vt); } m_vt_array SEC(".maps");
SEC("tc") int p_vt_array(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_array, &k); if (!v) return 0; bpf_timer_init((void*)&v->f, &m_vt_array, 1); return 0; }
SEC("tc") int r_vt_array(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_array, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_vt_array(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_array, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1); __type(key, int); __type(value, struct v_vt); } m_vt_hash SEC(".maps");
SEC("tc") int p_vt_hash(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_hash, &k); if (!v) return 0; bpf_timer_init((void*)&v->f, &m_vt_hash, 1); return 0; }
SEC("tc") int r_vt_hash(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_vt_hash(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_hash, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 1); __type(key, int); __type(value, struct v_vt); } m_vt_lru_hash SEC(".maps");
SEC("tc") int p_vt_lru_hash(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_lru_hash, &k); if (!v) return 0; bpf_timer_init((void*)&v->f, &m_vt_lru_hash, 1); return 0; }
SEC("tc") int r_vt_lru_hash(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_lru_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_vt_lru_hash(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_lru_hash, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct v_vt); } m_vt_percpu_array SEC(".maps");
SEC("tc") int p_vt_percpu_array(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_percpu_array, &k); if (!v) return 0; bpf_timer_init((void*)&v->f, &m_vt_percpu_array, 1); return 0; }
SEC("tc") int r_vt_percpu_array(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_percpu_array, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_vt_percpu_array(struct __sk_buff *c) { int k = 0; struct v_vt *v = bpf_map_lookup_elem(&m_vt_percpu_array, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(max_entries, 0); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, struct v_vt); } m_vt_task_storage SEC(".maps");
SEC("tp_btf/task_newtask") int p_vt_task_storage(struct __sk_buff *c) { struct v_vt *v = bpf_task_storage_get(&m_vt_task_storage, bpf_get_current_task_btf(), 0, 0); if (!v) return 0; bpf_timer_init((void*)&v->f, &m_vt_task_storage, 1); return 0; }
SEC("tp_btf/task_newtask") int r_vt_task_storage(struct __sk_buff *c) { struct v_vt *v = bpf_task_storage_get(&m_vt_task_storage, bpf_get_current_task_btf(), 0, 0); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tp_btf/task_newtask") int q_vt_task_storage(struct __sk_buff *c) { struct v_vt *v = bpf_task_storage_get(&m_vt_task_storage, bpf_get_current_task_btf(), 0, 0); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
