/**
 * The template functions that write an instant by a Java date pattern (SimpleDateFormat, English names). Always UTC:
 * the zone of the machine never matters.
 */

const MONTHS: readonly string[] = [
  "January", "February", "March", "April", "May", "June",
  "July", "August", "September", "October", "November", "December",
];
const DAYS: readonly string[] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const DAY_MS = 86_400_000;
/** The last instant that a Date can hold. */
const INSTANT_MAX_MS = 8.64e15;

/** A quote, a quoted piece, a run of one letter, text, or a quote that nothing closes. */
const PIECE = /''|'([^']+(?:''[^']*)*)'|([A-Za-z])\2*|[^A-Za-z']+|'/g;

/**
 * Writes an instant. `time` counts units of `unitMs` since the Unix epoch. Empty when the time is no integer or out of
 * range, or the pattern holds something that patternProblem names.
 */
export function formatTime(pattern: string, time: string, unitMs: 1 | 1000): string {
  const ms = /^-?[0-9]{1,16}$/.test(time) ? Number(time) * unitMs : Infinity;
  if (Math.abs(ms) > INSTANT_MAX_MS) return "";
  const date = new Date(ms);
  let text = "";
  for (const [piece, quoted, letter] of pattern.matchAll(PIECE)) {
    const part = letter === undefined ? literalPiece(piece, quoted) : field(letter, piece.length, date);
    if (part === null) return "";
    text += part;
  }
  return text;
}

/** Why a pattern cannot be used; null when it can. */
export function timePatternProblem(pattern: string): string | null {
  const epoch = new Date(0);
  for (const [piece, quoted, letter] of pattern.matchAll(PIECE)) {
    if (letter === undefined) {
      if (literalPiece(piece, quoted) === null) return "a quote of this date pattern is not closed";
      continue;
    }
    if (field(letter, piece.length, epoch) !== null) continue;
    if (letter === "X") return "X stands at most three times in a date pattern";
    return `${letter} is no letter of date patterns; G y Y M L w W D d F E u a H k K h m s S z Z X are`;
  }
  return null;
}

/** Text that stands for itself; null for a quote that nothing closes. Two quotes are one, inside quotes and outside. */
function literalPiece(piece: string, quoted: string | undefined): string | null {
  if (quoted !== undefined) return quoted.replaceAll("''", "'");
  if (piece === "'") return null;
  return piece === "''" ? "'" : piece;
}

/** One field, `count` letters wide; null for a letter that is none. */
function field(letter: string, count: number, date: Date): string | null {
  const hour = date.getUTCHours();
  switch (letter) {
    case "G":
      return date.getUTCFullYear() > 0 ? "AD" : "BC";
    case "y":
      return yearText(date.getUTCFullYear(), count);
    case "Y":
      return yearText(saturdayOf(date).getUTCFullYear(), count);
    case "L":
    case "M":
      return count < 3 ? padded(date.getUTCMonth() + 1, count) : name(MONTHS[date.getUTCMonth()], count);
    case "d":
      return padded(date.getUTCDate(), count);
    case "E":
      return name(DAYS[date.getUTCDay()], count);
    case "H":
      return padded(hour, count);
    case "k":
      return padded(hour === 0 ? 24 : hour, count);
    case "K":
      return padded(hour % 12, count);
    case "h":
      return padded(hour % 12 === 0 ? 12 : hour % 12, count);
    case "a":
      return hour < 12 ? "AM" : "PM";
    case "m":
      return padded(date.getUTCMinutes(), count);
    case "s":
      return padded(date.getUTCSeconds(), count);
    case "S":
      return padded(date.getUTCMilliseconds(), count);
    case "D":
      return padded(dayOfYear(date), count);
    case "u":
      return padded(date.getUTCDay() === 0 ? 7 : date.getUTCDay(), count);
    case "W":
      return padded(Math.ceil((date.getUTCDate() + 6 - date.getUTCDay()) / 7), count);
    case "F":
      return padded(Math.ceil(date.getUTCDate() / 7), count);
    case "w":
      return padded(weekOfYear(date), count);
    case "z":
      return count < 4 ? "UTC" : "Coordinated Universal Time";
    case "Z":
      return "+0000";
    case "X":
      return count > 3 ? null : "Z";
    default:
      return null;
  }
}

/** Years before the first count backwards from it, as eras do. */
function yearText(year: number, count: number): string {
  const ofEra = year > 0 ? year : 1 - year;
  return padded(count === 2 ? ofEra % 100 : ofEra, count);
}

function padded(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

function name(full: string | undefined, count: number): string {
  return (full ?? "").slice(0, count < 4 ? 3 : undefined);
}

function dayOfYear(date: Date): number {
  const first = new Date(date);
  first.setUTCMonth(0, 1);
  return Math.round((date.getTime() - first.getTime()) / DAY_MS) + 1;
}

/** Weeks begin on Sunday; the one that holds 1 January is the first of its year (Java's rule for English, US). */
function weekOfYear(date: Date): number {
  return Math.ceil(dayOfYear(saturdayOf(date)) / 7);
}

/** The last day of the week, whose year the week belongs to. */
function saturdayOf(date: Date): Date {
  const saturday = new Date(date.getTime() + (6 - date.getUTCDay()) * DAY_MS);
  // At the very end of time there is no Saturday any more.
  return Number.isNaN(saturday.getTime()) ? date : saturday;
}
