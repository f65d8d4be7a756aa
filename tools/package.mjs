// `npm run package`: the extension as a .vsix, and a complaint when it is larger than it may be.
import { statSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { build, checkNode, ensureDependencies, root } from './prepare.mjs';
import { run, say } from './say.mjs';

const LIMIT = 5_000_000;

try {
  checkNode();
  await ensureDependencies();
  await build();
  const { name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const file = path.join(root, `${name}-${version}.vsix`);
  await run(
    'npx',
    [
      '--no-install',
      'vsce',
      'package',
      '--no-dependencies',
      '--allow-missing-repository',
      '--no-rewrite-relative-links',
      '--skip-license',
      '--out',
      file,
    ],
    { cwd: root, quiet: true },
  );
  const { size } = statSync(file);
  say(`${path.basename(file)}: ${(size / 1e6).toFixed(2)} MB`);
  if (size > LIMIT)
    throw new Error(`the package has ${size} bytes, more than ${LIMIT}: look at .vscodeignore and at what the bundles hold`);
} catch (error) {
  console.error(`\nnpm run package: ${error.message}`);
  process.exitCode = 1;
}
