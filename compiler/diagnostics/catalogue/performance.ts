/** Codes of the family 5xxx, performance: what works and costs more than it should. */

export const performanceCatalogue = {} as const;
