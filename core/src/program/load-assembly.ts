// Loads an assembly text: assembled, written as an object in memory, and loaded like a compiled one, so that both
// obey the same rules. Line records point at the text.

import { assemble, writeObject } from '#core/isa';
import { HELPERS, helperByName, mapType } from '#core/catalog';
import { loadObject } from './load-object.ts';
import type { LoadedObject, LoadOptions } from './types.ts';

/** `file` is the text's path: it names problems, lines and global maps. A text with mistakes gives what could be read, and its problems. */
export function loadAssembly(text: string, file: string, options: LoadOptions = {}): LoadedObject {
  const assembled = assemble(text, {
    file,
    helperId: (name) => helperByName(name)?.id,
    helperNames: HELPERS.map(({ name }) => name),
    isMapType: (name) => mapType(name) !== undefined,
  });
  const written = writeObject(assembled, { mapTypeId: (name) => mapType(name)?.id });
  const loaded = loadObject(written.bytes, file, options);
  const maps = loaded.maps.map((map) => {
    const line = assembled.maps.find(({ name }) => name === map.name)?.line;
    return line === undefined ? map : { ...map, declared: { file, line } };
  });
  const { elf, ...rest } = loaded;
  // Compiler output may bring DWARF; hand-written text has none, and its object is only a step on the way.
  const withDwarf = assembled.sections.some(({ name }) => name === '.debug_info');
  return {
    ...rest,
    maps,
    ...(withDwarf && elf ? { elf } : {}),
    problems: [...assembled.problems, ...written.problems, ...loaded.problems],
  };
}
