// Finds the name that was probably meant: at most one letter more, less, different or swapped.

function oneEditApart(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let i = 0;
  while (i < a.length && i < b.length && a[i] === b[i]) i++;
  const x = a.slice(i);
  const y = b.slice(i);
  return (
    x === y.slice(1) ||
    x.slice(1) === y ||
    x.slice(1) === y.slice(1) ||
    (x.length >= 2 && x[0] === y[1] && x[1] === y[0] && x.slice(2) === y.slice(2))
  );
}

/** The first candidate that is one edit away, or that differs in upper and lower case only. */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  const lower = word.toLowerCase();
  let looked = 0;
  for (const candidate of candidates) {
    // A suggestion is worth a little time, not a second.
    if (looked++ > 2000) return undefined;
    if (candidate !== word && oneEditApart(lower, candidate.toLowerCase())) return candidate;
  }
  return undefined;
}

/** `; did you mean X?`, or nothing. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = nearestName(word, candidates);
  return found === undefined ? '' : `; did you mean ${found}?`;
}
