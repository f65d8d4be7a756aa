// What the control-flow graph and liveness must know about a call before any path is walked.

import { helperAllowed, helperById, helperRule, kfuncByName } from '#core/catalog';
import { BPF_PSEUDO_KFUNC_CALL, type Insn } from '#core/isa';
import type { VerifierEnvironment } from '../state/environment.ts';

export interface CallFlow {
  readonly syncCallback: boolean;
  readonly asyncCallback: boolean;
  readonly iteratorNext: boolean;
  readonly changesPacketData: boolean;
  readonly mightSleep: boolean;
}

/** Helpers that run a callback before they return. */
const SYNC_CALLBACK_HELPERS = new Set(['bpf_for_each_map_elem', 'bpf_find_vma', 'bpf_loop', 'bpf_user_ringbuf_drain']);
const ASYNC_CALLBACK_HELPERS = new Set(['bpf_timer_set_callback']);
const SYNC_CALLBACK_KFUNCS = new Set(['bpf_rbtree_add_impl']);
const ASYNC_CALLBACK_KFUNCS = new Set([
  'bpf_wq_set_callback_impl',
  'bpf_task_work_schedule_signal',
  'bpf_task_work_schedule_resume',
  'bpf_task_work_schedule_signal_impl',
  'bpf_task_work_schedule_resume_impl',
]);

/** Helpers after which packet pointers are stale (bpf_helper_changes_pkt_data). */
const PACKET_CHANGING_HELPERS = new Set([
  'bpf_xdp_adjust_head',
  'bpf_xdp_adjust_meta',
  'bpf_xdp_adjust_tail',
  'bpf_skb_store_bytes',
  'bpf_skb_change_proto',
  'bpf_skb_change_head',
  'bpf_skb_change_tail',
  'bpf_skb_pull_data',
  'bpf_skb_adjust_room',
  'bpf_skb_vlan_push',
  'bpf_skb_vlan_pop',
  'bpf_clone_redirect',
  'bpf_l3_csum_replace',
  'bpf_l4_csum_replace',
  'bpf_msg_push_data',
  'bpf_msg_pop_data',
  'bpf_msg_pull_data',
  'bpf_lwt_push_encap',
  'bpf_lwt_seg6_store_bytes',
  'bpf_lwt_seg6_adjust_srh',
  'bpf_lwt_seg6_action',
  'bpf_sk_skb_pull_data',
  'bpf_sk_skb_change_tail',
  'bpf_sk_skb_change_head',
  'bpf_sk_skb_adjust_room',
  'bpf_tail_call',
]);

export const helperChangesPacket = (name: string): boolean => PACKET_CHANGING_HELPERS.has(name);

export const helperRunsCallback = (name: string): 'sync' | 'async' | undefined =>
  SYNC_CALLBACK_HELPERS.has(name) ? 'sync' : ASYNC_CALLBACK_HELPERS.has(name) ? 'async' : undefined;
export const kfuncRunsCallback = (name: string): 'sync' | 'async' | undefined =>
  SYNC_CALLBACK_KFUNCS.has(name) ? 'sync' : ASYNC_CALLBACK_KFUNCS.has(name) ? 'async' : undefined;

export function describeHelperFlow(_env: VerifierEnvironment, insn: Insn): CallFlow | undefined {
  const helper = helperById(insn.imm);
  if (!helper) return undefined;
  const callback = helperRunsCallback(helper.name);
  return {
    syncCallback: callback === 'sync',
    asyncCallback: callback === 'async',
    iteratorNext: false,
    changesPacketData: helperChangesPacket(helper.name),
    mightSleep: helper.rules[0].mightSleep === true,
  };
}

export const kfuncName = (env: VerifierEnvironment, insn: Insn): string => env.program.kfuncs[insn.imm] ?? `kfunc#${insn.imm}`;

export function describeKfuncFlow(env: VerifierEnvironment, insn: Insn): CallFlow {
  const name = kfuncName(env, insn);
  const kfunc = kfuncByName(name);
  const callback = kfuncRunsCallback(name);
  return {
    syncCallback: callback === 'sync',
    asyncCallback: callback === 'async',
    iteratorNext: kfunc?.flags?.includes('KF_ITER_NEXT') ?? false,
    changesPacketData: name === 'bpf_xdp_pull_data',
    mightSleep: kfunc?.flags?.includes('KF_SLEEPABLE') ?? false,
  };
}

/** Parameters of a helper or kfunc; undefined for subprograms, whose calls use all argument registers. */
export function callParameterCount(env: VerifierEnvironment, insn: Insn): number | undefined {
  if (insn.src === BPF_PSEUDO_KFUNC_CALL) return kfuncByName(kfuncName(env, insn))?.parameters.length;
  if (insn.src !== 0) return undefined;
  const helper = helperById(insn.imm);
  // A helper that this program may not call has no prototype here.
  if (!helper || !helperAllowed(helper, env.programType, env.attachType, env.kernel).allowed) return undefined;
  return helperRule(helper, env.programType).arguments.length;
}
