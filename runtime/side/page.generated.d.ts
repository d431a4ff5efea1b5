/** Types of the page that scripts/build-page.ts makes from page/. */

/** The whole document, script and style inside. */
export declare const html: string;
/** `sha256-...` of its script, for the Content-Security-Policy. */
export declare const scriptHash: string;
/** `sha256-...` of its style. */
export declare const styleHash: string;
