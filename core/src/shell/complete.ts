// What the Tab key offers: commands, bpftool's objects and subcommands, ids and names that are there, paths of bpffs and the workspace.

import { kernelName } from '#core/sim';
import { MAP_COMMANDS } from './bpftool/map.ts';
import { entriesOf } from './files.ts';
import type { Shell } from './shell.ts';

const SUBCOMMANDS: Readonly<Record<string, readonly string[]>> = {
  prog: ['show', 'list', 'load', 'loadall', 'pin', 'dump', 'run', 'tracelog', 'help'],
  map: MAP_COMMANDS,
  link: ['show', 'list', 'pin', 'detach', 'help'],
  net: ['show', 'list', 'attach', 'detach', 'help'],
  btf: ['show', 'list', 'dump', 'help'],
};

/** The last word's possible ends, each the whole word; folders end with a slash. */
export async function complete(shell: Shell, line: string): Promise<{ word: string; candidates: readonly string[] }> {
  const command = line.slice(line.search(/[^|;&]*$/)).trimStart();
  const words = command.split(/\s+/);
  if (words[0] === 'sudo') words.shift();
  const word = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const all = word.includes('/') ? [] : wordsFor(shell, before);
  const matching = all.filter((candidate) => candidate.startsWith(word));
  if (before.length === 0 || matching.length > 0) return { word, candidates: matching };
  const slash = word.lastIndexOf('/') + 1;
  const folder = word.slice(0, slash);
  const entries = await entriesOf({ kernel: shell.kernel, host: shell.files }, folder === '' ? '.' : folder);
  return { word, candidates: (entries ?? []).map((entry) => folder + entry).filter((entry) => entry.startsWith(word)) };
}

function wordsFor(shell: Shell, before: readonly string[]): readonly string[] {
  if (before.length === 0) return [...shell.commandNames, 'sudo'];
  if (before[0] !== 'bpftool') return [];
  const [, object = '', command] = before.filter((word) => !word.startsWith('-'));
  if (object === '') return [...Object.keys(SUBCOMMANDS), 'version', 'help'];
  if (command === undefined) return SUBCOMMANDS[object] ?? [];
  const last = before.at(-1)!;
  const { kernel } = shell;
  const maps = object === 'map';
  if (last === 'id') return (maps ? kernel.maps : object === 'link' ? kernel.bpf.links : kernel.programs).map(({ id }) => String(id));
  if (last === 'name')
    return maps
      ? kernel.maps.map(({ definition }) => kernelName(definition.name))
      : kernel.programs.map(({ program }) => kernelName(program.name));
  if (last === 'dev') return kernel.bpf.devices.map(({ name }) => name);
  if (last === 'pinned') return [...kernel.bpf.pins.keys()];
  if (object === 'prog' && last === 'dump') return ['xlated', 'jited'];
  if (object === 'net' && last === 'attach') return ['xdp', 'xdpgeneric'];
  if (last === 'load' || last === 'loadall') return [];
  return object === 'net' && command === 'detach' ? ['xdp', 'dev'] : ['id', 'name', 'pinned', ...(object === 'net' ? ['dev'] : [])];
}
