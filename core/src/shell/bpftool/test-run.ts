// `bpftool prog run`: BPF_PROG_TEST_RUN of one program on a packet or a context from a file, attached or not.

import type { ScenarioEvent } from '#core/sim';
import { type CommandResult, done, errorWords, statusOf } from '../command-result.ts';
import { JsonWriter } from './json-writer.ts';
import { type BpftoolContext, fail, findPrograms } from './options.ts';

/** Instructions one run may take. */
const BUDGET = 10_000_000;
const MOST_REPEATS = 100_000;
/** ETH_HLEN: a shorter packet is refused. */
const SHORTEST_PACKET = 14;

export async function testRun(context: BpftoolContext, args: readonly string[]): Promise<CommandResult> {
  const { kernel, host } = context;
  const wanted = findPrograms(context, args);
  if ('failure' in wanted) return wanted.failure;
  const [program] = wanted.found;
  if (!program || wanted.found.length > 1) return fail(context, 'several programs match this handle');
  let input: { word: 'data_in' | 'ctx_in'; bytes: Uint8Array } | undefined;
  let repeat = 1;
  for (let i = 0; i < wanted.rest.length; i += 2) {
    const [word, value] = [wanted.rest[i]!, wanted.rest[i + 1]];
    if (value === undefined) return fail(context, `what is '${word}'?`);
    if (word === 'data_in' || word === 'ctx_in') {
      const read = await host.readBytes(value);
      if ('problem' in read) return fail(context, `failed to open ${word === 'data_in' ? 'data' : 'ctx'} file ${value}: ${read.problem}`);
      input = { word, bytes: read.bytes };
    } else if (word === 'repeat') {
      if (!/^\d+$/.test(value) || Number(value) > MOST_REPEATS)
        return fail(context, `can't parse ${value} as repeat (at most ${MOST_REPEATS})`);
      repeat = Math.max(1, Number(value));
    } else return fail(context, `expected no more arguments, 'data_in', 'ctx_in' or 'repeat', got: '${word}'?`);
  }
  if (!input) return fail(context, 'data_in or ctx_in is missing');
  const packets = ['xdp', 'sched_cls', 'sched_act', 'socket_filter', 'cgroup_skb', 'lwt_in', 'lwt_out', 'lwt_xmit'];
  const onPacket = packets.includes(program.program.type ?? '');
  if (onPacket && (input.word !== 'data_in' || input.bytes.length < SHORTEST_PACKET))
    return fail(context, `failed to run program: ${errorWords('EINVAL')}`, statusOf('EINVAL'));
  const event: ScenarioEvent = {
    index: 0,
    title: 'test run',
    at: kernel.now() - (kernel.options.uptime ?? 100_000_000_000n),
    body: onPacket
      ? { type: 'packet', device: undefined, queue: 0, direction: 'ingress', mark: 0, packet: input.bytes }
      : { type: 'context', program: program.program.name, pid: undefined, bytes: input.bytes, fields: {} },
  };
  let value: bigint | undefined;
  const before = kernel.now();
  for (let i = 0; i < repeat; i++) {
    for (const invocation of kernel.fireAt(program, event)) {
      const stop = invocation.execution.run({ budget: BUDGET });
      if (stop.kind !== 'exit') {
        invocation.abandon();
        return fail(
          context,
          stop.kind === 'fault' ? `instruction ${stop.insn}: ${stop.message}` : 'still running when its instructions were used up',
        );
      }
      value = stop.value;
      invocation.finish(stop.value);
    }
    context.feed(kernel.takeOutput());
  }
  if (value === undefined) return fail(context, `failed to run program: ${errorWords('EOPNOTSUPP')}`, statusOf('EOPNOTSUPP'));
  const result = BigInt.asUintN(32, value);
  // An instruction takes a nanosecond here.
  const duration = (kernel.now() - before) / BigInt(repeat);
  if (!context.json) return done(`Return value: ${result}, duration${repeat > 1 ? ' (average)' : ''}: ${duration}ns\n`);
  const writer = new JsonWriter(context.pretty);
  writer.object(() => {
    writer.name('retval').raw(String(result));
    writer.name('duration').raw(String(duration));
  });
  return done(writer.end());
}
