// Hooks of the Linux security modules that the verifier treats in a way of their own; other hooks return 0 or a negative errno, may not sleep
// and hand over objects that are alive. As Linux 6.12 and 6.1 answered: tools/probe-older-kernels.mts asks again.

import { atLeast, type KernelVersion } from './types.ts';

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Called where a program may sleep (sleepable_lsm_hooks). */
const MAY_SLEEP = words(`
  bpf bpf_map bpf_map_create bpf_map_free bpf_prog bpf_prog_load bpf_token_capable bpf_token_cmd bpf_token_create bpf_token_free
  bprm_check_security bprm_committed_creds bprm_committing_creds bprm_creds_for_exec bprm_creds_from_file capget capset
  cred_prepare current_getsecid_subj file_ioctl file_lock file_open file_post_open file_receive inode_create inode_free_security
  inode_getattr inode_getxattr inode_mknod inode_need_killpriv inode_post_setxattr inode_readlink inode_rename inode_rmdir
  inode_setattr inode_setxattr inode_symlink inode_unlink kernel_module_request kernel_read_file kernfs_init_security mmap_file
  netlink_send path_chmod path_chown path_link path_mkdir path_notify path_rename path_rmdir path_symlink path_truncate
  path_unlink release_secctx sb_alloc_security sb_eat_lsm_opts sb_kern_mount sb_mount sb_remount sb_set_mnt_opts sb_show_options
  sb_statfs sb_umount settime socket_accept socket_bind socket_connect socket_create socket_getpeername socket_getpeersec_dgram
  socket_getsockname socket_getsockopt socket_listen socket_post_create socket_recvmsg socket_sendmsg socket_shutdown
  socket_socketpair syslog task_alloc task_getsecid_obj task_prctl task_setscheduler userns_create
`);

/** Closed to programs since 6.11, and in updates of 6.1 (bpf_lsm_disabled_hooks). */
const DISABLED = words(`
  audit_rule_match getprocattr getselfattr inode_copy_up_xattr inode_getsecurity inode_listsecurity inode_need_killpriv
  ismaclabel key_getsecurity setprocattr vm_enough_memory xfrm_decode_session
`);

/** Answer yes or no: 0 or 1 (bool_lsm_hooks). */
const BOOLEAN = words('audit_rule_known inode_xattr_skipcap xfrm_state_pol_flow_match');

/** Called while their object is made or taken apart: its pointers are not trusted (untrusted_lsm_hooks). */
const UNTRUSTED = words(`
  bpf_map_free bpf_prog_free file_alloc_security file_free_security sk_alloc_security sk_free_security task_free
`);

/** Hooks in which programs may sleep since a later release than 6.1, and one in which they no longer may. */
const MAY_SLEEP_LATER = words('path_chown path_chmod path_rename path_link path_symlink path_truncate path_rmdir path_mkdir path_unlink');
const MIGHT_SLEEP = words('bpf_map_free_security bpf_map_alloc_security key_free inet_conn_established');

/** Functions of the kernel that are named like hooks and are none. */
const NO_HOOKS = words('get_retval_range is_trusted is_sleepable_hook func_proto verify_prog find_cgroup_shim init');

export interface LsmHook {
  /** False for a function that only has a hook's name. */
  exists: boolean;
  maySleep: boolean;
  /** Closed to programs. */
  disabled: boolean;
  /** From and to of what a program may return, since 6.12. */
  returns: readonly [number, number];
  trusted: boolean;
}

/** By the name that a section has, as `file_open`. */
export const lsmHook = (name: string, kernel: KernelVersion = '6.18'): LsmHook => ({
  exists: !NO_HOOKS.has(name),
  maySleep: atLeast(kernel, '6.2') ? MAY_SLEEP.has(name) : (MAY_SLEEP.has(name) && !MAY_SLEEP_LATER.has(name)) || MIGHT_SLEEP.has(name),
  disabled: DISABLED.has(name) && (atLeast(kernel, '6.11') || kernel === '6.1'),
  returns: BOOLEAN.has(name) ? [0, 1] : [-4095, 0],
  trusted: !UNTRUSTED.has(name),
});
