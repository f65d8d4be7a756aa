// Generated programs, judged by our verifier and by Linux 6.12 or 6.1 in the box: prints where the two differ in verdict, or in the first line
// of a refusal. One boot asks about all of them. Programs are not made small: run the ones shown here against a newer kernel for that.
// usage: npx tsx tools/fuzz-older-kernels.mts [--kernel 6.12] [--count 2000] [--seed 1] [--show 10]

import { parseArgs } from 'node:util';
import { attachType } from '../core/src/catalog/attach-types.ts';
import { BPF_PSEUDO_MAP_FD, isLdImm64 } from '../core/src/isa/encoding.ts';
import { firstMessage, functionTypes, fuzzMaps, judge, listing } from '../test/support/fuzz/compare.ts';
import { generate } from '../test/support/fuzz/generator.ts';
import { PROGS } from '../test/support/fuzz/hooks.ts';
import { type BoxedKernel, questions } from '../test/support/kernel-box.ts';

/** --rare: with what the usual programs seldom have (generator-rare.ts). */
const RARE = process.argv.includes('--rare');

const { values } = parseArgs({
  options: {
    kernel: { type: 'string', default: '6.12' },
    count: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    show: { type: 'string', default: '10' },
    rare: { type: 'boolean', default: false },
  },
});
const kernel = values.kernel as BoxedKernel;
const box = questions();
const makeMap = ({ type, keySize, valueSize, maxEntries, name }: (typeof fuzzMaps)[number]): number =>
  box.createMap({ type, keySize, valueSize, maxEntries, name });
const shared = fuzzMaps.map(makeMap);
const progs = new Map<string, number>();
const blobs = new Map<string, number>();

let accepted = 0;
let compared = 0;
const differences = new Map<string, string[]>();
const waiting: Promise<void>[] = [];
for (let seed = Number(values.seed); seed < Number(values.seed) + Number(values.count); seed++) {
  const program = generate(seed, { rare: RARE });
  const { hook } = program;
  const types = program.btf ? functionTypes(program) : undefined;
  const key = types && Buffer.from(types.blob).toString('latin1');
  if (key !== undefined && !blobs.has(key)) blobs.set(key, box.loadBtf(types!.blob));
  const place = `${hook.type} ${hook.attach ?? ''}`;
  if (!progs.has(place)) progs.set(place, makeMap(fuzzMaps[PROGS]!));
  const answer = box.load({
    type: hook.type,
    insns: program.insns.map((insn) =>
      isLdImm64(insn) && insn.src === BPF_PSEUDO_MAP_FD && (insn.imm < 0 || insn.imm >= fuzzMaps.length) ? { ...insn, imm: -1 } : insn,
    ),
    maps: shared.map((fd, i) => (i === PROGS ? progs.get(place)! : fd)),
    progFlags: kernel === '6.1' ? program.flags & ~128 : program.flags,
    logLevel: 5,
    logSize: 1 << 20,
    ...(hook.attach !== undefined && { attachType: attachType(hook.attach)!.id }),
    ...(types && { btfFd: blobs.get(key!)!, funcInfo: { bytes: types.funcInfo, recordSize: 8 } }),
  });
  waiting.push(
    answer.then(({ verdict, errno, log }) => {
      if (verdict === 'rejected' && (log === '' || errno === 28 || errno === 12)) return;
      let steps = 0;
      const ours = judge(program, { kernel, cpus: 1, explain: false, cancelled: () => ++steps > 8 });
      if (ours.verdict === 'cancelled') return;
      compared++;
      if (verdict === 'loaded') accepted++;
      const line = firstMessage(log);
      const message = ours.findings[0]?.message ?? '';
      const kind =
        verdict === 'loaded' && ours.verdict === 'rejected'
          ? `we refuse: ${message}`
          : verdict === 'rejected' && ours.verdict === 'accepted'
            ? `we accept: ${line}`
            : verdict === 'rejected' && line !== message
              ? `words: ${line} | ${message}`
              : undefined;
      if (kind === undefined) return;
      const text = kind.replace(/-?\b(0x)?[0-9a-f]*\d[0-9a-f]*\b/g, 'N');
      differences.set(text, [...(differences.get(text) ?? []), `seed ${seed}\n${listing(program)}\nkernel: ${log.slice(-1500)}`]);
    }),
  );
}
await box.ask(kernel);
await Promise.all(waiting);
process.stdout.write(`Linux ${kernel}: ${compared} programs compared, ${accepted} accepted by the kernel\n`);
const sorted = [...differences].sort(([a], [b]) => (a < b ? -1 : 1));
for (const [kind, programs] of sorted) process.stdout.write(`${String(programs.length).padStart(5)}  ${kind}\n`);
for (const [kind, [first]] of sorted.slice(0, Number(values.show))) process.stdout.write(`\n== ${kind}\n${first}\n`);
