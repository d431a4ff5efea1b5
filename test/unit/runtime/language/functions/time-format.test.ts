/** Instants by Java date patterns. The vectors are what SimpleDateFormat prints (English, UTC, no Julian calendar). */
import { describe, expect, it } from "vitest";
import { formatTime, timePatternProblem } from "#runtime/language/functions/time-format.ts";

const vectors: readonly (readonly [pattern: string, ms: number, expected: string])[] = [
  ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", 0, "1970-01-01T00:00:00.000Z"],
  ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", 1735430400000, "2024-12-29T00:00:00.000Z"],
  ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", 1735516800000, "2024-12-30T00:00:00.000Z"],
  ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", 951782399999, "2000-02-28T23:59:59.999Z"],
  ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", 1767225599007, "2025-12-31T23:59:59.007Z"],
  ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", -1, "1969-12-31T23:59:59.999Z"],
  ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", -62118316800000, "0001-07-20T00:00:00.000Z"],
  ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", 1893499200000, "2030-01-01T12:00:00.000Z"],
  ["yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", 253402300799999, "9999-12-31T23:59:59.999Z"],
  ["yy y yyy yyyyy", 0, "70 1970 1970 01970"],
  ["yy y yyy yyyyy", 1735430400000, "24 2024 2024 02024"],
  ["yy y yyy yyyyy", 1735516800000, "24 2024 2024 02024"],
  ["yy y yyy yyyyy", 951782399999, "00 2000 2000 02000"],
  ["yy y yyy yyyyy", 1767225599007, "25 2025 2025 02025"],
  ["yy y yyy yyyyy", -1, "69 1969 1969 01969"],
  ["yy y yyy yyyyy", -62118316800000, "01 1 001 00001"],
  ["yy y yyy yyyyy", 1893499200000, "30 2030 2030 02030"],
  ["yy y yyy yyyyy", 253402300799999, "99 9999 9999 09999"],
  ["M MM MMM MMMM", 0, "1 01 Jan January"],
  ["M MM MMM MMMM", 1735430400000, "12 12 Dec December"],
  ["M MM MMM MMMM", 1735516800000, "12 12 Dec December"],
  ["M MM MMM MMMM", 951782399999, "2 02 Feb February"],
  ["M MM MMM MMMM", 1767225599007, "12 12 Dec December"],
  ["M MM MMM MMMM", -1, "12 12 Dec December"],
  ["M MM MMM MMMM", -62118316800000, "7 07 Jul July"],
  ["M MM MMM MMMM", 1893499200000, "1 01 Jan January"],
  ["M MM MMM MMMM", 253402300799999, "12 12 Dec December"],
  ["d dd D DDD", 0, "1 01 1 001"],
  ["d dd D DDD", 1735430400000, "29 29 364 364"],
  ["d dd D DDD", 1735516800000, "30 30 365 365"],
  ["d dd D DDD", 951782399999, "28 28 59 059"],
  ["d dd D DDD", 1767225599007, "31 31 365 365"],
  ["d dd D DDD", -1, "31 31 365 365"],
  ["d dd D DDD", -62118316800000, "20 20 201 201"],
  ["d dd D DDD", 1893499200000, "1 01 1 001"],
  ["d dd D DDD", 253402300799999, "31 31 365 365"],
  ["E EEE EEEE EEEEE", 0, "Thu Thu Thursday Thursday"],
  ["E EEE EEEE EEEEE", 1735430400000, "Sun Sun Sunday Sunday"],
  ["E EEE EEEE EEEEE", 1735516800000, "Mon Mon Monday Monday"],
  ["E EEE EEEE EEEEE", 951782399999, "Mon Mon Monday Monday"],
  ["E EEE EEEE EEEEE", 1767225599007, "Wed Wed Wednesday Wednesday"],
  ["E EEE EEEE EEEEE", -1, "Wed Wed Wednesday Wednesday"],
  ["E EEE EEEE EEEEE", -62118316800000, "Fri Fri Friday Friday"],
  ["E EEE EEEE EEEEE", 1893499200000, "Tue Tue Tuesday Tuesday"],
  ["E EEE EEEE EEEEE", 253402300799999, "Fri Fri Friday Friday"],
  ["a h hh K KK k kk H HH", 0, "AM 12 12 0 00 24 24 0 00"],
  ["a h hh K KK k kk H HH", 1735430400000, "AM 12 12 0 00 24 24 0 00"],
  ["a h hh K KK k kk H HH", 1735516800000, "AM 12 12 0 00 24 24 0 00"],
  ["a h hh K KK k kk H HH", 951782399999, "PM 11 11 11 11 23 23 23 23"],
  ["a h hh K KK k kk H HH", 1767225599007, "PM 11 11 11 11 23 23 23 23"],
  ["a h hh K KK k kk H HH", -1, "PM 11 11 11 11 23 23 23 23"],
  ["a h hh K KK k kk H HH", -62118316800000, "AM 12 12 0 00 24 24 0 00"],
  ["a h hh K KK k kk H HH", 1893499200000, "PM 12 12 0 00 12 12 12 12"],
  ["a h hh K KK k kk H HH", 253402300799999, "PM 11 11 11 11 23 23 23 23"],
  ["m s S SS SSSS", 0, "0 0 0 00 0000"],
  ["m s S SS SSSS", 1735430400000, "0 0 0 00 0000"],
  ["m s S SS SSSS", 1735516800000, "0 0 0 00 0000"],
  ["m s S SS SSSS", 951782399999, "59 59 999 999 0999"],
  ["m s S SS SSSS", 1767225599007, "59 59 7 07 0007"],
  ["m s S SS SSSS", -1, "59 59 999 999 0999"],
  ["m s S SS SSSS", -62118316800000, "0 0 0 00 0000"],
  ["m s S SS SSSS", 1893499200000, "0 0 0 00 0000"],
  ["m s S SS SSSS", 253402300799999, "59 59 999 999 0999"],
  ["w ww F FF", 0, "1 01 1 01"],
  ["w ww F FF", 1735430400000, "1 01 5 05"],
  ["w ww F FF", 1735516800000, "1 01 5 05"],
  ["w ww F FF", 951782399999, "10 10 4 04"],
  ["w ww F FF", 1767225599007, "1 01 5 05"],
  ["w ww F FF", -1, "1 01 5 05"],
  ["w ww F FF", -62118316800000, "29 29 3 03"],
  ["w ww F FF", 1893499200000, "1 01 1 01"],
  ["w ww F FF", 253402300799999, "1 01 5 05"],
  ["Z z zzzz X XX XXX", 0, "+0000 UTC Coordinated Universal Time Z Z Z"],
  ["Z z zzzz X XX XXX", 1735430400000, "+0000 UTC Coordinated Universal Time Z Z Z"],
  ["'o''clock' '' ''''", 0, "o'clock ' ''"],
  ["'o''clock' '' ''''", 1735430400000, "o'clock ' ''"],
  ["EEE, dd MMM yyyy HH:mm:ss z", 0, "Thu, 01 Jan 1970 00:00:00 UTC"],
  ["EEE, dd MMM yyyy HH:mm:ss z", 1735430400000, "Sun, 29 Dec 2024 00:00:00 UTC"],
  ["EEE, dd MMM yyyy HH:mm:ss z", 1735516800000, "Mon, 30 Dec 2024 00:00:00 UTC"],
  ["EEE, dd MMM yyyy HH:mm:ss z", 951782399999, "Mon, 28 Feb 2000 23:59:59 UTC"],
  ["EEE, dd MMM yyyy HH:mm:ss z", 1767225599007, "Wed, 31 Dec 2025 23:59:59 UTC"],
  ["EEE, dd MMM yyyy HH:mm:ss z", -1, "Wed, 31 Dec 1969 23:59:59 UTC"],
  ["EEE, dd MMM yyyy HH:mm:ss z", -62118316800000, "Fri, 20 Jul 0001 00:00:00 UTC"],
  ["EEE, dd MMM yyyy HH:mm:ss z", 1893499200000, "Tue, 01 Jan 2030 12:00:00 UTC"],
  ["EEE, dd MMM yyyy HH:mm:ss z", 253402300799999, "Fri, 31 Dec 9999 23:59:59 UTC"],
  ["yyyyMM", 0, "197001"],
  ["yyyyMM", 1735430400000, "202412"],
];

