// What each helper does, in our own words. Facts about arguments and releases stand in helper-table.ts.

export interface Prose {
  summary: string;
  details?: string;
}

export const HELPER_PROSE: Readonly<Record<string, Prose>> = {
};
