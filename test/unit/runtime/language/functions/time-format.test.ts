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

  it.each(["q", "b", "e", "V", "x", "XXXX", "'a", "yyyy'", "'''", "yyyyT"])("refuses %j", (pattern) => {
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

/** What SimpleDateFormat of OpenJDK 17 prints (US, UTC), pattern by pattern. */
const INSTANTS = [
  0, 1735430400000, 1735689599999, 1704067200000, 1709164800000, -1, 253402300799999, 951782400000, 1230768000000,
  1262303999999,
];
const answers: readonly (readonly [pattern: string, ...expected: readonly string[]])[] = [
  [
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "1970-01-01T00:00:00.000Z", "2024-12-29T00:00:00.000Z", "2024-12-31T23:59:59.999Z", "2024-01-01T00:00:00.000Z",
    "2024-02-29T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z", "2000-02-29T00:00:00.000Z",
    "2009-01-01T00:00:00.000Z", "2009-12-31T23:59:59.999Z",
  ],
  [
    "EEE, dd MMM yyyy HH:mm:ss z",
    "Thu, 01 Jan 1970 00:00:00 UTC", "Sun, 29 Dec 2024 00:00:00 UTC", "Tue, 31 Dec 2024 23:59:59 UTC",
    "Mon, 01 Jan 2024 00:00:00 UTC", "Thu, 29 Feb 2024 00:00:00 UTC", "Wed, 31 Dec 1969 23:59:59 UTC",
    "Fri, 31 Dec 9999 23:59:59 UTC", "Tue, 29 Feb 2000 00:00:00 UTC", "Thu, 01 Jan 2009 00:00:00 UTC",
    "Thu, 31 Dec 2009 23:59:59 UTC",
  ],
  [
    "EEEE d MMMM yyyy",
    "Thursday 1 January 1970", "Sunday 29 December 2024", "Tuesday 31 December 2024", "Monday 1 January 2024",
    "Thursday 29 February 2024", "Wednesday 31 December 1969", "Friday 31 December 9999", "Tuesday 29 February 2000",
    "Thursday 1 January 2009", "Thursday 31 December 2009",
  ],
  [
    "yy-M-d",
    "70-1-1", "24-12-29", "24-12-31", "24-1-1", "24-2-29", "69-12-31", "99-12-31", "00-2-29", "09-1-1", "09-12-31",
  ],
  [
    "h:mm a",
    "12:00 AM", "12:00 AM", "11:59 PM", "12:00 AM", "12:00 AM", "11:59 PM", "11:59 PM", "12:00 AM", "12:00 AM",
    "11:59 PM",
  ],
  [
    "hh 'o''clock' a, zzzz",
    "12 o'clock AM, Coordinated Universal Time", "12 o'clock AM, Coordinated Universal Time",
    "11 o'clock PM, Coordinated Universal Time", "12 o'clock AM, Coordinated Universal Time",
    "12 o'clock AM, Coordinated Universal Time", "11 o'clock PM, Coordinated Universal Time",
    "11 o'clock PM, Coordinated Universal Time", "12 o'clock AM, Coordinated Universal Time",
    "12 o'clock AM, Coordinated Universal Time", "11 o'clock PM, Coordinated Universal Time",
  ],
  [
    "K:mm a",
    "0:00 AM", "0:00 AM", "11:59 PM", "0:00 AM", "0:00 AM", "11:59 PM", "11:59 PM", "0:00 AM", "0:00 AM", "11:59 PM",
  ],
  ["k:mm", "24:00", "24:00", "23:59", "24:00", "24:00", "23:59", "23:59", "24:00", "24:00", "23:59"],
  ["D", "1", "364", "366", "1", "60", "365", "365", "60", "1", "365"],
  ["F", "1", "5", "5", "1", "5", "5", "5", "5", "1", "5"],
  ["w", "1", "1", "1", "1", "9", "1", "1", "10", "1", "1"],
  ["W", "1", "5", "5", "1", "5", "5", "5", "5", "1", "5"],
  ["u", "4", "7", "2", "1", "4", "3", "5", "2", "4", "4"],
  [
    "Y-'W'ww-u",
    "1970-W01-4", "2025-W01-7", "2025-W01-2", "2024-W01-1", "2024-W09-4", "1970-W01-3", "10000-W01-5", "2000-W10-2",
    "2009-W01-4", "2010-W01-4",
  ],
  ["YYYY", "1970", "2025", "2025", "2024", "2024", "1970", "10000", "2000", "2009", "2010"],
  [
    "G yyyy",
    "AD 1970", "AD 2024", "AD 2024", "AD 2024", "AD 2024", "AD 1969", "AD 9999", "AD 2000", "AD 2009", "AD 2009",
  ],
  [
    "LLL LLLL LL",
    "Jan January 01", "Dec December 12", "Dec December 12", "Jan January 01", "Feb February 02", "Dec December 12",
    "Dec December 12", "Feb February 02", "Jan January 01", "Dec December 12",
  ],
  ["SSSSS", "00000", "00000", "00999", "00000", "00000", "00999", "00999", "00000", "00000", "00999"],
  ["yyyyy", "01970", "02024", "02024", "02024", "02024", "01969", "09999", "02000", "02009", "02009"],
  [
    "Z X XX XXX",
    "+0000 Z Z Z", "+0000 Z Z Z", "+0000 Z Z Z", "+0000 Z Z Z", "+0000 Z Z Z", "+0000 Z Z Z", "+0000 Z Z Z",
    "+0000 Z Z Z", "+0000 Z Z Z", "+0000 Z Z Z",
  ],
  ["''yyyy''", "'1970'", "'2024'", "'2024'", "'2024'", "'2024'", "'1969'", "'9999'", "'2000'", "'2009'", "'2009'"],
  [
    "y'y'y",
    "1970y1970", "2024y2024", "2024y2024", "2024y2024", "2024y2024", "1969y1969", "9999y9999", "2000y2000",
    "2009y2009", "2009y2009",
  ],
  [
    "E EE EEE EEEE",
    "Thu Thu Thu Thursday", "Sun Sun Sun Sunday", "Tue Tue Tue Tuesday", "Mon Mon Mon Monday",
    "Thu Thu Thu Thursday", "Wed Wed Wed Wednesday", "Fri Fri Fri Friday", "Tue Tue Tue Tuesday",
    "Thu Thu Thu Thursday", "Thu Thu Thu Thursday",
  ],
  [
    "a aa aaaa",
    "AM AM AM", "AM AM AM", "PM PM PM", "AM AM AM", "AM AM AM", "PM PM PM", "PM PM PM", "AM AM AM", "AM AM AM",
    "PM PM PM",
  ],
  [
    "MMMMM",
    "January", "December", "December", "January", "February", "December", "December", "February", "January",
    "December",
  ],
  [
    "dd/MM/yyyy HH:mm:ss.SSS Z",
    "01/01/1970 00:00:00.000 +0000", "29/12/2024 00:00:00.000 +0000", "31/12/2024 23:59:59.999 +0000",
    "01/01/2024 00:00:00.000 +0000", "29/02/2024 00:00:00.000 +0000", "31/12/1969 23:59:59.999 +0000",
    "31/12/9999 23:59:59.999 +0000", "29/02/2000 00:00:00.000 +0000", "01/01/2009 00:00:00.000 +0000",
    "31/12/2009 23:59:59.999 +0000",
  ],
  [
    "yyyyMMddHHmmss",
    "19700101000000", "20241229000000", "20241231235959", "20240101000000", "20240229000000", "19691231235959",
    "99991231235959", "20000229000000", "20090101000000", "20091231235959",
  ],
  ["s m H", "0 0 0", "0 0 0", "59 59 23", "0 0 0", "0 0 0", "59 59 23", "59 59 23", "0 0 0", "0 0 0", "59 59 23"],
  ["WWW", "001", "005", "005", "001", "005", "005", "005", "005", "001", "005"],
  ["FFF", "001", "005", "005", "001", "005", "005", "005", "005", "001", "005"],
  ["uuu", "004", "007", "002", "001", "004", "003", "005", "002", "004", "004"],
  ["DDDD", "0001", "0364", "0366", "0001", "0060", "0365", "0365", "0060", "0001", "0365"],
  ["YY", "70", "25", "25", "24", "24", "70", "00", "00", "09", "10"],
  ["GGGG", "AD", "AD", "AD", "AD", "AD", "AD", "AD", "AD", "AD", "AD"],
];

describe("every letter of SimpleDateFormat", () => {
  it.each(answers)("%s", (pattern, ...expected) => {
    expect(INSTANTS.map((ms) => formatTime(pattern, String(ms), 1))).toEqual(expected);
  });
});
