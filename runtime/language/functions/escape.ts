/** Template functions that make text safe inside JSON, XML and HTML. Text in, text out. */

/** `escapeJSON`: the inside of a JSON string (RFC 8259 section 7). */
export function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** `escapeXML`: text or attribute of XML 1.0. What XML 1.0 cannot hold is left out. */
export function escapeXml(text: string): string {
  // Almost every text needs nothing.
  if (!/[^\t\n\r -!#-%(-;=?-~\u0085\u00a0-\ud7ff\ue000-\ufffd]/.test(text)) return text;
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Cs}/gu, "")
    .replace(/["&'<>\u007f-\u0084\u0086-\u009f]/g, markup);
}

/** `escapeXML11`: the same for XML 1.1, which holds all control characters but NUL as references. */
export function escapeXml11(text: string): string {
  if (!/[^\t\n\r -!#-%(-;=?-~\u0085\u00a0-\ud7ff\ue000-\ufffd]/.test(text)) return text;
  return text
    .replace(/[\u0000\ufffe\uffff]|\p{Cs}/gu, "")
    .replace(/["&'<>\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u0084\u0086-\u009f]/g, markup);
}

/** `encodeHTML`, also called `escapeHTML`: text or quoted attribute of HTML. */
export function escapeHtml(text: string): string {
  return text.replace(/["&'<>]/g, (char) => (char === "'" ? "&#39;" : markup(char)));
}

/** One character as a named reference of XML, else by number. */
function markup(char: string): string {
  switch (char) {
    case '"':
      return "&quot;";
    case "&":
      return "&amp;";
    case "'":
      return "&apos;";
    case "<":
      return "&lt;";
    case ">":
      return "&gt;";
    default:
      return `&#${char.charCodeAt(0)};`;
  }
}
