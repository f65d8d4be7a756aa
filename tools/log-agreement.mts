// Our verifier's log beside the kernel's, character for character, for the corpus's programs: loads each into the running kernel with libbpf.
// As root: npx tsx tools/log-agreement.mts [--level 1|2|4|…] [--file F] [--prog P] [--show N]   (prints the first differing lines of N programs)

import { parseArgs } from 'node:util';
import { compareLogs } from '../test/support/log-agreement.ts';

const { values } = parseArgs({
  options: {
    level: { type: 'string', default: '2' },
    file: { type: 'string' },
    prog: { type: 'string' },
    show: { type: 'string', default: '0' },
  },
});
const total = { programs: 0, same: 0, lines: 0, sameLines: 0, skipped: 0 };
const first = new Map<string, number>();
let shown = 0;
for (const comparison of compareLogs({ level: Number(values.level), file: values.file, prog: values.prog })) {
  if ('skipped' in comparison) {
    total.skipped++;
    continue;
  }
  const { name, lines, sameLines, difference } = comparison;
  total.programs++;
  total.lines += lines;
  total.sameLines += sameLines;
  if (!difference) {
    total.same++;
    continue;
  }
  const kind = (difference.kernel ?? '(end)').replace(/\d+/g, 'N').slice(0, 60);
  first.set(kind, (first.get(kind) ?? 0) + 1);
  if (shown++ < Number(values.show))
    console.log(`${name} line ${difference.at}\n  kernel: ${difference.kernel}\n  ours:   ${difference.ours}`);
}
console.log(
  [...first]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 25)
    .map(([kind, count]) => `${String(count).padStart(5)}  ${kind}`)
    .join('\n'),
);
console.log(total);
