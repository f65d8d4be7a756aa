// The server's host under Node: the toolchain opens programs, files come from the disk. The only file of server/ that knows both.

import { existsSync } from 'node:fs';
import { lstat, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  ensureVmlinux,
  openProgram,
  ownHeaders,
  readTargetKernel,
  sharedSearch,
  verifierFacts,
  type ToolchainSettings,
  warmCompiler,
} from '#toolchain';
import { verifyHere } from './check.ts';
import type { Host, KernelHeader } from './host.ts';
import { Lines } from './positions.ts';
import type { ServerSettings } from './settings.ts';
import { listSources } from './workspace-files.ts';
import { readyForKernels, VerifierThread } from './verify-worker.ts';

export interface NodeHostOptions {
  /** Folder of the two WebAssembly modules; beside the bundle, or in node_modules, where absent. */
  wasmFolder?: string;
  /** The extension's storage, for generated headers; the user's cache folder where absent. */
  cacheFolder?: string;
}

export function nodeHost(options: NodeHostOptions = {}): Host {
  const toolchain = (settings: ServerSettings): ToolchainSettings => ({
    target: settings.targetKernel,
    cpu: settings.compiler.cpu,
    flags: settings.compiler.flags,
    bpfHeaders: settings.compiler.bpfHeaders,
    zigFolders: settings.zigFolders,
    ...(settings.compiler.path ? { compiler: settings.compiler.path } : {}),
    ...(settings.kernel.vmlinux ? { vmlinux: settings.kernel.vmlinux } : {}),
    ...(settings.kernel.btf ? { kernelBtf: settings.kernel.btf } : {}),
    ...(options.cacheFolder ? { cacheFolder: options.cacheFolder } : {}),
  });
  const thread = VerifierThread.create();
  let header: KernelHeader | undefined;
  return {
    open: ({ file, text, language, unsaved, settings, signal }) =>
      openProgram(file, { text, language, unsaved, signal, settings: toolchain(settings) }),
    async verify({ object, file, text, language, settings, logLevel, keepStates, steps, only, signal, soFar }) {
      const kernel = settings.targetKernel;
      const source = language === 'asm' ? text : object.elf;
      if (thread && source !== undefined)
        return thread.verify(
          {
            file,
            source,
            kernelBtf: settings.kernel.btf,
            kernel,
            logLevel,
            keepStates,
            warnings: settings.verifier.warnings,
            steps,
            only,
          },
          signal,
          soFar,
        );
      return verifyHere(object, {
        facts: verifierFacts(readTargetKernel(toolchain(settings))),
        readyFor: readyForKernels(source ?? new Uint8Array(), file, settings.kernel.btf),
        logLevel,
        keepStates,
        warnings: settings.verifier.warnings,
        steps,
        only,
        stale: () => signal.aborted,
        soFar,
      });
    },
    async prepare(settings) {
      thread?.warm();
      const own = toolchain(settings);
      const { compiler, problems } = await sharedSearch(own);
      if (!compiler) return problems;
      await ensureVmlinux(own);
      await warmCompiler(compiler, own);
      return problems;
    },
    kernelTypes: (settings) => readTargetKernel(toolchain(settings)).btf,
    async kernelHeader(settings) {
      const { file } = await ensureVmlinux(toolchain(settings));
      if (file === undefined || file === header?.file) return header;
      const text = await readSource(file, LARGEST_KERNEL_HEADER);
      header = text === undefined ? undefined : { file, text, lines: new Lines(text) };
      return header;
    },
    ownHeader(name) {
      const file = OWN_HEADER.test(name) ? path.join(ownHeaders(), name.startsWith('bpf/') ? name : `bpf/${name}`) : undefined;
      return file !== undefined && existsSync(file) ? file : undefined;
    },
    readWasm: (name) => readFile(wasmPlace(name, options.wasmFolder)),
    listSources,
    readSource: (file) => readSource(file),
    pathOf,
    uriOf: (file) => pathToFileURL(file).href,
  };
}

const LARGEST_SOURCE = 4 << 20;
const LARGEST_KERNEL_HEADER = 64 << 20;
const OWN_HEADER = /^(?:bpf\/)?bpf_\w+\.h$/;

async function readSource(file: string, largest = LARGEST_SOURCE): Promise<string | undefined> {
  try {
    // A link that came in the place of the file would lead out of the workspace.
    const found = await lstat(file);
    return !found.isFile() || found.size > largest ? undefined : await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** `web-tree-sitter.wasm` lies beside the bundle; from the sources it is found in node_modules, in the package of the same name. */
function wasmPlace(name: string, folder: string | undefined): string {
  const here = path.dirname(import.meta.url ? fileURLToPath(import.meta.url) : __filename);
  const packaged = path.join('node_modules', name.replace(/\.wasm$/, ''), name);
  const places = [...(folder ? [path.join(folder, name)] : []), path.join(here, name), path.join(here, '..', '..', packaged)];
  const found = places.find((place) => existsSync(place));
  if (!found) throw new Error(`${name} is missing from this installation (looked in ${places.join(', ')})`);
  return found;
}

/** Of a document that is no file (untitled, in a repository, on a host that this system cannot name) a made-up absolute path. */
function pathOf(uri: string): string {
  if (uri.startsWith('file:')) {
    try {
      return fileURLToPath(uri);
    } catch {
      // A URI that Node refuses is read as any other.
    }
  }
  return path.resolve(path.sep, uri.replace(/^[\w+.-]+:\/*/, '').replace(/[?#].*$/, '') || 'untitled');
}
