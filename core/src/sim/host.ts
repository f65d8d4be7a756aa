// What an engine calls: helpers by number, kfuncs by their place in the program, packet loads. One for each run.

import { helperById } from '#core/catalog';
import type { Cpu, Host, HostOutcome } from '#core/vm';
import { Call, HelperFault, helperForId } from './helpers/index.ts';
import { kfuncByName } from './helpers/kfuncs.ts';
import type { HelperResult } from './helpers/index.ts';
import type { KernelState, Run } from './state.ts';

export class RunHost implements Host {
  constructor(
    private readonly kernel: KernelState,
    private readonly run: Run,
  ) {}

  callHelper(id: number, cpu: Cpu): HostOutcome {
    const helper = helperForId(id);
    if (!helper) {
      const known = helperById(id);
      return {
        kind: 'fault',
        message: known
          ? `${known.name} is not simulated yet: the program cannot run past this call`
          : `there is no helper with the number ${id}`,
      };
    }
    return this.finish(new Call(this.kernel, this.run, cpu, helper.name), helper.run);
  }

  callKfunc(id: number, cpu: Cpu): HostOutcome {
    const name = this.run.current.program.kfuncs[id];
    const kfunc = name === undefined ? undefined : kfuncByName(name);
    if (name === undefined || !kfunc)
      return {
        kind: 'fault',
        message:
          name === undefined
            ? `the call names no kfunc (index ${id})`
            : `${name} is not simulated yet: the program cannot run past this call`,
      };
    return this.finish(new Call(this.kernel, this.run, cpu, name), kfunc);
  }

  private finish(call: Call, run: (call: Call) => HelperResult): HostOutcome {
    try {
      const result = run(call);
      if (typeof result === 'object') return result.host;
      if (typeof result === 'number') call.cpu.setRegisterNumber(0, result);
      else call.cpu.setRegister(0, BigInt.asUintN(64, result));
      return undefined;
    } catch (thrown) {
      if (thrown instanceof HelperFault) return { kind: 'fault', message: thrown.message };
      throw thrown;
    }
  }

  /** LD_ABS and LD_IND see the packet in network order; negative offsets reach the link and network headers (SKF_LL_OFF, SKF_NET_OFF). */
  loadPacket(offset: number, size: 1 | 2 | 4): number | undefined {
    const { packet } = this.run;
    if (!packet) return undefined;
    const shown = this.kernel.memory.view(packet.region);
    const data = shown.subarray(packet.meta, packet.region.size);
    const LINK = -0x200000;
    const NETWORK = -0x100000;
    const link = packet.hidden.length > 0 ? packet.hidden.length : 0;
    let at = offset;
    if (offset < 0) {
      if (offset >= NETWORK) at = offset - NETWORK + (link > 0 ? 0 : 14);
      else if (offset >= LINK) at = offset - LINK - link;
      else return undefined;
    }
    if (at < 0 || at + size > data.length) return undefined;
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + data[at + i]!;
    return value;
  }
}
