/** Style sheets are bundled by scripts/build-page.ts; importing one gives nothing. */
declare module "*.css";
