// Allocated objects, lists, red-black trees, reference counts, per-CPU objects, and the spin lock that guards them.
#include "cases.h"
extern void *bpf_obj_new_impl(u64 id, void *meta) __ksym;
extern void bpf_obj_drop_impl(void *p, void *meta) __ksym;
extern void *bpf_refcount_acquire_impl(void *p, void *meta) __ksym;
extern int bpf_list_push_front_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, u64 off) __ksym;
extern int bpf_list_push_back_impl(struct bpf_list_head *h, struct bpf_list_node *n, void *meta, u64 off) __ksym;
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *h) __ksym;
extern struct bpf_list_node *bpf_list_pop_back(struct bpf_list_head *h) __ksym;
extern struct bpf_list_node *bpf_list_front(struct bpf_list_head *h) __ksym;
extern struct bpf_rb_node *bpf_rbtree_remove(struct bpf_rb_root *r, struct bpf_rb_node *n) __ksym;
extern int bpf_rbtree_add_impl(struct bpf_rb_root *r, struct bpf_rb_node *n, bool (less)(struct bpf_rb_node *a, const struct bpf_rb_node *b), void *meta, u64 off) __ksym;
extern struct bpf_rb_node *bpf_rbtree_first(struct bpf_rb_root *r) __ksym;
extern struct bpf_rb_node *bpf_rbtree_root(struct bpf_rb_root *r) __ksym;
extern struct bpf_rb_node *bpf_rbtree_left(struct bpf_rb_root *r, struct bpf_rb_node *n) __ksym;
extern void *bpf_percpu_obj_new_impl(u64 id, void *meta) __ksym;
extern void bpf_percpu_obj_drop_impl(void *p, void *meta) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
#define bpf_obj_new(t) ((t*)bpf_obj_new_impl(bpf_core_type_id_local(t), 0))
#define bpf_obj_drop(p) bpf_obj_drop_impl(p, 0)
#define push_front(h,n) bpf_list_push_front_impl(h,n,0,0)
#define push_back(h,n) bpf_list_push_back_impl(h,n,0,0)
#define rb_add(r,n,l) bpf_rbtree_add_impl(r,n,l,0,0)
#define refacq(p) bpf_refcount_acquire_impl(p,0)
#define __contains(name, node) __attribute__((btf_decl_tag("contains:" #name ":" #node)))
struct gnode { long key; struct bpf_list_node l; struct bpf_rb_node r; struct bpf_refcount ref; long data; };
struct norefc { long key; struct bpf_list_node l; };
struct rnode { long key; struct bpf_list_node l; struct bpf_rb_node r; struct bpf_refcount ref; };
struct plain { int a; long b; };
struct gother { long x; struct bpf_list_node l; };
#define private(name) SEC(".data." #name) __hidden __attribute__((aligned(8)))
private(A) struct bpf_spin_lock lock;
private(A) struct bpf_list_head head __contains(gnode, l);
private(A) struct bpf_rb_root root __contains(gnode, r);
private(B) struct bpf_spin_lock lock2;
private(B) struct bpf_list_head head2 __contains(rnode, l);
private(B) struct bpf_rb_root root2 __contains(rnode, r);
struct mv { struct bpf_spin_lock lock; struct bpf_list_head h __contains(gnode, l); struct plain __kptr *stash; struct gnode __kptr *nstash; int data; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 2); __type(key, int); __type(value, struct mv); } arr SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 2); __type(key, int); __type(value, struct mv); } hsh SEC(".maps");
static bool less(struct bpf_rb_node *a, const struct bpf_rb_node *b) { struct gnode *x = container_of(a, struct gnode, r), *y = container_of(b, struct gnode, r); return x->key < y->key; }
static bool rless(struct bpf_rb_node *a, const struct bpf_rb_node *b) { struct rnode *x = container_of(a, struct rnode, r), *y = container_of(b, struct rnode, r); return x->key < y->key; }
static bool less_lock(struct bpf_rb_node *a, const struct bpf_rb_node *b) { bpf_spin_lock(&lock); bpf_spin_unlock(&lock); return 0; }
static bool less_add(struct bpf_rb_node *a, const struct bpf_rb_node *b) { struct gnode *x = container_of(a, struct gnode, r); rb_add(&root, &x->r, less); return 0; }
static bool less_first(struct bpf_rb_node *a, const struct bpf_rb_node *b) { return bpf_rbtree_first(&root) == 0; }
static bool less_remove(struct bpf_rb_node *a, const struct bpf_rb_node *b) { bpf_rbtree_remove(&root, a); return 0; }
static bool less_rcu(struct bpf_rb_node *a, const struct bpf_rb_node *b) { bpf_rcu_read_unlock(); return 0; }
static bool less_two(struct bpf_rb_node *a, const struct bpf_rb_node *b) { bpf_spin_unlock(&lock); return 0; }
static bool less_write(struct bpf_rb_node *a, const struct bpf_rb_node *b) { struct gnode *x = container_of(a, struct gnode, r); x->data = 4; return 0; }
static bool less_obj(struct bpf_rb_node *a, const struct bpf_rb_node *b) { struct gnode *n = bpf_obj_new(struct gnode); if (n) bpf_obj_drop(n); return 0; }
#define NEW(t,n) t *n = bpf_obj_new(t); if (!n) return 0
SEC("tc") int obj_new_drop(void *c) { NEW(struct plain, p); p->a = 1; bpf_obj_drop(p); return 0; }
SEC("tc") int obj_leak(void *c) { NEW(struct plain, p); return 0; }
SEC("tc") int obj_nonull(void *c) { struct plain *p = bpf_obj_new(struct plain); p->a = 1; bpf_obj_drop(p); return 0; }
SEC("tc") int obj_drop_null(void *c) { bpf_obj_drop((struct plain*)0); return 0; }
SEC("tc") int obj_drop_maybe(void *c) { struct plain *p = bpf_obj_new(struct plain); bpf_obj_drop(p); return 0; }
SEC("tc") int obj_double_drop(void *c) { NEW(struct plain, p); bpf_obj_drop(p); bpf_obj_drop(p); return 0; }
SEC("tc") int obj_uaf(void *c) { NEW(struct plain, p); bpf_obj_drop(p); return p->a; }
SEC("tc") int obj_oob(void *c) { NEW(struct plain, p); int r = ((int*)p)[4]; bpf_obj_drop(p); return r; }
SEC("tc") int obj_oob_w(void *c) { NEW(struct plain, p); ((volatile int*)p)[4] = 1; bpf_obj_drop(p); return 0; }
SEC("tc") int obj_pad_w(void *c) { NEW(struct plain, p); ((volatile int*)p)[1] = 1; bpf_obj_drop(p); return 0; }
SEC("tc") int obj_cross_w(void *c) { NEW(struct plain, p); *(volatile u64*)p = 1; bpf_obj_drop(p); return 0; }
SEC("tc") int obj_neg(void *c) { NEW(struct plain, p); int r = ((int*)p)[-1]; bpf_obj_drop(p); return r; }
SEC("tc") int obj_drop_off(void *c) { NEW(struct plain, p); bpf_obj_drop((void*)p + 8); return 0; }
SEC("tc") int obj_var_off(struct __sk_buff *c) { NEW(struct plain, p); int r = *(char*)((char*)p + (c->len & 7)); bpf_obj_drop(p); return r; }
SEC("tc") int obj_new_bad_id(void *c) { void *p = bpf_obj_new_impl(9999, 0); if (p) bpf_obj_drop(p); return 0; }
SEC("tc") int obj_new_int_id(void *c) { void *p = bpf_obj_new_impl(bpf_core_type_id_local(int), 0); if (p) bpf_obj_drop(p); return 0; }
SEC("tc") int obj_new_unknown_id(struct __sk_buff *c) { void *p = bpf_obj_new_impl(c->len, 0); if (p) bpf_obj_drop(p); return 0; }
struct hasptr { void *p; int a; };
SEC("tc") int obj_new_ptr_field(void *c) { NEW(struct hasptr, p); bpf_obj_drop(p); return 0; }
union un { int a; long b; };
SEC("tc") int obj_new_union(void *c) { NEW(union un, p); bpf_obj_drop(p); return 0; }
SEC("tc") int obj_new_meta(void *c) { struct plain *p = bpf_obj_new_impl(bpf_core_type_id_local(struct plain), (void*)1); if (p) bpf_obj_drop_impl(p, (void*)2); return 0; }
SEC("tc") int obj_to_helper(void *c) { NEW(struct plain, p); bpf_probe_read_kernel(p, sizeof *p, c); bpf_obj_drop(p); return 0; }
SEC("tc") int obj_to_helper_rd(void *c) { NEW(struct plain, p); bpf_map_lookup_elem(&arr, p); bpf_obj_drop(p); return 0; }
SEC("tc") int list_push(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); push_front(&head, &n->l); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int list_push_nolock(void *c) { NEW(struct gnode, n); push_front(&head, &n->l); return 0; }
SEC("tc") int list_push_wrong_lock(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock2); push_front(&head, &n->l); bpf_spin_unlock(&lock2); return 0; }
SEC("tc") int list_push_twice(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); push_front(&head, &n->l); push_front(&head, &n->l); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int list_push_wrong_type(void *c) { NEW(struct gother, n); bpf_spin_lock(&lock); push_front(&head, &n->l); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int list_push_wrong_off(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); push_front(&head, (void*)&n->r); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int list_push_base(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); push_front(&head, (void*)n); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int list_push_wrong_head(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); push_front((void*)&root, &n->l); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int list_push_read_after(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); push_front(&head, &n->l); long k = n->key; bpf_spin_unlock(&lock); return k; }
SEC("tc") int list_push_write_after(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); push_front(&head, &n->l); n->key = 5; bpf_spin_unlock(&lock); return 0; }
SEC("tc") int list_push_use_after_unlock(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); push_front(&head, &n->l); bpf_spin_unlock(&lock); return n->key; }
SEC("tc") int list_push_drop_after(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); push_front(&head, &n->l); bpf_spin_unlock(&lock); bpf_obj_drop(n); return 0; }
SEC("tc") int list_pop(void *c) { bpf_spin_lock(&lock); struct bpf_list_node *l = bpf_list_pop_front(&head); bpf_spin_unlock(&lock); if (!l) return 0; struct gnode *n = container_of(l, struct gnode, l); long k = n->key; bpf_obj_drop(n); return k; }
SEC("tc") int list_pop_leak(void *c) { bpf_spin_lock(&lock); struct bpf_list_node *l = bpf_list_pop_back(&head); bpf_spin_unlock(&lock); return l ? 1 : 0; }
SEC("tc") int list_pop_drop_off(void *c) { bpf_spin_lock(&lock); struct bpf_list_node *l = bpf_list_pop_back(&head); bpf_spin_unlock(&lock); if (l) bpf_obj_drop(l); return 0; }
SEC("tc") int list_pop_nonull(void *c) { bpf_spin_lock(&lock); struct bpf_list_node *l = bpf_list_pop_back(&head); bpf_spin_unlock(&lock); bpf_obj_drop(container_of(l, struct gnode, l)); return 0; }
SEC("tc") int list_front(void *c) { bpf_spin_lock(&lock); struct bpf_list_node *l = bpf_list_front(&head); long k = 0; if (l) k = container_of(l, struct gnode, l)->key; bpf_spin_unlock(&lock); return k; }
SEC("tc") int list_front_after(void *c) { bpf_spin_lock(&lock); struct bpf_list_node *l = bpf_list_front(&head); long k = 0; bpf_spin_unlock(&lock); if (l) k = container_of(l, struct gnode, l)->key; return k; }
SEC("tc") int list_front_drop(void *c) { bpf_spin_lock(&lock); struct bpf_list_node *l = bpf_list_front(&head); bpf_spin_unlock(&lock); if (l) bpf_obj_drop(container_of(l, struct gnode, l)); return 0; }
SEC("tc") int list_write_head(void *c) { *(volatile u64*)&head = 0; return 0; }
SEC("tc") int list_read_head(void *c) { return *(volatile u64*)&head; }
SEC("tc") int list_write_node(void *c) { NEW(struct gnode, n); *(volatile u64*)&n->l = 0; bpf_obj_drop(n); return 0; }
SEC("tc") int list_read_node(void *c) { NEW(struct gnode, n); long r = *(volatile u64*)&n->r; bpf_obj_drop(n); return r; }
SEC("tc") int lock_obj_new(void *c) { bpf_spin_lock(&lock); struct plain *p = bpf_obj_new(struct plain); bpf_spin_unlock(&lock); if (p) bpf_obj_drop(p); return 0; }
SEC("tc") int lock_obj_drop(void *c) { NEW(struct plain, p); bpf_spin_lock(&lock); bpf_obj_drop(p); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int lock_helper(void *c) { bpf_spin_lock(&lock); bpf_get_prandom_u32(); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int lock_exit(void *c) { bpf_spin_lock(&lock); return 0; }
SEC("tc") int lock_twice(void *c) { bpf_spin_lock(&lock); bpf_spin_lock(&lock2); bpf_spin_unlock(&lock2); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int lock_same_twice(void *c) { bpf_spin_lock(&lock); bpf_spin_lock(&lock); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int unlock_only(void *c) { bpf_spin_unlock(&lock); return 0; }
SEC("tc") int unlock_other(void *c) { bpf_spin_lock(&lock); bpf_spin_unlock(&lock2); return 0; }
SEC("tc") int lock_off(void *c) { bpf_spin_lock((void*)&head); bpf_spin_unlock((void*)&head); return 0; }
SEC("tc") int lock_map(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; NEW(struct gnode, n); bpf_spin_lock(&v->lock); push_back(&v->h, &n->l); bpf_spin_unlock(&v->lock); return 0; }
SEC("tc") int lock_map_other_elem(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; k=1; struct mv *w = bpf_map_lookup_elem(&arr, &k); if (!w) return 0; NEW(struct gnode, n); bpf_spin_lock(&v->lock); push_back(&w->h, &n->l); bpf_spin_unlock(&v->lock); return 0; }
SEC("tc") int lock_map_unlock_other(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; k=1; struct mv *w = bpf_map_lookup_elem(&arr, &k); if (!w) return 0; bpf_spin_lock(&v->lock); bpf_spin_unlock(&w->lock); return 0; }
SEC("tc") int lock_map_hash_same(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&hsh, &k); if (!v) return 0; struct mv *w = bpf_map_lookup_elem(&hsh, &k); if (!w) return 0; bpf_spin_lock(&v->lock); bpf_spin_unlock(&w->lock); return 0; }
SEC("tc") int map_lock_read(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; return *(volatile int*)&v->lock; }
SEC("tc") int map_lock_helper(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; return bpf_skb_load_bytes(c, 0, v, 4); }
SEC("tc") int map_stash(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; NEW(struct plain, p); p = bpf_kptr_xchg(&v->stash, p); if (p) bpf_obj_drop(p); return 0; }
SEC("tc") int map_stash_node(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; NEW(struct gnode, p); p = bpf_kptr_xchg(&v->nstash, p); if (p) bpf_obj_drop(p); return 0; }
SEC("tc") int map_stash_rdr(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; struct plain *p = v->stash; return p ? p->a : 0; }
SEC("tc") int map_stash_wr(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; struct plain *p = v->stash; if (p) p->a = 1; return 0; }
SEC("tc") int map_stash_rcu(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; bpf_rcu_read_lock(); struct plain *p = v->stash; k = p ? p->a : 0; bpf_rcu_read_unlock(); return k; }
SEC("tc") int map_stash_after_rcu(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; bpf_rcu_read_lock(); struct plain *p = v->stash; bpf_rcu_read_unlock(); k = p ? p->a : 0; return k; }
SEC("tc") int map_stash_wrong(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; NEW(struct gother, p); p = bpf_kptr_xchg(&v->stash, p); if (p) bpf_obj_drop(p); return 0; }
SEC("tc") int map_stash_off(void *c) { int k=0; struct mv *v = bpf_map_lookup_elem(&arr, &k); if (!v) return 0; NEW(struct plain, p); p = bpf_kptr_xchg(&v->stash, (void*)p + 8); if (p) bpf_obj_drop(p); return 0; }
SEC("tc") int tree_add(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, &n->r, less); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_nolock(void *c) { NEW(struct gnode, n); rb_add(&root, &n->r, less); return 0; }
SEC("tc") int tree_add_remove(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, &n->r, less); struct bpf_rb_node *r = bpf_rbtree_remove(&root, &n->r); bpf_spin_unlock(&lock); if (r) bpf_obj_drop(container_of(r, struct gnode, r)); return 0; }
SEC("tc") int tree_remove_unadded(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); struct bpf_rb_node *r = bpf_rbtree_remove(&root, &n->r); bpf_spin_unlock(&lock); if (r) bpf_obj_drop(container_of(r, struct gnode, r)); bpf_obj_drop(n); return 0; }
SEC("tc") int tree_first(void *c) { long k = 0; bpf_spin_lock(&lock); struct bpf_rb_node *r = bpf_rbtree_first(&root); if (r) k = container_of(r, struct gnode, r)->key; bpf_spin_unlock(&lock); return k; }
SEC("tc") int tree_first_nonull(void *c) { long k = 0; bpf_spin_lock(&lock); struct bpf_rb_node *r = bpf_rbtree_first(&root); k = container_of(r, struct gnode, r)->key; bpf_spin_unlock(&lock); return k; }
SEC("tc") int tree_first_nolock(void *c) { return bpf_rbtree_first(&root) != 0; }
SEC("tc") int tree_first_remove(void *c) { bpf_spin_lock(&lock); struct bpf_rb_node *r = bpf_rbtree_first(&root); if (!r) { bpf_spin_unlock(&lock); return 0; } r = bpf_rbtree_remove(&root, r); bpf_spin_unlock(&lock); if (r) bpf_obj_drop(container_of(r, struct gnode, r)); return 0; }
SEC("tc") int tree_first_remove_use_old(void *c) { bpf_spin_lock(&lock); struct bpf_rb_node *o, *r = o = bpf_rbtree_first(&root); if (!r) { bpf_spin_unlock(&lock); return 0; } r = bpf_rbtree_remove(&root, r); long k = container_of(o, struct gnode, r)->key; bpf_spin_unlock(&lock); if (r) bpf_obj_drop(container_of(r, struct gnode, r)); return k; }
SEC("tc") int tree_first_remove_nonull(void *c) { bpf_spin_lock(&lock); struct bpf_rb_node *r = bpf_rbtree_first(&root); if (!r) { bpf_spin_unlock(&lock); return 0; } r = bpf_rbtree_remove(&root, r); bpf_spin_unlock(&lock); bpf_obj_drop(container_of(r, struct gnode, r)); return 0; }
SEC("tc") int tree_remove_leak(void *c) { bpf_spin_lock(&lock); struct bpf_rb_node *r = bpf_rbtree_first(&root); if (!r) { bpf_spin_unlock(&lock); return 0; } r = bpf_rbtree_remove(&root, r); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_root_left(void *c) { long k=0; bpf_spin_lock(&lock); struct bpf_rb_node *r = bpf_rbtree_root(&root); if (r) { r = bpf_rbtree_left(&root, r); if (r) k = container_of(r, struct gnode, r)->key; } bpf_spin_unlock(&lock); return k; }
SEC("tc") int tree_left_nonull(void *c) { bpf_spin_lock(&lock); struct bpf_rb_node *r = bpf_rbtree_root(&root); r = bpf_rbtree_left(&root, r); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_cb_lock(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, &n->r, less_lock); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_cb_add(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, &n->r, less_add); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_cb_first(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, &n->r, less_first); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_cb_remove(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, &n->r, less_remove); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_cb_rcu(void *c) { NEW(struct gnode, n); bpf_rcu_read_lock(); bpf_spin_lock(&lock); rb_add(&root, &n->r, less_rcu); bpf_spin_unlock(&lock); bpf_rcu_read_unlock(); return 0; }
SEC("tc") int tree_add_cb_unlock(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, &n->r, less_two); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_cb_write(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, &n->r, less_write); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_cb_obj(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, &n->r, less_obj); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_cb_null(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, &n->r, 0); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_add_wrong_node(void *c) { NEW(struct gnode, n); bpf_spin_lock(&lock); rb_add(&root, (void*)&n->l, less); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int tree_list_to_tree(void *c) { bpf_spin_lock(&lock); struct bpf_list_node *l = bpf_list_front(&head); if (l) { struct gnode *n = container_of(l, struct gnode, l); rb_add(&root, &n->r, less); } bpf_spin_unlock(&lock); return 0; }
SEC("tc") int ref_acq(void *c) { NEW(struct rnode, n); struct rnode *m = refacq(n); bpf_spin_lock(&lock2); rb_add(&root2, &n->r, rless); bpf_spin_unlock(&lock2); if (m) bpf_obj_drop(m); return 0; }
SEC("tc") int ref_acq_nocheck(void *c) { NEW(struct rnode, n); struct rnode *m = refacq(n); bpf_obj_drop(n); bpf_obj_drop(m); return 0; }
SEC("tc") int ref_acq_leak(void *c) { NEW(struct rnode, n); struct rnode *m = refacq(n); bpf_obj_drop(n); return 0; }
SEC("tc") int ref_acq_norefcount(void *c) { NEW(struct norefc, n); struct norefc *m = refacq(n); bpf_obj_drop(n); if (m) bpf_obj_drop(m); return 0; }
SEC("tc") int ref_acq_nonown(void *c) { NEW(struct rnode, n); bpf_spin_lock(&lock2); rb_add(&root2, &n->r, rless); struct rnode *m = refacq(n); bpf_spin_unlock(&lock2); if (m) bpf_obj_drop(m); return 0; }
SEC("tc") int ref_acq_first(void *c) { struct rnode *m = 0; bpf_spin_lock(&lock2); struct bpf_rb_node *r = bpf_rbtree_first(&root2); if (r) m = refacq(container_of(r, struct rnode, r)); bpf_spin_unlock(&lock2); if (m) bpf_obj_drop(m); return 0; }
SEC("tc") int ref_both(void *c) { NEW(struct rnode, n); struct rnode *m = refacq(n); if (!m) { bpf_obj_drop(n); return 0; } bpf_spin_lock(&lock2); rb_add(&root2, &n->r, rless); push_back(&head2, &m->l); bpf_spin_unlock(&lock2); return 0; }
SEC("tc") int ref_push_read_after_unlock(void *c) { NEW(struct rnode, n); bpf_spin_lock(&lock2); rb_add(&root2, &n->r, rless); bpf_spin_unlock(&lock2); return n->key; }
SEC("tc") int pcpu_obj(void *c) { struct plain *p = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct plain), 0); if (!p) return 0; bpf_percpu_obj_drop_impl(p, 0); return 0; }
SEC("tc") int pcpu_obj_deref(void *c) { struct plain *p = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct plain), 0); if (!p) return 0; int a = p->a; bpf_percpu_obj_drop_impl(p, 0); return a; }
SEC("tc") int pcpu_obj_wrong_drop(void *c) { struct plain *p = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct plain), 0); if (!p) return 0; bpf_obj_drop(p); return 0; }
SEC("tc") int obj_wrong_drop(void *c) { NEW(struct plain, p); bpf_percpu_obj_drop_impl(p, 0); return 0; }
SEC("tc") int pcpu_obj_special(void *c) { struct gnode *p = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct gnode), 0); if (!p) return 0; bpf_percpu_obj_drop_impl(p, 0); return 0; }
struct big { char x[513]; };
SEC("tc") int pcpu_obj_big(void *c) { struct big *p = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct big), 0); if (!p) return 0; bpf_percpu_obj_drop_impl(p, 0); return 0; }
struct arr32 { int x[128]; };
SEC("tc") int pcpu_obj_512(void *c) { struct arr32 *p = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct arr32), 0); if (!p) return 0; int *q = bpf_this_cpu_ptr(p); q[0] = 1; q = bpf_per_cpu_ptr(p, 0); if (q) q[1] = 2; bpf_percpu_obj_drop_impl(p, 0); return 0; }
SEC("tc") int pcpu_obj_oob(void *c) { struct arr32 *p = bpf_percpu_obj_new_impl(bpf_core_type_id_local(struct arr32), 0); if (!p) return 0; int *q = bpf_this_cpu_ptr(p); q[128] = 1; bpf_percpu_obj_drop_impl(p, 0); return 0; }
SEC("kprobe/x") int kp_obj(void *c) { NEW(struct plain, p); bpf_obj_drop(p); return 0; }
SEC("perf_event") int pe_lock(void *c) { bpf_spin_lock(&lock); bpf_spin_unlock(&lock); return 0; }
SEC("tp_btf/task_newtask") int tpb_lock(void *c) { bpf_spin_lock(&lock); bpf_spin_unlock(&lock); return 0; }
SEC("socket") int sf_lock(void *c) { bpf_spin_lock(&lock); bpf_spin_unlock(&lock); return 0; }
static __noinline int sub_lock(void) { bpf_spin_lock(&lock); return 0; }
static __noinline int sub_unlock(void) { bpf_spin_unlock(&lock); return 0; }
static __noinline int sub_both(void) { bpf_spin_lock(&lock); bpf_spin_unlock(&lock); return 0; }
__noinline int glob(int x) { return x + 1; }
SEC("tc") int lock_sub(void *c) { sub_lock(); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int unlock_sub(void *c) { bpf_spin_lock(&lock); sub_unlock(); return 0; }
SEC("tc") int both_sub(void *c) { sub_both(); return 0; }
SEC("tc") int lock_call_glob(struct __sk_buff *c) { bpf_spin_lock(&lock); int r = glob(c->len); bpf_spin_unlock(&lock); return r; }
SEC("tc") int lock_tail(struct __sk_buff *c) { bpf_spin_lock(&lock); bpf_tail_call(c, &arr, 0); bpf_spin_unlock(&lock); return 0; }
SEC("tc") int lock_ldabs(struct __sk_buff *c) { bpf_spin_lock(&lock); asm volatile("r6 = %0\n r0 = *(u8*)skb[0]" :: "r"(c) : "r0","r1","r2","r3","r4","r5","r6"); bpf_spin_unlock(&lock); return 0; }
