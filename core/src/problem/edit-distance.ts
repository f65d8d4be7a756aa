// How far two names are apart, for messages that say what was probably meant. It chooses no candidate: who asks knows which are likely.

/** Letters to insert, take away, replace or swap with their neighbour that make one text the other; Infinity where more than `limit` are. */
export function editDistance(a: string, b: string, limit = Infinity): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : Infinity;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), swapped));
    }
    if (Math.min(...next) > limit) return Infinity;
    before = row;
    row = next;
  }
  return row[b.length]! <= limit ? row[b.length]! : Infinity;
}
