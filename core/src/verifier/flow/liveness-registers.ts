// Which registers may still be read, before each instruction: a backward data-flow over the graph, once per program.
// A register that is dead takes no part in comparing states. Stack slots are in liveness-stack.ts.

import {
  BPF_ALU,
  BPF_ALU64,
  BPF_ATOMIC,
  BPF_CALL,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_END,
  BPF_EXIT,
  BPF_FETCH,
  BPF_IMM,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_LOAD_ACQ,
  BPF_MEM,
  BPF_MEMSX,
  BPF_MOV,
  BPF_ST,
  BPF_STORE_REL,
  BPF_STX,
  insnClass,
  type Insn,
  modeField,
  sizeField,
  usesRegisterSource,
} from '#core/isa';
import { callParameterCount } from '../calls/call-facts.ts';
import type { FlowGraph } from './cfg.ts';
import type { VerifierEnvironment } from '../state/environment.ts';

const ALL = 0xffff;
const CALLER_SAVED = 0x3f;

/** Registers that an instruction reads and writes, one bit each. */
export function usesAndDefinitions(env: VerifierEnvironment, insn: Insn): { use: number; define: number } {
  const dst = 1 << insn.dst;
  const src = 1 << insn.src;
  const operation = insn.opcode & 0xf0;
  switch (insnClass(insn)) {
    case BPF_LD:
      return modeField(insn) === BPF_IMM && sizeField(insn) === BPF_DW ? { use: 0, define: dst } : { use: ALL, define: 0 };
    case BPF_LDX:
      return modeField(insn) === BPF_MEM || modeField(insn) === BPF_MEMSX ? { use: src, define: dst } : { use: ALL, define: 0 };
    case BPF_ST:
      return modeField(insn) === BPF_MEM ? { use: dst, define: 0 } : { use: ALL, define: 0 };
    case BPF_STX:
      if (modeField(insn) === BPF_MEM) return { use: dst | src, define: 0 };
      if (modeField(insn) !== BPF_ATOMIC) return { use: ALL, define: 0 };
      switch (insn.imm) {
        case BPF_CMPXCHG:
          return { use: 1 | dst | src, define: 1 };
        case BPF_LOAD_ACQ:
          return { use: src, define: dst };
        case BPF_STORE_REL:
          return { use: dst | src, define: 0 };
        default:
          return { use: dst | src, define: insn.imm & BPF_FETCH ? src : 0 };
      }
    case BPF_ALU:
    case BPF_ALU64:
      if (operation === BPF_END) return { use: dst, define: dst };
      if (operation === BPF_MOV) return { use: usesRegisterSource(insn) ? src : 0, define: dst };
      return { use: usesRegisterSource(insn) ? dst | src : dst, define: dst };
    case BPF_JMP:
    case BPF_JMP32:
      switch (operation) {
        case BPF_JA:
        case BPF_JCOND:
          return { use: 0, define: 0 };
        case BPF_EXIT:
          return { use: 1, define: 0 };
        case BPF_CALL: {
          const parameters = callParameterCount(env, insn);
          return { use: parameters === undefined ? CALLER_SAVED & ~1 : ((1 << (parameters + 1)) - 1) & ~1, define: CALLER_SAVED };
        }
        default:
          return { use: usesRegisterSource(insn) ? dst | src : dst, define: 0 };
      }
    default:
      return { use: ALL, define: 0 };
  }
}

/** Fills `facts.liveBefore`. `orders` is the postorder of each subprogram. */
export function computeLiveRegisters(env: VerifierEnvironment, graph: FlowGraph, orders: readonly Int32Array[]): void {
  const { insns } = env;
  const { liveBefore } = env.facts;
  const uses = new Uint16Array(insns.length);
  const definitions = new Uint16Array(insns.length);
  for (const order of orders) {
    for (const at of order) {
      const { use, define } = usesAndDefinitions(env, insns[at]!);
      uses[at] = use;
      definitions[at] = define;
    }
    for (let changed = true; changed;) {
      changed = false;
      for (const at of order) {
        const first = graph.first[at]!;
        const second = graph.second[at]!;
        const after = (first >= 0 ? liveBefore[first]! : 0) | (second >= 0 ? liveBefore[second]! : 0);
        const before = (after & ~definitions[at]!) | uses[at]!;
        if (before === liveBefore[at]) continue;
        liveBefore[at] = before;
        changed = true;
      }
    }
  }
}
