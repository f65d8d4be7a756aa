// Runs generated programs in the simulated kernel on random input, each instruction beside what the verifier foresaw.

import os from 'node:os';
import { createKernel, type ScenarioEvent } from '#core/sim';
import type { Engine } from '#core/vm';
import { Random } from '../random.ts';
import { follow, type FollowedRun, type Walk, walkOf } from '../soundness.ts';
import { objectOf } from './compare.ts';
import type { FuzzProgram } from './generator.ts';

const CPUS = os.cpus().length;
const CONTEXT_SIZE = 256;

/** What the verifier walked; undefined where it refuses the program or walks too long. */
export function walkOfFuzz(fuzz: FuzzProgram): Walk | undefined {
  const { program, object } = objectOf(fuzz);
  return walkOf(program, object, { kernel: '6.18', progFlags: fuzz.flags, cpus: CPUS });
}

/** Bytes as inputs have them: runs of zeros and ones, small numbers, noise. */
function randomBytes(random: Random, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const length = random.of([1, 2, 4, 8, 16]);
    const kind = random.below(5);
    for (let i = 0; i < length && at < size; i++)
      bytes[at++] = kind === 0 ? 0 : kind === 1 ? 0xff : kind === 2 && i > 0 ? 0 : kind === 3 ? random.below(16) : random.below(256);
  }
  return bytes;
}

function eventFor({ hook }: FuzzProgram, random: Random, index: number): ScenarioEvent {
  const isPacket = hook.family === 'xdp' || hook.family === 'skb';
  const size = random.of([14, 20, 34, 60, 64, 70, 128, 1500]);
  return {
    index,
    title: 'fuzz',
    at: 0n,
    body: isPacket
      ? {
          type: 'packet',
          device: 'eth0',
          queue: 0,
          direction: hook.type === 'lwt_xmit' || random.chance(0.2) ? 'egress' : 'ingress',
          mark: random.int32() >>> 0,
          packet: randomBytes(random, size),
        }
      : {
          type: 'context',
          program: 'main',
          pid: undefined,
          bytes: hook.type === 'sk_msg' ? undefined : randomBytes(random, CONTEXT_SIZE),
          fields: {},
        },
  };
}

/** `count` runs on inputs that follow from the program's seed; ends at the first violation. */
export function followFuzz(fuzz: FuzzProgram, walk: Walk, engine: Engine, count: number): readonly FollowedRun[] {
  const random = new Random(fuzz.seed ^ 0x5bd1e995);
  const { object } = objectOf(fuzz);
  const kernel = createKernel({ engine, cpus: CPUS, seed: random.int32() >>> 0 });
  const program = kernel.load(object).programs[0];
  if (!program) return [];
  kernel.attach(program);
  for (const map of kernel.maps) {
    const { type, keySize, valueSize } = map.definition;
    if (!/^(lru_)?hash$|^array$/.test(type)) continue;
    // Keys as programs have them: small ones, and what their contexts hold.
    for (let i = 0; i < 3; i++) {
      const key = new Uint8Array(keySize);
      key[0] = i === 2 ? random.below(256) : i;
      map.update(key, randomBytes(random, valueSize), 0n);
    }
  }
  const runs: FollowedRun[] = [];
  for (let i = 0; i < count; i++) {
    for (const invocation of kernel.fire(eventFor(fuzz, random, i))) {
      const run = follow(walk, kernel, invocation);
      runs.push(run);
      if (run.violation) return runs;
    }
    kernel.takeOutput();
  }
  return runs;
}
