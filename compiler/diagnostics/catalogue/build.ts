/** Codes of the family 7xxx build and engine, 9xxx internal. */

export const buildCatalogue = {} as const;
