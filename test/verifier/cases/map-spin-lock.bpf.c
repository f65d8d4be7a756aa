// bpf_spin_lock in values of map types that take it and that do not.
#include "cases.h"
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
#define __uptr __attribute__((btf_type_tag("uptr")))
#undef __percpu_kptr
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#undef __kptr_untrusted
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
extern void bpf_task_release(struct task_struct *p) __ksym;
struct ln { int a; struct bpf_list_node n; }; struct pl { int a; };
struct v_spin { int x; struct bpf_spin_lock f; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct v_spin); } m_spin_array SEC(".maps");
SEC("tc") int p_spin_array(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_array, &k); if (!v) return 0; bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("tc") int r_spin_array(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_array, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_spin_array(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_array, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 1); __type(key, int); __type(value, struct v_spin); } m_spin_hash SEC(".maps");
SEC("tc") int p_spin_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_hash, &k); if (!v) return 0; bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("tc") int r_spin_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_spin_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_hash, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_LRU_HASH); __uint(max_entries, 1); __type(key, int); __type(value, struct v_spin); } m_spin_lru_hash SEC(".maps");
SEC("tc") int p_spin_lru_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_lru_hash, &k); if (!v) return 0; bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("tc") int r_spin_lru_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_lru_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_spin_lru_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_lru_hash, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct v_spin); } m_spin_percpu_array SEC(".maps");
SEC("tc") int p_spin_percpu_array(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_percpu_array, &k); if (!v) return 0; bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("tc") int r_spin_percpu_array(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_percpu_array, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_spin_percpu_array(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_percpu_array, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_PERCPU_HASH); __uint(max_entries, 1); __type(key, int); __type(value, struct v_spin); } m_spin_percpu_hash SEC(".maps");
SEC("tc") int p_spin_percpu_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_percpu_hash, &k); if (!v) return 0; bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("tc") int r_spin_percpu_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_percpu_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_spin_percpu_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_percpu_hash, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH); __uint(max_entries, 1); __type(key, int); __type(value, struct v_spin); } m_spin_lru_percpu_hash SEC(".maps");
SEC("tc") int p_spin_lru_percpu_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_lru_percpu_hash, &k); if (!v) return 0; bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("tc") int r_spin_lru_percpu_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_lru_percpu_hash, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_spin_lru_percpu_hash(struct __sk_buff *c) { int k = 0; struct v_spin *v = bpf_map_lookup_elem(&m_spin_lru_percpu_hash, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(max_entries, 0); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, struct v_spin); } m_spin_task_storage SEC(".maps");
SEC("tp_btf/task_newtask") int p_spin_task_storage(struct __sk_buff *c) { struct v_spin *v = bpf_task_storage_get(&m_spin_task_storage, bpf_get_current_task_btf(), 0, 0); if (!v) return 0; bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("tp_btf/task_newtask") int r_spin_task_storage(struct __sk_buff *c) { struct v_spin *v = bpf_task_storage_get(&m_spin_task_storage, bpf_get_current_task_btf(), 0, 0); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tp_btf/task_newtask") int q_spin_task_storage(struct __sk_buff *c) { struct v_spin *v = bpf_task_storage_get(&m_spin_task_storage, bpf_get_current_task_btf(), 0, 0); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_SK_STORAGE); __uint(max_entries, 0); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, struct v_spin); } m_spin_sk_storage SEC(".maps");
SEC("tc") int p_spin_sk_storage(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; struct v_spin *v = bpf_sk_storage_get(&m_spin_sk_storage, s, 0, 1); if (!v) return 0; bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("tc") int r_spin_sk_storage(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; struct v_spin *v = bpf_sk_storage_get(&m_spin_sk_storage, s, 0, 1); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_spin_sk_storage(struct __sk_buff *c) { struct bpf_sock *s = c->sk; if (!s) return 0; struct v_spin *v = bpf_sk_storage_get(&m_spin_sk_storage, s, 0, 1); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_CGROUP_STORAGE); __uint(max_entries, 0); __type(key, struct bpf_cgroup_storage_key); __type(value, struct v_spin); } m_spin_cgroup_storage SEC(".maps");
SEC("cgroup_skb/egress") int p_spin_cgroup_storage(struct __sk_buff *c) { struct v_spin *v = bpf_get_local_storage(&m_spin_cgroup_storage, 0); if (!v) return 0; bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("cgroup_skb/egress") int r_spin_cgroup_storage(struct __sk_buff *c) { struct v_spin *v = bpf_get_local_storage(&m_spin_cgroup_storage, 0); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("cgroup_skb/egress") int q_spin_cgroup_storage(struct __sk_buff *c) { struct v_spin *v = bpf_get_local_storage(&m_spin_cgroup_storage, 0); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 1); __uint(key_size,0); __type(value, struct v_spin); } m_spin_queue SEC(".maps");
SEC("tc") int p_spin_queue(struct __sk_buff *c) { struct v_spin vv, *v=&vv; bpf_map_pop_elem(&m_spin_queue, v); bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("tc") int r_spin_queue(struct __sk_buff *c) { struct v_spin vv, *v=&vv; bpf_map_pop_elem(&m_spin_queue, v); return *(volatile int*)&v->f & 1; }
SEC("tc") int q_spin_queue(struct __sk_buff *c) { struct v_spin vv, *v=&vv; bpf_map_pop_elem(&m_spin_queue, v); return (*(volatile long*)&v->f) & 1; }
struct { __uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 1); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, u64); __type(value, struct v_spin); } m_spin_lpm_trie SEC(".maps");
SEC("tc") int p_spin_lpm_trie(struct __sk_buff *c) { u64 k = 32; struct v_spin *v = bpf_map_lookup_elem(&m_spin_lpm_trie, &k); if (!v) return 0; bpf_spin_lock(&v->f); bpf_spin_unlock(&v->f); return 0; }
SEC("tc") int r_spin_lpm_trie(struct __sk_buff *c) { u64 k = 32; struct v_spin *v = bpf_map_lookup_elem(&m_spin_lpm_trie, &k); if (!v) return 0; return *(volatile int*)&v->f & 1; }
SEC("tc") int q_spin_lpm_trie(struct __sk_buff *c) { u64 k = 32; struct v_spin *v = bpf_map_lookup_elem(&m_spin_lpm_trie, &k); if (!v) return 0; return (*(volatile long*)&v->f) & 1; }
