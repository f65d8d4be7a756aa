// Looking up things that are sorted by their byte offset: relocations, CO-RE records, maps of a section.

/** Index of the first whose offset is this or more. */
export function firstAt(sorted: readonly { offset: number }[], offset: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Those from byte `start` up to, not including, `end`. */
export function relocationsIn<One extends { offset: number }>(sorted: readonly One[], start: number, end: number): readonly One[] {
  return sorted.slice(firstAt(sorted, start), firstAt(sorted, end));
}
