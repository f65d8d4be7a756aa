// BCC C to plain C, lines kept.
export {};