describe("formatTime", () => {
  it.each(vectors)("%j of %d is %j", (pattern, ms, expected) => {
    expect(timePatternProblem(pattern)).toBeNull();
    expect(formatTime(pattern, String(ms), 1)).toBe(expected);
  });

  it("counts seconds where it is told to", () => {
    expect(formatTime("yyyy-MM-dd", "1735430400", 1000)).toBe("2024-12-29");
    expect(formatTime("yyyy-MM-dd", "1735430400", 1)).toBe("1970-01-21");
  });

  it("counts years before the first backwards, and reaches the ends of time", () => {
    expect(formatTime("yyyy", String(Date.UTC(-1, 5, 1)), 1)).toBe("0002");
    expect(formatTime("yyyy-MM-dd w", "8640000000000000", 1)).toBe("275760-09-13 37");
    expect(formatTime("yyyy", "-8640000000000000", 1)).toBe("271822");
  });

  it.each(["", " 1", "1.5", "1e3", "0x1", "abc", "8640000000000001", "-9999999999999999", "99999999999999999"])(
    "is empty for the time %j",
    (time) => expect(formatTime("yyyy", time, 1)).toBe(""),
  );

  it.each(["Y", "L", "u", "G", "W", "q", "XXXX", "'a", "yyyy'", "'''", "yyyyT"])("refuses %j", (pattern) => {
    expect(timePatternProblem(pattern)).not.toBeNull();
    expect(formatTime(pattern, "0", 1)).toBe("");
  });

  it.each(["", "-/: .", "'T'", "''", "'y''y'", "\u00e9\u{1f600}", "X", "XXX"])("takes %j", (pattern) => {
    expect(timePatternProblem(pattern)).toBeNull();
  });

  it("reads a long pattern once", () => {
    for (const piece of ["y", "'", "'a", "''", "y'", "yM"]) {
      expect(typeof formatTime(piece.repeat(100_000), "0", 1)).toBe("string");
    }
  });
});
